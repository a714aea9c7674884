"""Energy classification: the label under which a new point costs the LMNN objective the least."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from lmnn_sdp.estimators.energies import Neighborhoods
from lmnn_sdp.estimators.lmnn import LMNN
from lmnn_sdp.numerics.linalg import squared_distances
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.validation import check_dense, check_features, check_unmasked


class EnergyClassifier(ClassifierMixin, BaseEstimator):
    """Classifies by energy under a learned metric, instead of by a vote of the nearest neighbours.

    A point t gets the label c of the least energy

        E(t, c) = (1 - mu) sum_j D(t, j) + mu sum_j sum_{l: y_l != c} [margin + D(t, j) - D(t, l)]_+
                + mu sum_{i: y_i != c} sum_{j in N_i} [1 + D(i, j) - D(i, t)]_+

    over its k friends j, the nearest training points of class c in the space of X, and the training points i with
    their target neighbours N_i: by how much the objective of LMNN grows if t joins the data with that label
    (Weinberger & Saul 2009, eq. 15). D is the squared learned distance, in the units of the margin.

    Parameters
    ----------
    metric : LMNN, default=None
        What learns the metric, k and mu; a clone of it is fitted. None for an `LMNN` with ``n_neighbors="auto"``.
        ``sklearn.frozen.FrozenEstimator(model)`` keeps a fitted one as it is.
    margin : float, default=1.0
        Margin of the friends of a new point; the paper has 1, the code that its authors released 0. At least 0.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    metric_ : LMNN
        The fitted metric; its interval is that of the problem.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are all strings.

    See Also
    --------
    LMNN : Learns the metric.
    sklearn.neighbors.KNeighborsClassifier : Votes among neighbours, after ``LMNN().transform``.

    References
    ----------
    K. Q. Weinberger and L. K. Saul (2009). Distance metric learning for large margin nearest neighbor
    classification. Journal of Machine Learning Research 10, 207-244. Section 6.2.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from lmnn_sdp import EnergyClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> model = make_pipeline(StandardScaler(), EnergyClassifier()).fit(X, y)
    >>> f"{model.score(X_test, y_test):.2f}"
    '0.98'
    """

    classes_: npt.NDArray[Any]
    metric_: LMNN
    _centre: FloatArray
    _training: Neighborhoods

    def __init__(self, metric: LMNN | None = None, *, margin: float = 1.0) -> None:
        self.metric = metric
        self.margin = margin

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> EnergyClassifier:
        """Learn the metric and keep the training points.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.

        Returns
        -------
        EnergyClassifier
            Itself, fitted.

        Raises
        ------
        ValueError
            Where the metric refuses the data, or margin is no finite number of at least 0.

        Warns
        -----
        ConvergenceWarning
            If the metric stopped before its gap reached its ``tol``.
        """
        if not (isinstance(self.margin, Real) and math.isfinite(self.margin) and self.margin >= 0):
            raise ValueError(f"margin={self.margin!r} must be a finite number >= 0; 1 is that of the paper")
        metric = LMNN(n_neighbors="auto") if self.metric is None else self.metric
        if not isinstance(getattr(metric, "estimator", metric), LMNN):  # a FrozenEstimator holds one
            raise ValueError(f"metric={metric!r} must be an LMNN, or a FrozenEstimator of one")
        self.metric_ = clone(metric).fit(X, y)
        X = self._numbers(X, reset=True)
        problem = Problem.from_data(
            X, np.asarray(y).ravel(), self.metric_.n_neighbors, self.metric_.mu, minus_one_is_class=True
        )
        self.classes_ = np.unique(problem.y)
        self._centre = np.median(X, axis=0)  # so that nothing is lost to an origin far away
        V = self._mapped(X)
        i, j = problem.target_pairs()
        pulls = squared_distances(V, i, j).reshape(problem.targets.shape)
        self._training = Neighborhoods(X, V, problem.codes, 1 + pulls, problem.mu)
        return self

    def energies(self, X: npt.ArrayLike) -> FloatArray:
        """Energy of each point under each label, in the units of the objective.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points with the features of the fit; finite numbers.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The lower, the better; columns as in ``classes_``.
        """
        check_is_fitted(self)
        X = self._numbers(X, reset=False)
        return self._training.energies(X, self._mapped(X), float(self.margin))

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Minus the energies; of two classes, by how much less energy the second has.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points with the features of the fit; finite numbers.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            The higher, the better.
        """
        energies = self.energies(X)
        return energies[:, 0] - energies[:, 1] if len(self.classes_) == 2 else -energies

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of least energy; of equal ones the first of ``classes_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points with the features of the fit; finite numbers.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        best = np.argmin(self.energies(X), axis=1)
        return self.classes_[best]

    def _mapped(self, X: FloatArray) -> FloatArray:
        """Points under the learned map."""
        mapped: FloatArray = (X - self._centre) @ self.metric_.components_.T
        return mapped

    def _numbers(self, X: npt.ArrayLike, reset: bool) -> FloatArray:
        """Finite float64 data; a missing value is named by its feature."""
        check_dense(X)
        check_unmasked(X, "X")
        array: FloatArray = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite=False)
        check_features(array, getattr(self, "feature_names_in_", None))
        return array
