"""Weights of points: against CVXPY, repetition, exact arithmetic, and what they leave as it is."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from exact import assert_proved
from sklearn.datasets import load_iris

from lmnn_sdp import LMNN, Problem, Status, certify, solve
from problems import blobs, naive_matrices, noise


def weighted(seed, **options):
    """Noise with weights between 0 and 3, some of them 0."""
    problem = noise(n=24, d=3, seed=seed, **options)
    return replace(problem, weights=np.round(np.random.default_rng(seed).uniform(-0.5, 3, 24).clip(0), 2))


def oracle(problem):
    """The optimum by CVXPY, from the definition."""
    d, t = problem.n_features, problem.all_triplets()
    M = cp.Variable((d, d), PSD=True)
    i, j = problem.target_pairs()
    difference = problem.X[i] - problem.X[j]
    pull = (difference * problem.weights[i, None]).T @ difference
    hinges = 1 - naive_matrices(problem.X, t).reshape(len(t), -1) @ cp.vec(M, order="C")
    cost = (1 - problem.mu) * cp.trace(pull @ M) + problem.mu * (problem.weights[t[:, 0]] @ cp.pos(hinges))
    return cp.Problem(cp.Minimize(cost)).solve(solver=cp.CLARABEL)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_hold_the_optimum_of_cvxpy_and_are_exact(seed):
    problem = weighted(seed, mu=(0.3, 0.5, 0.8)[seed % 3])
    solution = solve(problem, tol=1e-7)
    best = oracle(problem)
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= best * (1 + 1e-6)
    assert solution.objective >= best * (1 - 1e-6)
    assert assert_proved(problem, solution) < 1e-11
    assert np.all(solution.alpha <= problem.mu * problem.weights[solution.triplets[:, 0]])


@pytest.mark.parametrize("kind", [{"blocks": "class"}, {"structure": "diagonal"}])
def test_the_family_knows_weights(kind):
    plain = blobs(n=24, seed=2)
    problem = Problem.from_data(plain.X, plain.y, 2, weights=np.arange(24) // 3 % 3, **kind)
    solution = solve(problem, tol=1e-6)
    assert solution.status is Status.OPTIMAL
    if "blocks" in kind:
        assert_proved(problem, solution)
    assert certify(problem, solution.M, solution.triplets, solution.alpha).overlaps(solution.certificate)


def test_equal_weights_are_none_and_a_common_factor_multiplies_the_objective():
    problem = blobs(seed=1)
    assert Problem.from_data(problem.X, problem.y, 2, weights=np.ones(30)).weights is None
    four = solve(Problem.from_data(problem.X, problem.y, 2, weights=np.full(30, 4.0)), tol=1e-8)
    one = solve(problem, tol=1e-8)
    assert four.lower_bound <= 4 * one.objective
    assert 4 * one.lower_bound <= four.objective


def test_the_objective_is_the_formula():
    problem = weighted(3)
    L = np.random.default_rng(0).normal(size=(2, 3))
    V = problem.X @ L.T
    D = np.sum((V[:, None] - V) ** 2, axis=2)
    total = 0.0
    for i in range(24):
        for j in problem.targets[i]:
            hinges = [max(0.0, 1 + D[i, j] - D[i, l]) for l in range(24) if problem.codes[l] != problem.codes[i]]
            total += problem.weights[i] * ((1 - problem.mu) * D[i, j] + problem.mu * sum(hinges))
    assert problem.value(L) == pytest.approx(total, rel=1e-12)
    zero = problem.mu * sum(problem.weights[i] * 2 * np.sum(problem.codes != problem.codes[i]) for i in range(24))
    assert problem.value(np.zeros((1, 3))) == pytest.approx(zero, rel=1e-12)
    assert problem.restrict(problem.all_triplets()).value(L) == pytest.approx(total, rel=1e-12)


def test_a_saved_solution_knows_its_weights():
    problem = weighted(0)
    assert solve(problem, tol=1e-1).problem != solve(replace(problem, weights=None), tol=1e-1).problem


def test_lmnn_takes_weights_of_points_and_of_classes():
    X, y = load_iris(return_X_y=True)
    of_points = LMNN().fit(X, y, sample_weight=np.where(y == 0, 2.0, 1.0))
    of_classes = LMNN(class_weight={0: 2.0, 1: 1.0, 2: 1.0}).fit(X, y)
    assert of_points.objective_ == of_classes.objective_
    assert LMNN(class_weight="balanced").fit(X, y).objective_ == LMNN().fit(X, y).objective_  # classes of equal size
    both = LMNN(class_weight={0: 2.0, 1: 1.0, 2: 1.0}).fit(X, y, sample_weight=np.where(y == 0, 0.5, 1.0))
    assert both.objective_ == LMNN().fit(X, y).objective_


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(30), r"weights\[0\] = -1 is negative"),
        (np.zeros(30), "all weights are 0"),
        (np.ones(29), r"weights has shape \(29,\); it must be \(30,\)"),
        (np.full(30, np.nan), "weights"),
    ],
)
def test_weights_that_are_none_raise(weights, message):
    problem = blobs()
    with pytest.raises(ValueError, match=message):
        Problem.from_data(problem.X, problem.y, 2, weights=weights)


def test_other_solvers_and_a_wrong_length_are_refused():
    problem = weighted(0)
    with pytest.raises(ValueError, match="solver='scs' is for a single full metric without weights"):
        solve(problem, "scs")
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\); it must be \(150,\)"):
        LMNN().fit(*load_iris(return_X_y=True), sample_weight=np.ones(3))
