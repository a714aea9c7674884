"""LMNN for scikit-learn: data -> `Problem` -> `solve` -> ``components_``, with the proved interval beside them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import KNeighborsClassifier

from lmnn_sdp.estimators.inputs import held_out_rows, labelled, point_weights
from lmnn_sdp.estimators.solved_map import SolvedMap
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.solvers.solution import HistoryRow
from lmnn_sdp.validation import check_components


class LMNN(SolvedMap):
    """Large Margin Nearest Neighbor metric learning, solved to a proved gap.

    Learns the linear map L for which nearest neighbours in ``X @ L.T`` classify well: with ``M = L'L`` it minimises

        (1 - mu) sum_{i, j in N_i} d_M(i, j) + mu sum_{i, j in N_i} sum_{l: y_l != y_i} [1 + d_M(i, j) - d_M(i, l)]_+

    over all positive semidefinite M, where ``d_M`` is the squared distance under M and N_i are the target neighbours
    of point i: its k nearest of the same class in the space of X. Put a `StandardScaler` before it, unless the
    features have the same unit: the targets depend on their scale.

    Parameters
    ----------
    n_neighbors : int or "auto", default=3
        Target neighbours of each point, k; every class needs more members than that. "auto" takes 3, or as many as
        the smallest class allows.
    mu : float, default=0.5
        Weight of the push term, strictly between 0 and 1; the pull term has ``1 - mu``.
    n_components : int or float, default=None
        Rows of ``components_``: the leading ones by eigenvalue of M, and rows of zeros where M has a lower rank. A
        number between 0 and 1 stands for as many as hold that share of the variance of the transformed points.
        None keeps as many as the rank of M, and loses nothing. A large eigenvalue may belong to a direction in which
        the data hardly vary; for pictures a PCA after LMNN shows more (``examples/digits_in_2d.py``).
    reg : float, default=0.0
        Weight of a trace penalty ``reg * tr(M)``.
    structure : {"full", "diagonal"}, default="full"
        "diagonal" learns a weight for each feature and nothing else: a linear program, quick even for many features,
        whose optimum is never below that of a full metric.
    class_weight : dict, "balanced" or None, default=None
        Weight of the terms of each class, as scikit-learn takes it; it multiplies ``sample_weight``.
    skip_unlabelled : bool, default=False
        Leave points with the label -1, scikit-learn's mark for points without one, out of the problem.
    minus_one_is_class : bool, default=False
        Whether -1 beside two or more other labels is a class; by default it is refused, as the mark of points without
        a label. Beside one other label, such as 1, it is always a class.
    tol : float, default=1e-4
        Relative gap ``(objective - lower bound) / objective`` at which to stop.
    max_iter : int, default=None
        Rounds or iterations of the solver at most; None for no limit.
    time_limit : float, default=None
        Seconds at most; None for no limit.
    validation_fraction : float, default=None
        Part of the points to hold out for early stopping, the same of each class: the solve ends where the k-NN error
        on them has not fallen for three rounds, and the metric of the first round of least error is kept. None for
        none. The targets and the interval are those of the points that are left.
    solver : str, default="auto"
        As in `lmnn_sdp.solve`.
    warm_start : bool, default=False
        Begin each `fit` at the solution of the last one, which may have been of another mu, k or sample. Keeps the
        triplets and multipliers in ``solution_``, which are dropped otherwise.
    callback : callable, default=None
        Called with each `HistoryRow` of the solve; to return True means to stop. If it raises, the estimator keeps
        the best metric so far, and the error goes on to the caller.
    verbose : bool, default=False
        Show the progress of the solve on standard error.
    random_state : int, RandomState instance or None, default=None
        For solvers that draw random numbers; none of the present ones does.
    engine : DaskEngine, distributed.Client or str, default=None
        The workers of a Dask cluster, by its client or the address of its scheduler (``"tcp://HOST:PORT"``), in place
        of the threads of this process.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The map L: orthogonal rows by falling length, the largest entry of each positive.
    objective_ : float
        The objective over all triplets at ``L'L``, after the cut to ``n_components``.
    lower_bound_ : float
        Proved lower bound on the objective of every metric.
    relative_gap_ : float
        ``(objective_ - lower_bound_) / objective_``. With ``n_components`` it holds the price of the cut as well.
    validation_errors_ : ndarray
        Of early stopping: the share of the held-out points that are misclassified after each round.
    solution_ : Solution
        What the solver returned, before the cut: M, certificate, status and history.
    n_iter_ : int
        Rounds or iterations that the solver took.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    See Also
    --------
    LMNNCV : Chooses k, mu and n_components by cross-validation.
    sklearn.neighbors.NeighborhoodComponentsAnalysis : Another metric for neighbours, from a problem that is not convex.

    Notes
    -----
    The margin is 1. Another one, m, changes nothing but the scale: with ``M = m M'`` the objective of margin m is m
    times that of margin 1 at M', so multiply ``components_`` by the root of m.

    References
    ----------
    K. Q. Weinberger and L. K. Saul (2009). Distance metric learning for large margin nearest neighbor
    classification. Journal of Machine Learning Research 10, 207-244.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from lmnn_sdp import LMNN
    >>> X, y = load_wine(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), LMNN(), KNeighborsClassifier(3)).fit(X, y)
    >>> f"{model[1].lower_bound_:.1f} <= optimum <= {model[1].objective_:.1f}"
    '208.9 <= optimum <= 208.9'
    >>> model[1].relative_gap_ <= 1e-4
    True
    """

    def __init__(
        self,
        *,
        n_neighbors: int | str = 3,
        mu: float = 0.5,
        n_components: int | float | None = None,
        reg: float = 0.0,
        structure: str = "full",
        class_weight: Any = None,
        skip_unlabelled: bool = False,
        minus_one_is_class: bool = False,
        tol: float = 1e-4,
        max_iter: int | None = None,
        time_limit: float | None = None,
        validation_fraction: float | None = None,
        solver: str = "auto",
        warm_start: bool = False,
        callback: Callable[[HistoryRow], object] | None = None,
        verbose: bool = False,
        random_state: int | np.random.RandomState | None = None,
        engine: object = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.mu = mu
        self.n_components = n_components
        self.reg = reg
        self.structure = structure
        self.class_weight = class_weight
        self.skip_unlabelled = skip_unlabelled
        self.minus_one_is_class = minus_one_is_class
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.validation_fraction = validation_fraction
        self.solver = solver
        self.warm_start = warm_start
        self.callback = callback
        self.verbose = verbose
        self.random_state = random_state
        self.engine = engine

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> LMNN:
        """Learn the metric.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of the terms of each point in the objective: of its pulls and of its hinges. A point of weight 0
            keeps its places as target neighbour and as impostor of others; to remove it, leave it out of X.

        Returns
        -------
        LMNN
            Itself, fitted.

        Raises
        ------
        ValueError
            For data, labels or parameters that break a rule, and for data on which M is not determined; the message
            names the value, the rule and the remedy.

        Warns
        -----
        ConvergenceWarning
            If the solver stopped before the gap reached ``tol``; the message gives the gap.
        """
        points, labels = labelled(self, X, y)
        check_components(self.n_components, points.shape[1], shares=True)
        weights = point_weights(sample_weight, self.class_weight, labels)
        if self.skip_unlabelled:
            known = labels != -1
            points, labels, weights = points[known], labels[known], None if weights is None else weights[known]
        with running(self.engine):
            if self.validation_fraction is not None:
                return self._fit_early(points, labels, weights)
            problem = self._problem(points, labels, self.n_neighbors, self.mu, weights)
            self._learn(problem, partial(self._keep, problem, rows=self.n_components), warm=self.warm_start)
        return self

    def _fit_early(self, X: FloatArray, y: npt.NDArray[np.generic], weights: FloatArray | None) -> LMNN:
        """Learn on a part of the points, and keep the metric that is best on the others."""
        known, held_out = held_out_rows(y, self.validation_fraction, self.random_state)
        own = None if weights is None else weights[known]
        problem = self._problem(X[known], y[known], self.n_neighbors, self.mu, own)

        def error(L: FloatArray) -> float:
            knn = KNeighborsClassifier(problem.n_neighbors).fit(X[known] @ L.T, y[known])
            return float(np.mean(knn.predict(X[held_out] @ L.T) != y[held_out]))

        self._learn_early(problem, error, partial(self._keep, problem, rows=self.n_components), self.warm_start)
        return self
