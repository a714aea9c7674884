"""A metric to begin with: the best of a few Euclidean ones, or one that is learned on a part of the points.

The metric of the data as given chose the target neighbours, so it is the first to try; but where features have very
different units, its square root or the metric of the whitened coordinates may be the better. A few points tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lmnn_sdp.numerics.linalg import eigh, metric_of, psd_factor
from lmnn_sdp.numerics.sampling import stratified_rows
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import factors
from lmnn_sdp.problem.neighbors import target_neighbors
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.solvers.anchors import sampled
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.smoothing import Descent

POWERS = (1.0, 0.5, 0.0)  # of the Euclidean metric of the data as given
CLOSE = 1.02  # objective over another's at which anchors cannot tell which is better
FEW = 2**14  # of the smallest margins, which decide on the scale, and more where they do not
WIDTHS, SETTLED = (1.0, 0.25), 0.03  # of the hinges on a part of the points, and the accuracy of each
LARGE, PART = 20_000, 5  # points beyond which a part of them is solved first, and how many times smaller it is


def first_metric(problem: Problem, monitor: Monitor) -> FloatArray:
    """The metric to begin with, shape (r, r), near its best scale."""
    part = _part(problem) if problem.n_points > LARGE and problem.working_set is None else None
    if part is None:
        return euclidean_metric(problem)
    descent = Descent(part, first_metric(part, monitor), monitor)
    M = [descent.to(width, 0.5, SETTLED).M for width in WIDTHS][-1]
    # of more points the impostors are nearer: in the part's scale ten times as many triplets are near their margin
    return _best_scale(problem, psd_factor(M)).scale * M


def euclidean_metric(problem: Problem) -> FloatArray:
    """The best power of the Euclidean metric of the data as given, in the scale that is best for random anchors."""
    scaled, L = _best_euclidean(problem)
    if not math.isfinite(scaled.value):
        return euclidean_scale(problem) * problem.identity
    return scaled.scale * metric_of(L)


def beats_euclidean(problem: Problem, M: FloatArray) -> bool:
    """Whether random anchors find a metric at least about as good as the best Euclidean one, each in its best scale.

    The metric of another k can be the worse of the two, and list many times more triplets. Several metrics are not
    compared: those of a solution are better than nothing.
    """
    return (
        problem.blocks is not None
        or _best_scale(problem, psd_factor(M)).value <= CLOSE * _best_euclidean(problem)[0].value
    )


def _best_euclidean(problem: Problem) -> tuple[_Scaled, FloatArray]:
    """The best power for the anchors, and a factor of it."""
    eigenvalues, Q = eigh(problem.euclidean)
    roots = [np.maximum(eigenvalues, 0) ** (power / 2) for power in POWERS]
    tried = [root if problem.diagonal else (Q * root).T for root in roots]
    return min(((_best_scale(problem, L), L) for L in tried), key=lambda pair: pair[0].value)


@dataclass(frozen=True)
class _Scaled:
    """A scale of a metric, and the share of the anchors in the objective there."""

    scale: float
    value: float


def _best_scale(problem: Problem, L: FloatArray) -> _Scaled:
    """The best scale of ``L'L`` for the anchors; of infinite value where they have no use for a metric."""
    linear, margins = sampled(problem, L)
    count = FEW
    while True:
        smallest = np.sort(np.partition(margins, count)[:count] if count < len(margins) else margins)
        passed = np.flatnonzero(np.cumsum(smallest) > linear / problem.mu)
        if len(passed) or count >= len(margins):
            break
        count *= 8
    if not len(passed) or not linear > 0:
        return _Scaled(1.0, math.inf)
    scale = 1 / float(smallest[passed[0]])
    return _Scaled(scale, scale * linear + problem.mu * float(np.sum(1 - scale * smallest[: passed[0]])))


def _part(problem: Problem) -> Problem | None:
    """A stratified part of the points; None where a class would be too small.

    Target neighbours are chosen as in the whole problem, by the Euclidean metric of the data as given.
    """
    chosen: IntArray = stratified_rows(problem.codes, problem.n_points // PART)
    codes = problem.codes[chosen]
    if np.min(np.unique(codes, return_counts=True)[1]) <= problem.n_neighbors:
        return None
    X = problem.X[chosen]
    targets = target_neighbors(X @ next(factors(psd_factor(problem.euclidean))).T, codes, problem.n_neighbors)
    coordinates = problem.coordinates and replace(problem.coordinates, errors=problem.coordinates.errors[chosen])
    R = problem.R * (len(chosen) / problem.n_points)
    weights = None if problem.weights is None else problem.weights[chosen]
    return replace(
        problem,
        X=X,
        y=problem.y[chosen],
        codes=codes,
        targets=targets,
        R=R,
        coordinates=coordinates,
        weights=weights,
    )
