"""What comes before the race: checks, a sample of the points, classes that can be split, and what methods share."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmnn_sdp.analysis.diagnosis.contenders import Setting
from lmnn_sdp.analysis.diagnosis.race import KEPT, MIN_SPLITS
from lmnn_sdp.numerics.sampling import stratified_rows
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.validation import PAPER_NEIGHBORS, check_mu, is_integer

TEST_SIZE = 0.3
FEWEST = 40  # points, below which a single one moves the error of a test part by more than 8 %
FEWEST_SPLITS = 3
MOST_DIMENSIONS = 100  # that learners see
POINTS_A_DIMENSION = 4
MOST_ROWS = 10  # of the map of low rank
BLOCK_PENALTY = 0.01  # over points times mean variance
TIMED = 4  # methods of ours


@dataclass(frozen=True, eq=False)
class Sample:
    """Points that are compared.

    Attributes
    ----------
    n_neighbors : int
        Target neighbours that every point needs in a training part.
    X : array, shape (m, d)
    codes : array of int, shape (m,)
        Classes as 0, 1, ...
    classes : array of int, shape (n_classes,)
        What each of these is called in the codes of all points.
    set_aside : array of int
        Classes with too few points.
    """

    n_neighbors: int
    X: FloatArray
    codes: IntArray
    classes: IntArray
    set_aside: IntArray

    def part(self, size: int, seed: int) -> Sample:
        """About so many of the points."""
        rows = stratified_rows(self.codes, size, seed)
        return splittable(self.X[rows], self.classes[self.codes[rows]], self.n_neighbors, self.set_aside)


def splittable(X: FloatArray, codes: IntArray, k: int, aside: Sequence[int] | IntArray = ()) -> Sample:
    """The points of classes that keep k target neighbours in every training part; the others are set aside."""
    names, sizes = np.unique(codes, return_counts=True)
    keep = np.floor((1 - TEST_SIZE) * sizes) >= k + 1
    rows = np.isin(codes, names[keep])
    classes, own = np.unique(codes[rows], return_inverse=True)
    return Sample(k, X[rows], own.astype(np.intp), classes, np.union1d(aside, names[~keep]).astype(np.intp))


def neighbors(n_neighbors: int | str, codes: IntArray) -> int:
    """Target neighbours; "auto" takes 3, or as many as a training part of the smallest class allows.

    Raises
    ------
    ValueError
        For what is neither.
    """
    if isinstance(n_neighbors, str) and n_neighbors == "auto":
        return max(1, min(PAPER_NEIGHBORS, math.floor((1 - TEST_SIZE) * int(np.bincount(codes).min())) - 1))
    if not is_integer(n_neighbors) or n_neighbors < 1:
        raise ValueError(f"n_neighbors={n_neighbors!r} must be an integer >= 1, or 'auto'; the paper uses 3")
    return n_neighbors


def check_asked(minutes: Any, mu: Any, reg: Any, counts: dict[str, tuple[Any, int]]) -> None:
    """Numbers that the caller chooses; ``counts`` holds integers by name, with the least that each may be.

    Raises
    ------
    ValueError
        For one outside its range.
    """
    if not isinstance(minutes, numbers.Real) or isinstance(minutes, bool) or not 0 < float(minutes) < math.inf:
        raise ValueError(f"minutes={minutes!r} must be a positive number: the time of the whole diagnosis, such as 2")
    check_mu(mu)
    if not isinstance(reg, numbers.Real) or not 0 <= float(reg) < math.inf:
        raise ValueError(f"reg={reg!r} must be a number >= 0: the weight of a trace penalty; 0 is none")
    for name, (value, least) in counts.items():
        if not is_integer(value) or value < least:
            raise ValueError(f"{name}={value!r} must be an integer >= {least}")


def check_classes(codes: IntArray) -> None:
    """Classes, and not a name or a measurement for each point.

    Raises
    ------
    ValueError
        If no label comes twice.
    """
    count = int(codes.max()) + 1
    if count == len(codes):
        raise ValueError(
            f"y has {count} classes for {count} points: no label comes twice, as in a column of names or measurements; "
            "give the column of classes"
        )


def check_varied(X: FloatArray) -> None:
    """Points that differ.

    Raises
    ------
    ValueError
        If all are the same.
    """
    if np.ptp(X, axis=0).max() == 0:
        raise ValueError("all rows of X are the same, so nothing can tell classes; give the columns of measurements")


@dataclass(frozen=True)
class Asked:
    """What the caller asked for.

    Attributes
    ----------
    n_neighbors, classifier_neighbors : int
    mu, reg : float
    seconds : float
        Of the whole diagnosis.
    """

    n_neighbors: int
    classifier_neighbors: int
    mu: float
    reg: float
    seconds: float

    def setting(self, sample: Sample) -> Setting:
        """What methods share, with standardised features until the baselines say otherwise."""
        d, n_train = sample.X.shape[1], math.floor((1 - TEST_SIZE) * len(sample.X))
        most = max(2, min(MOST_DIMENSIONS, n_train // POINTS_A_DIMENSION))
        dimensions = most if d > most else None
        return Setting(
            n_neighbors=self.n_neighbors,
            classifier_neighbors=min(self.classifier_neighbors, max(1, n_train)),
            mu=self.mu,
            reg=self.reg,
            standardize=True,
            dimensions=dimensions,
            rows=min(dimensions or d, MOST_ROWS, max(2, len(sample.classes) - 1)),
            block_reg=max(self.reg, rounded(BLOCK_PENALTY * n_train)),
            unit=float(np.mean(sample.X.std(axis=0) ** 2)) if len(sample.X) else 1.0,
            fit_limit=(1 - KEPT) * self.seconds / (MIN_SPLITS * TIMED),
        )


def rounded(value: float) -> float:
    """To two digits, as it is printed."""
    return float(f"{value:.1e}")


def names_of(X: Any, d: int) -> tuple[str, ...]:
    """Features by the columns of a frame, or by their number."""
    columns = getattr(X, "columns", None)
    return tuple(f"feature {f}" for f in range(d)) if columns is None else tuple(map(str, columns))
