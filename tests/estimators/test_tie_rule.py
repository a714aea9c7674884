"""k-NN with the paper's tie rule: against loops, against scikit-learn where nothing is tied, and its checks."""

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import ShrinkingKNN
from lmnn_sdp.datasets import load
from lmnn_sdp.estimators import tie_rule
from lmnn_sdp.estimators.votes import shrinking_votes
from lmnn_sdp.problem.neighbors import comparable_squares

X, Y = load_iris(return_X_y=True)


@parametrize_with_checks([ShrinkingKNN(), ShrinkingKNN(1)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def by_loops(X, y, point, k, left_out=None):
    distance = {i: float(np.sum((X[i] - point) ** 2)) for i in range(len(X)) if i != left_out}
    near = sorted(distance, key=lambda i: (distance[i], i))[:k]
    while True:
        (label, most), *others = Counter(y[i] for i in near).most_common()
        if not others or others[0][1] < most:
            return label
        near.pop()


@pytest.mark.parametrize("k", [1, 2, 3, 4, 7, 20])
@pytest.mark.parametrize("classes", [2, 3, 6])
def test_the_vote_is_that_of_loops(k, classes):
    # a small grid: most distances, and many votes, are tied
    rng = np.random.default_rng(k + 10 * classes)
    points, labels = rng.integers(0, 4, (60, 2)).astype(float), rng.permutation(np.arange(60) % classes)
    new = rng.integers(0, 4, (40, 2)) + rng.choice([0.0, 0.5], (40, 1))
    model = ShrinkingKNN(k).fit(points, labels)
    assert model.predict(new).tolist() == [by_loops(points, labels, point, k) for point in new]
    wrong = [by_loops(points, labels, points[i], k, left_out=i) != labels[i] for i in range(60)]
    assert model.leave_one_out_error() == np.mean(wrong)


def test_without_ties_it_is_scikit_learns():
    rng = np.random.default_rng(0)
    points, labels, new = rng.normal(size=(300, 5)), rng.integers(0, 2, 300), rng.normal(size=(200, 5))
    for k in (1, 3, 9):  # odd votes of two classes are never tied
        expected = KNeighborsClassifier(k).fit(points, labels).predict(new)
        assert np.array_equal(ShrinkingKNN(k).fit(points, labels).predict(new), expected)


def test_a_tied_vote_follows_the_nearest_not_the_first_label():
    points, labels = np.array([[1.0], [2.0], [3.0]]), ["c", "b", "a"]
    assert ShrinkingKNN().fit(points, labels).predict([[0.0]]) == ["c"]
    assert KNeighborsClassifier(3).fit(points, labels).predict([[0.0]]) == ["a"]


def test_votes_in_the_order_of_the_neighbours():
    codes = np.array([[0, 1, 1, 0], [2, 1, 0, 3], [1, 0, 0, 0], [3, 3, 1, 1]])
    assert shrinking_votes(codes).tolist() == [1, 2, 0, 3]
    assert shrinking_votes(np.empty((0, 3), dtype=np.intp)).shape == (0,)


@pytest.mark.parametrize("exponent", [22, 25, 26, 27, 28, 40])
def test_far_from_the_origin_neighbours_are_the_same(exponent):
    data = load("balance_scale")
    near = tie_rule.nearest(data.X, None, 5)
    assert np.array_equal(tie_rule.nearest(data.X + 2.0**exponent, None, 5), near)


def test_in_small_blocks_neighbours_are_the_same(monkeypatch):
    data = load("balance_scale")
    near = tie_rule.nearest(data.X, None, 5)
    monkeypatch.setattr(tie_rule, "BLOCK", 1000)
    assert np.array_equal(tie_rule.nearest(data.X, None, 5), near)
    assert np.array_equal(tie_rule.nearest(data.X + 0.25, data.X, 5)[:, 0], np.arange(625))


def test_wrong_parameters_raise():
    for k in (0, 151, 2.0, "auto"):
        with pytest.raises(
            ValueError, match=f"n_neighbors={k!r} must be an integer from 1 to 150, the training points"
        ):
            ShrinkingKNN(k).fit(X, Y)
    with pytest.raises(ValueError, match="n_neighbors=150 must be an integer from 1 to 149, the points left"):
        ShrinkingKNN(150).fit(X, Y).leave_one_out_error()
    with pytest.raises(NotFittedError):
        ShrinkingKNN().leave_one_out_error()
    with pytest.raises(ValueError, match="features"):
        ShrinkingKNN().fit(X, Y).predict(X[:, :3])


@pytest.mark.parametrize("unit", [2.0**-700, 2.0**500, 2.0**1020])
def test_neighbours_do_not_depend_on_the_unit(unit):
    # squares of such numbers are 0 or beyond float64
    rng = np.random.default_rng(0)
    points, new = rng.normal(size=(30, 3)), rng.normal(size=(10, 3))
    assert np.array_equal(tie_rule.nearest(new * unit, points * unit, 3), tie_rule.nearest(new, points, 3))
    assert np.array_equal(tie_rule.nearest(points * unit, None, 3), tie_rule.nearest(points, None, 3))


@pytest.mark.parametrize("far", [1e9, 1e160])
def test_a_far_row_leaves_the_others_as_they_are(monkeypatch, far):
    pairs = []

    def counted(X, a, b):
        pairs.append(len(a))
        return comparable_squares(X, a, b)

    monkeypatch.setattr(tie_rule, "comparable_squares", counted)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(100, 3))
    near = tie_rule.nearest(points[1:], None, 3)
    points[0] = far
    assert np.array_equal(tie_rule.nearest(points, None, 3)[1:], near + 1)
    if far < 1e100:  # its pairs alone are beyond what products tell
        assert pairs[-1] <= pairs[0] + 3 * len(points)
