"""What scikit-learn and its users may ask of a learned linear map, however it was learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from lmnn_sdp.estimators.inputs import numbers
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.validation import check_pairs, check_point


class LearnedMap(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A transformer whose `fit` sets ``components_``, the map L: points, distances and the metric ``M = L'L``.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The map L.
    """

    components_: FloatArray

    def transform(self, X: npt.ArrayLike) -> FloatArray:
        """Map X to the coordinates in which the learned distance is Euclidean, ``X @ components_.T``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points with the features of the fit; finite numbers.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The mapped points, in float32 where X is.
        """
        check_is_fitted(self)
        single = getattr(X, "dtype", None) == np.float32
        mapped = self._coordinates(numbers(self, X, reset=False)) @ self.components_.T
        return mapped.astype(np.float32) if single else mapped

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn should know: float32 stays so."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def get_mahalanobis_matrix(self) -> FloatArray:
        """The metric ``M = components_.T @ components_``.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            Symmetric and positive semidefinite, in the units of the data.
        """
        check_is_fitted(self)
        return self.components_.T @ self.components_

    def pair_distance(self, pairs: npt.ArrayLike) -> FloatArray:
        """Learned distance of the two points of each pair: ``||L (a - b)||``, not squared.

        Parameters
        ----------
        pairs : array-like of shape (n_pairs, 2, n_features)
            Two points in each pair.

        Returns
        -------
        ndarray of shape (n_pairs,)
            A distance for each pair.
        """
        check_is_fitted(self)
        ends = check_pairs(pairs, self.n_features_in_)
        difference = self._coordinates(ends[:, 0]) - self._coordinates(ends[:, 1])
        return np.linalg.norm(difference @ self.components_.T, axis=1)

    def pair_score(self, pairs: npt.ArrayLike) -> FloatArray:
        """Minus the `pair_distance`: the higher, the more alike the two points of a pair.

        Parameters
        ----------
        pairs : array-like of shape (n_pairs, 2, n_features)
            Two points in each pair.

        Returns
        -------
        ndarray of shape (n_pairs,)
            A score for each pair, at most 0.
        """
        return -self.pair_distance(pairs)

    def get_metric(self) -> LearnedDistance:
        """The learned distance as a function of two points, such as ``KNeighborsClassifier(metric=...)`` takes.

        To transform the data first is much faster.

        Returns
        -------
        LearnedDistance
            It no longer depends on the estimator.
        """
        check_is_fitted(self)
        return LearnedDistance(self.components_.copy())

    @property
    def _n_features_out(self) -> int:
        """Number of columns of `transform`, for scikit-learn."""
        return len(self.components_)

    def _coordinates(self, X: FloatArray) -> FloatArray:
        """Points in the coordinates that ``components_`` acts on: the features themselves."""
        return X


@dataclass(frozen=True, eq=False)
class LearnedDistance:
    """The distance ``||L (a - b)||`` of two points.

    Attributes
    ----------
    components : ndarray of shape (r, d)
        The map L.
    """

    components: FloatArray

    def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike, squared: bool = False) -> float:
        """Distance of a and b, or its square.

        Parameters
        ----------
        a : array-like of shape (d,) or (1, d)
            A point.
        b : array-like of shape (d,) or (1, d)
            Another one.
        squared : bool, default=False
            Whether to give the square.

        Returns
        -------
        float
            The distance in the units of the learned metric, never negative.

        Raises
        ------
        ValueError
            If a or b is no single point of d finite numbers.
        """
        difference = self.components @ self._apart(a, b)
        square = float(difference @ difference)
        return square if squared else math.sqrt(square)

    def _apart(self, a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
        """``a - b`` in the coordinates that the map acts on."""
        d = self.components.shape[1]
        return check_point(a, "a", d) - check_point(b, "b", d)
