"""The best scale of a metric: f along ``c M`` is convex and piecewise linear in c, so its minimum is found exactly."""

from __future__ import annotations

import math

import numpy as np

from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.blocks import factors
from lmnn_sdp.problem.problem import Problem

LOWEST = 0.8  # scale down to which a list serves; the smaller, the longer the list
MAX_LISTS = 200


def best_scale(problem: Problem, M: FloatArray) -> float:
    """Scale c at which ``f(c M)`` is least, for a PSD M of any size; 1 where no scale makes a difference."""
    L = psd_factor(M)
    spread = _spread(problem, L)
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
    return best_scale(problem, problem.identity)


def best_scale_nearby(problem: Problem, M: FloatArray) -> float:
    """As `best_scale`, in fewer passes, for an ``M`` of positive cost that is not far too small.

    Listed are the triplets that decide for c above `LOWEST`; if the minimum is lower, the search goes on from there.
    """
    L, scale = psd_factor(M), 1.0
    for _ in range(MAX_LISTS):
        hinges = problem.hinges(math.sqrt(scale) * L, slack=1 / LOWEST - 1)
        if (
            found := best_listed_scale(problem, M, (1 - hinges.values) / scale, problem.caps(hinges.triplets))
        ) is not None:
            return found
        scale *= LOWEST
    return scale


def best_listed_scale(problem: Problem, M: FloatArray, margins: FloatArray, caps: FloatArray | float) -> float | None:
    """Scale c at which ``c p + sum_t mu_t [1 - c m_t]_+`` is least, with p = <P, M> and the listed margins m_t.

    It is where the sum of the smallest margins, those below 1 / c, times mu_t passes p; None if that is never.
    """
    linear = float(np.sum(problem.cost * M))
    if isinstance(caps, float):
        margins = np.sort(margins)
        passed = np.flatnonzero(np.cumsum(margins) > linear / caps)
    else:
        order = np.argsort(margins, kind="stable")
        margins = margins[order]
        passed = np.flatnonzero(np.cumsum(caps[order] * margins) > linear)
    return 1 / float(margins[passed[0]]) if len(passed) else None


def unit_scale(problem: Problem) -> float:
    """Scale at which points are at squared distance 1 from their mean, on average."""
    return 1 / _spread(problem, problem.identity)


def _spread(problem: Problem, L: FloatArray) -> float:
    """Mean squared distance of the points from their mean under ``L'L``, the mean of several metrics."""
    spreads = [float(np.sum(np.var(problem.X @ factor.T, axis=0))) for factor in factors(problem.outward(L))]
    return sum(spreads) / len(spreads)
