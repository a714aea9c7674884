"""Facts that the tests of metric-learn's LMNN and of scikit-learn's NCA hold true, where they are about LMNN at all."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances

from lmnn_sdp import LMNN, Problem

IRIS, SPECIES = load_iris(return_X_y=True)
LINE = np.array([[0.0], [1.0], [2.0], [3.0]])
CORNERS, OPPOSITE = np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0], [2.0, 1.0]]), [1, 0, 1, 0]


@pytest.fixture(scope="module")
def fitted():
    return LMNN().fit(IRIS, SPECIES)


@pytest.mark.parametrize(
    ("y", "loss", "optimum"),
    [
        # M = c: 2 c + (2 + 4 [1 - 3 c]_+ + 2 [1 - 8 c]_+) / 2, least at c = 1 / 3
        ([1, 1, 0, 0], 3.0, 5 / 3),
        # 10 c + (2 (1 + 8 c) + 2 (1 + 5 c) + 2 + 2 [1 - 3 c]_+) / 2, least at c = 0
        ([1, 0, 0, 1], 26.0, 4.0),
    ],
)
def test_losses_of_four_points_on_a_line(y, loss, optimum):
    assert Problem.from_data(LINE, y, 1).objective([[1.0]]) == loss
    model = LMNN(n_neighbors=1, tol=1e-9).fit(LINE, y)
    assert model.lower_bound_ <= optimum <= model.objective_ * (1 + 1e-15)
    assert model.objective_ == pytest.approx(optimum, rel=1e-9)


def test_classes_of_iris_lie_apart():
    Z = LMNN(n_neighbors=5).fit_transform(IRIS, SPECIES)
    ratios = []
    for species in range(3):
        own, others = Z[species == SPECIES], Z[species != SPECIES]
        ratios.append(pairwise_distances(own).mean() / pairwise_distances(own, others).mean())
    assert np.mean(ratios) < 0.25


def test_a_hundred_points_in_twenty_dimensions_converge_and_every_round_narrows_the_interval():
    X, y = make_classification(random_state=0)
    model = LMNN(tol=1e-6).fit(X, y)
    gaps = [row.relative_gap for row in model.solution_.history]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] <= 1e-6


def test_neighbours_change_sides_where_opposite_labels_were_nearest():
    with pytest.raises(ValueError, match=r"pull vanishes in 1 of the 2 directions .* set reg > 0"):
        LMNN(n_neighbors=1).fit(CORNERS, OPPOSITE)
    distances = pairwise_distances(LMNN(n_neighbors=1, reg=0.01).fit_transform(CORNERS, OPPOSITE))
    np.fill_diagonal(distances, np.inf)
    assert distances.argmin(axis=1).tolist() == [2, 3, 0, 1]


def test_the_distance_is_a_pseudo_metric(fitted):
    distance = pickle.loads(pickle.dumps(fitted.get_metric()))
    x, y, z = IRIS[[0, 60, 130]]
    assert distance(x, x) == 0
    assert distance(x, y) == distance(y, x) > 0
    assert distance(x, z) <= distance(x, y) + distance(y, z)
    assert distance(x, y, squared=True) == pytest.approx(distance(x, y) ** 2)


def test_a_row_is_a_point(fitted):
    distance = fitted.get_metric()
    assert distance(IRIS[:1], IRIS[60]) == distance(IRIS[0], IRIS[60:61].tolist()) == distance(IRIS[0], IRIS[60])
    np.testing.assert_allclose(fitted.transform(IRIS[:1]), fitted.transform(IRIS)[:1])
    assert fitted.pair_distance([IRIS[[0, 60]]]).shape == fitted.pair_score([IRIS[[0, 60]]]).shape == (1,)


@pytest.mark.parametrize("point", [3.0, [3.0], IRIS[:2], IRIS[:1, :3], []])
def test_what_is_no_point_is_refused_and_never_broadcast(fitted, point):
    for pair in [(IRIS[0], point), (point, IRIS[0])]:
        with pytest.raises(ValueError, match=r"^[ab] has shape \(.*\); it must be \(4,\): one point with 4 features"):
            fitted.get_metric()(*pair)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_has_no_distance(fitted, value):
    with pytest.raises(ValueError, match=r"^b\[2\] is .*; every entry must be finite"):
        fitted.get_metric()(IRIS[0], [1.0, 1.0, value, 1.0])


def test_one_feature_gives_a_matrix():
    model = LMNN(tol=1e-2).fit(IRIS[:, 2:3], SPECIES)
    assert model.components_.shape == model.get_mahalanobis_matrix().shape == (1, 1)
    assert model.get_metric()([1.0], [[1.0]]) == 0


@pytest.mark.parametrize("rows", [1, 2, 4, None])
def test_output_features_are_numbered(fitted, rows):
    model = LMNN(n_components=rows).fit(IRIS, SPECIES)
    expected = len(fitted.components_) if rows is None else rows
    assert model.get_feature_names_out().tolist() == [f"lmnn{row}" for row in range(expected)]
    assert model.transform(IRIS).shape == (150, expected)


@pytest.mark.parametrize("rows", [0, -1, 6, 1.5])
def test_more_components_than_features_are_refused(rows):
    X = np.random.default_rng(0).normal(size=(8, 4))
    with pytest.raises(ValueError, match=rf"n_components={rows} must be an integer from 1 to .* \(4\)"):
        LMNN(n_neighbors=1, n_components=rows).fit(X, [0, 1] * 4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_neighbors", np.int32(2)),
        ("n_components", np.int32(3)),
        ("max_iter", np.int32(100)),
        ("tol", np.float32(1e-4)),
        ("mu", np.float32(0.5)),
    ],
)
def test_numpy_numbers_are_numbers(name, value):
    assert LMNN(**{name: value}).fit(IRIS, SPECIES).relative_gap_ < 0.1


def test_a_class_of_one_point_and_a_single_class_are_refused():
    alone = np.where(np.arange(150) == 60, 3, SPECIES)
    with pytest.raises(ValueError, match=r"class 3 has 1 .*: leave the class out, or add points to it"):
        LMNN().fit(IRIS, alone)
    with pytest.raises(ValueError, match="at least two classes"):
        LMNN().fit(IRIS[:50], SPECIES[:50])


def test_a_warm_second_fit_of_one_round_stays_where_it_was():
    model = LMNN(warm_start=True, tol=1e-6).fit(IRIS, SPECIES)
    before = model.components_
    model.set_params(max_iter=1).fit(IRIS, SPECIES)
    assert np.abs(model.components_ - before).max() < 1e-2 * np.abs(before).max()


def test_a_stop_before_convergence_warns_and_silence_is_silent(capsys):
    with pytest.warns(ConvergenceWarning, match="Stopped at max_iter"):
        LMNN(max_iter=1, tol=1e-12).fit(IRIS, SPECIES)
    assert capsys.readouterr() == ("", "")
