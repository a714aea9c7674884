"""``diagnose``: whether a metric is worth learning, with numbers, within a budget of time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.utils.multiclass import check_classification_targets

from lmnn_sdp.analysis.diagnosis.budget import Budget
from lmnn_sdp.analysis.diagnosis.contenders import CONTENDERS, Advice, Contender, Setting
from lmnn_sdp.analysis.diagnosis.evidence import Evidence, Plane
from lmnn_sdp.analysis.diagnosis.measures import measured, relevance, unknown
from lmnn_sdp.analysis.diagnosis.page import headline, notebook, page
from lmnn_sdp.analysis.diagnosis.preparation import (
    FEWEST,
    FEWEST_SPLITS,
    TEST_SIZE,
    Asked,
    Sample,
    check_asked,
    check_classes,
    check_varied,
    names_of,
    neighbors,
    splittable,
)
from lmnn_sdp.analysis.diagnosis.race import Race, Split
from lmnn_sdp.analysis.diagnosis.recommendation import SMALL, Recommendation, recommend, unjudged
from lmnn_sdp.analysis.diagnosis.sentences import findings
from lmnn_sdp.analysis.diagnosis.sizes import suited
from lmnn_sdp.analysis.splits import stratified_splits
from lmnn_sdp.numerics.files import PathLike, write_text_atomically
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.validation import check_data, check_labels

BASELINES = CONTENDERS[:2]  # which tell whether learners see standardised features
FEWEST_SAMPLED = 400  # points, below which methods are left out rather than points
MOST_DRAWN = 400  # points of a picture
SHUFFLING = 0.6  # part of what is left after the race that goes to shuffling features


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Whether a metric is worth learning.

    Attributes
    ----------
    evidence : Evidence
        Facts about the data, and the errors and seconds of every method.
    recommendation : Recommendation
        What to do, why, the command that follows, and what would change it.
    minutes : float
        Time that was allowed.
    seconds : float
        Time that it took.
    """

    evidence: Evidence
    recommendation: Recommendation
    minutes: float
    seconds: float

    @property
    def advice(self) -> Advice:
        """What to do."""
        return self.recommendation.advice

    def summary(self) -> dict[str, Any]:
        """All numbers as a dictionary, for JSON; None stands for what is not known."""
        answers = dict(findings(self.evidence))
        time = {"minutes": self.minutes, "seconds": self.seconds}
        advised = self.recommendation.summary()
        return {**self.evidence.summary(), "answers": answers, "recommendation": advised, **time}

    def save_html(self, path: PathLike) -> Path:
        """Write the page with all numbers and pictures: one file that needs no other.

        Parameters
        ----------
        path : path-like
            File to write.

        Returns
        -------
        Path
            The file.
        """
        text = page(self.evidence, self.recommendation, f"in {self.seconds:.0f} of {60 * self.minutes:.0f} s")
        write_text_atomically(path, lambda file: file.write(text))
        return Path(path)

    def _repr_html_(self) -> str:
        """The table for notebooks."""
        return notebook(self.evidence, self.recommendation)

    def __repr__(self) -> str:
        sure = "sure" if self.recommendation.sure else "not sure"
        return (
            f"Diagnosis({self.advice.name}, {sure}, method={self.recommendation.method!r}, {headline(self.evidence)})"
        )


def diagnose(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    minutes: float = 2.0,
    n_neighbors: int | str = 3,
    classifier_neighbors: int = 3,
    mu: float = 0.5,
    reg: float = 0.0,
    standardize: bool = False,
    minus_one_is_class: bool = False,
    n_splits: int = 10,
    max_points: int = 2000,
    random_state: int = 0,
    name: str = "DATA",
    command: str | None = None,
    callback: Callable[[str], object] | None = None,
) -> Diagnosis:
    """Tell whether a metric is worth learning, with numbers and reasons.

    k-NN as it stands and standardised, PCA, LDA, NCA, LMNN (full, of low rank, diagonal, a metric a class) and SVMs are
    compared on the same random stratified splits. The simplest that no other is seen to beat is recommended. Seen means
    that the 95 % interval of the difference lies below zero: a difference inside the error bars is no gain.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Finite numbers; the features are called by the columns of a frame.
    y : array-like of shape (n_samples,)
        Class labels. Classes of too few points to be split are set aside, and named.
    minutes : float, default=2.0
        Time that it keeps: a fit that would not end in time is not begun and its method named as left out, data are
        sampled where all do not fit, and fits of LMNN stop at a limit.
    n_neighbors : int or "auto", default=3
        Target neighbours of LMNN.
    classifier_neighbors : int, default=3
        Points that vote.
    mu : float, default=0.5
        Weight of the push term of LMNN, in (0, 1).
    reg : float, default=0.0
        Weight of a trace penalty of LMNN.
    standardize : bool, default=False
        Give learners standardised features even where k-NN is better without by a point or more.
    minus_one_is_class : bool, default=False
        As in `LMNN`.
    n_splits : int, default=10
        Random splits, 70 % of the points to learn from; 3 at least.
    max_points : int, default=2000
        Points to compare on; more are sampled.
    random_state : int, default=0
        Chooses sample and splits.
    name : str, default="DATA"
        What the data are called.
    command : str or None, default=None
        How ``lmnn-sdp solve`` is told the data, with options of reading; None is the name.
    callback : callable or None, default=None
        Called with a line of text now and then.

    Returns
    -------
    Diagnosis
        Facts, errors and seconds of each method, and the recommendation.

    Raises
    ------
    ValueError
        For data, labels or numbers that break a rule; the message names the value, the rule and the remedy.
    KeyboardInterrupt
        On Ctrl-C.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from lmnn_sdp import diagnose
    >>> found = diagnose(*load_wine(return_X_y=True), n_splits=5)
    >>> found.evidence.judged("raw").error.mean > 0.2  # in its units, proline drowns the others
    True
    >>> found.advice.name != "KEEP"
    True
    """
    counts = {"classifier_neighbors": (classifier_neighbors, 1), "max_points": (max_points, FEWEST)}
    check_asked(minutes, mu, reg, {**counts, "n_splits": (n_splits, FEWEST_SPLITS), "random_state": (random_state, 0)})
    budget = Budget(60.0 * float(minutes))
    points = check_data(X)
    labels, codes = check_labels(y, len(points), minus_one_is_class)
    check_classes(codes)
    check_classification_targets(labels)
    check_varied(points)
    asked = Asked(neighbors(n_neighbors, codes), classifier_neighbors, float(mu), float(reg), budget.seconds)
    sample = splittable(points, codes, asked.n_neighbors)
    if len(sample.X) > max_points:
        sample = sample.part(max_points, random_state)
    race = Race(CONTENDERS, asked.setting(sample), budget, callback or (lambda text: None))
    enough = len(sample.classes) >= 2 and len(sample.X) >= FEWEST
    splits: list[Split] = []
    if enough:
        sample, splits = compete(race, sample, asked, n_splits, random_state, standardize)
    known = tuple(str(label) for label in np.unique(labels).tolist())
    evidence = Evidence(
        name=name,
        n=len(points),
        used=len(sample.X),
        features=names_of(X, points.shape[1]),
        labels=tuple(known[c] for c in sample.classes),
        sizes=tuple(np.bincount(codes)[sample.classes].tolist()),
        set_aside=tuple(known[c] for c in sample.set_aside),
        setting=race.setting,
        **gathered(race, sample, splits, points),
    )
    advised = recommend(evidence.trials, race.setting, evidence.guess, command or name) if enough else small(evidence)
    return Diagnosis(evidence, advised, float(minutes), budget.elapsed)


def compete(
    race: Race, sample: Sample, asked: Asked, n_splits: int, seed: int, standardize: bool
) -> tuple[Sample, list[Split]]:
    """Run the race, on fewer points where all would take too long."""
    tried = sample.part(int((1 - TEST_SIZE) * len(sample.X)), seed)
    race.try_out(tried.X, tried.codes)
    race.fair_limit(n_splits)
    share = race.share(n_splits)
    if share < 1 and len(sample.X) > FEWEST_SAMPLED:
        fewer = sample.part(max(FEWEST_SAMPLED, int(share * len(sample.X))), seed)
        race.shrink(len(fewer.X) / len(sample.X))
        sample, race.setting = fewer, replace(asked.setting(fewer), fit_limit=race.setting.fit_limit)
    race.drop_costly(n_splits)
    splits = stratified_splits(sample.codes, n_splits, TEST_SIZE, seed)
    race.run(BASELINES, sample.X, sample.codes, splits)
    raw, standard, *_ = race.trials(sample.codes, splits)
    both = raw.judged and standard.judged
    raw_is_better = both and standard.error.mean - raw.error.mean >= SMALL
    race.setting = replace(race.setting, standardize=standardize or not raw_is_better)
    race.run(CONTENDERS[len(BASELINES) :], sample.X, sample.codes, splits)
    return sample, splits


def gathered(race: Race, sample: Sample, splits: list[Split], X: FloatArray) -> dict[str, Any]:
    """The parts of the evidence that come after the race, each where there is time for it; X are all points."""
    found: dict[str, Any] = {"trials": (), "guess": 0.0, "measures": measured(sample.X if splits else X), "planes": ()}
    found["relevance"] = unknown("")
    found["fit"] = suited(len(X), X.shape[1], None)
    if not splits:
        return found
    race.follow("features")
    trials = race.trials(sample.codes, splits)
    tested = np.bincount(sample.codes[splits[0][1]])
    full = next(one for one in trials if one.contender.key == "lmnn")
    found |= {"trials": trials, "guess": 1 - float(tested.max() / tested.sum())}
    found["fit"] = suited(len(X), X.shape[1], full)
    voter = BASELINES[int(race.setting.standardize)]
    if voter.key in race.left_out:
        found["relevance"] = unknown("k-NN itself was left out")
    else:
        seconds = SHUFFLING * race.budget.left()
        found["relevance"] = relevance(voter, race.setting, sample.X, sample.codes, splits, seconds)
    if full.judged and race.budget.allows(2 * float(full.seconds.max())) and sample.X.shape[1] > 1:
        found["planes"] = planes(full.contender, race.setting, sample, splits[0])
    return found


def planes(contender: Contender, setting: Setting, sample: Sample, split: Split) -> tuple[Plane, ...]:
    """The first test part before and after learning, by the two directions in which the training part varies most."""
    train, test = split
    pipeline = contender.pipeline(setting)
    steps = {
        f"Before: PCA of {'standardised' if setting.standardize else 'the'} features": pipeline[:-2],
        "After: PCA of the learned space": pipeline[:-1],
    }
    drawn = []
    for title, step in steps.items():
        known, unseen = sample.X[train], sample.X[test[:MOST_DRAWN]]
        if len(step):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a fit that stops early draws as well
                step.fit(known, sample.codes[train])
            known, unseen = step.transform(known), step.transform(unseen)
        if known.shape[1] < 2:  # a metric of rank 1
            known, unseen = (np.pad(part, ((0, 0), (0, 1))) for part in (known, unseen))
        drawn.append(Plane(title, PCA(2).fit(known).transform(unseen), sample.codes[test[:MOST_DRAWN]]))
    return tuple(drawn)


def small(found: Evidence) -> Recommendation:
    """Nothing is judged."""
    told = f"{found.used} points in {len(found.labels)} classes are left that can be split"
    aside = f", after {', '.join(found.set_aside)} were set aside" if found.set_aside else ""
    return unjudged(
        Advice.TOO_SMALL,
        f"{told}{aside}; at least {FEWEST} points in 2 classes are needed.",
        "More points of each class; until then k-NN on standardised features is as good a guess as any.",
    )
