"""k-NN with the paper's tie rule: against loops, against scikit-learn where nothing is tied, and its checks."""

from collections import Counter

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import ShrinkingKNN
from lmnn_sdp.estimators.votes import shrinking_votes

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
