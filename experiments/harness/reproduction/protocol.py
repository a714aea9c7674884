"""What the paper trains and tests on: nine data sets, their splits, and what is done to them before (section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

from lmnn_sdp.datasets import DATASETS, load
from lmnn_sdp.datasets.published import Published, published
from lmnn_sdp.datasets.reduction import REDUCTIONS, Reduction
from lmnn_sdp.numerics.types import FloatArray, IntArray


@dataclass(frozen=True)
class Case:
    """A column of the paper's Table 1.

    Attributes
    ----------
    column : str
        What the paper calls the data.
    data : str
        What they are called here.
    n_train, n_test : int
        Points of each part, as many as in the paper.
    splits : int
        How many are run here.
    papers_splits : int
        How many the paper ran.
    by_class : bool
        Whether each class is split alike: 7 and 3 images of each Olivetti face.
    tol : float
        Gap at which LMNN stops.
    validation : bool
        Whether the paper holds out 30 % of the training points to stop its descent.
    """

    column: str
    data: str
    n_train: int
    n_test: int
    splits: int
    papers_splits: int
    by_class: bool = False
    tol: float = 1e-6
    validation: bool = False

    @property
    def reduction(self) -> Reduction | None:
        """To principal components; None where the paper has none."""
        return REDUCTIONS.get(self.data)


#: In the order of the paper, then a part of letters for the quick size. Fewer splits than the paper's where one costs
#: minutes; their number is in every table.
CASES = {
    case.column: case
    for case in (
        Case("mnist", "mnist", 60_000, 10_000, 1, 1, tol=1e-4),
        Case("letters", "letters", 14_000, 6_000, 10, 10),
        Case("20news", "news20", 13_179, 5_648, 1, 10, tol=1e-4),
        Case("isolet", "isolet", 6_238, 1_559, 1, 1, tol=1e-4),
        Case("yFaces", "yale_faces", 1_690, 724, 3, 10, tol=1e-4, validation=True),
        Case("bal", "balance_scale", 375, 161, 100, 100),
        Case("oFaces", "olivetti_faces", 280, 120, 10, 100, by_class=True, validation=True),
        Case("wine", "wine", 106, 46, 100, 100),
        Case("iris", "iris", 90, 38, 100, 100, validation=True),
        Case("letters-part", "letters", 1_000, 500, 1, 0),
    )
}


@dataclass(frozen=True, eq=False)
class Split:
    """Training and test points, before and after reduction.

    Attributes
    ----------
    raw, raw_test : array or sparse matrix
        Features as they come.
    X, X_test : array
        The same in principal components; equal to the raw ones where nothing is reduced.
    y, y_test : array
        Labels.
    seed : int
        For whatever a method draws.
    """

    raw: Any
    raw_test: Any
    X: FloatArray
    X_test: FloatArray
    y: Any
    y_test: Any
    seed: int


@lru_cache(maxsize=1)
def whole(data: str) -> Published:
    """All points of a data set."""
    if data not in DATASETS:
        return published(data)
    bundled = load(data)
    return Published(data, bundled.X, bundled.y)


def rows(case: Case, number: int) -> tuple[IntArray, IntArray]:
    """Training and test rows of a split: the published ones, or drawn with its number as seed.

    The paper's sizes of wine, iris and balance scale add up to fewer points than there are; the rest of a draw is left
    out of that split.
    """
    data = whole(case.data)
    if data.n_train is not None:
        return np.arange(data.n_train), np.arange(data.n_train, len(data.y))
    kind = StratifiedShuffleSplit if case.by_class else ShuffleSplit
    draw = kind(1, train_size=case.n_train, test_size=case.n_test, random_state=number)
    train, test = next(draw.split(np.zeros((len(data.y), 1)), data.y))
    return train, test


@lru_cache(maxsize=1)
def split(case: Case, number: int) -> Split:
    """The points of a split in the order of the draw, so that a tie of distances goes to no class by its place."""
    data, (train, test) = whole(case.data), rows(case, number)
    X, X_test = data.X[train], data.X[test]
    if case.reduction is not None:
        X, X_test = case.reduction.fit_transform(data.X, train, test)
    return Split(data.X[train], data.X[test], X, X_test, data.y[train], data.y[test], number)
