"""MultiPassLMNN: each pass against one problem with its targets, when it stops, what is kept and what is refused."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import LMNN, MultiPassLMNN, Problem, certify, solve
from lmnn_sdp.solvers import passes

WINE = StandardScaler().fit_transform(load_wine().data)
CULTIVARS = load_wine().target
TUMOURS, KINDS = load_breast_cancer(return_X_y=True)
TUMOURS = StandardScaler().fit_transform(TUMOURS)


def clouds(n=60, d=2, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return spread * rng.normal(size=(2, d))[y] + rng.normal(size=(n, d)), y


@parametrize_with_checks([MultiPassLMNN(), MultiPassLMNN(n_passes=2, n_components=1)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted():
    return MultiPassLMNN().fit(WINE, CULTIVARS)


def test_one_pass_is_lmnn():
    one, lmnn = MultiPassLMNN(n_passes=1).fit(WINE, CULTIVARS), LMNN().fit(WINE, CULTIVARS)
    np.testing.assert_array_equal(one.components_, lmnn.components_)
    assert (one.objective_, one.lower_bound_, one.n_iter_) == (lmnn.objective_, lmnn.lower_bound_, lmnn.n_iter_)
    assert len(one.passes_) == 1
    np.testing.assert_array_equal(one.passes_[0].targets, Problem.from_data(WINE, CULTIVARS).targets)


def nearest_of_the_class(V, y, k):
    D = np.sum((V[:, None, :] - V) ** 2, axis=2)
    D[(y[:, None] != y) | np.eye(len(y), dtype=bool)] = np.inf
    return np.argsort(D, axis=1)[:, :k]


def test_the_second_pass_has_the_targets_that_are_nearest_under_the_first_metric(fitted):
    L = LMNN().fit(WINE, CULTIVARS).components_
    expected = nearest_of_the_class(WINE @ L.T, CULTIVARS, 3)
    first, second = fitted.passes_[:2]
    np.testing.assert_array_equal(np.sort(second.targets), np.sort(expected))
    same = [len(set(a) & set(b)) for a, b in zip(first.targets.tolist(), expected.tolist(), strict=True)]
    assert first.changed == pytest.approx(1 - sum(same) / expected.size)


def test_the_interval_of_each_pass_is_that_of_its_targets(fitted):
    assert len(fitted.passes_) == 3
    for one in fitted.passes_:
        problem = Problem.from_data(WINE, CULTIVARS, targets=one.targets)
        optimum = solve(problem, tol=1e-7)
        assert one.lower_bound <= optimum.objective
        assert optimum.lower_bound <= one.objective
        assert one.relative_gap <= 1e-4
    assert fitted.best_pass_ == 2
    proved = certify(problem, fitted.get_mahalanobis_matrix())
    assert proved.objective == pytest.approx(fitted.objective_, rel=1e-9)
    assert (fitted.objective_, fitted.lower_bound_) == (one.objective, one.lower_bound)


def test_errors_are_those_of_k_nearest_neighbours():
    X, y = TUMOURS[:200], KINDS[:200]
    one = MultiPassLMNN(n_passes=1, n_components=2).fit(X, y, TUMOURS[200:], KINDS[200:])
    V = one.transform(X)
    wrong = 0
    for i in range(len(X)):
        others = np.delete(np.arange(len(X)), i)
        wrong += KNeighborsClassifier(3).fit(V[others], y[others]).predict(V[i : i + 1])[0] != y[i]
    assert one.passes_[0].training_error == wrong / len(X)
    knn = KNeighborsClassifier(3).fit(V, y)
    assert one.passes_[0].held_out_error == pytest.approx(1 - knn.score(one.transform(TUMOURS[200:]), KINDS[200:]))


def test_it_stops_where_targets_repeat():
    X, y = clouds()
    model = MultiPassLMNN(n_passes=100).fit(X, y)
    assert 1 < len(model.passes_) < 100
    last = Problem.from_data(X, y, targets=model.passes_[-1].targets)
    again = np.sort(nearest_of_the_class(X @ model.solution_.L.T, y, 3))
    assert any(np.array_equal(again, np.sort(one.targets)) for one in model.passes_)
    assert last.objective(model.get_mahalanobis_matrix()) == pytest.approx(model.objective_, rel=1e-9)


def test_it_stops_where_targets_go_round_in_a_circle(monkeypatch):
    X, y = clouds()
    two = [nearest_of_the_class(X[:, f : f + 1], y, 3) for f in range(2)]
    turns = iter([two[0], two[1], two[0]])
    monkeypatch.setattr(passes, "target_neighbors", lambda *_: next(turns))
    model = MultiPassLMNN(n_passes=100).fit(X, y)
    assert len(model.passes_) == 3  # those of X, then both
    assert model.passes_[-1].changed > 0


def test_a_pass_that_makes_held_out_points_worse_is_told_and_not_kept():
    split = train_test_split(np.arange(len(KINDS)), test_size=0.3, stratify=KINDS, random_state=0)
    train, test = split
    message = r"pass 2 raised the error on the points held out from 0\.\d+ to 0\.\d+; kept is the metric of pass 1"
    with pytest.warns(UserWarning, match=message) as caught:
        model = MultiPassLMNN(validation_fraction=0.3, random_state=0, tol=1e-3).fit(TUMOURS, KINDS)
    assert caught[0].filename == __file__
    assert (model.best_pass_, len(model.passes_)) == (0, 3)
    first = LMNN(tol=1e-3).fit(TUMOURS[train], KINDS[train])
    np.testing.assert_array_equal(model.components_, first.components_)
    with pytest.warns(UserWarning, match=message):
        given = MultiPassLMNN(tol=1e-3).fit(TUMOURS[train], KINDS[train], TUMOURS[test], KINDS[test])
    assert [one.held_out_error for one in given.passes_] == [one.held_out_error for one in model.passes_]


def test_of_equal_errors_the_last_pass_is_kept():
    model = MultiPassLMNN(validation_fraction=0.3, random_state=0).fit(WINE, CULTIVARS)
    assert [one.held_out_error for one in model.passes_] == [0, 0, 0]
    assert model.best_pass_ == 2


def test_a_cut_counts_in_the_objective_of_each_pass_but_not_in_the_targets(fitted):
    cut = MultiPassLMNN(n_components=2).fit(WINE, CULTIVARS)
    for ours, whole in zip(cut.passes_, fitted.passes_, strict=True):
        np.testing.assert_array_equal(ours.targets, whole.targets)
        assert ours.objective > whole.objective
        assert ours.lower_bound == whole.lower_bound
    assert cut.objective_ == cut.passes_[-1].objective


def test_a_metric_that_is_zero_keeps_its_targets():
    X, y = clouds(spread=0.0)
    model = MultiPassLMNN(reg=1e6).fit(X, y)
    assert not model.components_.any()
    assert [one.changed for one in model.passes_] == [0]


@pytest.mark.parametrize("solver", ["pgd", "cvxpy"])
def test_other_solvers_too(solver):
    X, y = clouds(n=24)
    model = MultiPassLMNN(n_passes=2, solver=solver, tol=1e-2).fit(X, y)
    expected = MultiPassLMNN(n_passes=2, tol=1e-6).fit(X, y).passes_[0]
    assert model.passes_[0].lower_bound <= expected.objective
    assert expected.lower_bound <= model.passes_[0].objective


def test_a_callback_that_stops_ends_the_sequence():
    rows = []
    MultiPassLMNN(n_passes=2, callback=rows.append).fit(WINE, CULTIVARS)
    assert sum(row.relative_gap <= 1e-4 for row in rows) == 2
    with pytest.warns(ConvergenceWarning, match="Interrupted"):
        model = MultiPassLMNN(callback=lambda row: True, tol=1e-9).fit(WINE, CULTIVARS)
    assert len(model.passes_) == 1


def test_a_callback_that_raises_leaves_the_best_metric():
    def fail(row):
        raise RuntimeError("no more disk")

    model = MultiPassLMNN(callback=fail, tol=1e-12)
    with pytest.raises(RuntimeError, match="no more disk"):
        model.fit(WINE, CULTIVARS)
    assert model.transform(WINE).shape == (178, len(model.components_))


def test_a_later_pass_without_a_metric_names_the_pass(monkeypatch):
    X, y = clouds(n=12)
    apart = np.column_stack([X, np.arange(12) // 6])  # a feature in which no targets of the second pass differ
    inside = nearest_of_the_class(1e3 * apart[:, 2:] + 1e-3 * X[:, :1], y, 2)
    monkeypatch.setattr(passes, "target_neighbors", lambda *_: inside)
    with pytest.raises(ValueError, match=r"with the targets of pass 2 the pull vanishes.*; or set n_passes lower"):
        MultiPassLMNN(n_neighbors=4).fit(apart, y)


@pytest.mark.parametrize(
    ("parameters", "held_out", "message"),
    [
        ({"n_passes": 0}, (), "n_passes=0 must be an integer >= 1; one pass is LMNN"),
        ({"n_passes": 2.0}, (), "n_passes=2.0 must be an integer"),
        ({"validation_fraction": 1.0}, (), "validation_fraction=1.0 must lie strictly between 0 and 1, or be None"),
        ({"validation_fraction": "half"}, (), "validation_fraction='half' must lie"),
        ({"validation_fraction": 0.3}, (WINE, CULTIVARS), "validation_fraction=0.3 and X_val both hold points out"),
        ({}, (WINE,), "X_val and y_val belong together"),
        ({}, (None, CULTIVARS), "X_val and y_val belong together"),
        ({}, (WINE, CULTIVARS[:5]), "inconsistent numbers of samples"),
        ({}, (WINE[:, :3], CULTIVARS), "X has 3 features, but MultiPassLMNN is expecting 13"),
        ({"mu": 0}, (), "mu=0 must lie strictly between 0 and 1"),
        ({"n_components": 14}, (), "n_components=14 must be an integer from 1"),
        ({"callback": 3}, (), "callback=3 must be a function of a HistoryRow"),
    ],
)
def test_wrong_input_is_refused_with_a_remedy(parameters, held_out, message):
    with pytest.raises(ValueError, match=message):
        MultiPassLMNN(**parameters).fit(WINE, CULTIVARS, *held_out)


def test_nothing_is_known_before_fit():
    with pytest.raises(NotFittedError):
        MultiPassLMNN().transform(WINE)
