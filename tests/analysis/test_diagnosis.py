"""``diagnose``: facts, the race within its budget, the choice, and what is said of data that cannot be judged."""

import html.parser
import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from lmnn_sdp import Diagnosis, diagnose
from lmnn_sdp.analysis.comparison import Comparison
from lmnn_sdp.analysis.diagnosis.budget import Budget
from lmnn_sdp.analysis.diagnosis.contenders import CONTENDERS, Advice
from lmnn_sdp.analysis.diagnosis.measures import measured, relevance
from lmnn_sdp.analysis.diagnosis.preparation import Asked, splittable
from lmnn_sdp.analysis.diagnosis.race import CAUTION, KEPT, MIN_SPLITS, Race
from lmnn_sdp.analysis.diagnosis.recommendation import beaten_by, choice, points_needed, recommend
from lmnn_sdp.analysis.diagnosis.sizes import suited
from lmnn_sdp.analysis.diagnosis.trials import Trial
from lmnn_sdp.analysis.splits import stratified_splits
from lmnn_sdp.datasets import load
from problems import TOL

AMPLE = 60.0  # minutes: nothing is left out, whatever the machine
BY_KEY = {contender.key: contender for contender in CONTENDERS}
N_TRAIN, N_TEST = 70, 30


def clouds(n=120, d=4, apart=0.0, classes=2, seed=0):
    """Points and labels; without distance between the classes they are noise."""
    rng, y = np.random.default_rng(seed), np.arange(n) % classes
    return rng.normal(size=(n, d)) + apart * rng.normal(size=(classes, d))[y], y


def setting(X, y, seconds=60.0):
    return Asked(3, 3, 0.5, 0.0, seconds).setting(splittable(X, np.asarray(y), 3))


SETTING = setting(*clouds())


def trial(key, errors, left_out=""):
    """A trial with so many errors in each split, all in the first of two classes of fifteen points."""
    wrong = np.column_stack([errors, np.zeros_like(errors)])
    tested = np.full_like(wrong, N_TEST // 2)
    return Trial(BY_KEY[key], wrong, tested, N_TRAIN, np.ones(len(wrong)), 0, left_out)


def advised(*trials, guess=0.5):
    return recommend(trials, SETTING, guess, "flowers.csv")


# The choice


def test_a_difference_inside_the_error_bars_is_no_gain():
    raw, lmnn = trial("raw", [4, 2, 5, 3, 4]), trial("lmnn", [2, 3, 4, 2, 3])
    assert lmnn.error.mean < raw.error.mean
    found = advised(raw, lmnn)
    assert (found.advice, found.method, found.sure) == (Advice.KEEP, "raw", False)
    assert "full LMNN made 2.7 points fewer errors here" in found.doubts[0]
    assert found.command is None
    assert found.code == "KNeighborsClassifier(3).fit(X, y)"


def test_a_gain_that_is_seen_is_recommended_with_its_command():
    found = advised(trial("raw", [9, 10, 9, 11, 10]), trial("lmnn", [1, 1, 2, 1, 0]))
    assert (found.advice, found.method, found.sure) == (Advice.LEARN, "lmnn", True)
    assert found.command == "lmnn-sdp solve flowers.csv --standardize"
    assert found.code == "make_pipeline(StandardScaler(), LMNN(), KNeighborsClassifier(3)).fit(X, y)"
    assert found.reasons[0].startswith("k-NN on raw features, 32.7 % +- 2.8 %, is beaten by full LMNN, 3.3 % +- 2.4 %")


def test_of_equals_the_simplest_is_taken():
    good = [1, 1, 2, 1, 0]
    keys = ["standardised", "pca", "lda", "diagonal", "lmnn", "multi", "nca", "rbf_svm"]
    for key, more in itertools.combinations(keys, 2):
        assert choice([trial("raw", [9, 10, 9, 11, 10]), trial(key, good), trial(more, good)]).contender.key == key


def test_a_method_no_better_than_a_beaten_one_is_passed_over():
    raw, standard = trial("raw", [14, 13, 14, 15, 14]), trial("standardised", [6, 5, 6, 5, 6])
    pca, lda = trial("pca", [5, 1, 10, 2, 8]), trial("lda", [1, 1, 1, 0, 1])
    assert beaten_by(standard, [raw, standard, pca, lda]) is lda
    assert beaten_by(pca, [raw, standard, pca, lda]) is None
    found = advised(raw, standard, pca, lda)
    assert found.method == "lda"
    assert "no better than k-NN standardised, which is" in found.reasons[2]


def test_another_classifier_is_named_with_the_best_of_neighbours():
    found = advised(
        trial("raw", [14, 13, 14, 15, 14]), trial("lmnn", [7, 8, 7, 8, 7]), trial("rbf_svm", [1, 1, 2, 1, 1])
    )
    assert (found.advice, found.method) == (Advice.ANOTHER, "rbf_svm")
    assert found.reasons[-1].startswith("Of what votes by neighbours, full LMNN is the choice (24.7 % +- 1.8 %)")


def test_no_signal_where_nothing_beats_a_guess():
    found = advised(trial("raw", [15, 14, 16, 15, 15]), trial("lmnn", [14, 15, 14, 16, 13]))
    assert (found.advice, found.method, found.code) == (Advice.NO_SIGNAL, None, None)


def test_methods_left_out_make_it_unsure():
    complete = [trial("raw", [0, 0, 0, 0, 0]), trial("lmnn", [3, 3, 4, 3, 3])]
    assert advised(*complete).sure
    found = advised(*complete, trial("multi", np.empty(0, int), "no time"))
    assert not found.sure
    assert "More time: class-wise LMNN had no verdict." in found.doubts


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("diagonal", "lmnn-sdp solve DATA --standardize --structure diagonal"),
        ("low_rank", "lmnn-sdp solve DATA --standardize --components 2"),
        ("multi", "lmnn-sdp solve DATA --standardize --metrics class --reg 0.84"),
        ("nca", None),
    ],
)
def test_every_member_has_its_command(key, command):
    trials = [trial("raw", [14, 13, 14, 15, 14]), trial(key, [1, 1, 2, 1, 0])]
    assert recommend(trials, SETTING, 0.5, "DATA").command == command


def test_the_interval_is_that_of_compare():
    before, after = np.array([9, 7, 8, 9, 5]), np.array([7, 7, 4, 6, 6])
    pair = Comparison(before, after, N_TRAIN, N_TEST, np.zeros(5), (None,) * 5, np.zeros(5), 3, False)
    found = trial("lmnn", after).minus(trial("raw", before))
    assert np.allclose((found.mean - found.reach, found.mean + found.reach), pair.interval, rtol=TOL["rounding"])
    assert points_needed(found) == pytest.approx((found.reach / found.mean) ** 2)
    assert points_needed(trial("raw", before).minus(trial("lmnn", after))) is None


def test_the_same_difference_on_every_split_still_has_an_interval():
    one = trial("lmnn", [3, 3, 3, 3, 3]).minus(trial("raw", [4, 4, 4, 4, 4]))
    many = trial("lmnn", [0, 0, 0, 0, 0]).minus(trial("raw", [20, 20, 20, 20, 20]))
    assert not one.shown
    assert many.shown


COUNTS = st.lists(st.integers(0, N_TEST // 2), min_size=5, max_size=5)


@given(st.lists(COUNTS, min_size=1, max_size=6))
@settings(deadline=None)
def test_the_choice_is_beaten_by_none_and_needs_no_more_than_its_rivals(errors):
    keys = ["raw", "standardised", "lda", "lmnn", "multi", "rbf_svm"]
    trials = [trial(key, np.array(counts)) for key, counts in zip(keys, errors, strict=False)]
    chosen = choice(trials)
    assert beaten_by(chosen, trials) is None
    assert choice([*trials, trials[0]]).contender.key == chosen.contender.key
    if chosen is not trials[0]:
        assert any(beaten_by(one, trials) is not None for one in trials[: trials.index(chosen)])


# Facts


def test_measures_are_those_of_other_formulas():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 6)) * [1, 10, 0.1, 1, 1, 1]
    X[:, 3] = X[:, 0] + 0.01 * rng.normal(size=80)
    found = measured(X)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    assert np.allclose(found.spreads, X.std(axis=0), rtol=TOL["rounding"])
    assert found.components == PCA(0.9, svd_solver="full").fit(standard).n_components_
    ((a, b, size),) = found.correlated
    assert (a, b) == (0, 3)
    assert size == pytest.approx(np.corrcoef(X.T)[0, 3])
    assert found.ratio == pytest.approx(X.std(axis=0).max() / X.std(axis=0).min())
    assert found.largest_share == pytest.approx(X[:, 1].var() / X.var(axis=0).sum())


def test_constant_features_and_huge_ones_are_measured():
    X = np.column_stack([np.ones(20), 1e200 * np.arange(20.0), np.arange(20.0) ** 2])
    found = measured(X)
    assert found.constant == 1
    assert math.isfinite(found.ratio)
    assert measured(np.ones((5, 2))).components == 0


def test_shuffling_tells_the_feature_that_matters():
    rng, y = np.random.default_rng(0), np.arange(200) % 2
    X = rng.normal(size=(200, 3))
    X[:, 1] += 5 * y
    splits = stratified_splits(y, 5, 0.3, 0)
    found = relevance(BY_KEY["raw"], SETTING, X, y, splits, math.inf)
    assert found.matter.tolist() == [1]
    assert "would take" in relevance(BY_KEY["raw"], SETTING, X, y, splits, 0.0).left_out


@pytest.mark.parametrize(
    ("n", "d", "method"), [(1000, 20, "full"), (10**6, 20, "stochastic"), (90_000, 800, "reduced")]
)
def test_the_solver_that_fits_a_size(n, d, method):
    full = trial("lmnn", [1, 1, 1, 1, 1])  # a second for 70 points
    assert suited(n, d, full).method == method
    assert suited(n, d, full).seconds == pytest.approx(n / N_TRAIN)
    assert suited(n, d, None).method == "unknown"


# The race


class Ticking:
    """A clock that goes on by so many seconds whenever it is looked at."""

    def __init__(self, step):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def race(seconds, step=0.0, keys=("raw", "standardised", "lda")):
    chosen = [BY_KEY[key] for key in keys]
    return Race(chosen, SETTING, Budget(seconds, Ticking(step)), lambda text: None)


def test_the_costliest_are_dropped_until_the_rest_fits():
    state = race(100.0)
    state.predicted = {"raw": 1.0, "standardised": 12.0, "lda": 40.0}
    state.drop_costly(10)
    assert state.predicted == {"raw": 1.0, "standardised": 12.0}
    assert state.left_out == {"lda": "its 5 fits need some 200.0 s, which the budget does not hold"}


@given(st.dictionaries(st.sampled_from(["raw", "standardised", "lda"]), st.floats(0, 50), min_size=1))
def test_what_is_left_fits_and_what_is_out_was_no_cheaper(predicted):
    state = race(100.0)
    state.predicted = dict(predicted)
    state.drop_costly(10)
    assert CAUTION * MIN_SPLITS * sum(state.predicted.values()) <= (1 - KEPT) * 100.0
    out = [predicted[key] for key in state.left_out]
    assert not out or min(out) >= max(state.predicted.values(), default=0.0)
    assert set(state.left_out) | set(state.predicted) == set(predicted)


def test_a_part_of_the_points_is_taken_where_all_would_take_too_long():
    state = race(100.0)
    state.predicted = {"raw": 40.0}
    part = state.share(10)
    assert 0.1 < part < 1
    state.shrink(part)
    assert state.predicted["raw"] == pytest.approx(40 * part**2)
    state.drop_costly(10)
    assert not state.left_out


def test_no_fit_is_begun_that_would_not_end_in_time():
    X, y = clouds()
    splits = stratified_splits(y, 10, 0.3, 0)
    state = race(100.0, step=1.0)  # every look at the clock takes a second, so a fit does too
    state.predicted = dict.fromkeys(("raw", "standardised", "lda"), 1.0)
    state.run(state.contenders, X, y, splits)
    trials = state.trials(y, splits)
    assert state.budget.elapsed <= 100
    assert [len(one.wrong) for one in trials] == [10, 9, 9]
    late = race(20.0, step=1.0)
    late.predicted = dict(state.predicted)
    late.run(late.contenders, X, y, splits)
    assert late.budget.elapsed <= 20
    assert all(one.left_out.startswith("the time was over after ") for one in late.trials(y, splits))


def test_names_of_classes_and_units_of_features_change_no_standardised_error():
    X, y = clouds(n=90, apart=1.0)  # of two classes three votes are never tied
    splits = stratified_splits(y, 5, 0.3, 0)

    def errors(points, codes):
        state = race(1e9)
        state.predicted = dict.fromkeys(("raw", "standardised", "lda"), 0.0)
        state.run(state.contenders, points, codes, splits)
        return {one.contender.key: one.wrong for one in state.trials(codes, splits)}

    plain, scaled = errors(X, y), errors(X * 2.0 ** np.array([30, -20, 0, 5]), y)
    renamed = errors(X, 1 - y)
    assert np.array_equal(plain["standardised"], scaled["standardised"])
    assert not np.array_equal(plain["raw"], scaled["raw"])
    for key, wrong in plain.items():
        assert np.array_equal(np.roll(wrong, 1, axis=1), renamed[key])


def test_nothing_is_tried_after_its_part_of_the_time():
    state = race(10.0, step=3.0)
    state.try_out(*clouds())
    assert set(state.left_out.values()) == {"no time was left to try it on a few points"}


def test_a_method_that_refuses_the_data_is_out_with_its_words():
    X, y = np.repeat(np.eye(2), 30, axis=0), np.repeat([0, 1], 30)
    state = race(1000.0, keys=("raw", "lmnn"))
    state.try_out(X, y)
    assert state.left_out["lmnn"].startswith("it refuses these data: ")
    assert "reg" in state.left_out["lmnn"]


# The whole


@pytest.fixture(scope="module")
def wine():
    data = load("wine")
    frame = pd.DataFrame(data.X, columns=[f"<f{k}>" for k in range(13)])
    return diagnose(frame, data.y, minutes=AMPLE, n_splits=5, name="<wine>")


def test_wine_is_standardised_at_least(wine):
    raw, standard = wine.evidence.judged("raw"), wine.evidence.judged("standardised")
    assert isinstance(wine, Diagnosis)
    assert standard.minus(raw).shown
    assert wine.advice in (Advice.STANDARDIZE, Advice.PROJECT, Advice.LEARN)
    assert [one.contender.key for one in wine.evidence.trials] == list(BY_KEY)
    assert all(one.judged and one.stopped == 0 for one in wine.evidence.trials)
    assert wine.evidence.measures.ratio > 1000
    assert wine.evidence.setting.standardize


def test_errors_are_those_of_compare(wine):
    from lmnn_sdp import LMNN, compare

    data = load("wine")
    found = compare(data.X, data.y, estimator=LMNN(tol=1e-3), n_splits=5, standardize=True)
    assert np.array_equal(wine.evidence.judged("standardised").wrong.sum(axis=1), found.wrong_before)
    assert np.array_equal(wine.evidence.judged("lmnn").wrong.sum(axis=1), found.wrong_after)


def test_json_holds_every_number(wine):
    told = json.loads(json.dumps(wine.summary(), allow_nan=False))
    assert told["n"] == 178
    assert told["recommendation"]["advice"] == wine.advice.name
    errors = {one["method"]: one["error"]["mean"] for one in told["methods"]}
    assert errors["raw"] == wine.evidence.judged("raw").error.mean
    assert len(told["answers"]) == 8


class Page(html.parser.HTMLParser):
    """Checks that elements close in order, and keeps text and attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_needs_no_other_file_and_is_escaped(wine, tmp_path):
    text = wine.save_html(tmp_path / "page.html").read_text()
    page = Page(text)
    assert not page.open
    assert "<script" not in text
    assert not [name for name, _ in page.attributes if name in ("src", "href", "onclick")]
    assert "url(" not in text
    assert "http" not in text
    words = " ".join(page.words)
    assert "<wine>" in words
    assert "<f" in words
    assert wine.advice.value in words
    assert text.count("<svg") == 4  # errors, two planes, features
    for one in wine.evidence.trials:
        assert one.contender.title in words


def test_the_table_for_notebooks_names_every_method(wine):
    page = Page(wine._repr_html_())
    assert not page.open
    words = " ".join(page.words)
    assert all(contender.title in words for contender in CONTENDERS)
    assert repr(wine).startswith(f"Diagnosis({wine.advice.name}, ")


def test_noise_and_far_classes_are_told_apart():
    noise = diagnose(*clouds(), minutes=AMPLE, n_splits=5)
    apart = diagnose(*clouds(n=60, apart=10.0), minutes=AMPLE, n_splits=3)
    assert noise.advice is Advice.NO_SIGNAL
    assert (apart.advice, apart.recommendation.method) == (Advice.KEEP, "raw")
    assert apart.evidence.judged("raw").error.mean == 0


def test_classes_too_small_to_split_are_set_aside_by_name():
    X, y = clouds(n=90, apart=5.0)
    labels = np.array(["a", "b"], object)[y]
    labels[:3] = "rare"
    found = diagnose(X, labels, minutes=AMPLE, n_splits=3)
    assert found.evidence.set_aside == ("rare",)
    assert found.evidence.labels == ("a", "b")
    assert "Set aside, with too few points to be split: rare." in found.evidence.notes


def test_many_points_are_sampled_and_it_says_so():
    X, y = clouds(n=300, apart=5.0)
    found = diagnose(X, y, minutes=AMPLE, n_splits=3, max_points=60)
    assert found.evidence.used == 60
    assert "Compared on a random sample of 60 of the 300 points." in found.evidence.notes


def test_more_features_than_points_are_reduced_and_it_says_so():
    X, y = clouds(n=60, d=80, apart=1.0)
    found = diagnose(X, y, minutes=AMPLE, n_splits=3)
    assert "Learners saw 10 principal components of the 80 features." in found.evidence.notes
    assert found.recommendation.command is None


@pytest.mark.parametrize("X", [np.repeat(np.eye(2), 30, axis=0), np.arange(60.0)[:, None]])
def test_odd_data_are_judged_or_left_out_by_name(X):
    found = diagnose(X, np.arange(60) % 2, minutes=AMPLE, n_splits=3)
    assert isinstance(found.advice, Advice)
    json.dumps(found.summary(), allow_nan=False)
    for one in found.evidence.trials:
        assert one.judged or one.left_out.startswith("it refuses these data: ")


# What cannot be judged


@pytest.mark.parametrize("n", [3, 10, 39])
def test_data_too_small_to_judge_are_not_judged(n):
    found = diagnose(*clouds(n=n), minutes=AMPLE)
    assert found.advice is Advice.TOO_SMALL
    assert found.evidence.trials == ()
    assert "at least 40 points in 2 classes are needed" in found.recommendation.reasons[0]
    json.dumps(found.summary(), allow_nan=False)
    assert not Page(found._repr_html_()).open


def test_a_budget_below_one_fit_judges_nothing_and_says_so(tmp_path):
    found = diagnose(*clouds(), minutes=1e-9)
    assert found.advice is Advice.NO_TIME
    assert not any(one.judged for one in found.evidence.trials)
    assert found.recommendation.doubts == ("More time: raise minutes (--minutes 2).",)
    json.dumps(found.summary(), allow_nan=False)
    Page(found.save_html(tmp_path / "p.html").read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"minutes": 0}, r"minutes=0 must be a positive number"),
        ({"minutes": math.nan}, r"minutes=nan must be a positive number"),
        ({"minutes": "2"}, r"minutes='2' must be a positive number"),
        ({"n_splits": 2}, r"n_splits=2 must be an integer >= 3"),
        ({"classifier_neighbors": 0}, r"classifier_neighbors=0 must be an integer >= 1"),
        ({"max_points": 10}, r"max_points=10 must be an integer >= 40"),
        ({"random_state": None}, r"random_state=None must be an integer >= 0"),
        ({"n_neighbors": 0}, r"n_neighbors=0 must be an integer >= 1, or 'auto'"),
        ({"mu": 1}, r"mu=1 must lie strictly between 0 and 1"),
        ({"reg": -1}, r"reg=-1 must be a number >= 0"),
        ({"y": np.zeros(120)}, r"only the class \[0.0\]"),
        ({"y": np.arange(120)}, r"120 classes for 120 points: no label comes twice"),
        ({"y": np.arange(119)}, r"y has shape \(119,\)"),
        ({"y": np.arange(120) // 40 + 0.5}, r"Unknown label type"),
        ({"X": np.full((120, 2), np.nan)}, r"X\[0, 0\] is nan"),
        ({"X": np.ones((120, 3))}, r"all rows of X are the same"),
        ({"X": np.zeros((120, 0))}, r"X has shape \(120, 0\)"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    X, y = clouds()
    given = {"X": X, "y": y, **change}
    with pytest.raises(ValueError, match=message):
        diagnose(given.pop("X"), given.pop("y"), **given)
