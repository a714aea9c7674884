"""What else may lie behind a number of LMNN: how near the optimum a metric is, and choices that the paper leaves open.

Also what the paper could not ask, whether a metric nearer to its optimum classifies better.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from harness.reproduction.papers_descent import descent
from harness.reproduction.protocol import Case, Split
from lmnn_sdp import LMNN, MultiMetricLMNN, Problem, ShrinkingKNN, Solution, solve
from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.scale import best_scale

GAPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)  # of the default solver
STEPS = (10, 30, 100, 300)  # of a projected descent from the identity, which is what the paper takes
MOST_POINTS, MOST_FOR_DESCENT = 15_000, 2_000
NEIGHBORS = (1, 5, 10, 25)  # targets beside the paper's 3
VOTERS = 5  # beside the paper's 3
OWN_STEPS = (100, 300, 1000)  # of the paper's own descent
MUS = (0.1, 0.9)
PENALTIES = (1e-3, 1e-2, 1e-1)
FEW = (30, 60, 100)
TARGETS = 3
SECONDS = 400.0  # of a fit of many metrics


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


def held_back(split: Split, case: Case) -> dict[str, float]:
    """Test errors by trace penalty, dimension and stopping, and how far each metric is above the proved optimum.

    Penalties are in parts of the mean curvature of the pull, dimensions the leading ones. A descent is stopped where
    it errs least on 30 % of the training points, under the smallest penalty, without which it has no optimum.
    """
    if not (case.validation and case.reduction):
        return {}
    problem = Problem.from_data(split.X, split.y)
    best = solve(problem, tol=case.tol, warn=False)
    unit = pull_curvature(split)
    found = {"optimum": _error(best, split), "optimum, excess": best.relative_gap}
    maps = {
        f"penalty {share:.0e}": solve(Problem.from_data(split.X, split.y, reg=share * unit), tol=1e-4, warn=False).L
        for share in PENALTIES
    }
    for few in FEW:
        L = solve(Problem.from_data(split.X[:, :few], split.y), tol=1e-4, warn=False).L
        maps[f"{few} dimensions"] = np.pad(L, ((0, 0), (0, split.X.shape[1] - few)))
    stopped = LMNN(
        solver="pgd", validation_fraction=0.3, random_state=split.seed, reg=PENALTIES[0] * unit, max_iter=500
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        maps["stopped by validation"] = stopped.fit(split.X, split.y).components_
    maps["no metric"] = np.eye(split.X.shape[1])
    for name, L in maps.items():
        found[name] = _vote(split.X @ L.T, split.X_test @ L.T, split)
        scaled = np.sqrt(best_scale(problem, L.T @ L)) * L
        found[f"{name}, excess"] = problem.value(scaled) / best.lower_bound - 1
    return found


def metrics_held_back(split: Split, case: Case) -> dict[str, float]:
    """Test errors of a metric a class by trace penalty, where it has about as many dimensions as a class has points."""
    if not (case.reduction and len(split.y) <= MOST_POINTS):
        return {}
    unit = pull_curvature(split)
    found = {}
    for share in PENALTIES:
        model = MultiMetricLMNN(tol=1e-2, reg=share * unit, time_limit=SECONDS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(split.X, split.y)
        found[f"penalty {share:.0e}"] = float(np.mean(model.predict(split.X_test) != split.y_test))
        found[f"penalty {share:.0e}, gap"] = model.relative_gap_
    return found


def pull_curvature(split: Split) -> float:
    """Mean over features of the curvature of the pull of one metric: a scale for a trace penalty."""
    problem = Problem.from_data(split.X, split.y, TARGETS)
    i, j = problem.target_pairs()
    return float(np.sum((problem.X[i] - problem.X[j]) ** 2) * (1 - problem.mu) / problem.n_features)


def _error(solution: Solution, split: Split) -> float:
    """Test error of the vote of three under a metric."""
    return _vote(split.X @ solution.L.T, split.X_test @ solution.L.T, split)


def _vote(A: FloatArray, B: FloatArray, split: Split, voters: int = 3) -> float:
    """Test error of a vote."""
    return float((ShrinkingKNN(voters).fit(A, split.y).predict(B) != split.y_test).mean())
