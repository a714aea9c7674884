"""Export of a problem to any SDP solver: the slack SDP as an SDPA sparse file (``.dat-s``), and the map back.

The file holds the SDP in whitened coordinates z = W (x - centre), scaled so that the mean squared distance to a target
neighbour is 1. The optimum is the same as on x, and solvers reach it: in raw units the entries of one SDP may span so
many orders of magnitude that they stop with "success" far from it. A metric N on z is ``M = W'NW`` on x.

In the words of the format, the file's dual is used,

    maximise    <F_0, Y>    subject to  <F_t, Y> = 1  for each triplet t,    Y positive semidefinite

with ``Y = diag(N, xi, s)``, ``F_0 = -diag(Q, mu I, 0)`` and surplus ``s_t >= 0``: the constraint of triplet t is
``<A_t, N> + xi_t - s_t = 1``. The optimum of LMNN is minus the maximum. CSDP and SDPA print that maximum, a negative
number; DSDP, sdpa-python and whoever minimises ``-<F_0, Y>`` print it with the other sign, which is the optimum itself.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from lmnn_sdp.numerics.files import write_atomically, write_text_atomically
from lmnn_sdp.numerics.linalg import svec_indices
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.whitening import whiten

MAX_ENTRIES = 20_000_000  # about half a gigabyte of text


@dataclass(frozen=True, eq=False)
class Exported:
    """What a file holds.

    Attributes
    ----------
    sdp : SlackSDP
        In the coordinates of the file.
    W : array, shape (r, d)
        The way back: a metric N (r, r) of the file is ``M = W'NW`` in the units of the data.
    """

    sdp: SlackSDP
    W: FloatArray


def export_sdpa(problem: Problem, path: str | os.PathLike[str], map_path: str | os.PathLike[str]) -> Exported:
    """Write the SDP over all triplets of a problem, and the map W beside it.

    Parameters
    ----------
    problem : Problem
    path : path-like
        The SDPA sparse file; replaced at once when it exists.
    map_path : path-like
        The array W in a NumPy file (``.npz``); replaced at once when it exists.

    Returns
    -------
    Exported

    Raises
    ------
    ValueError
        If the file would have more than `MAX_ENTRIES` entries, which is found before any triplet is listed, and where
        the problem cannot be whitened.
    """
    problem.check_plain("an SDPA file")
    white = whiten(problem)
    _check_size(problem.n_triplets, white.problem.n_features)
    sdp = SlackSDP.of(white.problem)
    unit = sdp.unit()
    scaled = SlackSDP(sdp.X * unit, sdp.triplets, sdp.Q * unit**2, sdp.mu)
    exported = Exported(scaled, white.T.T * unit)
    write_sdpa(scaled, path)
    write_atomically(map_path, lambda file: np.savez_compressed(file, W=exported.W))
    return exported


def write_sdpa(sdp: SlackSDP, path: str | os.PathLike[str]) -> None:
    """Write an SDP in the coordinates that it has; replaces a file at once.

    Raises
    ------
    ValueError
        If the file would have more than `MAX_ENTRIES` entries.
    """
    m, d = len(sdp.triplets), sdp.X.shape[1]
    _check_size(m, d)

    def write(file: TextIO) -> None:
        file.write(
            f"\"LMNN slack SDP: {m} triplets, N of {d} x {d} on z, M = W'NW on x; optimum of LMNN = "
            f'{sdp.constant!r} - max <F_0, Y>"\n'
        )
        file.write(f"{m}\n2\n{d} {-2 * m}\n" + " ".join(["1"] * m) + "\n")
        _write_entries(file, sdp)

    write_text_atomically(path, write)


def _check_size(m: int, d: int) -> None:
    """A file that other solvers could read at all."""
    entries = m * (d * (d + 1) // 2 + 2)
    if entries > MAX_ENTRIES:
        raise ValueError(
            f"the file would have {entries:,} entries ({m:,} triplets, d = {d}); the limit is {MAX_ENTRIES:,}: take a "
            "random sample of the points (--points N), or a working set, problem.restrict(solution.triplets)"
        )


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
