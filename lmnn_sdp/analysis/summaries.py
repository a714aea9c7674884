"""Numbers drawn from problems and solutions, for figures and reports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.solvers.solution import Solution

MARGIN_RANGE = (-3.0, 12.0)  # margins beyond are counted in the end bins
MAX_HISTOGRAM_TRIPLETS = 10_000_000


def margin_histogram(problem: Problem, solution: Solution, bins: int = 60) -> tuple[list[float], list[int], list[int]]:
    """Counts of margins ``d(i, l) - d(i, j)`` over all triplets, Euclidean (in its best scale) and learned.

    Returns
    -------
    edges : list of float, length bins + 1
    before, after : list of int, length bins

    Raises
    ------
    ValueError
        For more triplets than are worth listing one by one.
    """
    if problem.n_triplets > MAX_HISTOGRAM_TRIPLETS:
        raise ValueError(
            f"{problem.n_triplets:,} triplets are too many for a histogram of all margins (limit "
            f"{MAX_HISTOGRAM_TRIPLETS:,}); use a sample of the points"
        )
    triplets = problem.all_triplets()
    edges = np.linspace(*MARGIN_RANGE, bins + 1)
    factors = np.sqrt(euclidean_scale(problem)) * problem.identity, solution.L
    counts = [np.histogram(np.clip(problem.margins(L, triplets), *MARGIN_RANGE), edges)[0].tolist() for L in factors]
    return edges.tolist(), counts[0], counts[1]


def largest_difference(metrics: Sequence[FloatArray]) -> float:
    """Largest entry of the difference of any two metrics, relative to the largest entry of any."""
    stack = np.stack(metrics)
    scale = float(np.max(np.abs(stack)))
    return float(np.max(np.ptp(stack, axis=0))) / scale if scale > 0 else 0.0


def spectrum(solution: Solution) -> list[float]:
    """Positive eigenvalues of M by falling size; of several metrics those of all."""
    eigenvalues = np.sum(solution.components**2, axis=-1).ravel()
    return np.sort(eigenvalues[eigenvalues > 0])[::-1].tolist()
