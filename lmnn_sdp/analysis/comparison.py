"""Does the learned metric help? k-NN before and after on the same held-out points, judged over many splits."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.stats
from sklearn.base import clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed

from lmnn_sdp.analysis.held_out import judge_split, learner_of
from lmnn_sdp.analysis.splits import stratified_splits
from lmnn_sdp.display.cards import Badge, card
from lmnn_sdp.display.intervals import gap_text
from lmnn_sdp.estimators.lmnn import LMNN
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.solvers.solution import Status
from lmnn_sdp.validation import check_data, check_labels, is_integer

CONFIDENCE = 0.95


class Verdict(Enum):
    """Whether the metric helps; the value is written for the user."""

    HELPS = "The metric helps: fewer held-out errors, and the interval of the difference lies below zero."
    HURTS = "The metric makes it worse: more held-out errors, and the interval of the difference lies above zero."
    NO_DIFFERENCE = (
        "No difference that these splits could show: the interval holds zero. The metric is not seen to help."
    )
    SAME = "The metric does not help: on every split it makes as many errors as the Euclidean one."
    FLAWLESS = "The metric does not help: k-NN makes no held-out error even without it."
    NO_SPREAD = "No verdict: every split shows the same difference, so its spread is unknown. Raise n_splits."


@dataclass(frozen=True, eq=False)
class PerSplit:
    """A number for each split.

    Attributes
    ----------
    values : array, shape (n_splits,)
    """

    values: FloatArray

    @property
    def mean(self) -> float:
        """Mean over the splits."""
        return float(np.mean(self.values))

    @property
    def sd(self) -> float:
        """Standard deviation over the splits, with ``n_splits - 1`` in the denominator."""
        return float(np.std(self.values, ddof=1))

    def reach(self, n_test: int, n_train: int) -> float:
        """Half of the corrected resampled t interval of the mean, see `Comparison.interval`."""
        n_splits = len(self.values)
        spread = self.sd * math.sqrt(1 / n_splits + n_test / n_train)
        return float(scipy.stats.t.ppf((1 + CONFIDENCE) / 2, n_splits - 1)) * spread

    def summary(self) -> dict[str, Any]:
        """Mean, standard deviation and values, for JSON."""
        return {"mean": self.mean, "sd": self.sd, "values": self.values.tolist()}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Held-out errors of k-NN before (Euclidean) and after (learned metric) on the same splits.

    Attributes
    ----------
    wrong_before, wrong_after : array of int, shape (n_splits,)
        Misclassified points of each test part.
    n_train, n_test : int
        Points in a training and in a test part.
    gaps : array, shape (n_splits,)
        Proved relative gap of each fit, ``relative_gap_`` of the estimator (with ``n_components`` it holds the price
        of the cut); NaN where the estimator proves none.
    statuses : tuple of (Status or None), length n_splits
        Why each solver stopped; None where the estimator does not tell.
    seconds : array, shape (n_splits,)
        Wall time of each fit.
    classifier_neighbors : int
        Neighbours that vote.
    standardize : bool
        Whether the features were standardised on each training part.
    """

    wrong_before: IntArray
    wrong_after: IntArray
    n_train: int
    n_test: int
    gaps: FloatArray
    statuses: tuple[Status | None, ...]
    seconds: FloatArray
    classifier_neighbors: int
    standardize: bool

    @property
    def n_splits(self) -> int:
        """Number of splits."""
        return len(self.wrong_before)

    @property
    def before(self) -> PerSplit:
        """Held-out error under the Euclidean metric, between 0 and 1."""
        return PerSplit(self.wrong_before / self.n_test)

    @property
    def after(self) -> PerSplit:
        """Held-out error under the learned metric, between 0 and 1."""
        return PerSplit(self.wrong_after / self.n_test)

    @property
    def difference(self) -> PerSplit:
        """Error after minus error before: negative where the metric helps."""
        return PerSplit((self.wrong_after - self.wrong_before) / self.n_test)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the mean difference; None where all splits show the same one, which tells no spread.

        The corrected resampled t interval, with the differences' mean m and variance s^2 over J splits:

            m +- t_{J - 1, 0.975} s sqrt(1 / J + n_test / n_train)

        The parts of different splits share points, so that their differences are correlated; with the usual 1 / J
        alone, the interval would shrink to nothing with more and more splits of the same data.

        References
        ----------
        C. Nadeau and Y. Bengio (2003). Inference for the generalization error. Machine Learning 52, 239-281.
        """
        if self._constant:
            return None
        reach = self.difference.reach(self.n_test, self.n_train)
        return self.difference.mean - reach, self.difference.mean + reach

    @property
    def verdict(self) -> Verdict:
        """Whether the metric helps."""
        if self.interval is not None:
            lower, upper = self.interval
            return Verdict.HELPS if upper < 0 else Verdict.HURTS if lower > 0 else Verdict.NO_DIFFERENCE
        if np.any(self.wrong_before != self.wrong_after):
            return Verdict.NO_SPREAD
        return Verdict.SAME if np.any(self.wrong_before) else Verdict.FLAWLESS

    @property
    def largest_gap(self) -> float | None:
        """Largest proved relative gap of a fit; None where the estimator proves none."""
        return None if np.isnan(self.gaps).any() else float(np.max(self.gaps))

    @property
    def stopped_early(self) -> int:
        """Fits whose solver stopped before its tolerance."""
        return sum(status is not None and not status.solved for status in self.statuses)

    @property
    def _constant(self) -> bool:
        """Whether all splits show the same difference; counts of errors tell without rounding."""
        return int(np.ptp(self.wrong_after - self.wrong_before)) == 0

    def summary(self) -> dict[str, Any]:
        """The numbers of the comparison as a dictionary, for JSON; None stands for what is not known."""
        return {
            "verdict": self.verdict.name,
            "n_splits": self.n_splits,
            "n_train": self.n_train,
            "n_test": self.n_test,
            "classifier_neighbors": self.classifier_neighbors,
            "standardize": self.standardize,
            "before": self.before.summary(),
            "after": self.after.summary(),
            "difference": self.difference.summary(),
            "interval": None if self.interval is None else list(self.interval),
            "confidence": CONFIDENCE,
            "gaps": [None if math.isnan(gap) else gap for gap in self.gaps.tolist()],
            "statuses": [None if status is None else status.name for status in self.statuses],
            "seconds": self.seconds.tolist(),
        }

    def _repr_html_(self) -> str:
        """A card with the verdict and the errors before and after, for notebooks."""
        interval = "unknown"
        if self.interval is not None:
            interval = "{:+.2f} % to {:+.2f} %".format(*(100 * end for end in self.interval))
        rows = [
            ("before (Euclidean)", _percent(self.before)),
            ("after (learned metric)", _percent(self.after)),
            ("difference", _percent(self.difference)),
            (f"{CONFIDENCE:.0%} interval", interval),
            ("splits", f"{self.n_splits}: {self.n_train} points to train on, {self.n_test} to test on"),
            ("relative gap at most", "none proved" if self.largest_gap is None else gap_text(self.largest_gap)),
        ]
        verdict = self.verdict
        heading = f"Held-out errors of {self.classifier_neighbors}-NN"
        return card(heading, Badge(verdict.name.replace("_", " "), verdict.value, verdict is Verdict.HELPS), rows)

    def __repr__(self) -> str:
        interval = "None" if self.interval is None else "({:.4f}, {:.4f})".format(*self.interval)
        return (
            f"Comparison({self.verdict.name}, before={self.before.mean:.4f}, after={self.after.mean:.4f}, "
            f"difference={self.difference.mean:.4f}, interval={interval}, n_splits={self.n_splits})"
        )


def _percent(errors: PerSplit) -> str:
    """Mean and standard deviation."""
    return f"{100 * errors.mean:.2f} % ± {100 * errors.sd:.2f} %"


def compare(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    estimator: Any = None,
    classifier_neighbors: int = 3,
    n_splits: int = 10,
    test_size: float = 0.3,
    standardize: bool = False,
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
) -> Comparison:
    """Tell whether a learned metric makes k-NN better on points that it has not seen.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The estimator is given a frame where X is one.
    y : array-like of shape (n_samples,)
        Class labels.
    estimator : transformer, default=None
        Learns the metric, as a map into coordinates in which it is Euclidean; None is `LMNN` with its defaults. A
        fresh copy is fitted to each training part. The earlier steps of a pipeline count as part of the metric: what
        should be done before as well belongs into X, or into ``standardize``.
    classifier_neighbors : int, default=3
        Neighbours that vote on the class of a test point, before and after.
    n_splits : int, default=10
        Random stratified splits into a training and a test part.
    test_size : float, default=0.3
        Share of the points to test on.
    standardize : bool, default=False
        Give every feature zero mean and unit variance on the training part, before and after.
    random_state : int, RandomState instance or None, default=0
        Chooses the splits.
    n_jobs : int, default=None
        Splits at a time, as in scikit-learn; each of them is a process.

    Returns
    -------
    Comparison
        Errors of every split, and what they say together.

    Raises
    ------
    ValueError
        For data, labels or numbers that break a rule; the message names the value, the rule and the remedy.
    KeyboardInterrupt
        On Ctrl-C: fewer splits than asked for would be another comparison.

    Warns
    -----
    ConvergenceWarning
        If a solver stopped before the gap reached its tolerance; the message gives the gap.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from lmnn_sdp import compare
    >>> found = compare(*load_wine(return_X_y=True))
    >>> f"{100 * found.before.mean:.1f} % before, {100 * found.after.mean:.1f} % after"
    '30.0 % before, 3.5 % after'
    >>> found.verdict.name
    'HELPS'
    """
    array = check_data(X)
    labels, _ = check_labels(y, len(array))
    data = X if hasattr(X, "columns") else array  # steps of a pipeline may pick columns by name
    check_classification_targets(labels)
    estimator = LMNN() if estimator is None else estimator
    _check_transformer(estimator)
    splits = stratified_splits(labels, n_splits, test_size, random_state, _points_needed(estimator))
    n_train, n_test = map(len, splits[0])
    _check_classifier_neighbors(classifier_neighbors, n_train)
    judge = delayed(judge_split)
    outcomes = Parallel(n_jobs=n_jobs)(
        judge(clone(estimator), data, labels, *split, classifier_neighbors, standardize) for split in splits
    )
    for outcome in outcomes:
        for warning in outcome.warnings:
            warnings.warn(warning, stacklevel=2)
    return Comparison(
        wrong_before=np.array([outcome.wrong_before for outcome in outcomes]),
        wrong_after=np.array([outcome.wrong_after for outcome in outcomes]),
        n_train=n_train,
        n_test=n_test,
        gaps=np.array([outcome.gap for outcome in outcomes]),
        statuses=tuple(outcome.status for outcome in outcomes),
        seconds=np.array([outcome.seconds for outcome in outcomes]),
        classifier_neighbors=int(classifier_neighbors),
        standardize=bool(standardize),
    )


def _points_needed(estimator: Any) -> int:
    """Points of each class that LMNN needs in a training part: its target neighbours and one more."""
    learner = learner_of(estimator)
    if not isinstance(learner, LMNN):
        return 1
    return learner.n_neighbors + 1 if is_integer(learner.n_neighbors) else 2


def _check_transformer(estimator: Any) -> None:
    """An instance with ``fit`` and ``transform`` that can be copied unfitted."""
    if isinstance(estimator, type):
        raise ValueError(f"estimator={estimator.__name__} is a class; pass an instance, {estimator.__name__}()")
    missing = [name for name in ("fit", "transform", "get_params") if not hasattr(estimator, name)]
    if missing:
        raise ValueError(
            f"estimator={estimator!r} has no {missing[0]}; pass a transformer that learns a metric, such as LMNN(), or "
            "a pipeline that ends in one: the classifier is added here"
        )


def _check_classifier_neighbors(classifier_neighbors: int, n_train: int) -> None:
    """At least one neighbour, and no more than there are points in a training part."""
    if not is_integer(classifier_neighbors) or not 1 <= classifier_neighbors <= n_train:
        raise ValueError(
            f"classifier_neighbors={classifier_neighbors!r} must be an integer from 1 to the points of a training part "
            f"({n_train})"
        )
