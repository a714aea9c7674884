import numpy as np
import pytest

from lmnn_sdp.problem.dependence import dependence

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(40, 3))


def found(*columns):
    X = np.column_stack([POINTS, *columns])
    return dependence(X, X - X[0])


@pytest.mark.parametrize(
    "column",
    [np.full(40, 0.1), POINTS[:, 1], -POINTS[:, 1], 0.25 * POINTS[:, 2], np.zeros(40)],
    ids=["constant", "repeated", "negated", "quarter", "zero"],
)
def test_exact_relations_are_seen_as_such(column):
    split = found(column)
    assert len(split.kept) == 3
    assert split.inexact == ()


def test_one_hot_columns_are_exact():
    codes = RNG.integers(0, 4, 40)
    hot = np.eye(4)[codes]
    split = found(hot)
    assert len(split.kept) == 6
    assert split.inexact == ()


def test_standardised_one_hot_columns_are_not():
    hot = np.eye(3)[np.arange(40) % 3]
    split = found((hot - hot.mean(axis=0)) / hot.std(axis=0))
    assert len(split.kept) == 5
    assert len(split.inexact) == 1
    assert split.inexact[0] in (3, 4, 5)


def test_a_combination_that_was_rounded_is_named():
    split = found(POINTS @ np.array([1 / 3, 0.1, np.pi]))
    assert len(split.kept) == 3
    assert len(split.inexact) == 1


def test_features_that_vary_by_little_are_kept():
    split = found(POINTS[:, 0] + 1e-9 * RNG.normal(size=40))
    assert split.kept.tolist() == [0, 1, 2, 3]
    assert split.inexact == ()


def test_a_far_point_hides_no_other():
    X = POINTS.copy()
    X[0] = 1e17
    split = dependence(X, X - X[1])
    assert split.kept.tolist() == [0, 1, 2]


def test_every_feature_is_a_combination_of_the_kept_ones():
    X = np.column_stack([POINTS, POINTS @ RNG.normal(size=(3, 2))])
    centred = X - X[0]
    split = dependence(X, centred)
    np.testing.assert_allclose(centred[:, split.kept] @ split.coefficients.T, centred, atol=1e-12)


def test_equal_points_are_refused():
    with pytest.raises(ValueError, match="all points are equal"):
        dependence(np.ones((3, 2)), np.zeros((3, 2)))


def test_a_feature_whose_ratio_to_another_overflows_is_named():
    counts = np.random.default_rng(1).integers(-1, 3, (17, 3))
    X = 5e-313 * counts + 1e5 * (np.arange(17)[:, None] % 3) * [1, 0, 1]
    with pytest.raises(ValueError, match=r"is so small beside feature \d, which depends on it.* power of ten"):
        dependence(X, X - X[0])
