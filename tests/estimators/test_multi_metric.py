"""Several metrics as scikit-learn uses them: its own checks, distances by definition, and wrong input."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import LMNN, MultiMetricLMNN, Problem, solve
from lmnn_sdp.estimators.ranking import LocalMetrics
from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.problem.blocks import Blocks

X, Y = load_iris(return_X_y=True)


@parametrize_with_checks([MultiMetricLMNN(n_neighbors="auto", reg=0.1), MultiMetricLMNN(blocks=1, n_neighbors=1)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    return MultiMetricLMNN().fit(X, Y)


def test_the_interval_is_that_of_solve(fitted):
    solution = solve(Problem.from_data(X, Y, blocks="class"), tol=1e-4)
    assert (fitted.lower_bound_, fitted.objective_) == (solution.lower_bound, solution.objective)
    assert np.array_equal(fitted.components_, solution.components)
    np.testing.assert_allclose(fitted.get_mahalanobis_matrices(), solution.M, atol=1e-12)
    assert fitted.relative_gap_ <= 1e-4
    assert fitted.n_iter_ >= 1


def test_distances_are_those_of_the_second_point(fitted):
    M, rng = fitted.get_mahalanobis_matrices(), np.random.default_rng(0)
    a, b = rng.integers(0, 150, (2, 20))
    difference = X[a] - X[b]
    expected = np.sqrt(np.einsum("pa,pab,pb->p", difference, M[Y[b]], difference))
    np.testing.assert_allclose(fitted.pair_distance(np.stack([X[a], X[b]], axis=1), Y[b]), expected, rtol=1e-10)
    all_of_them = np.sqrt(np.einsum("qia,iab,qib->qi", X[:, None] - X, M[Y], X[:, None] - X))
    distances, nearest = fitted.kneighbors(X, 4)
    np.testing.assert_allclose(distances, np.sort(all_of_them, axis=1)[:, :4], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(all_of_them, nearest, axis=1), distances, atol=1e-6)
    turned = fitted.pair_distance(np.stack([X[:1], X[-1:]], axis=1), Y[-1:])
    assert turned != pytest.approx(fitted.pair_distance(np.stack([X[-1:], X[:1]], axis=1), Y[:1]))


def test_one_cluster_is_lmnn_and_k_nn_behind_it():
    several, single = MultiMetricLMNN(blocks=1, tol=1e-8).fit(X, Y), LMNN(tol=1e-8).fit(X, Y)
    assert several.lower_bound_ <= single.objective_
    assert single.lower_bound_ <= several.objective_
    np.testing.assert_allclose(metric_of(several.components_)[0], single.get_mahalanobis_matrix(), rtol=0, atol=0.05)
    plain = KNeighborsClassifier(1).fit(X @ several.components_[0].T, Y)
    assert np.array_equal(
        several.set_params(classifier_neighbors=1).predict(X), plain.predict(X @ several.components_[0].T)
    )


def test_clusters_of_k_means_and_of_the_caller_are_the_same_problem():
    counted = MultiMetricLMNN(blocks=2, random_state=0).fit(X, Y)
    labels = KMeans(2, n_init=10, random_state=0).fit(X).labels_
    named = MultiMetricLMNN(blocks=np.array(["left", "right"])[labels]).fit(X, Y)
    assert counted.objective_ == named.objective_
    assert named.blocks_.tolist() == ["left", "right"]
    assert np.array_equal(named.block_of_, labels)
    assert np.array_equal(counted.clusters_.predict(X), labels)


@pytest.mark.parametrize("blocks", [None, 2, np.arange(150) % 2])
def test_early_stopping_keeps_the_metrics_of_least_error_on_points_held_out(blocks):
    model = MultiMetricLMNN(blocks=blocks, validation_fraction=0.3, random_state=0, reg=0.1, tol=1e-8).fit(X, Y)
    errors = model.validation_errors_
    assert len(errors) == len(model.solution_.history)
    assert len(errors) - 1 - np.argmin(errors) <= 3
    assert model.lower_bound_ <= model.objective_
    known, held_out = train_test_split(np.arange(150), test_size=0.3, stratify=Y, random_state=0)
    names, place = np.unique(model.block_of_[known], return_inverse=True)
    assert len(names) == len(model.blocks_)  # the same blocks, over all points and over those learned on
    ranking = LocalMetrics.of(X[known], Y[known], Blocks(place, names), model.components_)
    assert np.mean(ranking.votes(X[held_out], 3) != Y[held_out]) == min(errors)
    problem = Problem.from_data(X[known], Y[known], reg=0.1, blocks=model.blocks_[model.block_of_[known]])
    assert problem.value(model.components_) == pytest.approx(model.objective_, rel=1e-12)
    assert model.kneighbors(X[held_out], 1)[0].max() == 0.0  # all points vote


def test_a_block_that_is_held_out_whole_is_named():
    blocks = np.where(np.arange(150) == 7, "lonely", "others")
    seed = next(seed for seed in range(20) if 7 in train_test_split(np.arange(150), stratify=Y, random_state=seed)[1])
    model = MultiMetricLMNN(blocks=blocks, validation_fraction=0.25, random_state=seed)
    with pytest.raises(ValueError, match=r"validation_fraction=0\.25 holds out all points of block lonely"):
        model.fit(X, Y)


def test_ties_shrink_the_neighbourhood():
    points, one = np.array([[1.0], [2], [3], [4]]), Blocks(np.zeros(4, dtype=np.intp), np.zeros(1))
    metrics = LocalMetrics.of(points, np.array([0, 1, 1, 0]), one, np.eye(1)[None])
    assert metrics.votes(np.zeros((1, 1)), 1).tolist() == [0]
    assert metrics.votes(np.zeros((1, 1)), 2).tolist() == [0]  # one each: the nearest decides
    assert metrics.votes(np.zeros((1, 1)), 3).tolist() == [1]
    assert metrics.votes(np.zeros((1, 1)), 4).tolist() == [1]  # two each: three decide


def test_the_fit_can_be_cloned_and_shown(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    assert "3 on 4 features" in fitted._repr_html_inner()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": 0}, "blocks=0 must be a number of clusters from 1 to 150"),
        ({"blocks": [0, 1]}, r"blocks has shape \(2,\); it must be \(150,\)"),
        ({"classifier_neighbors": 0}, "classifier_neighbors=0 must be an integer from 1 to 150"),
        ({"blocks": np.repeat([0, 1], [149, 1])}, r"\(block, directions\): 1 \(\d\)"),
    ],
)
def test_wrong_parameters_raise(options, message):
    with pytest.raises(ValueError, match=message):
        MultiMetricLMNN(**options).fit(X, Y)


def test_wrong_questions_raise(fitted):
    with pytest.raises(NotFittedError):
        MultiMetricLMNN().predict(X)
    with pytest.raises(ValueError, match="features"):
        fitted.predict(X[:, :3])
    with pytest.raises(ValueError, match=r"blocks must name one of \[0, 1, 2\] for each of the 2 pairs"):
        fitted.pair_distance(np.zeros((2, 2, 4)), [0, 7])
    with pytest.raises(ValueError, match="n_neighbors=151 must be an integer from 1 to 150"):
        fitted.kneighbors(X, 151)
