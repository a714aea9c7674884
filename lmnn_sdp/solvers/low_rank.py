"""The best map of few rows: not convex, so from several starts, with the proved excess over the convex optimum.

    minimise f(L'L) over L of shape (r, d)

Every M = L'L of this rank is one of all PSD matrices, so the lower bound of the convex problem bounds this one too. On
smoothed hinges L-BFGS descends in whitened coordinates, on one list of triplets after another and at smaller and
smaller widths (dF/dL = 2 L (P - sum_t alpha_t A_t)). A descent can end above where it began: every map on the way is
judged by the objective over all triplets, the starts too, and the best is kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lmnn_sdp.numerics.linalg import metric_of, principal_rows
from lmnn_sdp.numerics.parallel import team
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import best_scale
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.cut import leading_rows, with_metric
from lmnn_sdp.solvers.factor_descent import descended
from lmnn_sdp.solvers.smoothing import SmoothedProblem
from lmnn_sdp.solvers.solution import Solution

WIDTHS = (0.5, 0.2, 0.08, 0.03, 0.01)  # of the smoothed hinges, one after the other
LISTS, STEPS = 2, 60  # lists of a width, and steps of L-BFGS on each
REACH = 0.5  # triplets this far beyond their margin are listed


@dataclass(frozen=True)
class StartRow:
    """What became of one start.

    Attributes
    ----------
    name : str
        ``"leading rows"`` of the convex optimum, ``"learned PCA"`` of the points that it maps, ``"PCA"`` of the data,
        or ``"random 1"`` and so on.
    begin, end : float
        Objective over all triplets at the start, in its best scale, and at the best map on the way.
    """

    name: str
    begin: float
    end: float


@dataclass(frozen=True, eq=False)
class LowRank:
    """The best map found, and how each start did.

    Attributes
    ----------
    solution : Solution
        With the map as its metric, certified, beside the lower bound of the convex problem.
    starts : tuple of StartRow
    """

    solution: Solution
    starts: tuple[StartRow, ...]


def best_map(
    problem: Problem,
    convex: Solution,
    rows: int,
    n_random: int,
    rng: np.random.RandomState,
    deadline: float = math.inf,
) -> LowRank:
    """Descend from every start, or from as many as there is time for.

    Parameters
    ----------
    problem : Problem
        With a single full metric.
    convex : Solution
        Of the same problem, with its multipliers.
    rows : int
        Rows of the map, r.
    n_random : int
        Random starts beside those from the convex optimum and from PCA.
    rng : RandomState
        For these.
    deadline : float
        Reading of `time.monotonic` after which no start is begun but the first, and a descent ends at its next step.
    """

    def out_of_time() -> bool:
        return time.monotonic() >= deadline

    white = whiten(problem)
    found: list[tuple[float, FloatArray]] = []
    table: list[StartRow] = []
    with team():
        for name, L in _starts(problem, convex, rows, n_random, rng):
            if table and out_of_time():
                break
            inside = np.sqrt(best_scale(problem, metric_of(L))) * L @ white.V
            begin = white.problem.value(inside)
            best = min([(begin, inside), *_descent(white.problem, inside, out_of_time)], key=lambda pair: pair[0])
            table.append(StartRow(name, begin, best[0]))
            found.append(best)
    _, inside = min(found, key=lambda pair: pair[0])
    map_ = np.zeros((rows, problem.n_features))
    components = principal_rows(white.outward(inside))
    map_[: len(components)] = components
    return LowRank(with_metric(problem, convex, map_), tuple(table))


def _starts(
    problem: Problem, convex: Solution, rows: int, n_random: int, rng: np.random.RandomState
) -> Iterator[tuple[str, FloatArray]]:
    """Maps on the data as given, by name."""
    yield "leading rows", leading_rows(convex, rows)
    # the longest rows need not be those along which the mapped points vary most, and these begin lower by far
    yield "learned PCA", _principal(problem.centred @ convex.components.T)[:rows] @ convex.components
    yield "PCA", _principal(problem.X)[:rows]
    spread = np.std(problem.X, axis=0)
    unit = np.where(spread > 0, spread, 1.0)
    for number in range(n_random):
        yield f"random {number + 1}", rng.normal(size=(rows, problem.n_features)) / unit


def _principal(points: FloatArray) -> FloatArray:
    """Principal directions of the points, by falling variance."""
    return np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]


def _descent(problem: Problem, L: FloatArray, out_of_time: Callable[[], bool]) -> Iterator[tuple[float, FloatArray]]:
    """The objective over all triplets, and the map, after each list."""
    for width in [width for width in WIDTHS for _ in range(LISTS)]:
        if out_of_time():
            return
        graph = problem.graph(problem.hinges(L, REACH).triplets)
        L = descended(SmoothedProblem(problem, graph, width, 0.5), L, STEPS, out_of_time)
        yield problem.value(L), L
