"""What each method did on the splits: errors by class, seconds, and why one was left out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.stats

from lmnn_sdp.analysis.comparison import CONFIDENCE, PerSplit
from lmnn_sdp.analysis.diagnosis.contenders import Contender
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.solvers.solution import Status


class Fold(NamedTuple):
    """One method on one split: test points of each class that it misclassified."""

    wrong: IntArray
    seconds: float
    stopped: bool


@dataclass(frozen=True, eq=False)
class Trial:
    """One method on all its splits.

    Attributes
    ----------
    contender : Contender
        The method.
    wrong : array of int, shape (n_splits, n_classes)
        Test points of each class that were misclassified.
    tested : array of int, shape (n_splits, n_classes)
        Test points of each class.
    n_train : int
        Points of a training part.
    seconds : array, shape (n_splits,)
        Wall time of each fit with its predictions.
    stopped : int
        Fits whose solver stopped before its tolerance.
    left_out : str
        Why it was left out; empty where it was judged.
    """

    contender: Contender
    wrong: IntArray
    tested: IntArray
    n_train: int
    seconds: FloatArray
    stopped: int
    left_out: str = ""

    @property
    def judged(self) -> bool:
        """Whether it has errors to speak of."""
        return not self.left_out

    @property
    def n_test(self) -> int:
        """Points of a test part."""
        return int(self.tested[0].sum())

    @property
    def error(self) -> PerSplit:
        """Share of the test points that were misclassified."""
        return PerSplit(self.wrong.sum(axis=1) / self.n_test)

    @property
    def by_class(self) -> FloatArray:
        """Share of each class's test points that were misclassified, over all splits, shape (n_classes,)."""
        return self.wrong.sum(axis=0) / np.maximum(self.tested.sum(axis=0), 1)

    def minus(self, other: Trial) -> Difference:
        """Its error minus that of another, on the splits that both have."""
        both = min(len(self.wrong), len(other.wrong))
        change = self.wrong[:both].sum(axis=1) - other.wrong[:both].sum(axis=1)
        return Difference(PerSplit(change / self.n_test), self.n_train, self.n_test)

    def above(self, error: float) -> Difference:
        """Its error minus a number."""
        return Difference(PerSplit(self.error.values - error), self.n_train, self.n_test)

    def summary(self) -> dict[str, Any]:
        """For JSON."""
        told = {"method": self.contender.key, "title": self.contender.title, "left_out": self.left_out or None}
        if not self.judged:
            return told
        numbers = {"seconds": float(np.mean(self.seconds)), "stopped": self.stopped, "by_class": self.by_class.tolist()}
        return {**told, "error": self.error.summary(), **numbers}


@dataclass(frozen=True)
class Difference:
    """A mean difference over splits with its corrected resampled t interval, see `Comparison.interval`.

    Attributes
    ----------
    values : PerSplit
    n_train, n_test : int
        Points of each part.
    """

    values: PerSplit
    n_train: int
    n_test: int

    @property
    def mean(self) -> float:
        """Mean over the splits."""
        return self.values.mean

    @property
    def constant(self) -> bool:
        """Whether all splits show the same difference, and so no spread."""
        return float(np.ptp(self.values.values)) == 0

    @property
    def spread(self) -> float:
        """Standard error of the mean, corrected for the points that splits share.

        Splits that all show the same tell no spread: then it is that of a count of as many points as differ.
        """
        sd = math.sqrt(abs(self.mean) / self.n_test) if self.constant else self.values.sd
        return sd * math.sqrt(1 / len(self.values.values) + self.n_test / self.n_train)

    @property
    def reach(self) -> float:
        """Half of the interval: by the t distribution, or by the normal one where the spread is that of a count."""
        law = scipy.stats.norm if self.constant else scipy.stats.t(len(self.values.values) - 1)
        return float(law.ppf((1 + CONFIDENCE) / 2)) * self.spread

    @property
    def shown(self) -> bool:
        """Whether there are fewer errors beyond what the splits could make by chance: the interval lies below zero."""
        return self.mean + self.reach < 0

    @property
    def most(self) -> float:
        """By how much the error may be lower, as far as these splits can tell; 0 where it is not."""
        return max(0.0, -(self.mean - self.reach))


def judge(
    model: Any, X: FloatArray, codes: IntArray, train: IntArray, test: IntArray, clock: Callable[[], float]
) -> Fold:
    """Fit on one part, and count the errors on the other by class.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, which a solver takes as a wish to stop.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that stops early is counted, one on odd data is judged by its errors
        begin = clock()
        predicted = model.fit(X[train], codes[train]).predict(X[test])
        seconds = clock() - begin
    solutions = [getattr(step, "solution_", None) for step in model]
    statuses = [solution.status for solution in solutions if solution is not None]
    if Status.INTERRUPTED in statuses:
        raise KeyboardInterrupt
    missed = codes[test][predicted != codes[test]]
    wrong = np.bincount(missed, minlength=int(codes.max()) + 1)
    return Fold(wrong, seconds, any(not status.solved for status in statuses))
