"""A diagonal metric: a linear program, against HiGHS, known values and exact arithmetic."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from exact import exact_objective, exact_slack
from scipy.optimize import linprog
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.preprocessing import StandardScaler

from lmnn_sdp import LMNN, Problem, Solution, Status, certify, solve
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.proof.proof_files import prove
from problems import blobs, noise


def diagonal(problem):
    return replace(problem, diagonal=True)


def highs(problem):
    """The optimum of the linear program with a row for each triplet."""
    X, (i, j), t = problem.X, problem.target_pairs(), problem.all_triplets()
    pull = (1 - problem.mu) * np.sum((X[i] - X[j]) ** 2, axis=0) + np.diag(problem.R)
    a = (X[t[:, 0]] - X[t[:, 2]]) ** 2 - (X[t[:, 0]] - X[t[:, 1]]) ** 2
    found = linprog(
        np.r_[pull, np.full(len(t), problem.mu)], A_ub=-np.c_[a, np.eye(len(t))], b_ub=-np.ones(len(t)), method="highs"
    )
    assert found.status == 0
    return found.fun


def assert_proved(problem, solution):
    """Both bounds in rational arithmetic: S needs no negative entry on its diagonal."""
    assert Fraction(solution.objective) >= exact_objective(problem, solution.L)
    assert np.count_nonzero(solution.M) == np.count_nonzero(np.diag(solution.M))
    assert all(np.count_nonzero(row) <= 1 for row in solution.L)
    if solution.lower_bound > 0:
        S = exact_slack(problem, solution.triplets, solution.alpha)
        assert all(S[f][f] >= 0 for f in range(problem.n_features))
        assert Fraction(solution.lower_bound) <= sum(map(Fraction, solution.alpha.tolist()))


@pytest.mark.parametrize("seed", range(8))
def test_intervals_hold_the_optimum_of_highs(seed):
    options = {"n": 24, "d": 2 + seed % 4, "seed": seed, "mu": (0.2, 0.5, 0.8)[seed % 3], "reg": 0.5 * (seed % 2)}
    problem = diagonal((blobs if seed % 2 else noise)(**options))
    solution = solve(problem, tol=1e-8)
    best = highs(problem)
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= best * (1 + 1e-9)
    assert solution.objective >= best * (1 - 1e-9)
    assert_proved(problem, solution)


@pytest.mark.parametrize(
    ("load", "optimum"),
    [
        (load_iris, 268.9661253),
        (load_wine, 429.0802469),
        (load_breast_cancer, 2384.3057347),
        (load_digits, 4993.284443),
    ],
)
def test_known_optima(load, optimum):
    X, y = load(return_X_y=True)
    solution = solve(Problem.from_data(StandardScaler().fit_transform(X), y, structure="diagonal"), tol=1e-8)
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= optimum * (1 + 2e-10)
    assert solution.objective >= optimum * (1 - 2e-10)


@pytest.mark.parametrize("seed", range(6))
def test_intervals_are_true_in_exact_arithmetic_on_nasty_data(seed):
    rng = np.random.default_rng(seed)
    problem = noise(n=20, d=4, seed=seed)
    X = problem.X.copy()
    X[:, 0] *= 10.0 ** (8 * (seed % 3))
    X[:, 1] += 1e7
    X[:, 2] = np.where(np.arange(20) < 2, rng.normal(), 0.0) if seed % 2 else 3.0  # nearly constant, or constant
    X[0, 3] = 1e6
    problem = Problem.from_data(X, problem.y, 2, reg=1e-3 * (seed % 2), structure="diagonal")
    assert_proved(problem, solve(problem, tol=1e-6, time_limit=10, warn=False))


def test_units_of_features_do_not_matter():
    problem = blobs(seed=3)
    scaled = Problem.from_data(
        problem.X * [1.0, 1e-4, 1e5], problem.y, 2, targets=problem.targets, structure="diagonal"
    )
    one, other = solve(diagonal(problem), tol=1e-9), solve(scaled, tol=1e-9)
    assert one.certificate.overlaps(other.certificate)


def test_a_full_metric_does_at_least_as_well_and_starts_a_diagonal_one():
    full = solve(blobs(seed=4), tol=1e-6)
    weights = solve(diagonal(blobs(seed=4)), tol=1e-6, start=full)
    assert weights.status is Status.OPTIMAL
    assert full.lower_bound <= weights.objective
    assert_proved(diagonal(blobs(seed=4)), weights)
    back = solve(blobs(seed=4), tol=1e-6, start=weights)
    assert back.certificate.overlaps(full.certificate)


def test_certificates_of_a_diagonal_problem_are_about_diagonal_metrics(tmp_path):
    problem = diagonal(blobs(seed=5))
    solution = solve(problem, tol=1e-6)
    assert certify(problem, solution.M, solution.triplets, solution.alpha).overlaps(solution.certificate)
    # the same multipliers prove less about all metrics
    assert certify(blobs(seed=5), solution.M, solution.triplets, solution.alpha).lower_bound < solution.lower_bound
    with pytest.raises(ValueError, match="M has entries beside its diagonal"):
        certify(problem, np.ones((3, 3)), solution.triplets, solution.alpha)
    with pytest.raises(ValueError, match="M has entries beside its diagonal"):
        problem.objective(np.eye(3) + 0.1)
    solution.save(tmp_path / "weights.npz")
    again = Solution.load(tmp_path / "weights.npz")
    assert again.problem == solution.problem != solve(blobs(seed=5), tol=1e-1).problem
    assert solve(problem, tol=1e-6, start=again).rounds <= 1


@pytest.mark.parametrize("reg", [0.0, 1.0])
def test_a_feature_without_pull_is_named_or_carried_by_the_penalty(reg):
    X = np.c_[np.arange(12) % 2 * 5.0, noise(n=12, d=2).X]  # the first tells the classes apart and nothing else
    problem = Problem.from_data(X, np.arange(12) % 2, 2, reg=reg, structure="diagonal")
    if reg:
        assert solve(problem).status is Status.OPTIMAL
        return
    with pytest.raises(
        ValueError, match=r"vanishes in 1 of the 3 features that vary: 0\..*leave them out, or.*reg="
    ) as why:
        whiten(problem)
    works = float(str(why.value).split("reg=")[1])
    assert solve(Problem.from_data(X, problem.y, 2, reg=works, structure="diagonal")).status is Status.OPTIMAL


def test_wrong_input_raises():
    problem = diagonal(blobs())
    with pytest.raises(ValueError, match="structure='banded' is unknown; use 'full' or 'diagonal'"):
        Problem.from_data(problem.X, problem.y, 2, structure="banded")
    with pytest.raises(ValueError, match="structure='diagonal' is for a single metric"):
        Problem.from_data(problem.X, problem.y, 2, structure="diagonal", blocks="class")
    with pytest.raises(ValueError, match="reg is a matrix with entries beside its diagonal"):
        Problem.from_data(problem.X, problem.y, 2, structure="diagonal", reg=np.ones((3, 3)))
    with pytest.raises(ValueError, match="solver='scs' is for a single full metric"):
        solve(problem, "scs")
    with pytest.raises(
        ValueError, match="is for a single full metric without weights, but the problem has structure='diagonal'"
    ):
        SlackSDP.of(problem)
    with pytest.raises(ValueError, match="a proof file is for a single full metric"):
        prove(problem, np.eye(3), np.empty((0, 3), dtype=int), np.empty(0))
    with pytest.raises(ValueError, match="all points are equal"):
        solve(Problem.from_data(np.ones((6, 2)), np.arange(6) % 2, 2, structure="diagonal"))


def test_lmnn_learns_weights():
    X, y = load_wine(return_X_y=True)
    model = LMNN(structure="diagonal", tol=1e-6).fit(StandardScaler().fit_transform(X), y)
    M = model.get_mahalanobis_matrix()
    assert np.array_equal(M, np.diag(np.diag(M)))
    assert 429.08 < model.objective_ < 429.09
