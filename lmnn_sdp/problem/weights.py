"""Coordinates for a diagonal metric: each feature in the unit in which its cost is 1, and none turned into another."""

from __future__ import annotations

import numpy as np

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.singular import SingularPullError, penalty

MOST_NAMED = 10  # features that a message names


def feature_units(problem: Problem) -> FloatArray:
    """Map ``T (d, r)`` with one entry a column: each feature that varies, over the root of its cost.

    Raises
    ------
    ValueError
        If a feature varies, but the same for each point and its target neighbours: its weight can then grow at no
        cost, and what meets all triplets that it can meet is not determined.
    """
    varies = np.ptp(problem.X, axis=0) > 0
    if not varies.any():
        raise ValueError("all points are equal, so every metric is optimal; use data that vary")
    cost = _cost(problem)
    free = np.flatnonzero(varies & ~(cost > 0))
    if len(free):
        names = ", ".join(map(str, free[:MOST_NAMED])) + (", ..." if len(free) > MOST_NAMED else "")
        raise SingularPullError(
            f"the pull vanishes in {len(free)} of the {int(varies.sum())} features that vary: {names}. Their weights "
            f"can grow at no cost, and M is not determined; leave them out, or {penalty(problem)}"
        )
    kept = np.flatnonzero(varies)
    T = np.zeros((problem.n_features, len(kept)))
    T[kept, np.arange(len(kept))] = 1 / np.sqrt(cost[kept])
    return T


def _cost(problem: Problem) -> FloatArray:
    """Cost of each feature by differences, in a unit of its own so that no square is lost; shape (d,)."""
    i, j = problem.target_pairs()
    total = np.zeros(problem.n_features)
    for neighbor in range(problem.n_neighbors):
        part = slice(neighbor, None, problem.n_neighbors)
        total += problem.weight_of(i[part]) @ (problem.X[i[part]] - problem.X[j[part]]) ** 2
    return np.asarray((1 - problem.mu) * total + np.diag(problem.R))
