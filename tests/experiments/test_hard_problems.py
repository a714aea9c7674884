"""Hard data are data, and the remedies of a message are done to the letter."""

import hard_problems
import numpy as np
import pytest

from harness.hard_data import all_data
from harness.remedies import Asked, remedies


def asked(X=None, reg=0.0):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 4)) if X is None else X
    return Asked(X, np.arange(len(X)) % 2, 1, 0.5, reg, 1e-6)


def test_there_are_many_and_the_same_each_time():
    first, again = list(all_data()), list(all_data())
    assert len(first) >= 60
    assert len({(data.family, data.name) for data in first}) == len(first)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.X, other.X)
        assert np.isfinite(one.X).all()
        assert np.min(np.bincount(one.y)) > 3
        assert set(hard_problems.QUICK_DATA) <= {data.name for data in first}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("reduce the data with PCA to at most 3 dimensions, or", (12, 3, 0.0, 1e-6)),
        ("or set reg > 0, for example reg=0.02", (12, 4, 0.02, 1e-6)),
        ("raise it, for example reg=1e-05, or", (12, 4, 1e-5, 1e-6)),
        ("leave out feature 2, or", (12, 3, 0.0, 1e-6)),
        ("leave out features 0, 2", (12, 2, 0.0, 1e-6)),
        ("row 3 of X lies 1e+20 times as far; leave the row out", (11, 4, 0.0, 1e-6)),
        ("Raise tol to 4e-05.", (12, 4, 0.0, 4e-5)),
        ("or raise tol to 4e-05. The", (12, 4, 0.0, 4e-5)),
    ],
)
def test_remedies_are_done_to_the_letter(words, expected):
    (remedy,) = remedies(words).values()
    done = remedy(asked())
    assert (*done.X.shape, done.reg, done.tol) == expected
    assert len(done.y) == len(done.X)


def test_repeated_points_are_dropped():
    X = np.repeat(np.arange(8.0).reshape(4, 2), 4, axis=0)
    (remedy,) = remedies("drop repeated points, or").values()
    assert len(remedy(asked(X)).X) == 8  # each of four points in both classes


def test_a_refusal_is_settled_only_by_remedies_that_work():
    works, fails = {"status": "OPTIMAL"}, {"status": "STALLED"}
    assert hard_problems.settled({"status": "OPTIMAL"})
    assert not hard_problems.settled({"status": "refused", "remedies": {}})
    assert hard_problems.settled({"status": "refused", "remedies": {"a": works}})
    assert not hard_problems.settled({"status": "refused", "remedies": {"a": works, "b": fails}})
