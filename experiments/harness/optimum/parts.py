"""The data, each in a training and a test part on one scale, and k-NN on them that ties do not fool.

Equal distances are common on grids, and a metric in floats breaks them by chance. So distances to a point are rounded
to a millionth of that of its k-th neighbour, and of equally near points the first comes first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.model_selection import train_test_split

from harness import paper_data
from harness.paths import SHARED_DATA
from lmnn_sdp.datasets import Dataset, load
from lmnn_sdp.estimators.votes import shrinking_votes
from lmnn_sdp.numerics.linalg import eigh
from lmnn_sdp.numerics.types import FloatArray, IntArray

VOTERS = 3  # nearest points that vote, everywhere
TRAIN = 0.7  # share of the points to learn from
DECIMALS = 6  # of a distance over that of the last voter: what differs by less is a tie
LETTERS = 1_000  # points of the part of letters


@dataclass(frozen=True, eq=False)
class Parts:
    """Training and test points on one scale.

    Attributes
    ----------
    X, X_test : array, shape (n, d) and (m, d)
        Standardised by the training part; features that do not vary there are left out.
    codes, codes_test : integer array
        Classes.
    spread : array, shape (d,)
        Standard deviation of each feature in its own unit.
    """

    X: FloatArray
    codes: IntArray
    X_test: FloatArray
    codes_test: IntArray
    spread: FloatArray

    def mapped(self, T: FloatArray) -> Parts:
        """Under the linear map ``x -> T'x`` with T of shape (d, d)."""
        return replace(self, X=self.X @ T, X_test=self.X_test @ T)

    @property
    def whitening(self) -> FloatArray:
        """The map after which the training points have the identity as covariance."""
        values, Q = eigh(self.X.T @ self.X / len(self.X))
        return np.asarray((Q / np.sqrt(values)) @ Q.T)

    def vote(self, L: FloatArray) -> Vote:
        """k-NN on the test points under the map ``L (r, d)``."""
        return Vote(cdist(self.X_test @ L.T, self.X @ L.T, "sqeuclidean"), self.codes, self.codes_test)


@dataclass(frozen=True, eq=False)
class Vote:
    """k-NN of some points.

    Attributes
    ----------
    squared : array, shape (m, n)
        Squared distances to the known points.
    codes : integer array, shape (n,)
        Their classes.
    truth : integer array, shape (m,)
        Classes of the new points.
    """

    squared: FloatArray
    codes: IntArray
    truth: IntArray

    @cached_property
    def distances(self) -> FloatArray:
        """Squared distances in units of that of the last voter, rounded."""
        last = np.partition(self.squared, VOTERS - 1, axis=1)[:, VOTERS - 1 : VOTERS]
        return np.asarray(np.round(self.squared / np.where(last > 0, last, 1.0), DECIMALS))

    @cached_property
    def near(self) -> IntArray:
        """Neighbours that vote, nearest first; shape (m, VOTERS)."""
        return np.argsort(self.distances, axis=1, kind="stable")[:, :VOTERS]

    @cached_property
    def labels(self) -> IntArray:
        """What they say; shape (m,)."""
        return np.asarray(shrinking_votes(self.codes[self.near]))

    @property
    def error(self) -> float:
        """Share of wrong votes."""
        return float(np.mean(self.labels != self.truth))

    def lost(self, other: Vote) -> float:
        """Share of points that have, under the other metric, a neighbour that is not among the nearest under this."""
        last = np.take_along_axis(self.distances, self.near[:, -1:], axis=1)
        return float(np.mean(np.any(np.take_along_axis(self.distances, other.near, axis=1) > last, axis=1)))

    def turned(self, other: Vote) -> float:
        """Share of points whose vote is another one."""
        return float(np.mean(self.labels != other.labels))


def whole(name: str) -> Dataset:
    """All points of a data set, or of the part of letters."""
    if name == "letters-part":
        return paper_data.letters().sample(LETTERS)
    return paper_data.LOADERS[name]() if name in paper_data.LOADERS else load(name)


def is_there(name: str) -> bool:
    """Whether the data are built in, or beside this repository."""
    source = name.removesuffix("-part")
    return source not in paper_data.LOADERS or (SHARED_DATA / source).exists()


def split(data: Dataset) -> Parts:
    """Seventy per cent of each class to learn from, the others to test on."""
    codes = np.unique(data.y, return_inverse=True)[1]
    train, test = train_test_split(np.arange(len(codes)), train_size=TRAIN, stratify=codes, random_state=0)
    return standardised(data.X, codes, np.sort(train), np.sort(test))


def standardised(X: FloatArray, codes: IntArray, train: IntArray, test: IntArray) -> Parts:
    """Both parts on the scale of the first."""
    spread = X[train].std(axis=0)
    kept = spread > 0
    scaled = (X[:, kept] - X[train][:, kept].mean(axis=0)) / spread[kept]
    return Parts(scaled[train], codes[train], scaled[test], codes[test], spread[kept])
