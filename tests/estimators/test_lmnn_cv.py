"""LMNNCV against GridSearchCV over the same folds, and its wrong input."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import LMNN, LMNNCV, Status
from lmnn_sdp.datasets import load
from lmnn_sdp.estimators import lmnn_cv

DATA = load("iris").standardized()
GRID = {"n_neighbors": (1, 3), "mu": (0.3, 0.6), "n_components": (1, None)}


# The checks of some releases have fewer than three points of a class in a fold: that fit scores nan, with its warning.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@parametrize_with_checks([LMNNCV(n_neighbors=(1, 2), cv=3, tol=1e-2)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def search():
    return LMNNCV(**GRID, tol=1e-7).fit(DATA.X, DATA.y)


def test_it_finds_what_a_grid_search_finds(search):
    model = Pipeline([("lmnn", LMNN(tol=1e-7)), ("knn", KNeighborsClassifier(3))])
    grid = {f"lmnn__{name}": values for name, values in GRID.items()}
    theirs = GridSearchCV(model, grid).fit(DATA.X, DATA.y).cv_results_
    ours = search.cv_results_
    expected = {frozenset(p.items()): s for p, s in zip(theirs["params"], theirs["mean_test_score"], strict=True)}
    for setting, score in zip(ours["params"], ours["mean_test_score"], strict=True):
        assert score == pytest.approx(expected[frozenset((f"lmnn__{k}", v) for k, v in setting.items())])
    assert {name.replace("lmnn__", "") for name in theirs} <= set(ours)


def test_the_results_agree_with_one_another(search):
    results = search.cv_results_
    folds = np.array([results[f"split{fold}_test_score"] for fold in range(5)])
    np.testing.assert_allclose(results["mean_test_score"], folds.mean(axis=0))
    np.testing.assert_allclose(results["std_test_score"], folds.std(axis=0))
    assert results["rank_test_score"][search.best_index_] == 1
    assert results["params"][search.best_index_] == search.best_params_
    assert search.best_score_ == results["mean_test_score"].max()
    assert search.n_splits_ == 5
    assert max(results["mean_relative_gap"]) <= 1e-7
    assert [p["mu"] for p in results["params"]] == results["param_mu"].tolist()


def test_the_best_is_fitted_to_all_data(search):
    alone = LMNN(tol=1e-7, **search.best_params_).fit(DATA.X, DATA.y)
    np.testing.assert_array_equal(search.components_, alone.components_)
    np.testing.assert_array_equal(search.transform(DATA.X), search.best_estimator_.transform(DATA.X))
    assert (search.objective_, search.lower_bound_) == (alone.objective_, alone.lower_bound_)


def test_folds_in_two_processes_give_the_same(search):
    parallel = LMNNCV(**GRID, tol=1e-7, n_jobs=2).fit(DATA.X, DATA.y)
    np.testing.assert_array_equal(parallel.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


def test_single_values_and_a_score_by_name():
    search = LMNNCV(n_neighbors=2, mu=0.5, scoring="f1_macro", cv=3, tol=1e-2).fit(DATA.X, DATA.y)
    assert search.best_params_ == {"n_neighbors": 2, "mu": 0.5, "n_components": None}
    assert 0.9 < search.best_score_ <= 1


def test_settings_that_fail_score_nan_and_rank_last():
    with pytest.warns(FitFailedWarning, match="5 of 10 fits .* score nan; the first: n_neighbors=49 needs at least 50"):
        search = LMNNCV(n_neighbors=(49, 1), mu=0.5, tol=1e-2).fit(DATA.X, DATA.y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [True, False]
    assert search.cv_results_["rank_test_score"].tolist() == [2, 1]
    assert search.best_params_["n_neighbors"] == 1


def test_solves_that_stop_early_give_one_warning_for_the_search():
    with pytest.warns(ConvergenceWarning) as caught:
        LMNNCV(n_neighbors=1, mu=(0.4, 0.6), cv=2, tol=1e-14, max_iter=1).fit(DATA.X, DATA.y)
    messages = [str(warning.message) for warning in caught]
    assert sum("4 of 4 fits of the search are not at tol=1e-14" in message for message in messages) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_neighbors": ()}, r"n_neighbors=\(\) must hold at least one value to try"),
        ({"mu": (0.5, 0.5)}, r"mu=\(0.5, 0.5\) must hold .* none twice"),
        ({"mu": (0.5, 2)}, "mu=2 must lie strictly between 0 and 1"),
        ({"n_components": (2, 9)}, r"n_components=9 must be an integer from 1 to .*\(4\)"),
        (
            {"n_neighbors": (41, 49)},
            r"every fit .* n_neighbors=41 needs at least 42 points in each class",
        ),
        ({"scoring": "nonsense"}, "nonsense"),
    ],
)
def test_wrong_input(parameters, message):
    with pytest.raises(ValueError, match=message):
        LMNNCV(**parameters, tol=1e-1).fit(DATA.X, DATA.y)


GROUPS = np.arange(150) // 2 % 15  # neighbours in the table belong together


def test_groups_stay_on_one_side_of_each_split():
    few = {"n_neighbors": 1, "mu": (0.4, 0.6), "tol": 1e-2}
    search = LMNNCV(**few, cv=GroupKFold(3)).fit(DATA.X, DATA.y, groups=GROUPS)
    splits = list(GroupKFold(3).split(DATA.X, DATA.y, GROUPS))
    assert all(not set(GROUPS[train]) & set(GROUPS[test]) for train, test in splits)
    given = LMNNCV(**few, cv=splits).fit(DATA.X, DATA.y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], given.cv_results_["mean_test_score"])
    inside = Pipeline([("scale", StandardScaler()), ("lmnn", LMNNCV(**few, cv=GroupKFold(3)))])
    assert inside.fit(DATA.X, DATA.y, lmnn__groups=GROUPS)[-1].n_splits_ == 3


def test_groups_are_routed_as_metadata():
    search = LMNNCV(n_neighbors=1, mu=0.5, cv=GroupKFold(3), tol=1e-2)
    with config_context(enable_metadata_routing=True):
        model = Pipeline([("lmnn", search.set_fit_request(groups=True))]).fit(DATA.X, DATA.y, groups=GROUPS)
    assert model[-1].n_splits_ == 3


@pytest.mark.parametrize(("groups", "message"), [(None, "groups"), (GROUPS[:9], "inconsistent numbers of samples")])
def test_groups_that_are_missing_or_too_few(groups, message):
    with pytest.raises(ValueError, match=message):
        LMNNCV(n_neighbors=1, mu=0.5, cv=GroupKFold(3)).fit(DATA.X, DATA.y, groups=groups)


def gridded(n=60):
    """Whole numbers, many points several times, and labels that nothing decides."""
    rng = np.random.default_rng(5)
    return rng.integers(0, 4, (n, 2)).astype(float), rng.integers(0, 2, n)


def test_the_order_of_the_grid_has_no_say_even_on_a_grid_of_points():
    X, y = gridded()
    grid = {"n_neighbors": [3, 1, 2], "mu": [0.7, 0.5, 0.3], "n_components": [None, 2, 1]}
    first = LMNNCV(**grid, cv=3, tol=1e-3).fit(X, y)
    found = {tuple(p.values()): s for p, s in zip(*scores(first), strict=True)}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        shuffled = {name: [values[at] for at in rng.permutation(3)] for name, values in grid.items()}
        search = LMNNCV(**shuffled, cv=3, tol=1e-3).fit(X, y)
        assert search.best_params_ == first.best_params_
        assert {tuple(p.values()): s for p, s in zip(*scores(search), strict=True)} == found
        np.testing.assert_array_equal(search.components_, first.components_)


def scores(search):
    return search.cv_results_["params"], search.cv_results_["mean_test_score"]


@pytest.mark.parametrize(
    ("best", "chosen"),
    [
        ([(3, 0.5, 1), (1, 0.3, None)], (1, 0.3, None)),
        ([(1, 0.3, 1), (1, 0.6, None)], (1, 0.6, None)),
        ([(1, 0.75, 1), (1, 0.25, 1)], (1, 0.25, 1)),
        ([(1, 0.5, None), (1, 0.5, 2), (1, 0.5, 3)], (1, 0.5, 2)),
        ([("auto", 0.5, 1), (5, 0.9, None)], (5, 0.9, None)),
    ],
)
def test_of_equal_scores_the_simplest_setting_is_chosen(best, chosen):
    assert min(best, key=lambda setting: lmnn_cv._plainness(*setting)) == chosen


def test_equal_scores_in_another_order_of_folds_are_a_tie():
    folds = [0.1, 0.2, 0.3, 0.4, 0.7]
    assert np.mean(folds) != np.mean(folds[::-1])
    grid = {"n_neighbors": (1,), "mu": (0.9, 0.5), "n_components": (None,)}
    status = Status.OPTIMAL
    paths = [
        [lmnn_cv.Fit(score, 0.0, status, 0.0, 0.0) for score in pair] for pair in zip(folds, folds[::-1], strict=True)
    ]
    assert lmnn_cv._results(grid, paths)["rank_test_score"].tolist() == [1, 1]
