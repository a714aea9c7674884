"""The slack SDP in SCS's cone form, called through ``scs`` itself.

SCS solves  min c'x  s.t.  A x + s = b, s in K  with dual  A'y + c = 0, y in K*. Here

    x = (svec M, D, xi)        rows: D - E svec M = 0                  zero cone, pairs that have a variable
                                     xi >= 0                           nonnegative cone, y = mu - alpha
                                     <A_t, M> + xi_t >= 1              nonnegative cone, y = alpha
                                     svec M in PSD cone                semidefinite cone, y = svec S

Fewest nonzeros. A row <A_t, M> = d_M(i, l) - d_M(i, j) is dense, with p = d (d + 1) / 2 entries. Triplets that share
pairs may instead share *pair distances* D as variables: a dense row and a unit for each pair, two entries for each
triplet. Take pairs as vertices and triplets as edges of a graph. A choice of vertices V costs |V| dense rows and saves
one for each edge with both ends in V. Growing V along an edge never costs a dense row more than it saves, so over
each component all or nothing has the fewest: variables where v vertices cost less than e edges,
v (p + 1) + 2 e < e p. (Counting the sparse entries too, a pruned component could save three more a pair.)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt
import scipy.sparse
import scs
from scipy.sparse.csgraph import connected_components

from lmnn_sdp.numerics.linalg import psd_part, smat, svec, svec_outer
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.sdp import SlackSDP

MAX_ITERS = 10_000
INTERRUPTED = -5  # SCS's status after Ctrl-C


class Share(Enum):
    """Which pair distances become variables."""

    WHERE_CHEAPER = "where that leaves fewer nonzeros"
    ALWAYS = "all pairs"
    NEVER = "none"


@dataclass(frozen=True, eq=False)
class PrimalDual:
    """A metric and the multipliers of the triplets that have a row."""

    M: FloatArray
    alpha: FloatArray


@dataclass(frozen=True, eq=False)
class ConicForm:
    """The data of the module docstring, for points scaled by ``unit`` so that target distances are near 1."""

    A: scipy.sparse.csc_array
    b: FloatArray
    c: FloatArray
    pairs: int
    triplets: int
    d: int
    unit: float

    @property
    def cone(self) -> dict[str, int | list[int]]:
        """Cone sizes in SCS's order."""
        return {"z": self.pairs, "l": 2 * self.triplets, "s": [self.d]}

    @property
    def alpha_rows(self) -> slice:
        """Rows whose dual variables are the multipliers."""
        first = self.pairs + self.triplets
        return slice(first, first + self.triplets)


def solve_sdp(
    sdp: SlackSDP,
    accuracy: float,
    start: PrimalDual | None = None,
    *,
    max_iters: int = MAX_ITERS,
    time_limit: float | None = None,
) -> PrimalDual | None:
    """Solve the SDP with SCS to a relative and absolute residual of ``accuracy``.

    Parameters
    ----------
    sdp : SlackSDP
    accuracy : float
        SCS's eps_abs and eps_rel.
    start : PrimalDual, optional
        Warm start.
    max_iters : int
    time_limit : float, optional
        Seconds.

    Returns
    -------
    PrimalDual or None
        What SCS ended with, converged or not: the certificate judges. None when it found the SDP unbounded
        (possible only with frozen triplets) or diverged.
    """
    form = build(sdp)
    solver = scs.SCS(
        {"A": form.A, "b": form.b, "c": form.c},
        form.cone,
        eps_abs=accuracy,
        eps_rel=accuracy,
        max_iters=max_iters,
        time_limit_secs=time_limit or 0.0,
        linear_solver=scs.LinearSolver.QDLDL,
        verbose=False,
    )
    if start is None:
        result = solver.solve()
    else:
        x, y, s = _warm_start(form, sdp, start)
        result = solver.solve(warm_start=True, x=x, y=y, s=s)
    if result["info"]["status_val"] == INTERRUPTED:
        raise KeyboardInterrupt
    x, alpha = result["x"], result["y"][form.alpha_rows]
    if not (np.isfinite(x).all() and np.isfinite(alpha).all()):
        return None
    return PrimalDual(form.unit**2 * smat(x[: sdp.X.shape[1] * (sdp.X.shape[1] + 1) // 2]), alpha)


def build(sdp: SlackSDP, share: Share = Share.WHERE_CHEAPER) -> ConicForm:
    """The SDP in SCS's cone form; by default with the fewest nonzeros, see the module docstring."""
    push, pull = sdp.differences()
    unit = sdp.unit()
    m, d = len(sdp.triplets), sdp.X.shape[1]
    shared = _Pairs.of(sdp.triplets, len(sdp.X), d * (d + 1) // 2, share)
    E = svec_outer(unit * shared.differences(sdp.X))
    plain = np.flatnonzero(~shared.used)
    rows = scipy.sparse.csr_array(svec_outer(unit * push[plain]) - svec_outer(unit * pull[plain]))
    place = scipy.sparse.csr_array((np.ones(len(plain)), (plain, np.arange(len(plain)))), shape=(m, len(plain)))
    eye_m, eye_p = scipy.sparse.eye_array(m), scipy.sparse.eye_array(E.shape[1])
    A = scipy.sparse.block_array(
        [
            [scipy.sparse.csc_array(-E), scipy.sparse.eye_array(len(E)), None],
            [None, None, -eye_m],
            [-(place @ rows), -shared.incidence, -eye_m],
            [-eye_p, None, None],
        ],
        format="csc",
    )
    b = np.concatenate([np.zeros(len(E) + m), -np.ones(m), np.zeros(E.shape[1])])
    c = np.concatenate([svec(unit**2 * sdp.Q), np.zeros(len(E)), np.full(m, sdp.mu)])
    return ConicForm(A, b, c, len(E), m, d, unit)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The unordered pairs of points whose distances become variables."""

    first: IntArray
    second: IntArray
    used: npt.NDArray[np.bool_]  # per triplet: expressed through pair variables
    incidence: scipy.sparse.csc_array  # (triplets, pairs): +1 at (i, l), -1 at (i, j)

    @staticmethod
    def of(triplets: IntArray, n: int, p: int, share: Share) -> _Pairs:
        """Choose the pairs, component by component of the pair graph."""
        m = len(triplets)
        i, j, l = triplets.T
        a, b = np.concatenate([i, i]), np.concatenate([l, j])
        keys, vertex = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_inverse=True)
        graph = scipy.sparse.coo_array((np.ones(m), (vertex[:m], vertex[m:])), shape=(len(keys), len(keys)))
        count, component = connected_components(graph, directed=False)
        edges = np.bincount(component[vertex[:m]], minlength=count)
        cheaper = {
            Share.WHERE_CHEAPER: (p + 1) * np.bincount(component, minlength=count) + 2 * edges < p * edges,
            Share.ALWAYS: edges > 0,
            Share.NEVER: edges < 0,
        }[share]
        used = cheaper[component[vertex[:m]]]
        kept = cheaper[component]
        position = np.cumsum(kept) - 1
        t = np.flatnonzero(used)
        signs = np.concatenate([np.ones(len(t)), -np.ones(len(t))])
        where = (np.concatenate([t, t]), position[np.concatenate([vertex[t], vertex[m + t]])])
        incidence = scipy.sparse.csc_array((signs, where), shape=(m, int(kept.sum())))
        return _Pairs(keys[kept] // n, keys[kept] % n, used, incidence)

    def differences(self, X: FloatArray) -> FloatArray:
        """``x_a - x_b`` of each pair."""
        return X[self.first] - X[self.second]


def _warm_start(form: ConicForm, sdp: SlackSDP, start: PrimalDual) -> tuple[FloatArray, FloatArray, FloatArray]:
    """SCS's x, y and s for a metric and multipliers, all other variables at the values that these imply."""
    q, m = form.pairs, form.triplets
    p = len(form.c) - q - m
    v = svec(start.M / form.unit**2)
    distances = -(form.A[:q, :p] @ v)
    margins = -(form.A[form.alpha_rows, :p] @ v) - form.A[form.alpha_rows, p : p + q] @ distances
    x = np.concatenate([v, distances, np.maximum(0, 1 - margins)])
    s = form.b - form.A @ x
    s[:q] = 0
    y = np.zeros(len(form.b))
    y[q : q + m] = sdp.mu - start.alpha
    y[form.alpha_rows] = start.alpha
    y[:q] = -(form.A[form.alpha_rows, p : p + q].T @ start.alpha)
    slack = smat(form.c[:p] + form.A[:, :p].T @ y)  # what A'y + c = 0 asks of the semidefinite block
    y[q + 2 * m :] = svec(psd_part(slack))
    return x, y, s
