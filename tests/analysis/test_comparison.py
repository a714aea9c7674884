"""k-NN before and after on held-out splits."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.stats
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lmnn_sdp import LMNN, Comparison, Status, Verdict, compare
from lmnn_sdp.datasets import load

IRIS = load("iris")
CLASSES = np.array(["a", "b", "c"])


def with_noise(n=120, features=4, seed=0):
    """Two features that tell three classes, and others, twice as wide, that do not."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    centres = 4 * np.array([[0, 0], [1, 0], [0, 1]])
    return np.hstack([centres[y] + rng.normal(size=(n, 2)), 8 * rng.normal(size=(n, features))]), y


def made(before, after, n_train=70, n_test=30, **options):
    """A comparison with these counts of errors."""
    n = len(before)
    found = Comparison(
        wrong_before=np.array(before),
        wrong_after=np.array(after),
        n_train=n_train,
        n_test=n_test,
        gaps=np.full(n, 1e-5),
        statuses=(Status.OPTIMAL,) * n,
        seconds=np.full(n, 0.1),
        classifier_neighbors=3,
        standardize=False,
    )
    return replace(found, **options)


def assert_same(a, b):
    assert a.wrong_before.tolist() == b.wrong_before.tolist()
    assert a.wrong_after.tolist() == b.wrong_after.tolist()


@pytest.mark.parametrize("standardize", [False, True])
def test_it_is_the_loop_that_one_would_write_by_hand(standardize):
    found = compare(IRIS.X, IRIS.y, n_splits=3, test_size=0.4, standardize=standardize, classifier_neighbors=5)
    splits = StratifiedShuffleSplit(3, test_size=0.4, random_state=0).split(IRIS.X, IRIS.y)
    for k, (train, test) in enumerate(splits):
        scaler = StandardScaler(with_mean=standardize, with_std=standardize)
        errors = []
        for metric in ("passthrough", LMNN()):
            model = make_pipeline(scaler, metric, KNeighborsClassifier(5)).fit(IRIS.X[train], IRIS.y[train])
            errors.append(1 - model.score(IRIS.X[test], IRIS.y[test]))
        assert [found.before.values[k], found.after.values[k]] == pytest.approx(errors)
        assert found.gaps[k] == pytest.approx(model[1].relative_gap_)
    assert (found.n_train, found.n_test) == (90, 60)


def test_standardisation_sees_no_test_point():
    """A test point far out moves no other point's features: every other error stays."""
    train, test = next(StratifiedShuffleSplit(2, test_size=0.3, random_state=0).split(IRIS.X, IRIS.y))
    calls = []

    class Spy(PCA):
        def fit(self, X, y=None):
            calls.append(X)
            return super().fit(X)

    moved = IRIS.X.copy()
    moved[test[0]] = 1e6
    for X in (IRIS.X, moved):
        compare(X, IRIS.y, estimator=Spy(), n_splits=2, standardize=True)
    np.testing.assert_array_equal(calls[0], calls[2])
    np.testing.assert_allclose(calls[0], StandardScaler().fit_transform(IRIS.X[train]))


@pytest.mark.parametrize(
    "labels", [CLASSES[IRIS.y], pd.Series(CLASSES[IRIS.y]), pd.Categorical(CLASSES[IRIS.y]), IRIS.y * 10 - 7]
)
def test_names_of_the_classes_do_not_matter(labels):
    assert_same(compare(IRIS.X, labels, n_splits=2), compare(IRIS.X, IRIS.y, n_splits=2))


def test_a_shift_and_a_rotation_of_all_points_do_not_matter():
    X, y = with_noise()
    Q = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    found = compare(X, y, n_splits=3)
    for moved in (X + np.arange(6.0), X @ Q):
        assert_same(compare(moved, y, n_splits=3), found)


def test_frames_give_what_arrays_give():
    frame = pd.DataFrame(IRIS.X, columns=list("pqrs"))
    assert_same(compare(frame, pd.Series(IRIS.y), n_splits=2), compare(IRIS.X, IRIS.y, n_splits=2))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
@pytest.mark.parametrize("standardize", [False, True])
def test_a_pipeline_may_pick_columns_by_name(frame, standardize):
    by_name = make_pipeline(ColumnTransformer([("kept", "passthrough", ["s", "q"])]), LMNN())
    by_number = make_pipeline(ColumnTransformer([("kept", "passthrough", [3, 1])]), LMNN())
    data = frame(dict(zip("pqrs", IRIS.X.T, strict=True)))
    found = compare(data, IRIS.y, estimator=by_name, standardize=standardize, n_splits=2)
    assert_same(found, compare(IRIS.X, IRIS.y, estimator=by_number, standardize=standardize, n_splits=2))


def test_the_seed_chooses_the_splits():
    X, y = with_noise()
    first, again, other = (compare(X, y, n_splits=3, random_state=seed) for seed in (1, 1, 2))
    assert_same(first, again)
    assert (first.wrong_before.tolist(), first.wrong_after.tolist()) != (
        other.wrong_before.tolist(),
        other.wrong_after.tolist(),
    )


@pytest.mark.clock
def test_splits_in_other_processes_give_the_same_and_their_warnings():
    estimator = LMNN(time_limit=1e-9)
    with pytest.warns(ConvergenceWarning, match="proved relative gap") as caught:
        found = compare(IRIS.X, IRIS.y, estimator=estimator, n_splits=2, n_jobs=2)
    assert len(caught) == 2
    assert {warning.filename for warning in caught} == {__file__}
    assert found.stopped_early == 2
    assert found.statuses == (Status.TIME_LIMIT,) * 2
    assert not hasattr(estimator, "components_")  # fitted were copies
    with pytest.warns(ConvergenceWarning):
        assert_same(compare(IRIS.X, IRIS.y, estimator=estimator, n_splits=2), found)


def test_the_interval_is_that_of_nadeau_and_bengio():
    before, after = [9, 7, 8, 6], [5, 6, 7, 1]
    found = made(before, after, n_train=60, n_test=20)
    d = (np.array(after) - before) / 20
    scale = math.sqrt(np.var(d, ddof=1) * (1 / 4 + 20 / 60))
    assert found.interval == pytest.approx(scipy.stats.t.interval(0.95, 3, loc=np.mean(d), scale=scale))
    assert found.difference.mean == pytest.approx(found.after.mean - found.before.mean)
    assert found.difference.sd == pytest.approx(scale / math.sqrt(1 / 4 + 1 / 3))


def test_more_splits_of_the_same_data_do_not_shrink_the_interval_to_nothing():
    width = [np.ptp(made([3, 5] * n, [4, 4] * n).interval) for n in (50, 5000)]
    assert width[1] > 0.9 * width[0]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([9, 8, 9], [1, 1, 2], Verdict.HELPS),
        ([1, 1, 2], [9, 8, 9], Verdict.HURTS),
        ([1, 2, 3], [2, 2, 2], Verdict.NO_DIFFERENCE),
        ([1, 2, 3], [1, 2, 3], Verdict.SAME),
        ([0, 0, 0], [0, 0, 0], Verdict.FLAWLESS),
        ([3, 4, 6], [1, 2, 4], Verdict.NO_SPREAD),
    ],
)
def test_verdicts(before, after, verdict):
    found = made(before, after)
    assert found.verdict is verdict
    assert (found.interval is None) == (verdict in (Verdict.SAME, Verdict.FLAWLESS, Verdict.NO_SPREAD))
    assert verdict.name in repr(found)
    assert found.summary()["verdict"] == verdict.name


def test_equal_differences_are_told_from_counts_not_from_rounded_shares():
    found = made([3, 6, 10], [2, 5, 9], n_test=30)
    assert len(set((found.after.values - found.before.values).tolist())) > 1  # rounding
    assert found.verdict is Verdict.NO_SPREAD


def test_it_helps_where_features_are_noise():
    found = compare(*with_noise(), n_splits=5)
    assert found.verdict is Verdict.HELPS
    assert found.before.mean - found.after.mean > 0.2
    assert found.largest_gap <= 1e-4


def test_it_does_not_help_where_labels_are_random():
    rng = np.random.default_rng(0)
    found = compare(rng.normal(size=(120, 4)), rng.integers(0, 2, 120), n_splits=20)
    assert found.verdict is Verdict.NO_DIFFERENCE


def test_there_is_nothing_to_mend_where_classes_lie_far_apart():
    X, y = with_noise(features=0)
    found = compare(100 * y[:, None] + X, y, n_splits=2)
    assert found.verdict is Verdict.FLAWLESS
    assert "does not help" in found.verdict.value


def test_a_transformer_that_changes_nothing_makes_no_difference():
    found = compare(IRIS.X, IRIS.y, estimator=PCA(4), n_splits=4)
    assert found.verdict is Verdict.SAME
    assert found.largest_gap is None
    assert found.stopped_early == 0
    assert found.summary()["gaps"] == found.summary()["statuses"] == [None] * 4


def test_a_transformer_that_loses_what_matters_makes_it_worse():
    X, y = with_noise(features=1)
    assert compare(X, y, estimator=PCA(1), n_splits=5).verdict is Verdict.HURTS


def test_the_gap_of_a_pipeline_is_that_of_its_last_step():
    found = compare(IRIS.X, IRIS.y, estimator=make_pipeline(StandardScaler(), LMNN(tol=1e-2)), n_splits=2)
    assert 0 <= found.largest_gap <= 1e-2


def test_ctrl_c_ends_the_comparison_and_a_callback_does_not():
    def interrupt(_):
        raise KeyboardInterrupt

    def enough(_):
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lmnn_sdp.display.progress.Progress.__call__", lambda *_: interrupt(None))
        with pytest.raises(KeyboardInterrupt):
            compare(IRIS.X, IRIS.y, n_splits=2)
    with pytest.warns(ConvergenceWarning):
        found = compare(IRIS.X, IRIS.y, estimator=LMNN(callback=enough), n_splits=2)
    assert found.statuses == (Status.INTERRUPTED,) * 2


BAD = {
    "one split": ({"n_splits": 1}, r"n_splits=1 must be an integer >= 2"),
    "half a split": ({"n_splits": 2.5}, r"n_splits=2.5 must be an integer >= 2"),
    "whole test size": ({"test_size": 1.0}, r"test_size=1.0 must lie strictly between 0 and 1"),
    "points for a share": ({"test_size": 30}, r"test_size=30 must lie strictly between 0 and 1"),
    "no room to test": ({"test_size": 0.01}, r"test_size=0.01 leaves 2 of 150 points to test on, .* 3 classes; raise"),
    "no room to train": ({"test_size": 0.99}, r"test_size=0.99 leaves 1 of 150 points to train on, .* 3 classes; low"),
    "no neighbour": ({"classifier_neighbors": 0}, r"classifier_neighbors=0 must be an integer from 1 to .* \(105\)"),
    "neighbours": ({"classifier_neighbors": 106}, r"classifier_neighbors=106 must be an integer from 1 to .* \(105\)"),
    "a class": ({"estimator": LMNN}, r"estimator=LMNN is a class; pass an instance, LMNN\(\)"),
    "a classifier": ({"estimator": KNeighborsClassifier()}, r"estimator=KNeighborsClassifier\(\) has no transform"),
    "ends in one": ({"estimator": make_pipeline(LMNN(), KNeighborsClassifier())}, r"has no transform; pass"),
    "no parameters": ({"estimator": "lmnn"}, r"estimator='lmnn' has no fit; pass a transformer"),
    "mu": ({"estimator": LMNN(mu=2)}, r"mu=2 must lie strictly between 0 and 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_options_are_named(name):
    options, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        compare(IRIS.X, IRIS.y, **options)


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        (1, {}, r"class 'b' has 1 point; a stratified split needs at least 2"),
        (5, {}, r"class 'b' has 5 points and keeps 3 of them in a training part \(test_size=0.3\), but n_neighbors=3 "),
        (2, {"estimator": LMNN(n_neighbors="auto"), "test_size": 0.5}, r"keeps 1 of them .* n_neighbors=1 needs 2"),
    ],
)
def test_a_class_too_small_is_named(size, options, message):
    y = np.array(["a"] * 20 + ["b"] * size)
    with pytest.raises(ValueError, match=message):
        compare(np.random.default_rng(0).normal(size=(len(y), 2)), y, **options)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.where(np.eye(150, 4) > 0, np.nan, IRIS.X), IRIS.y, r"X\[0, 0\] is nan"),
        (IRIS.X, IRIS.y[:-1], r"y has shape \(149,\); it must be \(150,\)"),
        (IRIS.X, IRIS.X[:, 0], "Unknown label type: continuous"),
    ],
)
def test_bad_data_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        compare(X, y)
