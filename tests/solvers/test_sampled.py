"""The objective from a sample: losses by definition, an interval that covers as often as it says, and wrong input."""

import numpy as np
import pytest

from lmnn_sdp import Problem, objective_interval
from lmnn_sdp.solvers.sampled import losses
from problems import TOL, blobs, naive_objective, noise

DRAWS = 1000


def test_losses_are_those_of_the_definition():
    problem = noise(n=20, d=3, reg=0.3)
    L = np.random.default_rng(0).normal(size=(2, 3))
    V, everyone = problem.centred @ L.T, np.arange(20)
    pulls = problem.target_distances([V])
    whole = (1 - problem.mu) * np.sum(pulls) + np.sum((L @ problem.R) * L)
    whole += problem.mu * np.sum(losses(problem, V, pulls, everyone, everyone))
    assert whole == pytest.approx(naive_objective(problem, L.T @ L), rel=TOL["rounding"])


def test_the_interval_covers_as_often_as_it_says():
    problem = blobs(n=500, d=4, classes=5, k=3, seed=1)
    L = 0.6 * np.eye(4)
    true = problem.value(L)
    found = [objective_interval(problem, L, 200, seed) for seed in range(DRAWS)]
    assert np.mean([one.lower <= true <= one.upper for one in found]) >= 0.93
    spread = np.std([one.estimate for one in found]) / np.sqrt(DRAWS)
    assert abs(np.mean([one.estimate for one in found]) - true) < 4 * spread  # unbiased


@pytest.mark.parametrize("away", [10.0, 30.0, 150.0])
def test_points_with_far_target_neighbours_are_not_missed_and_take_not_all(away):
    X = blobs(n=1000, d=3, classes=2, k=1, seed=3, distance=2.0).X.copy()
    X[0] += away  # pulled from afar, and only one impostor as far: a hinge that 400 random others often do not see
    X[1] = X[0] + 1.0
    problem = Problem.from_data(X, np.arange(1000) % 2, 1)
    true = problem.value(np.eye(3))
    found = [objective_interval(problem, np.eye(3), 200, seed) for seed in range(300)]
    assert np.mean([one.lower <= true <= one.upper for one in found]) >= 0.92


def test_the_interval_is_narrower_than_that_of_points_drawn_alike():
    problem = blobs(n=2000, d=4, classes=5, k=3, seed=1, distance=4.0)
    V, everyone = problem.centred, np.arange(2000)
    all_losses = losses(problem, V, problem.target_distances([V]), everyone, everyone)
    found = objective_interval(problem, np.eye(4), 500, 0)
    alike = 1.96 * 2000 * problem.mu * np.std(all_losses) / np.sqrt(500)
    assert found.upper - found.estimate < 0.7 * alike


def test_the_same_seed_draws_the_same_points():
    problem = noise(n=40)
    one, same, other = (objective_interval(problem, np.eye(3), 10, seed) for seed in (0, 0, 1))
    assert one == same != other


def test_points_without_a_loss_are_certain():
    problem = blobs(n=30, distance=100.0)
    found = objective_interval(problem, np.eye(3), 5, 0)
    assert found.lower == found.estimate == found.upper == pytest.approx(problem.value(np.eye(3)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_anchors": 1}, "n_anchors=1 must be an integer >= 2"),
        ({"L": np.eye(2)}, r"L has shape \(2, 2\); it must be \(r, 3\)"),
    ],
)
def test_wrong_input_raises(options, message):
    with pytest.raises(ValueError, match=message):
        objective_interval(noise(), **{"L": np.eye(3), **options})


def test_problems_of_another_kind_are_refused():
    problem = noise()
    with pytest.raises(ValueError, match=r"working set of 1; use Problem\.objective"):
        objective_interval(problem.restrict(problem.all_triplets()[:1]), np.eye(3))
    with pytest.raises(ValueError, match="objective_interval is for a single full metric"):
        objective_interval(noise(blocks="class"), np.eye(3))
