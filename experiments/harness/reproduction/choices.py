"""What else may lie behind a number of the paper: how near the optimum a metric is, and choices that it leaves open.

Also what the paper could not ask, whether a metric nearer to its optimum classifies better.
"""

from __future__ import annotations

import numpy as np
from sklearn.preprocessing import StandardScaler

from harness.reproduction.papers_descent import descent
from harness.reproduction.protocol import Case, Split
from lmnn_sdp import Problem, ShrinkingKNN, Solution, solve
from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.numerics.types import FloatArray

GAPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)  # of the default solver
STEPS = (10, 30, 100, 300)  # of a projected descent from the identity, which is what the paper takes
MOST_POINTS, MOST_FOR_DESCENT = 15_000, 2_000
NEIGHBORS = (1, 5, 10, 25)  # targets beside the paper's 3
VOTERS = 5  # beside the paper's 3
OWN_STEPS = (100, 300, 1000)  # of the paper's own descent
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


def by_step(split: Split, case: Case) -> dict[str, float]:
    """Test errors on the way of the paper's own solver, and its excess over the proved optimum."""
    if len(split.y) > MOST_FOR_DESCENT or split.X.shape[1] > 50:
        return {}
    problem = Problem.from_data(split.X, split.y)
    best = solve(problem, tol=1e-6, warn=False)
    found = {}
    for number, M in enumerate(descent(problem, OWN_STEPS[-1]), start=1):
        if number in OWN_STEPS:
            L = psd_factor(M)
            found[f"own descent {number}"] = _vote(split.X @ L.T, split.X_test @ L.T, split)
            found[f"own descent {number}, excess"] = problem.value(L) / best.lower_bound - 1
    return found


def open_choices(split: Split, case: Case) -> dict[str, float]:
    """Test errors with other numbers of targets, other weights of the push, and standardised features."""
    if len(split.y) > MOST_FOR_DESCENT or split.X.shape[1] > 50:
        return {}
    found = {}
    smallest = np.min(np.unique(split.y, return_counts=True)[1])
    for k in NEIGHBORS:
        if k >= smallest:
            continue
        solution = solve(Problem.from_data(split.X, split.y, k), tol=case.tol, warn=False)
        A, B = split.X @ solution.L.T, split.X_test @ solution.L.T
        found[f"k = {k}"] = _vote(A, B, split)
        found[f"k = {k}, {VOTERS} vote"] = _vote(A, B, split, VOTERS)
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


def _vote(A: FloatArray, B: FloatArray, split: Split, voters: int = 3) -> float:
    """Test error of a vote."""
    return float((ShrinkingKNN(voters).fit(A, split.y).predict(B) != split.y_test).mean())
