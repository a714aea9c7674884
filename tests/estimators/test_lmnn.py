"""LMNN as scikit-learn uses it: its own checks, pipelines, searches, pickles and frames, and wrong input."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import LMNN, Problem, solve

IRIS, SPECIES = load_iris(return_X_y=True)
WINE = StandardScaler().fit_transform(load_wine().data)
CULTIVARS = load_wine().target


#: scikit-learn takes a weight of 0 for a point that is not there; here it keeps its places as target and as impostor.
#: Other checks have classes of one point several times, of which no metric can be learned, whatever the weights.
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data": "a point of weight 0 stays a target and an impostor",
    "check_sample_weight_equivalence_on_sparse_data": "sparse data are refused; scikit-learn 1.6 asks all the same",
    "check_sample_weights_shape": "all target differences vanish",
    "check_sample_weights_not_overwritten": "all target differences vanish",
    "check_all_zero_sample_weights_error": "all target differences vanish",
}


@parametrize_with_checks(
    [LMNN(), LMNN(n_neighbors=1, n_components=1, warm_start=True), LMNN(structure="diagonal")],
    expected_failed_checks=lambda estimator: WEIGHTS,
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    return LMNN().fit(WINE, CULTIVARS)


def test_the_interval_is_that_of_solve(fitted):
    solution = solve(Problem.from_data(WINE, CULTIVARS), tol=1e-4)
    assert (fitted.lower_bound_, fitted.objective_) == (solution.lower_bound, solution.objective)
    assert 0 <= fitted.relative_gap_ == solution.relative_gap <= 1e-4
    np.testing.assert_array_equal(fitted.components_, solution.components)
    np.testing.assert_allclose(fitted.get_mahalanobis_matrix(), solution.M, atol=1e-12)


def test_distances_agree_with_the_transformed_points(fitted):
    Z = fitted.transform(WINE)
    pairs = np.stack([WINE[:5], WINE[5:10]], axis=1)
    expected = np.linalg.norm(Z[:5] - Z[5:10], axis=1)
    np.testing.assert_allclose(fitted.pair_distance(pairs), expected)
    np.testing.assert_allclose(fitted.pair_score(pairs), -expected)
    metric = pickle.loads(pickle.dumps(fitted.get_metric()))
    assert metric(WINE[0], WINE[5]) == pytest.approx(expected[0])
    assert metric(WINE[0], WINE[5], squared=True) == pytest.approx(expected[0] ** 2)
    direct = KNeighborsClassifier(3, metric=metric).fit(WINE, CULTIVARS).predict(WINE[:20])
    np.testing.assert_array_equal(direct, KNeighborsClassifier(3).fit(Z, CULTIVARS).predict(Z[:20]))


def test_the_metric_outlives_the_next_fit():
    model = LMNN(tol=1e-2).fit(IRIS, SPECIES)
    metric, before = model.get_metric(), model.pair_distance([IRIS[:2]])[0]
    model.fit(100 * IRIS, SPECIES)
    assert metric(*IRIS[:2]) == pytest.approx(before)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_fewer_components_are_the_leading_ones_with_their_own_objective(fitted, rows):
    cut = LMNN(n_components=rows).fit(WINE, CULTIVARS)
    np.testing.assert_array_equal(cut.components_, fitted.components_[:rows])
    kept = cut.components_.T @ cut.components_
    assert cut.objective_ == pytest.approx(Problem.from_data(WINE, CULTIVARS).objective(kept), rel=1e-9)
    assert cut.lower_bound_ == fitted.lower_bound_
    assert cut.relative_gap_ == pytest.approx(1 - cut.lower_bound_ / cut.objective_)
    assert cut.solution_.objective == fitted.objective_


def test_components_beyond_the_rank_are_zero(fitted):
    rank = len(fitted.components_)
    padded = LMNN(n_components=13).fit(WINE, CULTIVARS)
    assert padded.transform(WINE).shape == (178, 13)
    assert not padded.components_[rank:].any()
    assert padded.objective_ == fitted.objective_


def test_a_stop_before_tol_warns_with_the_gap():
    with pytest.warns(ConvergenceWarning, match=r"proved relative gap is \d.*e.*tol = 1e-12") as caught:
        model = LMNN(tol=1e-12, max_iter=1).fit(WINE, CULTIVARS)
    assert caught[0].filename == __file__
    assert model.lower_bound_ < model.objective_


def test_a_warning_that_is_an_error_loses_nothing():
    model = LMNN(tol=1e-12, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning):
            model.fit(WINE, CULTIVARS)
    assert model.lower_bound_ < model.objective_


def test_a_callback_sees_the_rows_and_may_stop():
    rows = []
    LMNN(callback=rows.append).fit(WINE, CULTIVARS)
    assert rows[-1].relative_gap <= 1e-4
    with pytest.warns(ConvergenceWarning, match="Interrupted"):
        LMNN(callback=lambda row: True, tol=1e-9).fit(WINE, CULTIVARS)


def test_a_callback_that_raises_leaves_the_best_metric():
    def fail(row):
        raise RuntimeError("no more disk")

    model = LMNN(callback=fail, tol=1e-12)
    with pytest.raises(RuntimeError, match="no more disk"):
        model.fit(WINE, CULTIVARS)
    assert model.relative_gap_ < 1
    assert model.transform(WINE).shape == (178, len(model.components_))


def test_warm_start_begins_at_the_last_solution():
    model = LMNN(warm_start=True, tol=1e-6).fit(WINE, CULTIVARS)
    assert len(model.solution_.alpha)
    rounds = model.solution_.history
    assert len(model.fit(WINE, CULTIVARS).solution_.history) < len(rounds)
    assert model.set_params(mu=0.6, n_neighbors=2).fit(WINE[:150], CULTIVARS[:150]).relative_gap_ <= 1e-6
    with pytest.raises(ValueError, match="start is a metric on 13 features, but the data have 12"):
        model.fit(WINE[:, :12], CULTIVARS)


def test_a_pickle_is_small_and_tells_the_same():
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = LMNN(tol=1e-2).fit(X, y)
    data = pickle.dumps(model)
    assert len(data) < 2**20
    assert model.solution_.triplets.shape == (0, 3)
    np.testing.assert_array_equal(pickle.loads(data).transform(X), model.transform(X))


def test_clone_forgets_and_joblib_remembers(fitted, tmp_path):
    assert not hasattr(clone(fitted), "components_")
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    np.testing.assert_array_equal(loaded.transform(WINE), fitted.transform(WINE))


def test_read_only_memory_maps(fitted, tmp_path):
    joblib.dump(WINE, tmp_path / "X.joblib")
    X = joblib.load(tmp_path / "X.joblib", mmap_mode="r")
    assert not X.flags.writeable
    np.testing.assert_array_equal(LMNN().fit(X, CULTIVARS).components_, fitted.components_)


def test_grid_search_over_a_pipeline_in_two_processes():
    steps = [("scale", StandardScaler()), ("lmnn", LMNN(tol=1e-2)), ("knn", KNeighborsClassifier(3))]
    search = GridSearchCV(Pipeline(steps), {"lmnn__n_neighbors": [1, 3], "lmnn__n_components": [2, None]}, n_jobs=2)
    names = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
    assert search.fit(IRIS, names).best_score_ > 0.93
    assert set(search.predict(IRIS)) == set(names)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_frames_in_and_out(frame):
    data = frame(dict(zip("abcd", IRIS.T, strict=True)))
    output = "pandas" if frame is pd.DataFrame else "polars"
    model = LMNN(tol=1e-2).set_output(transform=output).fit(data, SPECIES)
    assert model.feature_names_in_.tolist() == list("abcd")
    out = model.transform(data)
    assert isinstance(out, frame)
    assert list(out.columns) == model.get_feature_names_out().tolist() == [f"lmnn{i}" for i in range(out.shape[1])]
    np.testing.assert_array_equal(out.to_numpy(), IRIS @ model.components_.T)
    renamed = frame(dict(zip("abce", IRIS.T, strict=True)))
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform(renamed)
    with pytest.raises(ValueError, match="same order"):
        model.transform(data[["b", "a", "c", "d"]])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_a_missing_value_names_its_column(frame):
    columns = {name: column.tolist() for name, column in zip("abcd", IRIS.T, strict=True)}
    whole = frame(columns)
    columns["c"][7] = None
    with pytest.raises(ValueError, match=r"NaN.* in feature 'c' of row 7; .*SimpleImputer"):
        LMNN().fit(frame(columns), SPECIES)
    with pytest.raises(ValueError, match=r"NaN.* in feature 'c' of row 7"):
        LMNN(tol=1e-1).fit(whole, SPECIES).transform(frame(columns))


def with_entry(y, value):
    changed = np.array(y, dtype=float if isinstance(value, float) else object)
    changed[3] = value
    return changed


@pytest.mark.parametrize(
    ("X", "y", "parameters", "message"),
    [
        (IRIS, with_entry(SPECIES, np.nan), {}, r"y\[3\] is not finite; every point needs a label"),
        (IRIS, with_entry(SPECIES, None), {}, r"y\[3\] is None; every point needs a label"),
        (IRIS, with_entry(SPECIES, pd.NA), {}, r"y\[3\] is <NA>; every point needs a label"),
        (IRIS, IRIS[:, 0] + 0.123, {}, "continuous"),
        (IRIS, None, {}, "requires y to be passed"),
        (IRIS, SPECIES[:20], {}, "inconsistent numbers of samples"),
        (IRIS, [0] * 150, {}, r"y has only the class \[0\]; a metric needs at least two classes"),
        (IRIS, ["a"] * 147 + ["rare"] * 3, {}, r"n_neighbors=3 needs at least 4 points in each class; class 'rare'"),
        (scipy.sparse.csr_array(IRIS), SPECIES, {}, "X is sparse; LMNN needs dense data.*TruncatedSVD"),
        (with_entry(IRIS, np.inf), SPECIES, {}, "X has inf, an infinite value, in feature 0 of row 3"),
        (IRIS + 1j, SPECIES, {}, "Complex data not supported"),
        (IRIS, SPECIES, {"n_components": 0}, "n_components=0 must be an integer from 1 to the number of features"),
        (IRIS, SPECIES, {"n_components": 5}, r"n_components=5 must be an integer from 1 to .*\(4\)"),
        (IRIS, SPECIES, {"n_components": 2.0}, r"n_components=2.0 must be an integer"),
        (IRIS, SPECIES, {"mu": 1}, "mu=1 must lie strictly between 0 and 1"),
        (IRIS, SPECIES, {"tol": -1}, "tol=-1 must be a number >= 0"),
        (IRIS, SPECIES, {"max_iter": True}, "max_iter=True must be an integer >= 1"),
        (IRIS, SPECIES, {"callback": 3}, "callback=3 must be a function of a HistoryRow"),
        (IRIS, SPECIES, {"solver": "sgd"}, "solver='sgd' is unknown"),
    ],
)
def test_wrong_input_is_refused_with_a_remedy(X, y, parameters, message):
    with pytest.raises(ValueError, match=message):
        LMNN(**parameters).fit(X, y)


def test_labels_of_two_kinds_and_marks_of_missing_labels_are_refused_with_a_remedy():
    mixed = np.where(SPECIES == 0, "setosa", SPECIES.astype(object))
    with pytest.raises(ValueError, match=r"y holds labels of the types int, str; use strings only, or integers only"):
        LMNN().fit(IRIS, mixed)
    with pytest.raises(ValueError, match=r"y holds -1 beside 2 other labels.* minus_one_is_class=True"):
        LMNN().fit(IRIS, SPECIES - 1)
    expected = LMNN(tol=1e-2).fit(IRIS, SPECIES).objective_
    assert LMNN(tol=1e-2, minus_one_is_class=True).fit(IRIS, SPECIES - 1).objective_ == expected


def test_names_of_classes_that_pandas_maps_are_strings():
    names = pd.Series(SPECIES).map(dict(enumerate(load_iris().target_names)))  # objects of the type np.str_
    expected = LMNN(tol=1e-2).fit(IRIS, SPECIES).objective_
    for labels in (names, names.astype("category"), names.to_numpy(dtype=object)):
        assert LMNN(tol=1e-2).fit(IRIS, labels).objective_ == expected


def test_a_column_of_labels_is_taken_with_a_warning():
    with pytest.warns(DataConversionWarning):
        LMNN(tol=1e-1).fit(IRIS, SPECIES[:, None])


@pytest.mark.parametrize("pairs", [IRIS[:2], IRIS[:4].reshape(2, 2, 4)[:, :, :3], IRIS[:6].reshape(2, 3, 4)])
def test_pairs_of_another_shape_are_refused(pairs):
    model = LMNN(tol=1e-1).fit(IRIS, SPECIES)
    with pytest.raises(ValueError, match=r"pairs has shape .*; it must be \(n_pairs, 2, 4\)"):
        model.pair_distance(pairs)


def test_nothing_is_known_before_fit():
    for call in ("get_mahalanobis_matrix", "get_metric", "get_feature_names_out"):
        with pytest.raises((NotFittedError, AttributeError)):
            getattr(LMNN(), call)()
    with pytest.raises(NotFittedError):
        LMNN().transform(IRIS)


def test_a_share_of_the_variance_keeps_the_fewest_rows_that_hold_it(fitted):
    variance = np.var(fitted.transform(WINE), axis=0)
    for share in (0.5, 0.9, 0.999999):
        cut = LMNN(n_components=share).fit(WINE, CULTIVARS)
        rows = len(cut.components_)
        assert variance[:rows].sum() >= share * variance.sum() * (1 - 1e-9)
        assert rows == 1 or variance[: rows - 1].sum() < share * variance.sum()
        np.testing.assert_allclose(cut.components_, fitted.components_[:rows])
    with pytest.raises(ValueError, match=r"n_components=1.5 must be an integer .* or a share of the variance"):
        LMNN(n_components=1.5).fit(WINE, CULTIVARS)


def test_float32_stays_so(fitted):
    assert fitted.transform(WINE.astype(np.float32)).dtype == np.float32
    assert fitted.transform(WINE).dtype == np.float64


def test_unlabelled_points_are_left_out_where_asked():
    y = np.where(np.arange(150) % 5 == 0, -1, SPECIES)
    model = LMNN(skip_unlabelled=True).fit(IRIS, y)
    plain = LMNN().fit(IRIS[y != -1], y[y != -1])
    assert model.objective_ == plain.objective_
    with pytest.raises(ValueError, match="-1"):
        LMNN().fit(IRIS, y)


def test_another_margin_is_another_scale(fitted):
    # min over M of (1 - mu) <C, M> + mu sum [m - <A, M>]_+ is m times that of margin 1, at m M
    M, margin = fitted.solution_.M, 4.0
    problem = Problem.from_data(WINE, CULTIVARS)
    t = problem.all_triplets()
    L = fitted.components_
    margins = problem.margins(np.sqrt(margin) * L, t)
    value = 0.5 * np.sum(problem.pull * margin * M) + 0.5 * np.sum(np.maximum(0, margin - margins))
    assert value == pytest.approx(margin * fitted.objective_, rel=1e-9)


def test_early_stopping_keeps_the_metric_of_the_least_error_on_points_held_out():
    model = LMNN(validation_fraction=0.3, random_state=0, tol=1e-9).fit(IRIS, SPECIES)
    errors = model.validation_errors_
    assert len(errors) - 1 - np.argmin(errors) <= 3
    assert model.lower_bound_ <= model.objective_
    known = len(model.solution_.history)
    assert known == len(errors)
    again = LMNN(validation_fraction=0.3, random_state=0, tol=1e-9).fit(IRIS, SPECIES)
    assert np.array_equal(again.components_, model.components_)
    with pytest.raises(ValueError, match=r"validation_fraction=1\.5 must lie between 0 and 1"):
        LMNN(validation_fraction=1.5).fit(IRIS, SPECIES)


def test_a_callback_can_ask_for_the_metric():
    seen = []
    LMNN(callback=lambda row: seen.append(row.metric())).fit(WINE, CULTIVARS)
    assert all(L.shape[1] == 13 for L in seen)
    problem = Problem.from_data(WINE, CULTIVARS)
    values = [problem.value(L) for L in seen]
    assert values[-1] == pytest.approx(min(values), rel=1e-6)
