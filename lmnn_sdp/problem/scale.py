"""The best scale of a metric: f along ``c M`` is convex and piecewise linear in c, so its minimum is found exactly."""

from __future__ import annotations

import math

import numpy as np

from lmnn_sdp.numerics.linalg import eigh, psd_factor
from lmnn_sdp.numerics.sampling import stratified_rows
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.problem import Problem

LOWEST = 0.8  # scale down to which a list serves; the smaller, the longer the list
MAX_LISTS = 200
ANCHORS = 100
POWERS = (1.0, 0.5, 0.0)


def best_scale(problem: Problem, M: FloatArray) -> float:
    """Scale c at which ``f(c M)`` is least, for a PSD M of any size; 1 where no scale makes a difference."""
    L = psd_factor(M)
    spread = float(np.sum(np.var(problem.X @ L.T, axis=0)))
    if spread == 0:
        return 1.0
    scale = 1 / spread
    value = problem.value(math.sqrt(scale) * L)
    for factor in (2.0, 0.5):  # a power of two first, without any list: far too small a scale would list everything
        while (candidate := problem.value(math.sqrt(factor * scale) * L)) < value:
            scale, value = factor * scale, candidate
    return scale * best_scale_nearby(problem, scale * M)


def euclidean_scale(problem: Problem) -> float:
    """Scale c at which ``f(c I)`` is least: the fairest Euclidean metric to compare with."""
    return best_scale(problem, np.eye(problem.n_features))


def best_scale_nearby(problem: Problem, M: FloatArray) -> float:
    """As `best_scale`, in fewer passes, for an ``M`` of positive cost that is not far too small.

    Listed are the triplets that decide for c above `LOWEST`; if the minimum is lower, the search goes on from there.
    """
    L, scale = psd_factor(M), 1.0
    for _ in range(MAX_LISTS):
        hinges = problem.hinges(math.sqrt(scale) * L, slack=1 / LOWEST - 1)
        if (found := best_listed_scale(problem, M, (1 - hinges.values) / scale)) is not None:
            return found
        scale *= LOWEST
    return scale


def best_listed_scale(problem: Problem, M: FloatArray, margins: FloatArray) -> float | None:
    """Scale c at which ``c p + mu sum_t [1 - c m_t]_+`` is least, with p = <P, M> and the margins m_t that are listed.

    It is where the sum of the smallest margins, those below 1 / c, passes p / mu; None if that is never.
    """
    margins = np.sort(margins)
    passed = np.flatnonzero(np.cumsum(margins) > float(np.sum(problem.cost * M)) / problem.mu)
    return 1 / float(margins[passed[0]]) if len(passed) else None


def first_metric(problem: Problem) -> FloatArray:
    """The best of a few Euclidean metrics in its best scale, judged by the hinges of a random part of the points.

    The metric of the data as given, which chose the target neighbours, its square root, and that of the coordinates.
    """
    d = problem.n_features
    given = None if problem.coordinates is None else problem.coordinates.euclidean
    if given is None:
        given = np.eye(d)
    eigenvalues, Q = eigh(given)
    anchors = stratified_rows(problem.codes, min(problem.n_points, ANCHORS))
    best, least = np.eye(d), math.inf
    for power in POWERS:
        L = (Q * np.maximum(eigenvalues, 0) ** (power / 2)).T
        scale, value = _anchored(problem, L, anchors)
        if value < least:
            best, least = scale * (L.T @ L), value
    return best


def _anchored(problem: Problem, L: FloatArray, anchors: IntArray) -> tuple[float, float]:
    """The best scale of ``L'L`` by the triplets of these anchors alone, and the value that it has there."""
    V = problem._centred @ L.T
    targets = problem.targets[anchors]
    pulls = np.sum((V[anchors, None] - V[targets]) ** 2, axis=2)
    sizes = np.sum(V**2, axis=1)
    distances = sizes[anchors, None] + sizes - 2 * (V[anchors] @ V.T)
    distances[problem.codes[anchors, None] == problem.codes] = np.inf
    margins = np.concatenate([(distances - pulls[:, [j]]).ravel() for j in range(targets.shape[1])])
    margins = margins[margins < np.inf]
    share = len(anchors) / problem.n_points
    linear = (1 - problem.mu) * float(np.sum(pulls)) + share * float(np.sum((L @ problem.R) * L))
    count = 2**14
    while True:
        smallest = np.sort(np.partition(margins, count)[:count] if count < len(margins) else margins)
        passed = np.flatnonzero(np.cumsum(smallest) > linear / problem.mu)
        if len(passed) or count >= len(margins):
            break
        count *= 8
    if not len(passed):
        return 1.0, math.inf
    active = smallest[: passed[0]]
    scale = 1 / float(smallest[passed[0]])
    return scale, scale * linear + problem.mu * float(np.sum(1 - scale * active))


def unit_scale(problem: Problem) -> float:
    """Scale at which points are at squared distance 1 from their mean, on average."""
    return 1 / float(np.sum(np.var(problem.X, axis=0)))
