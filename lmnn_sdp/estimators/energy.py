"""Energy classification: the label under which a new point costs the LMNN objective the least."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from lmnn_sdp.estimators.energies import Neighborhoods
from lmnn_sdp.estimators.inputs import numbers
from lmnn_sdp.estimators.lmnn import LMNN
from lmnn_sdp.estimators.multi_metric import MultiMetricLMNN
from lmnn_sdp.estimators.ranking import LocalMetrics
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import Blocks
from lmnn_sdp.problem.problem import Problem


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
    metric : LMNN or MultiMetricLMNN, default=None
        What learns the metric, k and mu; a clone of it is fitted. None for an `LMNN` with ``n_neighbors="auto"``. Of
        several metrics a new point has that of the label it is tried with, or where blocks are clusters of k-means
        that of its cluster.
        ``sklearn.frozen.FrozenEstimator(model)`` keeps a fitted one as it is.
    margin : float, default=1.0
        Margin of the friends of a new point; the paper has 1, the code that its authors released 0. At least 0.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    metric_ : LMNN or MultiMetricLMNN
        The fitted metric; its interval is that of the problem.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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
    metric_: LMNN | MultiMetricLMNN
    _training: Neighborhoods

    def __init__(self, metric: LMNN | MultiMetricLMNN | None = None, *, margin: float = 1.0) -> None:
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
        learner = getattr(metric, "estimator", metric)  # a FrozenEstimator holds one
        if not isinstance(learner, LMNN | MultiMetricLMNN):
            raise ValueError(f"metric={metric!r} must be an LMNN, a MultiMetricLMNN, or a FrozenEstimator of one")
        self.metric_ = clone(metric).fit(X, y)
        X = numbers(self, X, reset=True)
        labels = np.asarray(y).ravel()
        problem = Problem.from_data(X, labels, self.metric_.n_neighbors, self.metric_.mu, minus_one_is_class=True)
        self.classes_ = np.unique(problem.y)
        metrics = self._local_metrics(problem)
        i, j = problem.target_pairs()
        pulls = metrics.of_pairs(X, i, j).reshape(problem.targets.shape)
        self._training = Neighborhoods(X, metrics, 1 + pulls, problem.mu)
        return self

    def _local_metrics(self, problem: Problem) -> LocalMetrics:
        """The training points under the metrics of their blocks; under one metric all are in one."""
        L = self.metric_.components_
        if L.ndim == 2:
            one = Blocks(np.zeros(problem.n_points, dtype=np.intp), np.zeros(1))
            return LocalMetrics.of(problem.X, problem.codes, one, L[None])
        if self.metric_.blocks is None:
            codes = np.searchsorted(self.metric_.blocks_, problem.y)
            if not np.array_equal(self.metric_.blocks_, self.classes_):
                raise ValueError("metric was fitted to other classes than these; fit it to data with the same labels")
        elif hasattr(self.metric_, "clusters_"):
            codes = self.metric_.clusters_.predict(problem.X)
        else:
            raise ValueError(
                "metric has blocks of your own, and nobody knows those of new points; use blocks=None, or a number of "
                "clusters"
            )
        blocks = Blocks(codes, self.metric_.blocks_)
        return LocalMetrics.of(problem.X, problem.codes, blocks, L)

    def _clusters(self, X: FloatArray) -> IntArray | None:
        """The block of each new point; None where blocks are classes, and a new point is tried in each."""
        if hasattr(self.metric_, "clusters_"):
            clusters: IntArray = self.metric_.clusters_.predict(X)
            return clusters
        return np.zeros(len(X), dtype=np.intp) if self.metric_.components_.ndim == 2 else None

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
        X = numbers(self, X, reset=False)
        return self._training.energies(X, float(self.margin), self._clusters(X))

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
