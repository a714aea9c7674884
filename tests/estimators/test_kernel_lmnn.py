"""KernelLMNN: known optima, the linear case, a kernel in other forms, and what is refused or warned of."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer, load_wine, make_circles
from sklearn.exceptions import NotFittedError
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from lmnn_sdp import LMNN, KernelLMNN, Problem, solve

WINE = StandardScaler().fit_transform(load_wine().data)
CULTIVARS = load_wine().target
NEW = np.random.default_rng(0).normal(size=(20, 13))


#: Checks that hand over something else than a kernel and two classes of it, each with what is wrong with it.
NO_KERNEL = dict.fromkeys(
    [
        "check_dict_unchanged",
        "check_dont_overwrite_parameters",
        "check_f_contiguous_array_estimator",
        "check_fit2d_predict1d",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
    ],
    "labels are a column of the kernel, which gives classes of a single point",
) | {
    "check_estimators_dtypes": "a kernel cut to integers is not positive semidefinite",
    "check_estimators_nan_inf": "new points have 3 columns instead of 10, which is what the error says",
}
if parse_version(sklearn.__version__) < parse_version("1.7"):
    NO_KERNEL["check_dtype_object"] = "labels are a column of the kernel, which gives classes of a single point"


@parametrize_with_checks(
    [KernelLMNN(), KernelLMNN(kernel="precomputed")],
    expected_failed_checks=lambda model: NO_KERNEL if model.kernel == "precomputed" else {},
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    return KernelLMNN(n_components=50, tol=1e-6).fit(WINE, CULTIVARS)


def test_the_optimum_of_wine(fitted):
    assert fitted.lower_bound_ <= 33.8582245 <= fitted.objective_  # of tol=1e-9
    assert fitted.relative_gap_ <= 1e-6


def test_the_optimum_of_breast_cancer():
    X = StandardScaler().fit_transform(load_breast_cancer().data)
    model = KernelLMNN(n_components=50, tol=1e-6).fit(X, load_breast_cancer().target)
    assert model.objective_ == pytest.approx(798.776, abs=1e-3)


def test_the_interval_is_that_of_the_problem_in_the_coordinates(fitted):
    V = fitted.kernel_pca_.transform(WINE)
    problem = Problem.from_data(V, CULTIVARS)
    assert V.shape == (178, 50)
    assert problem.objective(fitted.get_mahalanobis_matrix()) == pytest.approx(fitted.objective_, rel=1e-9)
    assert fitted.lower_bound_ <= solve(problem, tol=1e-6).objective


def test_a_linear_kernel_is_lmnn():
    linear = LMNN(tol=1e-8).fit(WINE, CULTIVARS)
    model = KernelLMNN(kernel="linear", tol=1e-8).fit(WINE, CULTIVARS)
    assert model.objective_ == pytest.approx(linear.objective_, rel=2e-8)
    assert model.components_.shape[1] == 13  # of the 50 that it may have
    pairs = np.stack([NEW[:10], NEW[10:]], axis=1)
    np.testing.assert_allclose(model.pair_distance(pairs), linear.pair_distance(pairs), rtol=1e-2)


def test_what_rounding_does_to_a_kernel_is_no_reason_to_refuse_it(fitted):
    K = rbf_kernel(WINE, gamma=1 / 13).astype(np.float32)
    coarse = KernelLMNN(kernel="precomputed", n_components=50, tol=1e-6).fit(K, CULTIVARS)
    assert coarse.objective_ == pytest.approx(fitted.objective_, rel=1e-3)
    inner = KernelLMNN(kernel="precomputed").fit((WINE @ WINE.T).astype(np.float32), CULTIVARS)
    assert inner.components_.shape[1] == 13  # none of the rounding errors is a coordinate
    near, far = (KernelLMNN(kernel="linear", tol=1e-6).fit(WINE + shift, CULTIVARS) for shift in (0, 1e3))
    assert far.objective_ == pytest.approx(near.objective_, rel=1e-5)
    with pytest.raises(ValueError, match="kernel='linear' has the same features for all points, up to rounding"):
        KernelLMNN(kernel="linear").fit(WINE + 1e6, CULTIVARS)


@pytest.mark.parametrize("gamma", [None, 0.02])
def test_a_kernel_by_name_as_a_function_and_as_a_matrix_are_the_same(gamma):
    setting = {"n_components": 10, "tol": 1e-6}
    X, y, width = WINE[::3], CULTIVARS[::3], 1 / 13 if gamma is None else gamma

    def kernel(a, b, width):
        return np.exp(-width * np.sum((a - b) ** 2))

    named = KernelLMNN(gamma=gamma, **setting).fit(X, y)
    called = KernelLMNN(kernel=kernel, kernel_params={"width": width}, **setting).fit(X, y)
    matrix = KernelLMNN(kernel="precomputed", **setting).fit(rbf_kernel(X, gamma=width), y)
    columns = rbf_kernel(NEW, X, gamma=width)
    assert called.objective_ == pytest.approx(named.objective_, rel=2e-6)
    assert matrix.objective_ == pytest.approx(named.objective_, rel=2e-6)
    pairs, rows = (np.stack([points[:10], points[10:]], axis=1) for points in (NEW, columns))
    expected = named.pair_distance(pairs)
    np.testing.assert_allclose(called.pair_distance(pairs), expected, rtol=1e-3)
    np.testing.assert_allclose(matrix.pair_distance(rows), expected, rtol=1e-3)


def test_new_points_are_mapped_as_by_the_definition(fitted):
    K, columns = rbf_kernel(WINE, gamma=1 / 13), rbf_kernel(NEW, WINE, gamma=1 / 13)
    centred = K - K.mean(axis=0) - K.mean(axis=1)[:, None] + K.mean()
    values, vectors = np.linalg.eigh(centred)
    values, vectors = values[:-51:-1], vectors[:, :-51:-1]
    vectors *= np.sign(np.sum(vectors * fitted.kernel_pca_.eigenvectors_, axis=0))  # the sign of each is free
    away = columns - columns.mean(axis=1)[:, None] - K.mean(axis=0) + K.mean()
    expected = away @ (vectors / np.sqrt(values)) @ fitted.components_.T
    np.testing.assert_allclose(fitted.transform(NEW), expected, atol=1e-8 * np.abs(expected).max())


def test_other_features_are_refused(fitted):
    with pytest.raises(ValueError, match="X has 2 features, but KernelLMNN is expecting 13"):
        fitted.transform(NEW[:, :2])


def test_distances_agree_with_the_transformed_points(fitted):
    Z = fitted.transform(NEW)
    pairs = np.stack([NEW[:5], NEW[5:10]], axis=1)
    expected = np.linalg.norm(Z[:5] - Z[5:10], axis=1)
    np.testing.assert_allclose(fitted.pair_distance(pairs), expected)
    np.testing.assert_allclose(fitted.pair_score(pairs), -expected)
    metric = pickle.loads(pickle.dumps(fitted.get_metric()))
    assert metric(NEW[0], NEW[5]) == pytest.approx(expected[0])
    assert metric(NEW[:1], NEW[5], squared=True) == pytest.approx(expected[0] ** 2)
    with pytest.raises(ValueError, match=r"a has shape \(3,\); it must be \(13,\)"):
        metric([1, 2, 3], NEW[0])


def test_circles_need_a_kernel():
    X, y = make_circles(200, noise=0.1, factor=0.5, random_state=0)
    scores = {}
    for model in (LMNN(n_components=1), KernelLMNN(n_components=5)):
        Z = model.fit(X, y).transform(X)[:, :1]
        scores[type(model)] = KNeighborsClassifier(3).fit(Z[::2], y[::2]).score(Z[1::2], y[1::2])
    assert scores[LMNN] < 0.85 < 0.95 < scores[KernelLMNN]


def test_cross_validation_cuts_a_precomputed_kernel_on_both_sides():
    model = make_pipeline(KernelLMNN(kernel="precomputed", n_components=10, tol=1e-2), KNeighborsClassifier(3))
    scores = cross_val_score(model, rbf_kernel(WINE, gamma=1 / 13), CULTIVARS, cv=3, error_score="raise")
    assert scores.mean() > 0.95


@pytest.mark.parametrize("kernel", ["poly", "cosine"])
def test_other_kernels(kernel):
    model = KernelLMNN(kernel=kernel, n_components=5, tol=1e-2).fit(load_wine().data, CULTIVARS)
    assert model.relative_gap_ <= 1e-2


def test_a_penalty_and_fewer_coordinates_cost_something(fitted):
    fewer = KernelLMNN(n_components=10).fit(WINE, CULTIVARS)
    penalised = KernelLMNN(n_components=50, reg=0.01).fit(WINE, CULTIVARS)
    assert fitted.objective_ < min(fewer.lower_bound_, penalised.lower_bound_)


def test_names_of_features_and_of_what_comes_out():
    data = pd.DataFrame(WINE[:, :2], columns=["alcohol", "acid"])
    model = KernelLMNN(n_components=5, tol=1e-1).set_output(transform="pandas").fit(data, CULTIVARS)
    out = model.transform(data)
    assert list(out.columns) == [f"kernellmnn{i}" for i in range(len(model.components_))]
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform(data.rename(columns={"acid": "ash"}))


def test_a_callback_sees_the_rows_and_may_stop():
    rows = []
    KernelLMNN(n_components=5, callback=rows.append).fit(WINE, CULTIVARS)
    assert rows[-1].relative_gap <= 1e-4


def test_many_coordinates_are_warned_of():
    with pytest.warns(UserWarning, match=r"below 1% of the .* 140 coordinates of 178 points part nearly any") as caught:
        KernelLMNN(n_components=140, tol=1e-2).fit(WINE, CULTIVARS)
    assert caught[0].filename == __file__


def test_so_many_that_the_pull_is_singular_are_refused_with_the_remedy():
    message = r"177 coordinates of the kernel PCA are too many for 178 points, lower n_components: the pull vanishes"
    with pytest.raises(ValueError, match=message):
        KernelLMNN(n_components=178, n_neighbors=1).fit(WINE, CULTIVARS)


K = rbf_kernel(WINE)


@pytest.mark.parametrize(
    ("X", "parameters", "message"),
    [
        (WINE, {"kernel": "sigmoid"}, r"'sigmoid' is not positive semidefinite.* -3.8\d beside 27.*; .*'rbf'"),
        (
            WINE,
            {"kernel": "gauss"},
            r"'gauss' must be one of cosine, linear, poly, precomputed, rbf, sigmoid, or a function",
        ),
        (WINE, {"kernel": 3}, "kernel=3 must be one of"),
        (WINE, {"gamma": -1}, "gamma=-1 must be a finite number >= 0"),
        (WINE, {"gamma": "scale"}, "gamma='scale' must be a finite number"),
        (WINE, {"kernel": "poly", "degree": np.inf}, "degree=inf must be a finite number >= 0"),
        (WINE, {"kernel": "poly", "coef0": None}, "coef0=None must be a finite number"),
        (WINE, {"gamma": 0}, "kernel='rbf' has the same features for all points"),
        (WINE, {"gamma": 0.1, "n_components": 0}, r"n_components=0 must be an integer from 1 to .* points \(178\)"),
        (WINE, {"n_components": 179}, "n_components=179 must be an integer from 1"),
        (WINE, {"n_components": 5.0}, "n_components=5.0 must be an integer"),
        (WINE, {"kernel": "precomputed"}, r"X has shape \(178, 13\); a precomputed kernel must be square"),
        (K + np.triu(K), {"kernel": "precomputed"}, "kernel='precomputed' is not symmetric on these points"),
        (WINE, {"kernel": lambda a, b: np.inf}, r"kernel\[0, 0\] is inf; every entry must be finite"),
        (WINE, {"mu": 2}, "mu=2 must lie strictly between 0 and 1"),
        (WINE, {"callback": 3}, "callback=3 must be a function of a HistoryRow"),
    ],
)
def test_wrong_input_is_refused_with_a_remedy(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        KernelLMNN(**parameters).fit(X, CULTIVARS)


def test_nothing_is_known_before_fit():
    for call in ("get_mahalanobis_matrix", "get_metric"):
        with pytest.raises(NotFittedError):
            getattr(KernelLMNN(), call)()
    with pytest.raises(NotFittedError):
        KernelLMNN().transform(WINE)
