"""Data on which the solver once stuck reach their tolerance."""

import time
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from harness.hard_data import all_data
from harness.nasty import Recipe
from lmnn_sdp import Problem, Status, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.solvers import newton

HARD = {f"{data.family}: {data.name}": data for data in all_data()}


def genes(n, d, classes, reg, mu=0.5):
    """Many features, few points: twenty features tell the classes."""
    rng = np.random.default_rng(1)
    y = np.arange(n) % classes
    X = rng.normal(size=(n, d))
    X[:, :20] += rng.normal(size=(classes, 20))[y]
    return Problem.from_data(X, y, 3, mu, reg=reg)


@pytest.mark.parametrize("reg", [0.4, 0.04])
def test_many_features_and_few_points(reg):
    solution = solve(genes(62, 2000, 2, reg))
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= 2.6600654e-4 * reg / 0.04 * (1 + 1e-5)  # nearly in proportion
    assert solution.objective >= 2.6600654e-4 * reg / 0.04 * (1 - 1e-4)


@pytest.mark.parametrize("reg", [0.7, 0.07])
def test_few_points_of_three_classes(reg):
    assert solve(genes(45, 80, 3, reg)).status is Status.OPTIMAL


@pytest.mark.parametrize("stiffness", [0.01, 1.0, 10.0])
@pytest.mark.parametrize("width", [0.03, 0.25, 16.0])
def test_a_start_whose_penalties_are_far_off_is_mended(monkeypatch, stiffness, width):
    # indicators of levels that each class has of its own: the first metric is a thousand times smaller than the optimal
    rng = np.random.default_rng(19)
    y = np.arange(60) % 2
    level = rng.integers(0, 3, 60) + 3 * (y & (rng.random(60) < 0.9))
    X = np.column_stack([np.random.default_rng(0).normal(size=(60, 2)), 20 * np.eye(6)[level]])
    monkeypatch.setattr(newton, "PSD_PENALTY", stiffness * newton.PSD_PENALTY)
    monkeypatch.setattr(newton, "NARROWER", width)
    solution = solve(Problem.from_data(X, y, 1, 0.01, reg=0.1))
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= 1.38054169 * (1 + 1e-8)  # as SCS proves
    assert solution.objective >= 1.38054157 * (1 - 1e-8)


@pytest.mark.parametrize("blocks", [None, "class"])
def test_a_start_a_million_times_too_stiff_is_noticed_by_its_short_steps(monkeypatch, blocks):
    searched, begun, steps = newton._line_search, newton._iterate, []

    def stiff(*arguments):
        state = begun(*arguments)
        state.s *= 1e6
        return state

    def counted(*arguments):
        steps.append(searched(*arguments))
        return steps[-1]

    monkeypatch.setattr(newton, "_iterate", stiff)
    monkeypatch.setattr(newton, "_line_search", counted)
    data = load("wine").standardized()
    solution = solve(Problem.from_data(data.X, data.y, blocks=blocks), tol=1e-6)
    assert solution.status is Status.OPTIMAL
    assert len(steps) < 200  # of several metrics there were 3,000 when each round took all its steps


def test_the_small_one_agrees_with_scs():
    solution = solve(genes(24, 60, 2, 0.04))
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= 8.6113075e-4
    assert solution.objective >= 8.6113071e-4


@pytest.mark.parametrize("mu", [0.01, 0.99, 0.999])
@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("name", ["separable: 117 x 33, 1 apart", "real: iris", "counts: 200 x 10, 2 classes"])
def test_weights_near_both_ends(name, k, mu):
    data = HARD[name]
    assert solve(Problem.from_data(data.scaled("standardised"), data.y, k, mu)).status is Status.OPTIMAL


@pytest.mark.parametrize(
    "name", ["mixtures: 178 x 13, 3 classes", "separable: 150 x 12, 8 apart", "heavy tails: cubes of Cauchy"]
)
def test_raw_units(name):
    data = HARD[name]
    assert solve(Problem.from_data(data.X, data.y, 3, 0.99)).status is Status.OPTIMAL


@pytest.mark.parametrize("mu", [0.5, 0.3, 1e-12, 1 - 1e-12])
def test_a_penalty_of_no_size_ends(mu):
    recipe = Recipe("heavy tails", "few points", 22, 3, 2, 1, False, mu, "number", -15, False, "newton", 5781866)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution = solve(recipe.problem())
    assert 0 <= solution.lower_bound <= solution.objective
    assert solution.rounds < 100


@pytest.mark.clock
@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_a_time_limit_is_kept(limit):
    data = load("digits").standardized()
    problem = Problem.from_data(data.X, data.y)
    begin = time.perf_counter()
    solution = solve(problem, tol=1e-12, time_limit=limit, warn=False)
    assert time.perf_counter() - begin < limit + 1.5
    assert solution.status is Status.TIME_LIMIT
    assert np.isfinite(solution.objective)
