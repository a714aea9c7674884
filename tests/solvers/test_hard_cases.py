"""Data that make solvers fail: degenerate, inseparable, tiny, huge. A solve proves its answer or names the remedy."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lmnn_sdp import Problem, Status, certify, solve
from problems import TOL, blobs, noise


def cloud(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def halves(n):
    return np.arange(n) % 2


def inseparable():
    return Problem.from_data(np.tile(cloud(20, 3), (2, 1)), np.repeat([0, 1], 20), 2)


def separated():
    y = halves(40)
    return Problem.from_data(cloud(40, 3) + 1000.0 * y[:, None], y)


def rank_deficient():
    X = cloud(40, 2)
    return Problem.from_data(np.column_stack([X, X @ cloud(2, 3, seed=1), np.ones(40)]), halves(40))


def two_points_a_class():
    return Problem.from_data(cloud(20, 3), np.arange(20) // 2, 1)


def many_classes():
    centres = cloud(500, 4)[np.arange(1000) // 2]
    return Problem.from_data(centres + 0.1 * cloud(1000, 4, seed=1), np.arange(1000) // 2, 1)


def duplicated():
    return Problem.from_data(np.repeat(cloud(15, 2), 3, axis=0), np.repeat(halves(15), 3))


def every_distance_tied():
    return Problem.from_data(np.eye(8), halves(8), reg=0.5)


def corners_of_a_cube():
    corners = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    return Problem.from_data(corners, corners.sum(axis=1) % 2)


def fewer_points_than_features():
    return Problem.from_data(cloud(12, 30), halves(12), reg=1.0)


HARD = [
    inseparable,
    separated,
    rank_deficient,
    two_points_a_class,
    many_classes,
    duplicated,
    every_distance_tied,
    corners_of_a_cube,
    fewer_points_than_features,
]


@pytest.mark.parametrize("make", HARD)
def test_the_optimum_is_proved(make):
    problem = make()
    solution = solve(problem)
    assert solution.status is Status.OPTIMAL
    assert 0 < solution.lower_bound <= solution.objective <= solution.lower_bound / (1 - 1e-6)
    assert certify(problem, solution.M, solution.triplets, solution.alpha).relative_gap <= 2e-6


def test_a_point_on_an_impostor_costs_at_least_mu():
    problem = inseparable()
    assert solve(problem).lower_bound >= problem.mu * problem.targets.size


def test_far_classes_cost_nearly_nothing():
    assert solve(separated()).objective < 1e-4


def test_the_corners_of_a_cube_leave_no_metric_but_zero():
    # each corner's neighbours are of the other class: any positive metric only adds to the objective
    problem = corners_of_a_cube()
    solution = solve(problem)
    assert solution.objective == pytest.approx(problem.mu * problem.n_triplets, rel=1e-6)
    assert not solution.M.any()


def test_relations_in_a_far_unit_leave_bounds_that_hold():
    # what lies outside of the range of the data costs squares that leave the range of float64
    X = 1e120 * np.random.default_rng(0).normal(size=(20, 1)) * [[1.0, 2, 3]]
    with pytest.warns(ConvergenceWarning, match="Stopped at max_iter"):
        solution = solve(Problem.from_data(X, np.arange(20) % 2, 1, reg=1.0), max_iter=2)
    assert 0 <= solution.lower_bound <= solution.objective < np.inf


@pytest.mark.parametrize("scale", [1e-150, 1e-50, 1e50, 1e150])
def test_units_do_not_matter(scale):
    one, other = (solve(Problem.from_data(s * cloud(40, 3), halves(40))) for s in (1.0, scale))
    assert other.status is Status.OPTIMAL
    assert other.certificate.overlaps(one.certificate)


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.float32])
def test_other_number_types_give_the_result_of_float64(kind):
    X = np.random.default_rng(0).integers(-20, 20, size=(40, 3))
    one, other = (solve(Problem.from_data(X.astype(dtype), halves(40))) for dtype in (np.float64, kind))
    np.testing.assert_array_equal(other.M, one.M)


# What has no answer, or not one.


def test_equal_points_are_refused():
    # every M is optimal: all hinges are 1, whatever the metric
    problem = Problem.from_data(np.ones((8, 2)), halves(8))
    for M in (np.zeros((2, 2)), np.eye(2)):
        assert problem.objective(M) == pytest.approx(problem.mu * problem.n_triplets, rel=TOL["rounding"])
    with pytest.raises(ValueError, match=r"all points are equal, so every metric is optimal.*check that X is the data"):
        solve(problem)


def test_a_singular_pull_names_its_remedies():
    with pytest.raises(ValueError, match=r"pull vanishes in 1 of the 11 directions .*PCA to at most 10 .*set reg > 0"):
        solve(Problem.from_data(cloud(12, 30), halves(12)))
    with pytest.raises(ValueError, match=r"pull vanishes in 2 of the 2 directions .*drop repeated points, or set reg"):
        solve(Problem.from_data(np.repeat(cloud(10, 2), 4, axis=0), np.repeat(halves(10), 4)))


# Tolerances that cannot be missed, or cannot be reached.


@pytest.mark.parametrize(("d", "mu"), [(3, 5e-324), (3, 1e-200), (3, 1e-16), (3, 1 - 1e-12), (40, 1 - 2**-53)])
def test_a_mu_next_to_a_bound_ends_with_a_valid_interval(d, mu):
    problem = Problem.from_data(cloud(60, d), halves(60), 2, mu=mu)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution = solve(problem, max_iter=3, time_limit=2)
    assert 0 <= solution.lower_bound <= solution.objective <= mu * problem.n_triplets * (1 + 1e-9)


@pytest.mark.parametrize("tol", [1e3, np.inf])
def test_a_huge_tolerance_gives_a_valid_interval_at_once(tol):
    problem = noise()
    rough, exact = solve(problem, tol=tol), solve(problem)
    assert rough.status is Status.OPTIMAL
    assert len(rough.history) == 1
    assert rough.certificate.overlaps(exact.certificate)


@pytest.mark.parametrize("make", [noise, blobs])
def test_no_tolerance_ends_at_rounding(make):
    with pytest.warns(ConvergenceWarning, match=r"can improve neither bound any further; raise tol\..*\(tol = 0\)"):
        solution = solve(make(), tol=0)
    assert solution.status is Status.STALLED
    assert 0 < solution.relative_gap <= 1e-9


def test_distances_beyond_float64_end_with_a_valid_interval():
    X, v = cloud(12, 2), np.array([2.0**-91, -(2.0**95)])
    X[0] = 1e273
    problem = Problem.from_data(X, halves(12), 1, reg=np.outer(v, v))
    solution = solve(problem, warn=False)
    assert solution.status is Status.STALLED
    assert solution.objective < np.inf


@pytest.mark.parametrize("distance", [1e5, 1e6, 3e6])
def test_hinges_that_are_rounding_do_not_hide_a_tiny_optimum(distance):
    X = cloud(40, 3)
    X[:, 0] += distance * halves(40)
    solution = solve(Problem.from_data(X, halves(40), 2), tol=1e-6)
    assert solution.objective < 1e-8
    assert solution.relative_gap <= 1e-6
