"""The methods that LMNN is compared with, each against another way to the same answer."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.spatial.distance import pdist
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning

from harness.methods.linear_map import centred_by_class, whitener
from harness.methods.mmc import MMC, similar_scatter
from harness.methods.rca import RCA
from harness.methods.table import METHODS
from harness.methods.triplet import Adam, Draw, Loss, TripletLoss
from lmnn_sdp.datasets import load


def points(n, d, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 2 * np.eye(3, d)[y], y


def test_rca_makes_the_covariance_within_classes_the_identity():
    X, y = points(60, 4)
    within = centred_by_class(RCA().fit(X, y).transform(X), y)
    np.testing.assert_allclose(within.T @ within / 60, np.eye(4), atol=1e-12)


def test_rca_keeps_the_discriminants_first_and_draws_the_rest():
    X, y = points(90, 5)
    X = np.column_stack([X, np.zeros(90)])  # a feature in which nothing varies
    three = RCA(3).fit(X, y)
    A, lda = three.transform(X), LinearDiscriminantAnalysis().fit_transform(X, y)
    within = centred_by_class(A, y)
    np.testing.assert_allclose(within.T @ within / 90, np.eye(3), atol=1e-10)
    np.testing.assert_allclose(pdist(A[:, :2]), pdist(lda), rtol=1e-8)
    assert not np.allclose(A[:, 2], RCA(3, random_state=1).fit(X, y).transform(X)[:, 2])
    np.testing.assert_allclose(pdist(RCA(9).fit(X, y).transform(X)), pdist(RCA().fit(X[:, :5], y).transform(X[:, :5])))


def test_mmc_begins_at_the_metric_it_is_told_and_ends_at_the_same():
    X, y = points(30, 3)
    with pytest.warns(ConvergenceWarning):
        begin = MMC(max_iter=1, whitened_start=False).fit(X, y).components_
    np.testing.assert_allclose(begin.T @ begin / (begin.T @ begin)[0, 0], np.eye(3), atol=1e-10)
    ends = [MMC(tol=1e-9, max_iter=100_000, whitened_start=start).fit(X, y).objective_ for start in (True, False)]
    assert ends[0] == pytest.approx(ends[1], rel=1e-8)


def test_units_are_no_dependence_but_copies_are():
    X, y = points(60, 3)
    units = np.array([1e-6, 1.0, 1e6])
    within = centred_by_class(RCA().fit(X * units, y).transform(X * units), y)
    np.testing.assert_allclose(within.T @ within / 60, np.eye(3), atol=1e-3)
    for A in (np.ones((2, 2)), np.diag([1.0, 0.0])):
        with pytest.raises(ValueError, match="put a PCA before"):
            whitener(A)


def test_similar_pairs_are_summed():
    X, y = points(12, 2)
    pairs = [X[i] - X[j] for i in range(12) for j in range(i) if y[i] == y[j]]
    np.testing.assert_allclose(similar_scatter(X, y), np.transpose(pairs) @ pairs)


@pytest.mark.parametrize("seed", range(3))
def test_mmc_is_the_optimum_that_cvxpy_finds(seed):
    X, y = points(12, 3, seed)
    model = MMC(tol=1e-6, max_iter=100_000).fit(X, y)
    M = cp.Variable((3, 3), PSD=True)
    pairs = [(X[i] - X[j], y[i] == y[j]) for i in range(12) for j in range(i)]
    apart = cp.sum([cp.sqrt(v @ M @ v) for v, same in pairs if not same])
    problem = cp.Problem(cp.Maximize(apart), [cp.sum([v @ M @ v for v, same in pairs if same]) <= 1])
    problem.solve(solver="CLARABEL")
    assert model.objective_ == pytest.approx(problem.value, rel=1e-5)
    assert model.objective_ <= problem.value * (1 + 1e-6) <= model.upper_bound_ * (1 + 2e-6)
    images = {same: [np.linalg.norm(model.components_ @ v) for v, s in pairs if s == same] for same in (True, False)}
    assert np.sum(np.square(images[True])) == pytest.approx(1, rel=1e-9)
    assert np.sum(images[False]) == pytest.approx(model.objective_, rel=1e-9)


def test_mmc_never_falls_and_says_when_it_stops_early():
    X, y = points(30, 3)
    values = []
    for steps in range(1, 8):
        with pytest.warns(ConvergenceWarning, match=f"after {steps} steps"):
            values.append(MMC(tol=0, max_iter=steps).fit(X, y).objective_)
    assert values == sorted(values)


def test_the_gradient_of_the_triplet_loss_is_that_of_finite_differences():
    rng = np.random.default_rng(0)
    L, to_same, to_other = rng.normal(size=(2, 3)), rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    loss = Loss.of(L, to_same, to_other)
    numerical = approx_fprime(L.ravel(), lambda entries: Loss.of(entries.reshape(2, 3), to_same, to_other).value, 1e-7)
    np.testing.assert_allclose(loss.gradient.ravel(), numerical, atol=1e-5)
    by_hand = [1 + np.sum((L @ s) ** 2) - np.sum((L @ o) ** 2) for s, o in zip(to_same, to_other, strict=True)]
    assert loss.value == pytest.approx(np.mean(np.maximum(by_hand, 0)))


def test_adam_finds_the_bottom_of_a_bowl():
    at, adam = np.array([3.0, -2.0]), Adam((2,), 0.1)
    assert adam.step(np.array([1e-3, -1e3])) == pytest.approx([-0.1, 0.1], rel=1e-4)  # whatever the units
    adam = Adam((2,), 0.1)
    for _ in range(1000):
        at = at + adam.step(at - [1.0, 5.0])
    assert at == pytest.approx([1, 5], abs=1e-3)


def test_triplets_are_drawn_from_the_seed_alone():
    X, y = points(60, 3)
    fits = [TripletLoss(steps=50, random_state=seed).fit(X, y).components_ for seed in (0, 0, 1)]
    assert np.array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])


def test_every_partner_is_drawn_as_often_as_any_other():
    y = np.array(["b", "a", "b", "c", "a", "b", "c"])
    rng = np.random.RandomState(0)
    for drawn, classmates in ((Draw.of(y).same, True), (Draw.of(y).other, False)):
        for anchor in range(7):
            allowed = [i for i in range(7) if i != anchor and (y[i] == y[anchor]) == classmates]
            counts = np.bincount(drawn(np.full(3000, anchor), rng), minlength=7)
            np.testing.assert_allclose(counts[allowed], 3000 / len(allowed), rtol=0.15)
            assert counts[allowed].sum() == 3000
    with pytest.raises(ValueError, match="a class has 1 point"):
        Draw.of(np.array([0, 0, 1]))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_classifies_wine(name):
    data = load("wine")
    model = clone(METHODS[name]()).fit(data.X[::2], data.y[::2])
    error = np.mean(model.predict(data.X[1::2]) != data.y[1::2])
    assert error < (0.4 if name in ("Euclidean", "PCA", "MMC", "NCA") else 0.1)
