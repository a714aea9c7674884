"""Energy classification against the sums of its definition, and as scikit-learn uses it."""

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import LMNN, EnergyClassifier, MultiMetricLMNN, Problem
from lmnn_sdp.estimators import energies


def data(n=60, d=3, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(size=(n, d)) + rng.normal(size=(classes, d))[y], y


def brute_force(model, X, y, new):
    """E of eq. 15, sum by sum; the problem of the training points with the new one has these terms more."""
    L, mu, k = model.metric_.components_, model.metric_.mu, model.metric_.n_neighbors
    targets = Problem.from_data(X, y, k).targets
    square = lambda a, b: float(np.sum((L @ (a - b)) ** 2))  # noqa: E731
    found = []
    for x in new:
        row = []
        for c in np.unique(y):
            own = np.flatnonzero(y == c)
            friends = own[np.argsort([np.sum((X[a] - x) ** 2) for a in own], kind="stable")[:k]]
            total = (1 - mu) * sum(square(x, X[j]) for j in friends)
            for l in np.flatnonzero(y != c):
                away = square(x, X[l])
                total += mu * sum(max(0.0, model.margin + square(x, X[j]) - away) for j in friends)
                total += mu * sum(max(0.0, 1 + square(X[l], X[j]) - away) for j in targets[l])
            row.append(total)
        found.append(row)
    return np.array(found)


@pytest.mark.parametrize("margin", [1.0, 0.0, 2.5])
@pytest.mark.parametrize(("k", "mu", "classes"), [(1, 0.5, 2), (3, 0.2, 3), (4, 0.9, 5)])
def test_energies_are_the_sums_of_the_definition(k, mu, classes, margin):
    X, y = data(classes=classes)
    new = data(n=20, classes=classes, seed=1)[0]
    model = EnergyClassifier(LMNN(n_neighbors=k, mu=mu), margin=margin).fit(X, y)
    expected = brute_force(model, X, y, new)
    np.testing.assert_allclose(model.energies(new), expected, rtol=1e-11)
    assert np.array_equal(model.predict(new), np.argmin(expected, axis=1))


def test_on_a_grid_friends_are_the_first_of_equally_near_points():
    rng = np.random.default_rng(0)
    X, y, new = rng.integers(0, 4, (60, 3)).astype(float), np.arange(60) % 3, rng.integers(0, 4, (20, 3)).astype(float)
    model = EnergyClassifier(LMNN(tol=1e-2)).fit(X, y)
    np.testing.assert_allclose(model.energies(new), brute_force(model, X, y, new), rtol=1e-11)


def test_an_energy_is_what_the_objective_grows_by():
    # friends and targets stay the nearest: the new point is none of the others' targets, being far along a free feature
    X, y = data(n=30, d=2)
    X = np.column_stack([X, np.zeros(30)])
    model = EnergyClassifier(LMNN(n_neighbors=2, reg=1e-3)).fit(X, y)
    M = model.metric_.get_mahalanobis_matrix()
    new = np.array([[0.1, 0.2, 50.0]])
    before = Problem.from_data(X, y, 2).objective(M)
    for c in range(3):
        after = Problem.from_data(np.r_[X, new], np.r_[y, c], 2).objective(M)
        assert model.energies(new)[0, c] == pytest.approx(after - before, rel=1e-9)


@pytest.mark.parametrize("block", [1, 100, 10**9])
def test_blocks_of_any_size_give_the_same_energies(monkeypatch, block):
    X, y = data()
    model = EnergyClassifier().fit(X, y)
    whole = model.energies(X)
    monkeypatch.setattr(energies, "BLOCK", block)
    np.testing.assert_allclose(model.energies(X), whole, rtol=1e-12)
    assert model.energies(X[:1]).shape == (1, 3)


def test_data_far_from_the_origin_lose_nothing():
    X, y = data()
    X, new = np.round(X, 3), np.round(data(seed=1)[0], 3)
    near, far = (EnergyClassifier(LMNN(tol=1e-6)).fit(X + shift, y).energies(new + shift) for shift in (0.0, 2.0**20))
    np.testing.assert_allclose(far, near, rtol=1e-3)


def test_labels_margins_and_decisions():
    X, y = load_wine(return_X_y=True)
    names = np.array(["barolo", "grignolino", "barbera"])[y]
    model = make_pipeline(StandardScaler(), EnergyClassifier()).fit(X, names)
    assert model.classes_.tolist() == ["barbera", "barolo", "grignolino"]
    assert model.score(X, names) > 0.98
    decisions = model.decision_function(X)
    assert decisions.shape == (len(X), 3)
    assert np.array_equal(model.classes_[decisions.argmax(axis=1)], model.predict(X))
    two = y < 2
    binary = EnergyClassifier().fit(X[two], names[two])
    assert np.array_equal(binary.decision_function(X[two]) > 0, binary.predict(X[two]) == binary.classes_[1])


def test_it_beats_chance_out_of_sample_and_takes_any_lmnn():
    X, y = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), EnergyClassifier(LMNN(mu=0.3, n_neighbors=1, tol=1e-2)))
    assert cross_val_score(model, X, y).mean() > 0.95


def test_a_frozen_metric_is_kept():
    X, y = data()
    fitted = LMNN(n_neighbors=2).fit(X, y)
    model = EnergyClassifier(FrozenEstimator(fitted)).fit(X[:40], y[:40])
    assert np.array_equal(model.metric_.components_, fitted.components_)
    np.testing.assert_allclose(model.energies(X[40:]), brute_force(model, X[:40], y[:40], X[40:]), rtol=1e-11)


@pytest.mark.parametrize("margin", [-1.0, np.nan, np.inf, "wide", None])
def test_a_margin_is_a_number_of_at_least_zero(margin):
    with pytest.raises(ValueError, match=r"margin=.* must be a finite number >= 0; 1 is that of the paper"):
        EnergyClassifier(margin=margin).fit(*data())


def test_a_metric_is_an_lmnn():
    message = r"metric=StandardScaler\(\) must be an LMNN, a MultiMetricLMNN, or a FrozenEstimator of one"
    with pytest.raises(ValueError, match=message):
        EnergyClassifier(StandardScaler()).fit(*data())


@pytest.mark.slow
@parametrize_with_checks([EnergyClassifier()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def brute_force_of_several(model, X, y, new):
    """E of eq. 15 with the metric of the second point of each distance."""
    metric, k = model.metric_, model.metric_.n_neighbors
    mu, M, block_of = metric.mu, metric.get_mahalanobis_matrices(), metric.block_of_
    targets = Problem.from_data(X, y, k).targets
    D = lambda a, b, block: float((a - b) @ M[block] @ (a - b))  # noqa: E731
    found = []
    for x in new:
        row = []
        for c in np.unique(y):
            own = np.flatnonzero(y == c)
            friends = own[np.argsort([np.sum((X[a] - x) ** 2) for a in own], kind="stable")[:k]]
            mine = c if metric.blocks is None else metric.clusters_.predict(x[None])[0]
            total = (1 - mu) * sum(D(x, X[j], block_of[j]) for j in friends)
            for l in np.flatnonzero(y != c):
                away = D(x, X[l], block_of[l])
                total += mu * sum(max(0.0, model.margin + D(x, X[j], block_of[j]) - away) for j in friends)
                invaded = D(X[l], x, mine)
                total += mu * sum(max(0.0, 1 + D(X[l], X[j], block_of[j]) - invaded) for j in targets[l])
            row.append(total)
        found.append(row)
    return np.array(found)


@pytest.mark.parametrize("blocks", [None, 2])
def test_energies_of_several_metrics_are_the_sums_of_the_definition(blocks, monkeypatch):
    X, y = data()
    new = data(n=20, seed=1)[0]
    model = EnergyClassifier(MultiMetricLMNN(blocks=blocks, random_state=0, tol=1e-2)).fit(X, y)
    expected = brute_force_of_several(model, X, y, new)
    np.testing.assert_allclose(model.energies(new), expected, rtol=1e-9)
    monkeypatch.setattr(energies, "BLOCK", 100)
    np.testing.assert_allclose(model.energies(new), expected, rtol=1e-9)


def test_blocks_of_the_caller_say_nothing_of_new_points():
    X, y = data()
    with pytest.raises(ValueError, match="nobody knows those of new points; use blocks=None, or a number of clusters"):
        EnergyClassifier(MultiMetricLMNN(blocks=y % 2)).fit(X, y)


@pytest.mark.parametrize("blocks", [None, 2])
def test_metrics_that_were_fitted_to_other_points_serve_these(blocks):
    X, y = data()
    fitted = MultiMetricLMNN(blocks=blocks, random_state=0, tol=1e-2).fit(X[:45], y[:45])
    model = EnergyClassifier(FrozenEstimator(fitted)).fit(X, y)
    new = data(n=20, seed=1)[0]
    M, own = fitted.get_mahalanobis_matrices(), y if blocks is None else fitted.clusters_.predict(X)
    by_hand = brute_force_of_several(_Given(fitted, M, own, model.margin), X, y, new)
    np.testing.assert_allclose(model.energies(new), by_hand, rtol=1e-9)
    with pytest.raises(ValueError, match="metric was fitted to other classes than these"):
        EnergyClassifier(FrozenEstimator(MultiMetricLMNN(tol=1e-1).fit(X, y))).fit(X, y + 1)


class _Given:
    """A classifier with metrics, and the block of each training point, as `brute_force_of_several` wants them."""

    def __init__(self, metric, M, block_of, margin):
        self.margin = margin
        self.metric_ = self
        self.blocks, self.clusters_ = metric.blocks, getattr(metric, "clusters_", None)
        self.mu, self.n_neighbors, self.block_of_ = metric.mu, metric.n_neighbors, block_of
        self.get_mahalanobis_matrices = lambda: M
