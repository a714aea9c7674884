"""Early stopping: the metric of a solve that classifies points held out the best, and when to look no further."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import KNeighborsClassifier

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.solvers.solution import LiveRow


class EarlyStopping:
    """A callback that counts the k-NN errors of held-out points after each round, and stops where they stay.

    What early stopping buys is time, and sometimes error: a metric short of the optimum may generalise better. The
    interval of the solve is still proved, and as wide as the stop left it.

    Parameters
    ----------
    X : array, shape (n, d)
        Points that the metric is learned on.
    y : array, shape (n,)
        Their labels.
    X_val : array, shape (m, d)
        Points held out.
    y_val : array, shape (m,)
        Their labels.
    n_neighbors : int
        Neighbours that vote.
    patience : int
        Rounds without a lower error after which to stop.

    Attributes
    ----------
    errors : list of float
        Share of the held-out points that are misclassified after each round.
    best : ndarray of shape (r, d), or None
        The map of the first round of least error.
    """

    def __init__(
        self,
        X: FloatArray,
        y: npt.NDArray[np.generic],
        X_val: FloatArray,
        y_val: npt.NDArray[np.generic],
        n_neighbors: int = 3,
        patience: int = 3,
    ) -> None:
        self.errors: list[float] = []
        self.best: FloatArray | None = None
        self._known, self._held_out = (X, y), (X_val, y_val)
        self._n_neighbors, self._patience = n_neighbors, patience

    def __call__(self, row: LiveRow) -> bool:
        """Count the errors of the metric of a row; true to stop."""
        L = row.metric()
        (X, y), (X_val, y_val) = self._known, self._held_out
        knn = KNeighborsClassifier(self._n_neighbors).fit(X @ L.T, y)
        error = float(np.mean(knn.predict(X_val @ L.T) != y_val))
        if error < min(self.errors, default=math.inf):
            self.best = L
        self.errors.append(error)
        return len(self.errors) - 1 - int(np.argmin(self.errors)) >= self._patience
