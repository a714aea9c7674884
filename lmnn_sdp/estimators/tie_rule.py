"""k-NN with the tie rule of the LMNN paper, and its training error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from lmnn_sdp.estimators.inputs import labelled, numbers
from lmnn_sdp.estimators.neighborhoods import nearest
from lmnn_sdp.estimators.votes import shrinking_votes
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.validation import is_integer


class ShrinkingKNN(ClassifierMixin, BaseEstimator):
    """k nearest neighbours, of which the farthest leaves while the vote is tied, until the nearest alone decides.

    The rule of Weinberger & Saul's experiments. With three neighbours of three classes it follows the nearest, where
    scikit-learn's `KNeighborsClassifier` takes the label that sorts first. Neighbours at the same distance are in the
    order of the training points, so that data on a grid, which are full of such, have one answer.

    Parameters
    ----------
    n_neighbors : int, default=3
        Training points that vote, k.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are all strings.

    See Also
    --------
    LMNN : Learns a map after which such a vote errs less.

    References
    ----------
    K. Q. Weinberger and L. K. Saul (2009). Distance metric learning for large margin nearest neighbor
    classification. Journal of Machine Learning Research 10, 207-244.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.pipeline import make_pipeline
    >>> from lmnn_sdp import LMNN, ShrinkingKNN
    >>> X, y = load_wine(return_X_y=True)
    >>> before, after = ShrinkingKNN().fit(X, y), make_pipeline(LMNN(), ShrinkingKNN()).fit(X, y)
    >>> f"{before.leave_one_out_error():.3f}, with LMNN {after[-1].leave_one_out_error():.3f}"
    '0.258, with LMNN 0.011'
    """

    classes_: npt.NDArray[Any]
    _X: FloatArray
    _codes: IntArray

    def __init__(self, n_neighbors: int = 3) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> ShrinkingKNN:
        """Keep the training points.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.

        Returns
        -------
        ShrinkingKNN
            Itself, fitted.

        Raises
        ------
        ValueError
            For data or labels that break a rule, and for more neighbours than points.
        """
        X, y = labelled(self, X, y)
        _check(self.n_neighbors, len(X), "the training points; lower n_neighbors, or bring more points")
        self._X = X
        self.classes_, self._codes = np.unique(y, return_inverse=True)
        return self

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of most votes; of a tied vote, that of the largest smaller neighbourhood that is not tied.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points with the features of the fit; finite numbers.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        check_is_fitted(self)
        near = nearest(numbers(self, X, reset=False), self._X, self.n_neighbors)
        return self.classes_[shrinking_votes(self._codes[near])]

    def leave_one_out_error(self) -> float:
        """Share of the training points that the others misclassify: the training error of the paper.

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        ValueError
            If fewer than ``n_neighbors`` points are left when one is out.
        """
        check_is_fitted(self)
        _check(self.n_neighbors, len(self._X) - 1, "the points left when one is out; lower n_neighbors")
        votes = shrinking_votes(self._codes[nearest(self._X, None, self.n_neighbors)])
        return float(np.mean(votes != self._codes))


def _check(k: int, most: int, points: str) -> None:
    """So many neighbours, among so many points."""
    if not (is_integer(k) and 1 <= k <= most):
        raise ValueError(f"n_neighbors={k!r} must be an integer from 1 to {most}, {points}")
