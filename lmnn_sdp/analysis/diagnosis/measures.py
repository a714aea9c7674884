"""What can be read off the data without a classifier: sizes, units, variance, copies; and which features matter."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import scipy.stats
from sklearn.base import clone
from sklearn.inspection import permutation_importance

from lmnn_sdp.analysis.diagnosis.contenders import VARIANCE, Contender, Setting
from lmnn_sdp.analysis.diagnosis.race import MIN_SPLITS, Split
from lmnn_sdp.numerics.types import FloatArray, IntArray

CORRELATED = 0.95  # correlation from which one feature tells nearly what another does
MOST_PAIRS = 10  # that are named
MOST_SHUFFLED = 200  # test points of a split on which features are shuffled
MOST_KNOWN = 1000  # training points beside them


@dataclass(frozen=True, eq=False)
class Measures:
    """Facts about the points that were used.

    Attributes
    ----------
    spreads : array, shape (d,)
        Standard deviation of each feature.
    components : int
        Principal components of the standardised features that hold 90 % of the variance.
    correlated : tuple of (int, int, float)
        Pairs of features whose correlation is 0.95 or more by magnitude, the strongest first.
    """

    spreads: FloatArray
    components: int
    correlated: tuple[tuple[int, int, float], ...]

    @property
    def ratio(self) -> float:
        """Largest spread over the smallest that is not zero; 1 where there is none."""
        varying = self.spreads[self.spreads > 0]
        return float(varying.max() / varying.min()) if len(varying) else 1.0

    @property
    def largest_share(self) -> float:
        """Part of the variance, in the units of the data, of the feature that has most of it."""
        variances = (self.spreads / max(float(self.spreads.max()), np.finfo(float).tiny)) ** 2
        return float(variances.max() / max(float(variances.sum()), 1.0))

    @property
    def constant(self) -> int:
        """Features that do not vary."""
        return int(np.count_nonzero(self.spreads == 0))


def measured(X: FloatArray) -> Measures:
    """Facts about points of shape (n, d)."""
    unit = np.maximum(np.max(np.abs(X), axis=0), np.finfo(float).tiny)
    scaled = X / unit  # squares stay within range
    spreads = scaled.std(axis=0)
    spreads[spreads < 1e-12] = 0.0  # rounding of a mean
    varying = np.flatnonzero(spreads)
    standard = (scaled[:, varying] - scaled[:, varying].mean(axis=0)) / spreads[varying]
    correlation = standard.T @ standard / len(X)
    variances = np.linalg.eigvalsh(correlation)[::-1]
    kept = int(np.searchsorted(np.cumsum(variances), VARIANCE * len(varying)) + 1) if len(varying) else 0
    first, second = np.triu_indices(len(varying), 1)
    sizes = np.abs(correlation[first, second])
    order = np.argsort(-sizes, kind="stable")[: int(np.count_nonzero(sizes >= CORRELATED))]
    pairs = ((int(varying[first[p]]), int(varying[second[p]]), float(correlation[first[p], second[p]])) for p in order)
    return Measures(spreads * unit, min(kept, len(varying)), tuple(pairs))


@dataclass(frozen=True, eq=False)
class Relevance:
    """How much more often k-NN errs when one feature of the test points is shuffled among them.

    Attributes
    ----------
    means, reaches : array, shape (d,)
        Mean rise of the error over the splits, and half of its 95 % interval.
    left_out : str
        Why it is not known; empty where it is.
    """

    means: FloatArray
    reaches: FloatArray
    left_out: str = ""

    @property
    def matter(self) -> IntArray:
        """Features whose shuffling is seen to cost errors."""
        return np.flatnonzero(self.means - self.reaches > 0)


def unknown(reason: str) -> Relevance:
    """No relevance, and why."""
    return Relevance(np.empty(0), np.empty(0), reason)


def relevance(
    contender: Contender, setting: Setting, X: FloatArray, codes: IntArray, splits: list[Split], seconds: float
) -> Relevance:
    """Shuffle every feature on each of the first splits, for at most so many seconds."""
    begin, rises = time.perf_counter(), []
    for number, (train, test) in enumerate(splits[:MIN_SPLITS], start=1):
        model = clone(contender.pipeline(setting)).fit(X[train[:MOST_KNOWN]], codes[train[:MOST_KNOWN]])
        few = test[:MOST_SHUFFLED]
        once = time.perf_counter()
        model.score(X[few], codes[few])
        expected = (time.perf_counter() - once) * X.shape[1] * (MIN_SPLITS - number + 1)
        if time.perf_counter() - begin + expected > seconds:
            return unknown(f"shuffling {X.shape[1]} features would take some {expected:.0f} s more than there are")
        rises.append(permutation_importance(model, X[few], codes[few], n_repeats=1, random_state=number).importances)
    values = np.hstack(rises)
    spread = values.std(axis=1, ddof=1) * np.sqrt(1 / values.shape[1] + len(few) / len(train))
    reach = scipy.stats.t.ppf(0.975, values.shape[1] - 1) * spread
    return Relevance(values.mean(axis=1), reach)
