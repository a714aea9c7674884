"""What else may lie behind a number of the paper: how near the optimum a metric is, and choices that it leaves open.

Also what the paper could not ask, whether a metric nearer to its optimum classifies better.
"""

from __future__ import annotations

from sklearn.preprocessing import StandardScaler

from harness.reproduction.protocol import Case, Split
from lmnn_sdp import Problem, ShrinkingKNN, Solution, solve
from lmnn_sdp.numerics.types import FloatArray

GAPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)  # of the default solver
STEPS = (10, 30, 100, 300)  # of a projected descent from the identity, which is what the paper takes
MOST_POINTS, MOST_FOR_DESCENT = 15_000, 2_000
NEIGHBORS = (1, 5, 10)  # targets beside the paper's 3
MUS = (0.1, 0.9)


def by_gap(split: Split, case: Case) -> dict[str, float]:
    """Test errors by the proved gap, and those of a descent by its steps with the gap that the optimum proves."""
    if len(split.y) > MOST_POINTS:
        return {}
    problem = Problem.from_data(split.X, split.y)
    found = {}
    for gap in GAPS:
        if gap >= case.tol:
            found[f"gap {gap:.0e}"] = _error(solve(problem, tol=gap, warn=False), split)
    if len(split.y) > MOST_FOR_DESCENT or split.X.shape[1] > 50:
        return found
    best = solve(problem, tol=1e-6, warn=False)
    for steps in STEPS:
        stopped = solve(problem, "pgd", max_iter=steps, warn=False)
        found[f"descent {steps}"] = _error(stopped, split)
        found[f"descent {steps}, excess"] = stopped.objective / best.lower_bound - 1
    return found


def open_choices(split: Split, case: Case) -> dict[str, float]:
    """Test errors with other numbers of targets, other weights of the push, and standardised features."""
    if len(split.y) > MOST_FOR_DESCENT or split.X.shape[1] > 50:
        return {}
    found = {}
    for k in NEIGHBORS:
        found[f"k = {k}"] = _error(solve(Problem.from_data(split.X, split.y, k), tol=case.tol, warn=False), split)
    for mu in MUS:
        found[f"mu = {mu}"] = _error(solve(Problem.from_data(split.X, split.y, mu=mu), tol=case.tol, warn=False), split)
    scaler = StandardScaler().fit(split.X)
    A, B = scaler.transform(split.X), scaler.transform(split.X_test)
    solution = solve(Problem.from_data(A, split.y), tol=case.tol, warn=False)
    found["standardised"] = _vote(A @ solution.L.T, B @ solution.L.T, split)
    found["standardised, Euclidean"] = _vote(A, B, split)
    return found


def _error(solution: Solution, split: Split) -> float:
    """Test error of the vote of three under a metric."""
    return _vote(split.X @ solution.L.T, split.X_test @ solution.L.T, split)


def _vote(A: FloatArray, B: FloatArray, split: Split) -> float:
    """Test error of the vote of three."""
    return float((ShrinkingKNN(3).fit(A, split.y).predict(B) != split.y_test).mean())
