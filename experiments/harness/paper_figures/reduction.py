"""Fig. 13 of Weinberger & Saul (2009), smaller: 3-NN errors on MNIST after reduction to a few directions.

LMNN-S is the convex optimum cut to the rows of largest eigenvalue, LMNN-R a map of few rows that is descended from.
The paper trains on 60,000 digits in 350 principal components; here fewer train, so that all the figures take four
minutes. For the same reason a descent has one start only, PCA of the points as the convex optimum maps them: of those
that `LowRankLMNN` tries it ended lowest where they were compared (2,000 digits, 15 rows).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from harness import bench
from harness.methods.table import NEIGHBORS
from lmnn_sdp import Problem, ShrinkingKNN, Solution, solve
from lmnn_sdp.numerics.parallel import team
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.cut import leading_rows
from lmnn_sdp.solvers.factor_descent import descended
from lmnn_sdp.solvers.low_rank import REACH, STEPS, WIDTHS
from lmnn_sdp.solvers.smoothing import SmoothedProblem

ROWS = (15, 20, 25, 30, 40, 50)
TOL = 1e-4

#: Percent, of the paper's Fig. 13, by rows; those of PCA and LMNN-S are read off its curves, to 0.01.
PAPER = {
    "rows": [15, 20, 25, 30, 35, 40, 45, 50],
    "PCA": [3.73, 2.71, 2.25, 2.07, 2.09, 2.08, 2.02, 2.06],
    "LMNN-S": [3.28, 2.47, 2.09, 2.02, 1.92, 1.90, 1.85, 1.88],
    "LMNN-R": [2.38, 2.09, 1.76, 1.82, 1.79, 1.80, 1.81, 1.84],
    "baseline": 2.33,
    "training_digits": 60_000,
}


def learned_pca(X: FloatArray, L: FloatArray, rows: int) -> FloatArray:
    """The map of points to the leading principal components of ``X L'``."""
    mapped = X @ L.T
    return np.linalg.svd(mapped - mapped.mean(axis=0), full_matrices=False)[2][:rows] @ L


def descent(problem: Problem, L: FloatArray) -> tuple[FloatArray, float]:
    """The best map on the way down from a start, by the objective over all triplets, and that objective."""
    white = whiten(problem)
    inside = L @ white.V
    best = (white.problem.value(inside), inside)
    with team():
        for width in WIDTHS:
            graph = white.problem.graph(white.problem.hinges(inside, REACH).triplets)
            inside = descended(SmoothedProblem(white.problem, graph, width, 0.5), inside, STEPS)
            best = min(best, (white.problem.value(inside), inside), key=lambda pair: pair[0])
    return white.outward(best[1]), best[0]


def run(training: tuple[FloatArray, IntArray], test: tuple[FloatArray, IntArray], quick: bool) -> dict[str, Any]:
    """Errors of all reductions, of maps learned on a sample of the training digits."""
    n, components, rows = (300, 30, ROWS[:1]) if quick else (4000, 100, ROWS)
    chosen = np.sort(np.random.default_rng(0).permutation(len(training[0]))[:n])
    pca = PCA(components, svd_solver="full").fit(training[0][chosen])
    X, y = pca.transform(training[0][chosen]), training[1][chosen]
    new_X, new_y = pca.transform(test[0]), test[1]

    def percent(L: FloatArray) -> float:
        predicted = ShrinkingKNN(NEIGHBORS).fit(X @ L.T, y).predict(new_X @ L.T)
        return 100 * float(np.mean(predicted != new_y))

    problem = Problem.from_data(X, y)
    convex, seconds = bench.timed(lambda: solve(problem, tol=TOL))
    return {
        "training_digits": n,
        "test_digits": len(new_y),
        "components": components,
        "gap": convex.relative_gap,
        "rank": convex.certificate.rank,
        "seconds_convex": seconds,
        "input_space": percent(np.eye(components)),
        "full_metric": percent(convex.components),
        "rows": [_at(problem, convex, percent, r) for r in rows],
        "paper": PAPER,
    }


def _at(problem: Problem, convex: Solution, percent: Callable[[FloatArray], float], rows: int) -> dict[str, Any]:
    """Errors and objectives of every reduction to so many rows."""
    start = learned_pca(problem.X, convex.components, rows)
    (L, objective), seconds = bench.timed(lambda: descent(problem, start))
    result = {
        "rows": rows,
        "PCA": percent(np.eye(problem.n_features)[:rows]),
        "LMNN-S": percent(leading_rows(convex, rows)),
        "PCA after LMNN": percent(start),
        "LMNN-R": percent(L),
        "excess": objective / convex.lower_bound - 1,
        "seconds": seconds,
    }
    print(
        f"  {rows} rows: " + ", ".join(f"{key} {value:.2f}" for key, value in result.items() if key != "rows"),
        flush=True,
    )
    return result
