import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.problem.scale import best_scale, best_scale_nearby, euclidean_scale, unit_scale
from lmnn_sdp.problem.whitening import whiten
from problems import TOL, blobs, naive_objective, noise, random_psd


def along(problem, M):
    """f(c M) as a function of c."""
    L = psd_factor(M)
    return lambda c: problem.value(np.sqrt(c) * L)


def metric(d, seed=0):
    return random_psd(d, np.random.default_rng(seed), scale=0.1)


def assert_minimum(f, c):
    """f is convex, so that it is enough to look a little to both sides."""
    for step in (1e-3, 1e-6):
        blur = TOL["rounding"] * f(c)
        assert f(c) <= f(c * (1 + step)) + blur
        assert f(c) <= f(c * (1 - step)) + blur


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("make", [noise, blobs])
def test_best_scale_is_the_minimum_of_a_scalar_search(make, seed):
    problem, M = make(seed=seed), metric(3, seed)
    f = along(problem, M)
    c = best_scale(problem, M)
    found = minimize_scalar(lambda u: f(np.exp(u)), bounds=(-12, 8), method="bounded", options={"xatol": 1e-10})
    assert f(c) <= found.fun * (1 + TOL["rounding"])
    assert f(c) == pytest.approx(naive_objective(problem, c * M), rel=TOL["rounding"])
    assert f(c) <= min(f(c * factor) for factor in np.geomspace(0.1, 10, 201)) * (1 + TOL["rounding"])


@pytest.mark.parametrize("seed", range(8))
def test_the_slope_changes_its_sign_exactly_there(seed):
    problem, M = noise(seed=seed), metric(3, seed)
    margins = np.sort(problem.margins(psd_factor(M), problem.all_triplets()))
    c, cost = best_scale(problem, M), np.sum(problem.cost * M)
    kink = np.argmin(np.abs(margins - 1 / c))
    assert c == pytest.approx(1 / margins[kink], rel=TOL["rounding"])
    # slope of f(c M) with the smallest margins in violation: cost - mu * their sum
    assert cost - problem.mu * margins[:kink].sum() >= 0
    assert cost - problem.mu * margins[: kink + 1].sum() < 0


@pytest.mark.parametrize(("search", "smallest"), [(best_scale, 1e-9), (best_scale_nearby, 1e-2)])
def test_the_scaled_metric_does_not_depend_on_where_the_search_starts(search, smallest):
    problem, M = noise(), metric(3)
    for factor in (smallest, 0.5, 2.0, 1e3, 1e9):
        assert factor * search(problem, factor * M) == pytest.approx(best_scale(problem, M), rel=TOL["rounding"])


def test_no_scale_is_better_where_none_makes_a_difference():
    problem = noise()
    flat = type(problem).from_data(problem.X * [1, 1, 0], problem.y, targets=problem.targets)
    assert best_scale(problem, np.zeros((3, 3))) == 1
    assert best_scale(flat, np.diag([0.0, 0.0, 1.0])) == 1


def test_the_linear_term_and_the_push_weight_count():
    M = metric(3)
    plain = best_scale(noise(), M)
    assert best_scale(noise(reg=20.0), M) < plain
    assert best_scale(noise(mu=0.9), M) > plain
    penalised = noise(reg=20.0)
    assert_minimum(along(penalised, M), best_scale(penalised, M))


def test_a_restricted_problem_is_scaled_by_its_own_triplets():
    problem = noise()
    part = problem.restrict(problem.all_triplets()[::3])
    M = metric(3)
    assert_minimum(along(part, M), best_scale(part, M))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_euclidean_scale_is_the_best_multiple_of_the_identity(seed, unit):
    problem = noise(seed=seed)
    problem = type(problem).from_data(unit * problem.X, problem.y, targets=problem.targets)
    assert_minimum(along(problem, np.eye(3)), euclidean_scale(problem))
    assert euclidean_scale(problem) == pytest.approx(euclidean_scale(noise(seed=seed)) / unit**2, rel=TOL["rounding"])


def test_euclidean_scale_of_whitened_data():
    problem = whiten(blobs(n=60, d=4)).problem
    assert_minimum(along(problem, np.eye(4)), euclidean_scale(problem))


def test_unit_scale_puts_points_at_distance_one_from_their_mean():
    problem = blobs(n=50, d=4)
    centred = problem.X - problem.X.mean(axis=0)
    assert np.mean(np.sum(centred**2, axis=1)) * unit_scale(problem) == pytest.approx(1, rel=TOL["rounding"])
