"""The smoothed problem and its own duality gap; the width of the smoothing that suits the data."""

import numpy as np
import pytest

from lmnn_sdp import Problem
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.smoothing import SETTLED, Smoothed, descend
from lmnn_sdp.solvers.widths import FIRST, LEFT, settle
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


@pytest.mark.parametrize("width", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_gap_is_between_a_value_and_a_bound_below_it(width, seed):
    problem = whiten(noise(seed=seed)).problem
    rng = np.random.default_rng(seed)
    graph = problem.graph(problem.all_triplets())
    metrics = [random_psd(3, rng, scale=10.0**power) for power in (-3, -1, 1)]
    at = [Smoothed.at(problem, graph, M, width) for M in metrics]
    lowest = min(there.value for there in at)
    for there in at:
        assert 0 <= there.gap() <= 1
        assert there.value * (1 - there.gap()) <= lowest * (1 + TOL["rounding"])


def test_the_gradient_is_that_of_the_value():
    problem = whiten(noise()).problem
    rng = np.random.default_rng(0)
    graph = problem.graph(problem.all_triplets())
    M, D = random_psd(3, rng), random_psd(3, rng)
    up, down = (Smoothed.at(problem, graph, M + h * D, 0.5).value for h in (1e-6, -1e-6))
    slope = float(np.sum(Smoothed.at(problem, graph, M, 0.5).gradient() * D))
    assert (up - down) / 2e-6 == pytest.approx(slope, rel=TOL["gradient"])


def test_what_is_left_is_at_most_the_width():
    problem = whiten(noise()).problem
    graph = problem.graph(problem.all_triplets())
    for M in (np.zeros((3, 3)), 0.1 * np.eye(3), 1e6 * np.eye(3)):
        assert 0 <= Smoothed.at(problem, graph, M, 0.5).left() <= 0.5


def test_classes_that_overlap_keep_a_width_below_one():
    white, M = begun(blobs(n=60))
    found = settle(white, M, Monitor(white, 1e-6))
    assert found.near.width <= FIRST
    assert found.near.gap() <= SETTLED
    assert found.near.left() <= LEFT


@pytest.mark.parametrize("reg", [0.05, 0.005])
def test_many_features_and_few_points_get_a_width_of_thousands(reg):
    white, M = begun(genes(reg=reg))
    monitor = Monitor(white, 1e-6)
    assert descend(white, M, FIRST, monitor)[1].gap() > SETTLED
    found = settle(white, M, monitor)
    assert found.near.width >= 100 * FIRST
    assert found.near.gap() <= SETTLED
    assert np.max(found.near.alpha) < 0.01 * white.mu


def test_it_ends_when_time_is_up():
    white, M = begun(genes())
    found = settle(white, M, Monitor(white, 1e-6, time_limit=0.0))
    assert np.isfinite(found.M).all()
