"""Every interval is a theorem about floats: judged in rational arithmetic, on data that are out to break it."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from exact import assert_proved, exact_objective

from lmnn_sdp import Problem, Status, certify, solve
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.proof.lower import _weighted, bound_below
from lmnn_sdp.proof.upper import _image
from problems import noise, raised_pulls

KINDS = {
    "plain": lambda X, rng: X,
    "units": lambda X, rng: X * 10.0 ** rng.integers(-16, 17, X.shape[1]),
    "offset": lambda X, rng: X + 10.0 ** rng.integers(0, 17),
    "grid": lambda X, rng: np.round(2 * X),
    "near copy": lambda X, rng: np.c_[X, X[:, 0] + 10.0 ** -rng.integers(5, 17) * rng.normal(size=len(X))],
    "constant": lambda X, rng: np.c_[X, np.full(len(X), 3.0)],
    "repeated points": lambda X, rng: X[np.maximum(0, np.arange(len(X)) // 4 * 4 - np.arange(len(X)) % 2)],
    "one-hot": lambda X, rng: np.c_[X, np.eye(3)[rng.integers(0, 3, len(X))]],
    "heavy tails": lambda X, rng: X * rng.standard_cauchy(size=X.shape),
    "tiny and huge": lambda X, rng: X * 10.0 ** rng.integers(-140, 140),
    "rounded combination": lambda X, rng: np.c_[X, X @ rng.normal(size=(X.shape[1], 1))],
    "standardised copy": lambda X, rng: np.c_[X, X[:, :1]] - X.mean(),
    "far row": lambda X, rng: np.r_[np.full((1, X.shape[1]), 10.0 ** rng.integers(4, 20)), X[1:]],
}


def nasty(kind, seed, *more, most=20):
    """A problem of fewer than ``most`` points of one of the kinds."""
    rng = np.random.default_rng([seed, sorted(KINDS).index(kind), *more])
    n = int(rng.integers(10, most))
    X = KINDS[kind](rng.normal(size=(n, int(rng.integers(1, 4)))), rng)
    reg = float(rng.choice([0.0, 0.1]))
    return Problem.from_data(X, np.arange(n) % 2, 1 + seed % 2, float(rng.choice([0.5, 0.01, 0.99])), reg=reg)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_intervals_are_theorems(kind, seed):
    problem = nasty(kind, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            solution = solve(problem, max_iter=30)
        except ValueError as error:
            refused = str(error)
        else:
            refused = ""
            assert_proved(problem, solution)
    assert not refused or any(word in refused for word in ("pull vanishes", "row 0 of X lies"))


def test_little_is_lost_to_rigour():
    problem = noise(n=25, d=3)
    solution = solve(problem, tol=1e-8)
    assert 0 < assert_proved(problem, solution) < 1e-12


def test_a_fill_value_in_one_row_hides_no_other():
    # iris with a row of 1e17: three directions were dropped once, and the lower bound was thirty times the optimum
    rng = np.random.default_rng(1)
    X = np.r_[np.full((1, 3), 1e17), rng.normal(size=(19, 3))]
    problem = Problem.from_data(X, np.arange(20) % 2, 2)
    with pytest.raises(ValueError, match=r"row 0 of X lies 1e\+17 times as far .* leave the row out"):
        solve(problem)
    problem = Problem.from_data(np.r_[np.full((1, 3), 1e9), X[1:]], np.arange(20) % 2, 2)
    solution = solve(problem)
    contrast = np.array([[1.0, -1, 0], [0, 1, -1]])
    assert solution.lower_bound <= float(exact_objective(problem, contrast))
    assert_proved(problem, solution)


def test_multipliers_of_repeated_triplets_are_joined():
    problem = noise(n=20, d=2)
    solution = solve(problem, tol=1e-6)
    inside = whiten(problem).problem
    once = bound_below(inside, solution.triplets, solution.alpha)
    twice = bound_below(inside, np.repeat(solution.triplets, 2, axis=0), np.repeat(solution.alpha / 2, 2))
    assert twice.value == pytest.approx(once.value, rel=1e-12)
    doubled = bound_below(inside, np.repeat(solution.triplets, 2, axis=0), np.repeat(solution.alpha, 2))
    assert doubled.value <= solution.objective


@pytest.mark.parametrize("e", [-34, -40, -48])
def test_a_pull_that_is_exactly_singular_proves_nothing(e):
    a = np.random.default_rng(0).integers(1, 2**20, 20) / 2**20
    y = np.arange(20) % 2
    problem = Problem.from_data(np.c_[a, a + 2.0**e * y], y, 1)  # the optimum is 0, and not attained
    with pytest.raises(ValueError, match="the pull vanishes in 1 of the 2 directions"):
        solve(problem)


def test_the_objective_of_features_with_very_different_units_is_that_of_the_components():
    X = np.random.default_rng(3).normal(size=(20, 3)) * [1, 1, 1e16]
    problem = Problem.from_data(X, np.arange(20) % 2, 2)
    solution = solve(problem)
    assert solution.status is Status.OPTIMAL
    assert 0 <= assert_proved(problem, solution) < 1e-12


@pytest.mark.parametrize("noise_size", [1e-8, 1e-10])
def test_a_matrix_of_near_copies_is_not_flattered(noise_size):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(20, 2))
    X = np.c_[X, X[:, 0] + noise_size * rng.normal(size=20)]
    problem = Problem.from_data(X, np.arange(20) % 2, 2)
    L = np.triu(rng.normal(size=(3, 3))) / [1, 1, noise_size]
    L = np.round(L * 2.0**10) / 2.0**10  # so that L'L is exact
    M = L.T @ L
    found = certify(problem, M, np.empty((0, 3), dtype=int), np.empty(0))
    assert found.objective >= float(exact_objective(problem, L))


def test_a_tiny_penalty_beside_a_tiny_feature():
    rng = np.random.default_rng(5)
    X = np.c_[rng.normal(size=20), 1e-16 * rng.normal(size=20), np.ones(20)]
    problem = Problem.from_data(X, np.arange(20) % 2, 2, reg=1e-35)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solution = solve(problem)
    assert_proved(problem, solution)


def test_equal_points_far_away_pay_for_no_error():
    X = np.repeat(np.random.default_rng(0).normal(size=(10, 2)), 2, axis=0)
    y = np.arange(20) // 2 % 2
    X[y == 1] += 1e9
    X[[0, 4], [0, 1]] += 1e-3  # two pairs are none
    problem = Problem.from_data(X, y, 1)
    equal = np.setdiff1d(np.arange(20), [0, 1, 4, 5])
    inside = whiten(problem).problem
    for each, L in ((problem, np.eye(2)), (inside, np.eye(2))):
        image = _image(each, L, accurate=True)
        V, errors = image.V, image.errors
        pulls, _ = raised_pulls(V, errors, each)
        assert errors.max() > 1e-10
        assert np.all(pulls[equal] <= 1e-290)
        assert np.all(pulls[[0, 1, 4, 5]] > 1e-7)
    assert _weighted(inside, equal, problem.targets[equal, 0], np.ones(16)).error <= 1e-289


def test_a_metric_of_subnormal_numbers_is_bounded_as_it_is():
    X = np.random.default_rng(0).normal(size=(13, 1))
    X[4] = -1e160  # at a distance of 1 under this metric
    problem = Problem.from_data(X, np.arange(13) % 2, 2)
    for count in (2025, 2026, 12345):
        M = np.array([[count * 5e-324]])
        found = certify(problem, M, np.empty((0, 3), dtype=int), np.empty(0))
        assert Fraction(found.objective) >= exact_objective_of(problem, M)


def exact_objective_of(problem, M):
    """``f(M)`` of a metric in one dimension."""
    m, X, mu = Fraction(float(M[0, 0])), [Fraction(x) for x in problem.X[:, 0].tolist()], Fraction(problem.mu)
    pulls = {(i, j): m * (X[i] - X[j]) ** 2 for i in range(len(X)) for j in problem.targets[i].tolist()}
    others = {
        i: [x for x, code in zip(X, problem.codes, strict=True) if code != problem.codes[i]] for i in range(len(X))
    }
    push = sum(max(0, 1 + pull - m * (X[i] - x) ** 2) for (i, _), pull in pulls.items() for x in others[i])
    return (1 - mu) * sum(pulls.values()) + mu * push


@pytest.mark.parametrize("size", [1.0, 1e300])
def test_a_metric_on_a_constant_feature_alone_costs_its_penalty(size):
    X = np.column_stack([np.full(14, 1024.0), np.random.default_rng(0).normal(size=14)])
    problem = Problem.from_data(X, np.arange(14) % 2, 2, reg=0.25)
    found = certify(problem, np.diag([size, 0.0]), np.empty((0, 3), dtype=int), np.empty(0))
    exact = Fraction(problem.mu) * problem.n_triplets + Fraction(size) / 4
    assert exact <= Fraction(found.objective) <= exact * (1 + Fraction(1, 10**9))
