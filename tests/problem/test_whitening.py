from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmnn_sdp import Problem, certify
from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.problem.whitening import whiten
from problems import TOL, blobs, noise, random_psd

seeds = st.integers(0, 2**32 - 1)
property_test = settings(max_examples=50, deadline=None, derandomize=True)


def assert_close(A, B, tol=TOL["conditioned"]):
    np.testing.assert_allclose(A, B, rtol=0, atol=tol * np.abs(B).max())


def outward(white, N):
    """Metric on x of a metric on z."""
    L = white.outward(psd_factor(N))
    return L.T @ L


def with_features(problem, *columns):
    """The same targets with features added."""
    X = np.column_stack([problem.X, *columns])
    return Problem.from_data(X, problem.y, mu=problem.mu, targets=problem.targets)


@given(st.integers(1, 6), st.sampled_from([0.0, 0.5]), seeds)
@property_test
def test_cost_becomes_the_identity(d, reg, seed):
    white = whiten(noise(30, d, seed=seed, reg=reg))
    assert_close(white.problem.cost, np.eye(d))


@given(st.integers(1, 6), seeds)
@property_test
def test_maps_are_inverse_and_map_the_points(d, seed):
    problem = noise(30, d, seed=seed)
    white = whiten(problem)
    centred = problem.X - white.centre
    assert_close(white.T.T @ white.V, np.eye(d))
    assert_close(centred @ white.T, white.problem.X)
    assert_close(white.problem.X @ white.V.T, centred)


@given(st.integers(1, 6), seeds)
@property_test
def test_inward_and_outward_are_inverse(d, seed):
    white = whiten(noise(30, d, seed=seed))
    M = random_psd(d, np.random.default_rng(seed))
    assert_close(outward(white, white.inward(M)), M)
    assert_close(white.inward(outward(white, M)), M)


@given(st.integers(1, 6), st.sampled_from([0.0, 0.5]), seeds)
@property_test
def test_objective_is_unchanged(d, reg, seed):
    problem = noise(30, d, seed=seed, reg=reg)
    white = whiten(problem)
    M = random_psd(d, np.random.default_rng(seed), scale=0.2)
    f = problem.objective(M)
    assert white.problem.objective(white.inward(M)) == pytest.approx(f, rel=TOL["conditioned"])


def test_everything_but_coordinates_is_kept():
    problem = noise()
    inside = whiten(problem).problem
    part = problem.restrict(problem.all_triplets()[:5])
    assert inside.targets is problem.targets
    assert inside.codes is problem.codes
    assert inside.mu == problem.mu
    assert whiten(part).problem.working_set is part.working_set


@pytest.mark.parametrize("constant", [0.0, 3.0, 0.1, -1e3 / 3, 1e-200])
def test_constant_features_are_dropped_exactly(constant):
    problem = noise()
    wide = with_features(problem, np.full(problem.n_points, constant))
    white, plain = whiten(wide), whiten(problem)
    assert white.problem.n_features == 3
    assert_close(white.problem.cost, np.eye(3))
    assert (white.T[3] == 0).all()
    assert white.left_out == ()
    M = random_psd(4, np.random.default_rng(0), scale=0.2)
    assert white.problem.objective(white.inward(M)) == pytest.approx(wide.objective(M), rel=TOL["conditioned"])
    f = plain.problem.objective(plain.inward(M[:3, :3]))
    assert white.problem.objective(white.inward(M)) == pytest.approx(f, rel=TOL["conditioned"])


@pytest.mark.parametrize("factor", [1.0, -1.0, 1e-6, 1000.0, 0.1])
def test_duplicated_features_are_dropped_exactly(factor):
    problem = noise()
    wide = with_features(problem, factor * problem.X[:, 1])
    white = whiten(wide)
    assert white.problem.n_features == 3
    assert white.left_out == (() if factor in (1.0, -1.0) else white.left_out)
    M = random_psd(4, np.random.default_rng(1), scale=0.2)
    f = wide.objective(M)
    assert white.problem.objective(white.inward(M)) == pytest.approx(f, rel=TOL["conditioned"])
    back = outward(white, white.inward(M))
    assert wide.objective(back) == pytest.approx(f, rel=TOL["conditioned"])


def test_linear_combinations_of_features_are_dropped():
    problem = noise(d=4)
    mixed = problem.X @ np.random.default_rng(2).normal(size=(4, 3))
    assert whiten(with_features(problem, mixed)).problem.n_features == 4


def test_more_features_than_points():
    problem = noise(n=12, d=30, classes=2, k=2, reg=1.0)
    white = whiten(problem)
    assert white.problem.n_features == 11
    M = random_psd(30, np.random.default_rng(3), scale=0.01)
    inside = white.problem.objective(white.inward(M))
    projected = outward(white, white.inward(M))
    assert inside == pytest.approx(problem.objective(projected), rel=TOL["conditioned"])
    assert inside < problem.objective(M)  # the trace penalty of directions in which the data do not vary is saved


def singular():
    """Two features; targets differ in the first only."""
    X = np.array([[0.0, 0], [1, 0], [0, 5], [1, 5]])
    return X, np.array([0, 0, 1, 1])


def test_singular_pull_names_the_remedies():
    with pytest.raises(ValueError, match=r"pull vanishes in 1 of the 2 directions .*; set reg > 0, for example reg="):
        whiten(Problem.from_data(*singular(), n_neighbors=1))


def test_the_suggested_reg_cures_a_singular_pull():
    X, y = singular()
    with pytest.raises(ValueError, match="for example reg=") as caught:
        whiten(Problem.from_data(X, y, 1))
    reg = float(str(caught.value).rsplit("reg=", 1)[1])
    white = whiten(Problem.from_data(X, y, 1, reg=reg))
    assert reg > 0
    assert_close(white.problem.cost, np.eye(2))


def test_no_pull_at_all_is_singular_and_reg_cures_it():
    X, y = np.repeat(np.random.default_rng(4).normal(size=(4, 2)), 2, axis=0), np.repeat([0, 1, 0, 1], 2)
    with pytest.raises(
        ValueError, match=r"pull vanishes in 2 of the 2 directions .*drop repeated points, or set reg > 0"
    ):
        whiten(Problem.from_data(X, y, 1))
    assert_close(whiten(Problem.from_data(X, y, 1, reg=0.1)).problem.cost, np.eye(2))


def test_singular_pull_among_badly_scaled_features_is_seen():
    X, y = singular()
    wide = np.column_stack([1e-6 * X[:, 0], 1e6 * X[:, 1]])
    with pytest.raises(ValueError, match="pull vanishes in 1 of the 2"):
        whiten(Problem.from_data(wide, y, targets=[[1], [0], [3], [2]]))


def test_indefinite_cost_raises():
    with pytest.raises(ValueError, match=r"reg makes the cost .* indefinite.*use a PSD matrix"):
        whiten(noise(reg=-1e6 * np.eye(3)))


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e9])
def test_equal_points_raise(value):
    problem = Problem.from_data(np.full((6, 2), value), [0, 0, 0, 1, 1, 1], 1)
    with pytest.raises(ValueError, match=r"all points are equal, .*check that X is the data"):
        whiten(problem)


@given(seeds)
@property_test
def test_units_do_not_matter(seed):
    problem = blobs(40, 4, seed=seed)
    rng = np.random.default_rng(seed)
    units = 10.0 ** rng.uniform(-6, 6, 4)
    scaled = Problem.from_data(problem.X * units, problem.y, targets=problem.targets)
    white = whiten(scaled)
    M = random_psd(4, rng, scale=0.2)
    in_units = M / np.outer(units, units)
    f = problem.objective(M)
    assert_close(white.problem.cost, np.eye(4))
    assert white.problem.objective(white.inward(in_units)) == pytest.approx(f, rel=TOL["conditioned"])
    triplets = problem.all_triplets()
    alpha = np.full(len(triplets), problem.mu)
    assert certify(scaled, in_units, triplets, alpha).lower_bound == pytest.approx(
        certify(problem, M, triplets, alpha).lower_bound, rel=TOL["conditioned"]
    )


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e150, 1e200])
def test_extreme_units_neither_overflow_nor_underflow(scale):
    problem = blobs()
    white = whiten(replace(problem, X=scale * problem.X))
    assert_close(white.problem.cost, np.eye(3))
    N = 0.1 * np.eye(3)  # whitened coordinates are unique up to a rotation
    assert white.problem.objective(N) == pytest.approx(whiten(problem).problem.objective(N), rel=TOL["conditioned"])


def test_data_too_small_for_a_metric_in_float64_raise():
    problem = blobs()
    with pytest.raises(ValueError, match=r"feature \d is so small that M overflows; multiply it by a power of ten"):
        whiten(replace(problem, X=1e-200 * problem.X))


def test_a_constant_feature_of_many_points_is_dropped():
    # the mean of many copies of 0.1 is not 0.1
    n = 20_000
    X = np.column_stack([np.random.default_rng(5).normal(size=n), np.full(n, 0.1)])
    problem = Problem.from_data(X, np.arange(n) % 2, targets=((np.arange(n) + 2) % n)[:, None])
    assert whiten(problem).problem.n_features == 1


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_points_far_from_the_origin(offset):
    problem = blobs()
    moved = replace(problem, X=problem.X + offset)
    white = whiten(moved)
    M = np.eye(3)
    assert_close(white.problem.cost, np.eye(3))
    expected = moved.objective(M)
    assert white.problem.objective(white.inward(M)) == pytest.approx(expected, rel=TOL["conditioned"])


@pytest.mark.parametrize("reg", [0.0, 0.1])
@pytest.mark.parametrize("units", [[1e-60, 1, 1], [1e-30, 1, 1], [1e30, 1, 1], [1e100, 1, 1], [1e-14, 1e-100, 1e145]])
def test_features_in_far_units_find_the_way_back(units, reg):
    problem, units = noise(n=20, d=3), np.array(units)
    scaled = replace(problem, X=problem.X * units, R=np.diag(reg * units**2))
    M = random_psd(3, np.random.default_rng(0)) / units / units[:, None]
    white = whiten(scaled)
    N = white.V.T @ M @ white.V
    L = white.outward(psd_factor(N))
    assert (L * units).T @ (L * units) == pytest.approx(M * units * units[:, None], rel=TOL["conditioned"])


def test_a_metric_that_overflows_in_a_far_unit_is_refused():
    problem = noise(n=20, d=3, reg=0.1)
    scaled = replace(problem, X=problem.X * [1e200, 1.0, 1.0])
    with pytest.raises(ValueError, match=r"M, .* is so large that distances on these data overflow"):
        certify(scaled, np.eye(3), np.empty((0, 3), dtype=int), np.empty(0))
