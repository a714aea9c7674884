"""The smoothed problem and its own duality gap; the width of the smoothing that suits the data."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from lmnn_sdp import Problem, Status, solve
from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.newton import ASTRAY
from lmnn_sdp.solvers.smoothing import Descent, Place, SmoothedProblem, _Best
from lmnn_sdp.solvers.widths import FIRST, LEFT, OVERLAP, SETTLED, about_the_kink, by_trial
from problems import TOL, blobs, noise, random_psd


def genes(n=40, d=200, reg=0.05, mu=0.5):
    """Many features, few points."""
    rng = np.random.default_rng(1)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, d))
    X[:, :20] += rng.normal(size=(2, 20))[y]
    return Problem.from_data(X, y, mu=mu, reg=reg)


def begun(problem):
    """The whitened problem with its Euclidean metric."""
    white = whiten(problem).problem
    return white, euclidean_scale(white) * np.eye(white.n_features)


def everything(problem, width, centre):
    """The smoothed problem over all triplets, in whitened coordinates."""
    white = whiten(problem).problem
    return SmoothedProblem(white, white.graph(white.all_triplets()), width, centre)


@pytest.mark.parametrize("centre", [0.0, 0.5])
@pytest.mark.parametrize("width", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_gap_is_between_a_value_and_a_bound_below_it(centre, width, seed):
    smoothed, rng = everything(noise(seed=seed), width, centre), np.random.default_rng(seed)
    places = [smoothed.at(psd_factor(random_psd(3, rng, scale=10.0**power))) for power in (-3, -1, 1)]
    lowest = min(map(smoothed.value, places))
    for here, ahead in itertools.product(places, repeat=2):
        gap = smoothed.gap(here, ahead, smoothed.gradient(ahead))
        assert 0 <= gap <= 1
        assert smoothed.value(here) * (1 - gap) <= lowest * (1 + TOL["rounding"])


@pytest.mark.parametrize("width", [0.3, 2.0])
def test_about_the_kink_the_smoothed_hinge_lies_above_the_hinge_by_at_most_an_eighth_of_the_width(width):
    problem = noise()
    white = whiten(problem).problem
    smoothed, rng = everything(problem, width, 0.5), np.random.default_rng(0)
    for power in (-2, 0, 2):
        L = psd_factor(random_psd(3, rng, scale=10.0**power))
        more = smoothed.value(smoothed.at(L)) - white.value(L)
        assert -TOL["rounding"] <= more / (white.mu * white.n_triplets) <= width / 8 + TOL["rounding"]


@pytest.mark.parametrize("centre", [0.0, 0.5])
@pytest.mark.parametrize("single", [False, True])
def test_the_gradient_is_that_of_the_value(single, centre):
    smoothed, rng = everything(noise(), 0.5, centre), np.random.default_rng(0)
    M, D = random_psd(3, rng), random_psd(3, rng)
    up, down = (smoothed.value(smoothed.at(psd_factor(M + h * D))) for h in (1e-6, -1e-6))
    if single:
        smoothed = replace(smoothed, graph=smoothed.graph.single())
    slope = float(np.sum(smoothed.gradient(smoothed.at(psd_factor(M))) * D))
    assert (up - down) / 2e-6 == pytest.approx(slope, rel=1e-5 if single else TOL["gradient"])


def test_what_is_left_is_at_most_the_width():
    smoothed = everything(noise(), 0.5, 0.0)
    for L in (np.zeros((0, 3)), 0.3 * np.eye(3), 1e3 * np.eye(3)):
        assert 0 <= smoothed.left(smoothed.at(L)) <= 0.5


def test_hinges_of_an_extrapolated_metric_are_its_own():
    smoothed, rng = everything(noise(), 0.5, 0.0), np.random.default_rng(0)
    here, before = (smoothed.at(psd_factor(random_psd(3, rng))) for _ in range(2))
    ahead: Place = here.beyond(before, 0.7)
    np.testing.assert_allclose(ahead.hinges, 1 - smoothed.graph.margins(ahead.M), atol=TOL["rounding"] * 100)


def test_a_list_that_leads_astray_is_left_for_the_best_metric_so_far():
    white, M = begun(blobs(n=60))
    descent, best = Descent(white, M, Monitor(white, 1e-6)), _Best()
    descent._relist(1.0, 0.0, best)
    here, listed, value = descent._here.M, set(white.keys(descent._full.triplets)), best.value
    descent._here = Place(1e-3 * here, descent._here.hinges)  # where far more triplets are violated
    descent._relist(1.0, 0.0, best)
    np.testing.assert_allclose(descent._here.M, here, rtol=0, atol=TOL["rounding"] * np.abs(here).max())
    assert listed < set(white.keys(descent._full.triplets))
    assert best.value == value


def test_the_value_over_a_list_is_that_over_all_triplets_where_it_was_made():
    white, M = begun(blobs(n=60))
    descent, best = Descent(white, M, Monitor(white, 1e-6)), _Best()
    descent._relist(0.5, 0.5, best)
    everywhere = SmoothedProblem(white, white.graph(white.all_triplets()), 0.5, 0.5)
    assert best.value == pytest.approx(everywhere.value(everywhere.at(psd_factor(descent._here.M))), rel=1e-9)


def test_classes_that_overlap_are_smoothed_about_the_kink_and_end_near_the_optimum():
    white, M = begun(blobs(n=60))
    found = about_the_kink(white, M, Monitor(white, 1e-6))
    assert found.width == OVERLAP[-1]
    assert 0 <= found.error <= 0.1


def test_where_multipliers_reach_mu_a_trial_keeps_a_width_below_one():
    white, _ = begun(blobs(n=60))
    found = by_trial(white, euclidean_scale(white) * white.identity, Monitor(white, 1e-6))
    assert found.width <= FIRST
    assert found.gap <= SETTLED
    assert found.left <= LEFT


@pytest.mark.parametrize("reg", [0.05, 0.005])
def test_many_features_and_few_points_get_a_width_of_thousands(reg):
    white, M = begun(genes(reg=reg))
    monitor = Monitor(white, 1e-6)
    assert about_the_kink(white, M, monitor).error > 0.5
    found = by_trial(white, euclidean_scale(white) * white.identity, monitor)
    assert found.width >= 100 * FIRST
    assert found.error < 0.2


def test_where_the_first_certificate_is_far_off_a_trial_goes_on():
    solution = solve(genes(n=60, d=400, reg=0.2, mu=0.01), tol=1e-6)
    first, second = solution.history[:2]
    assert first.relative_gap > ASTRAY > second.relative_gap
    assert solution.status is Status.OPTIMAL
