"""What is said of a pull that vanishes somewhere is true, and what is named as a remedy works."""

import re

import numpy as np
import pytest
from sklearn.decomposition import PCA

from lmnn_sdp import Problem, Status, solve
from lmnn_sdp.problem.whitening import whiten


def cloud(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def said(problem):
    with pytest.raises(ValueError, match="the pull vanishes in ") as caught:
        whiten(problem)
    return str(caught.value)


def one_hot():
    """Measurements beside indicators of levels that each class has of its own."""
    rng = np.random.default_rng(19)
    y = np.arange(60) % 2
    level = rng.integers(0, 3, 60) + 3 * (y & (rng.random(60) < 0.9))
    return np.column_stack([cloud(60, 2), 20 * np.eye(6)[level]]), y


def test_more_features_than_points_say_that_the_optimum_is_zero():
    X, y = cloud(12, 30), np.arange(12) % 2
    problem = Problem.from_data(X, y)
    assert "the optimum is 0, and is reached by every M that is large enough there" in said(problem)
    # the metric that measures the means of the classes alone, as the message says
    i, j = problem.target_pairs()
    free = np.linalg.svd(X[i] - X[j])[2][-19:]
    assert problem.value(1e3 * free) == pytest.approx(0, abs=1e-6)


def test_where_some_impostors_stay_it_says_so():
    X = np.array([[0.0, 0], [1, 0], [0, 5], [1, 5], [0.5, 0], [1.5, 0]])
    y = np.array([0, 0, 1, 1, 1, 1])
    text = said(Problem.from_data(X, y, targets=[[1], [0], [3], [2], [5], [4]]))
    assert "M is not determined" in text
    assert "optimum is 0" not in text


def test_components_whose_pull_vanishes_as_well_are_not_named():
    # the largest component is the one without pull
    X = np.array([[0.0, 0], [1, 0], [0, 5], [1, 5]])
    assert "PCA" not in said(Problem.from_data(X, [0, 0, 1, 1], 1))


@pytest.mark.parametrize(
    ("data", "mu"),
    [
        *[pytest.param((cloud(30, 40), np.arange(30) % 3), mu, id=f"wide, {mu}") for mu in (0.01, 0.5, 0.99)],
        *[pytest.param(one_hot(), mu, id=f"one-hot, {mu}") for mu in (0.01, 0.5)],
    ],
)
def test_every_remedy_works_to_the_letter(data, mu):
    X, y = data
    text = said(Problem.from_data(X, y, 1, mu))
    reg = float(re.search(r"for example reg=(\S+)", text)[1])
    assert solve(Problem.from_data(X, y, 1, mu, reg=reg)).status is Status.OPTIMAL
    size = re.search(r"PCA to at most (\d+) dimensions", text)
    if size is not None:
        reduced = PCA(int(size[1]), svd_solver="full").fit_transform(X)
        assert solve(Problem.from_data(reduced, y, 1, mu)).status is Status.OPTIMAL


def test_many_points_get_no_number_of_components():
    X = np.column_stack([cloud(3200, 1), np.repeat([0.0, 1.0], 1600)])
    assert "PCA" not in said(Problem.from_data(X, np.repeat([0, 1], 1600), 1))


@pytest.mark.parametrize("size", [1e160, 1e250])
def test_a_penalty_beyond_float64_is_told_in_another_unit(size):
    X = size * np.array([[0.0, 0], [1, 0], [0, 5], [1, 5]])
    text = said(Problem.from_data(X, [0, 0, 1, 1], targets=[[1], [0], [3], [2]]))
    unit, reg = re.search(r"divide X by (\S+) and set reg > 0, for example reg=(\S+)", text).groups()
    told = Problem.from_data(X / float(unit), [0, 0, 1, 1], targets=[[1], [0], [3], [2]], reg=float(reg))
    assert solve(told).status is Status.OPTIMAL


def test_classes_so_far_apart_that_all_else_is_lost_are_told_as_well():
    one = np.array([[0.0, 0], [0, 0], [0, 1], [0, 1], [1, 0], [1, 0]])
    X = np.r_[one, 1e10 + one]
    text = said(Problem.from_data(X, np.repeat([0, 1], 6), 1))
    assert text.startswith("the pull vanishes in 2 of the 2 directions")
    assert "drop repeated points" in text
