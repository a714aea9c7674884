"""Numbers drawn from problems and solutions, for figures and reports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.proof.certificate import RANK
from lmnn_sdp.solvers.solution import Solution

MARGIN_RANGE = (-3.0, 12.0)  # margins beyond are counted in the end bins
MAX_HISTOGRAM_TRIPLETS = 10_000_000
ROUNDING = 1e-6  # margins so little apart are the same
OFF_GRID = 1e-2  # of a step: how far margins of data on a grid may be from it, under a metric known up to its gap


def margin_histogram(problem: Problem, solution: Solution, bins: int = 60) -> tuple[list[float], list[int], list[int]]:
    """Counts of margins ``d(i, l) - d(i, j)`` over all triplets, Euclidean (times its best factor) and learned.

    Data on a grid may have few different margins under both metrics: their bins are centred on these, because narrower
    ones would stand empty between full ones. All other data have equal bins, of which one begins at 1. Margins that
    are 1 up to rounding count as 1.

    Returns
    -------
    edges : list of float, length b + 1
        With b = ``bins``, or fewer for data on a grid.
    before, after : list of int, length b

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
    factors = np.sqrt(euclidean_scale(problem)) * problem.identity, solution.L
    before, after = (problem.margins(L, triplets) for L in factors)
    edges = _edges(before, after, bins)
    counts = []
    for values in (before, after):
        settled = np.where(np.abs(values - 1) <= ROUNDING, 1.0, values)
        counts.append(np.histogram(np.clip(settled, edges[0], edges[-1]), edges)[0].tolist())
    return edges.tolist(), counts[0], counts[1]


def _edges(before: FloatArray, after: FloatArray, bins: int) -> FloatArray:
    """Equal bins over the range, or one around each of the few margins that data on a grid have; 1 is one of these."""
    low, high = MARGIN_RANGE
    equal = np.linspace(low, high, bins + 1)
    near = [np.sort(margins[(margins > low) & (margins < high)]) for margins in (before, after)]
    apart = np.diff(near[0])  # the learned metric is known up to its gap only
    step = float(np.min(apart, initial=np.inf, where=apart > ROUNDING))
    places = (np.concatenate(near) - 1) / step
    if not equal[1] - equal[0] < step < high - low or np.any(np.abs(places - np.round(places)) > OFF_GRID):
        return equal
    first, last = (1 + round((end - 1) / step) * step for end in MARGIN_RANGE)
    return np.linspace(first - step / 2, last + step / 2, round((last - first) / step) + 2)


def violated(edges: Sequence[float], counts: Sequence[int]) -> int:
    """How many triplets of a `margin_histogram` have a margin below 1: those of bins whose middle lies below."""
    middle = (np.asarray(edges[1:]) + edges[:-1]) / 2
    return int(np.sum(np.asarray(counts), where=middle < 1 - ROUNDING))


def largest_difference(metrics: Sequence[FloatArray]) -> float:
    """Largest entry of the difference of any two metrics, relative to the largest entry of any."""
    stack = np.stack(metrics)
    scale = float(np.max(np.abs(stack)))
    return float(np.max(np.ptp(stack, axis=0))) / scale if scale > 0 else 0.0


def spectrum(solution: Solution) -> list[float]:
    """Eigenvalues of M by falling size, as many as its rank; of several metrics those of all.

    What lies below a millionth of the largest is not counted in the rank: a gap hardly tells it from zero.
    """
    eigenvalues = np.sum(solution.components**2, axis=-1)
    largest = np.max(eigenvalues, axis=-1, keepdims=True, initial=0.0)
    return np.sort(eigenvalues[eigenvalues > RANK * largest])[::-1].tolist()
