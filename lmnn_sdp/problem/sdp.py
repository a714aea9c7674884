"""The slack-variable SDP over a list of triplets, and its file format for other solvers.

    minimise    <Q, M> + mu sum_t xi_t + constant
    subject to  d_M(i, l) - d_M(i, j) >= 1 - xi_t   for each listed triplet t = (i, j, l)
                M positive semidefinite,  xi_t >= 0

With every triplet listed, Q is the cost P and the constant is 0: the SDP of Weinberger & Saul (2009), section 3.2.

Triplets may also be *frozen*: replaced by the linear lower bound mu (1 - <A_t, M>) of their term, which is exact while
their hinge is positive. Their multiplier is then mu, which is dual feasible, so Q = P - mu sum_frozen A_t, the
constant is mu times their number, and every lower bound of this SDP is one of the whole problem. Only triplets
near the kink of their hinge then need a row.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from lmnn_sdp.numerics.files import write_text_atomically
from lmnn_sdp.numerics.linalg import svec_indices
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.problem import Problem

MAX_EXPORT_ENTRIES = 20_000_000  # about half a gigabyte of text


@dataclass(frozen=True, eq=False)
class SlackSDP:
    """Data of the SDP in the module docstring.

    Attributes
    ----------
    X : array, shape (n, d)
        Points that the triplets refer to.
    triplets : array, shape (m, 3)
        Triplets that have a row and a slack.
    Q : array, shape (d, d)
        Linear cost.
    mu : float
        Cost of a unit of slack.
    constant : float
        ``mu`` times the number of frozen triplets.
    """

    X: FloatArray
    triplets: IntArray
    Q: FloatArray
    mu: float
    constant: float = 0.0

    @classmethod
    def of(cls, problem: Problem, triplets: IntArray | None = None, frozen: IntArray | None = None) -> SlackSDP:
        """The SDP over ``triplets (m, 3)`` (default: all) with the ``frozen (f, 3)`` ones linearised."""
        rows = problem.all_triplets() if triplets is None else triplets
        if frozen is None or not len(frozen):
            return cls(problem.X, rows, problem.cost, problem.mu)
        mu = np.full(len(frozen), problem.mu)
        return cls(
            problem.X, rows, problem.cost - problem.graph(frozen).adjoint(mu), problem.mu, problem.mu * len(frozen)
        )

    def differences(self) -> tuple[FloatArray, FloatArray]:
        """``x_i - x_l`` and ``x_i - x_j`` of each triplet, two arrays of shape (m, d)."""
        i, j, l = self.triplets.T
        return self.X[i] - self.X[l], self.X[i] - self.X[j]

    def unit(self) -> float:
        """Factor on the points that makes the mean squared distance to a target neighbour 1; solvers work there."""
        _, pull = self.differences()
        mean = float(np.sum(pull**2)) / max(1, len(pull))
        return 1 / float(np.sqrt(mean)) if mean > 0 else 1.0


def write_sdpa(sdp: SlackSDP, path: str | os.PathLike[str]) -> None:
    """Write the SDP as an SDPA sparse file (``.dat-s``), to run any SDP code on it.

    The format's dual, ``max <F_0, Y> s.t. <F_t, Y> = c_t, Y PSD``, is used with
    ``Y = diag(M, xi, s)``, surplus ``s_t >= 0`` and ``c_t = 1``: the constraint of triplet t is
    ``<A_t, M> + xi_t - s_t = 1``. The optimum of the file is minus that of the SDP (less its constant).

    Parameters
    ----------
    sdp : SlackSDP
    path : path-like
        Replaced at once when it exists.

    Raises
    ------
    ValueError
        If the file would have more than `MAX_EXPORT_ENTRIES` lines.
    """
    m, d = len(sdp.triplets), sdp.X.shape[1]
    entries = m * (d * (d + 1) // 2 + 2)
    if entries > MAX_EXPORT_ENTRIES:
        raise ValueError(
            f"the file would have {entries:,} entries ({m:,} triplets, d = {d}); the limit is "
            f"{MAX_EXPORT_ENTRIES:,}: export a working set (problem.restrict(solution.triplets)) or fewer points"
        )

    def write(file: TextIO) -> None:
        file.write(f'"LMNN slack SDP: {m} triplets, d = {d}; optimum = -(value of this file) + {sdp.constant!r}"\n')
        file.write(f"{m}\n2\n{d} {-2 * m}\n" + " ".join(["1"] * m) + "\n")
        _write_entries(file, sdp)

    write_text_atomically(path, write)


def _write_entries(file: TextIO, sdp: SlackSDP) -> None:
    """Lines ``matrix block row column value`` of the upper triangles, 1-based."""
    m, d = len(sdp.triplets), sdp.X.shape[1]
    lower, upper = svec_indices(d)  # row >= column here; the format wants the upper triangle
    for row, col, value in zip(upper, lower, (-sdp.Q[upper, lower]).tolist(), strict=True):
        if value:
            file.write(f"0 1 {row + 1} {col + 1} {value!r}\n")
    for slack in range(1, m + 1):
        file.write(f"0 2 {slack} {slack} {-sdp.mu!r}\n")
    push, pull = sdp.differences()
    for t, (u, v) in enumerate(zip(push, pull, strict=True), start=1):
        A = (np.outer(u, u) - np.outer(v, v))[upper, lower].tolist()
        file.writelines(
            f"{t} 1 {row + 1} {col + 1} {value!r}\n" for row, col, value in zip(upper, lower, A, strict=True) if value
        )
        file.write(f"{t} 2 {t} {t} 1.0\n{t} 2 {m + t} {m + t} -1.0\n")
