"""A solve that ends before its tolerance says what in the data is to blame, and its remedies work to the letter."""

import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lmnn_sdp import Problem, Status, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.solvers.advice import advice, nearly_dependent
from problems import noise


def near_copy(noise_level=1e-12):
    """Wine with a column that repeats another."""
    data = load("wine").standardized()
    copy = data.X[:, 0] + noise_level * np.random.default_rng(0).normal(size=len(data.X))
    return np.column_stack([data.X, copy]), data.y


@pytest.mark.parametrize("mu", [0.5, 0.99])
def test_a_near_copy_is_named_and_leaving_it_out_works(mu):
    X, y = near_copy()
    with pytest.warns(ConvergenceWarning, match=r"Feature (0|13) repeats others to \S+ of the variation") as caught:
        solution = solve(Problem.from_data(X, y, 1, mu))
    text = str(caught[0].message)
    assert solution.status is Status.ROUNDING
    assert solution.message in text
    feature = int(re.search(r"leave out feature (\d+)", text)[1])
    assert solve(Problem.from_data(np.delete(X, feature, axis=1), y, 1, mu)).status is Status.OPTIMAL
    tol = float(re.search(r"raise tol to (\S+)\.", text)[1])
    assert solution.relative_gap < tol
    assert solve(Problem.from_data(X, y, 1, mu), tol=tol).status is Status.OPTIMAL


def test_features_that_stand_for_themselves_are_not_named():
    assert nearly_dependent(noise()) == {}
    assert list(nearly_dependent(Problem.from_data(*near_copy(1e-4)))) == []
    found = nearly_dependent(Problem.from_data(*near_copy(1e-9)))
    assert set(found) <= {0, 13}
    assert len(found) == 1
    assert 1e-10 < max(found.values()) < 1e-8


def test_a_combination_with_few_decimals_is_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    found = nearly_dependent(Problem.from_data(np.column_stack([X, X.mean(axis=1).round(9)]), np.arange(60) % 2))
    assert len(found) == 1


def test_a_tiny_penalty_is_named_and_the_one_that_is_suggested_works():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(22, 24)), np.arange(22) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution = solve(Problem.from_data(X, y, 1, reg=1e-15))
    if solution.status is Status.STALLED:
        reg = float(re.search(r"raise it, for example reg=([^,]+?)[,.]? ?(or|$)", solution.advice)[1].rstrip("."))
        assert solve(Problem.from_data(X, y, 1, reg=reg)).status is Status.OPTIMAL


def test_no_tolerance_is_named_that_would_be_of_no_use():
    assert "raise tol" not in advice(noise(), Status.STALLED, 0.5)
    assert "Raise tol to 4e-05." in advice(noise(), Status.STALLED, 1.1e-5)


@pytest.mark.parametrize("status", [Status.OPTIMAL, Status.TIME_LIMIT, Status.INTERRUPTED])
def test_other_ends_get_no_advice(status):
    assert advice(noise(), status, 0.01) == ""
