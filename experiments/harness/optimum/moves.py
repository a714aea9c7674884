"""How far a metric can go while it stays nearly optimal.

The metrics ``{M PSD : f(M) <= (1 + g) f*}`` are a convex set. Its end in the direction C is found by a tilt,

    M_tau  minimises  f(M) - tau <C, M>   over PSD M ,

which is LMNN with the linear term R = -tau C, so that `solve` certifies it. For every M of the set

    tau <C, M> = f(M) - (f(M) - tau <C, M>) <= (1 + g) f* - bound_tau

with any lower bound ``bound_tau`` of the tilted problem, so ``reach`` below is proved; and M_tau has the largest
<C, M> of all metrics that are as good as it is, so a walk over rising tau goes along the edge of all these sets. The
cost P - tau C has to stay PSD: tau counts in units of the largest that leaves it so, or of minus that where C pulls
inwards only.

A pair (excess, move) of a metric found this way is a lower bound of how far metrics of that excess can be from the
optimum, however the metric was found: the excess is taken over the proved lower bound of the optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg

from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.numerics.linalg import metric_of, psd_factor, symmetrize
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.proof.upper import bound_above

HALVINGS = 30  # of the segment on which a level is crossed
LONGEST = 16.0  # times the last step of a walk, beyond its end


@dataclass(frozen=True, eq=False)
class Walk:
    """Metrics along the edge of the nearly optimal ones.

    Attributes
    ----------
    C : array, shape (d, d)
        Direction.
    taus : array, shape (s,)
        Rising weights of the tilt.
    bounds : array, shape (s,)
        Proved lower bounds of ``f(M) - tau <C, M>``.
    metrics : list of array
        The optimum, and the metric of each tilt.
    """

    C: FloatArray
    taus: FloatArray
    bounds: FloatArray
    metrics: list[FloatArray]

    def reach(self, level: float) -> float:
        """At least ``<C, M>`` of every metric with ``f(M) <= level``."""
        return float(np.min((level - self.bounds) / self.taus))


@dataclass(frozen=True, eq=False)
class Place:
    """A metric, by its factor.

    Attributes
    ----------
    L : array, shape (r, d)
        Factor.
    objective : float
        At least its objective.
    """

    L: FloatArray
    objective: float

    @property
    def metric(self) -> FloatArray:
        """``L'L``."""
        return metric_of(self.L)


def walk(problem: Problem, best: Solution, C: FloatArray, shares: Sequence[float], tol: float) -> Walk:
    """Tilt by C further and further.

    Parameters
    ----------
    problem : Problem
    best : Solution
        Of the problem.
    C : array, shape (d, d)
        Symmetric.
    shares : sequence of float
        Weights of the tilt in (0, 1), rising.
    tol : float
        Gap of each solve.
    """
    C = symmetrize(C / np.linalg.norm(C))
    pulls = scipy.linalg.eigh(C, problem.cost, eigvals_only=True)
    largest = 1 / np.max(np.abs(pulls))
    outward = float(np.max(pulls)) * largest > 1e-9
    taus = np.array([largest * (share if outward else share / (1 - share)) for share in shares])
    found, start = [], best
    for tau in taus:
        start = solve(replace(problem, R=problem.R - tau * C), tol=tol, start=start, warn=False)
        found.append(start)
    return Walk(C, taus, np.array([one.lower_bound for one in found]), [best.M, *(one.M for one in found)])


def crossing(problem: Problem, walk: Walk, level: float) -> Place:
    """The last metric of a walk with ``f(M) <= level``; beyond its end the last step goes on, within the cone.

    Between two metrics f is convex, so a level that only the second exceeds is crossed once.
    """
    inside = [problem.value(psd_factor(M)) <= level for M in walk.metrics]
    last = len(inside) if all(inside) else inside.index(False)
    begin = walk.metrics[last - 1]
    step = walk.metrics[last] - begin if last < len(inside) else LONGEST * (begin - walk.metrics[0])
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if problem.value(psd_factor(begin + middle * step)) <= level else (low, middle)
    L = psd_factor(begin + low * step)
    return Place(L, bound_above(problem, L, accurate=True).objective)


def distance(M: FloatArray, other: FloatArray) -> float:
    """``||M - other||_F / ||other||_F``."""
    return float(np.linalg.norm(M - other) / np.linalg.norm(other))


def turn(M: FloatArray, other: FloatArray) -> float:
    """The same for the best factor on M, which neighbours do not see: the sine of the angle between the two."""
    cosine = float(np.sum(M * other) / (np.linalg.norm(M) * np.linalg.norm(other)))
    return float(np.sqrt(max(0.0, 1 - min(1.0, cosine) ** 2)))
