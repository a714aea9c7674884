"""A metric that stays near another one: against CVXPY, finite differences and exact arithmetic."""

from dataclasses import replace
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
from exact import exact, exact_objective

from lmnn_sdp import Problem, Status, solve, solve_near
from lmnn_sdp.solvers.ridge import _Ridge
from problems import TOL, blobs, naive_matrices, noise, random_psd


def oracle(problem, ridge, M0):
    """Optimum and metric by CVXPY, from the definition."""
    d, t = problem.n_features, problem.all_triplets()
    M = cp.Variable((d, d), PSD=True)
    hinges = 1 - naive_matrices(problem.X, t).reshape(len(t), -1) @ cp.vec(M, order="C")
    cost = cp.trace(problem.cost @ M) + problem.mu * cp.sum(cp.pos(hinges)) + ridge / 2 * cp.sum_squares(M - M0)
    best = cp.Problem(cp.Minimize(cost)).solve(solver=cp.CLARABEL)
    return best, M.value


@pytest.mark.parametrize("ridge", [0.1, 10.0, 1e3])
@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_the_optimum_of_cvxpy(seed, ridge):
    problem = (blobs if seed else noise)(n=24, d=3, seed=seed, reg=0.2 * seed)
    M0 = random_psd(3, np.random.default_rng(seed), scale=0.1) * (seed > 0)
    solution = solve_near(problem, ridge, M0, tol=1e-6)
    best, M = oracle(problem, ridge, M0)
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= best * (1 + 1e-6)
    assert solution.objective >= best * (1 - 1e-6)
    assert np.linalg.norm(solution.M - M) <= solution.distance + 1e-3 * np.linalg.norm(M)


@pytest.mark.parametrize("seed", range(4))
def test_the_interval_is_true_in_exact_arithmetic(seed):
    problem = noise(n=18, d=3, seed=seed)
    M0 = random_psd(3, np.random.default_rng(seed), scale=0.1)
    solution = solve_near(problem, 2.0, M0, tol=1e-5)
    rows, near = exact(solution.L), exact(M0)
    square = sum((sum(row[a] * row[b] for row in rows) - near[a][b]) ** 2 for a in range(3) for b in range(3))
    value = exact_objective(problem, solution.L) + square  # ridge / 2 = 1
    assert value <= Fraction(solution.objective) <= value * (1 + Fraction(1, 10**11))
    # f_lam at other metrics is never below the bound
    rng = np.random.default_rng(seed)
    for scale in (0.0, 0.1, 1.0):
        other = solution.L + scale * rng.normal(size=solution.L.shape)
        rows = exact(other)
        square = sum((sum(row[a] * row[b] for row in rows) - near[a][b]) ** 2 for a in range(3) for b in range(3))
        assert exact_objective(problem, other) + square >= Fraction(solution.lower_bound)


def test_the_gradient_of_the_dual_is_that_of_finite_differences():
    problem = noise(n=20, d=3)
    ridge = _Ridge(problem, 3.0, random_psd(3, np.random.default_rng(0), scale=0.2))
    graph = problem.graph(problem.all_triplets()[::9])
    rng = np.random.default_rng(1)
    alpha, step = rng.uniform(0, 0.5, len(graph.triplets)), rng.normal(size=len(graph.triplets))
    gradient = ridge.dual(graph, alpha)[1]
    h = 1e-5
    slope = (ridge.dual(graph, alpha + h * step)[0] - ridge.dual(graph, alpha - h * step)[0]) / (2 * h)
    assert gradient @ step == pytest.approx(slope, rel=TOL["gradient"])


def test_a_small_penalty_ends_at_lmnn_and_a_large_one_at_the_given_metric():
    problem, M0 = blobs(seed=1), 0.3 * np.eye(3)
    free = solve(problem, tol=1e-6)
    loose, tight = (solve_near(problem, ridge, M0, tol=1e-4) for ridge in (0.1, 1e7))
    assert loose.lower_bound >= free.lower_bound * (1 - 1e-9)
    assert loose.objective <= free.objective + 0.05 * np.sum((free.M - M0) ** 2) + 1e-4 * loose.objective
    np.testing.assert_allclose(tight.M, M0, atol=1e-3)


def test_a_singular_pull_does_no_harm_and_weights_count():
    X = np.c_[np.arange(12) % 2 * 5.0, noise(n=12, d=2).X]
    problem = Problem.from_data(X, np.arange(12) % 2, 2)
    assert solve_near(problem, 1.0).status is Status.OPTIMAL
    doubled = solve_near(replace(blobs(), weights=np.full(30, 2.0)), 2.0, tol=1e-6)
    plain = solve_near(blobs(), 1.0, tol=1e-6)
    assert doubled.objective == pytest.approx(2 * plain.objective, rel=1e-5)


def test_limits_are_kept_and_what_is_proved_stays_so():
    problem = noise(n=60, d=4)
    short = solve_near(problem, 0.1, tol=1e-12, max_iter=1)
    assert short.status is Status.MAX_ITER
    assert short.lower_bound <= solve_near(problem, 0.1, tol=1e-4).objective
    assert solve_near(problem, 0.1, tol=1e-14, time_limit=1e-3).status is Status.TIME_LIMIT


@pytest.mark.parametrize("ridge", [0.0, -1.0, np.inf, "1"])
def test_penalties_that_are_none_raise(ridge):
    with pytest.raises(ValueError, match="must be a finite number above 0; for none use solve"):
        solve_near(blobs(), ridge)


def test_other_problems_and_metrics_raise():
    problem = blobs()
    with pytest.raises(ValueError, match="solve_near is for a single full metric"):
        solve_near(Problem.from_data(problem.X, problem.y, 2, blocks="class"), 1.0)
    with pytest.raises(ValueError, match="M has the negative eigenvalue"):
        solve_near(problem, 1.0, -np.eye(3))
