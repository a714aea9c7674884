"""What the learned maps share: how they map, and the scatter of points within their classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin

from lmnn_sdp.numerics.linalg import EPS, eigh
from lmnn_sdp.numerics.types import FloatArray


class LinearMap(TransformerMixin, BaseEstimator):
    """A map L, ``components_ (r, d)``, that takes X to ``X L'``."""

    components_: FloatArray

    def transform(self, X: npt.ArrayLike) -> FloatArray:
        """Map the points."""
        return np.asarray(X) @ self.components_.T


def centred_by_class(X: FloatArray, y: npt.NDArray[np.generic]) -> FloatArray:
    """Points without the mean of their class."""
    out = np.empty(X.shape)
    for label in np.unique(y):
        out[y == label] = X[y == label] - X[y == label].mean(axis=0)
    return out


def whitener(A: FloatArray) -> FloatArray:
    """A map W with ``W A W' = I``, for a positive definite matrix; features may have any units."""
    units = np.sqrt(np.diag(A))
    if np.all(units > 0):
        values, Q = eigh(A / np.outer(units, units))
        if values[0] > len(A) * EPS * values[-1]:
            return Q.T / np.sqrt(values)[:, None] / units
    raise ValueError("the points do not vary in every direction within their classes; put a PCA before this method")
