"""Several metrics, learned together: one a class or a cluster, and a k-NN classifier that ranks by them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted

from lmnn_sdp.display.cards import Row
from lmnn_sdp.estimators.inputs import held_out_rows, labelled, numbers
from lmnn_sdp.estimators.proved import Proved
from lmnn_sdp.estimators.ranking import LocalMetrics
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import Blocks
from lmnn_sdp.problem.checks import check_blocks
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.solution import HistoryRow, Solution
from lmnn_sdp.validation import check_labels, check_pairs, is_integer


class MultiMetricLMNN(ClassifierMixin, Proved):
    """LMNN with a metric for each class, or each cluster, learned together to a proved gap.

    The distance to a point is measured by the metric of that point's block,

        D(a, b) = (a - b)' M_{block of b} (a - b)

    so it is not symmetric. Over all stacks of positive semidefinite matrices `fit` minimises

        (1 - mu) sum_{i, j in N_i} D(i, j) + mu sum_{i, j in N_i} sum_{l: y_l != y_i} [1 + D(i, j) - D(i, l)]_+

    which is one convex problem: metrics of different blocks meet in its hinges (Weinberger & Saul 2009, section 6.1 and
    eq. 16). A point is classified by its k nearest training points, each at the distance that its own metric gives.

    Many metrics have many parameters. They pay where classes have shapes of their own and points are plenty; on few
    points a single metric often does better on new ones.

    Parameters
    ----------
    blocks : int or array-like of shape (n_samples,), default=None
        None gives each class its metric. A number stands for so many clusters of k-means, which may cross classes;
        an array names the block of each training point.
    n_neighbors : int or "auto", default=3
        Target neighbours of each point, as in `LMNN`.
    mu : float, default=0.5
        Weight of the push term, strictly between 0 and 1.
    reg : float, default=0.0
        Weight of a trace penalty ``reg * sum_b tr(M_b)``.
    classifier_neighbors : int, default=3
        Training points that vote on a new one. Of equally many votes, those of the nearer points win.
    minus_one_is_class : bool, default=False
        As in `LMNN`.
    tol : float, default=1e-4
        Relative gap at which to stop.
    max_iter : int, default=None
        Rounds of the solver at most; None for no limit.
    time_limit : float, default=None
        Seconds at most; None for no limit.
    validation_fraction : float, default=None
        Part of the points to hold out for early stopping, the same of each class, as in `LMNN`: by the votes of
        ``predict`` on them. The targets and the interval are those of the points that are left; once the metrics are
        chosen all points vote.
    callback : callable, default=None
        As in `LMNN`.
    verbose : bool, default=False
        Show the progress of the solve on standard error.
    random_state : int, RandomState instance or None, default=None
        For k-means, and for the draw of the points held out.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    blocks_ : ndarray of shape (n_blocks,)
        What the blocks are called: classes, numbers of clusters, or the caller's names.
    block_of_ : ndarray of shape (n_samples,)
        Position in ``blocks_`` of the block of each training point.
    components_ : ndarray of shape (n_blocks, n_components, n_features)
        The map L of each block, with rows of zeros where one has a lower rank than another.
    objective_ : float
        Objective over all triplets.
    lower_bound_ : float
        Proved lower bound on the objective of all stacks of metrics.
    relative_gap_ : float
        ``(objective_ - lower_bound_) / objective_``.
    n_iter_ : int
        Rounds of the solver.
    solution_ : Solution
        What the solver returned, without multipliers.
    validation_errors_ : ndarray
        With ``validation_fraction``: the error on the points held out, after each round.
    clusters_ : KMeans
        Of a number of clusters; it tells the cluster of a new point.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    See Also
    --------
    LMNN : One metric for all.
    EnergyClassifier : Another way to classify with these metrics.

    References
    ----------
    K. Q. Weinberger and L. K. Saul (2009). Distance metric learning for large margin nearest neighbor
    classification. Journal of Machine Learning Research 10, 207-244. Section 6.1.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.preprocessing import StandardScaler
    >>> from lmnn_sdp import MultiMetricLMNN
    >>> X, y = load_wine(return_X_y=True)
    >>> model = MultiMetricLMNN().fit(StandardScaler().fit_transform(X), y)
    >>> f"{model.lower_bound_:.1f} <= optimum <= {model.objective_:.1f}"
    '109.3 <= optimum <= 109.3'
    >>> model.components_.shape[::2]
    (3, 13)
    """

    classes_: npt.NDArray[Any]
    blocks_: npt.NDArray[Any]
    block_of_: IntArray
    components_: FloatArray
    clusters_: KMeans
    _ranking: LocalMetrics

    def __init__(
        self,
        *,
        blocks: Any = None,
        n_neighbors: int | str = 3,
        mu: float = 0.5,
        reg: float = 0.0,
        classifier_neighbors: int = 3,
        minus_one_is_class: bool = False,
        tol: float = 1e-4,
        max_iter: int | None = None,
        time_limit: float | None = None,
        validation_fraction: float | None = None,
        callback: Callable[[HistoryRow], object] | None = None,
        verbose: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.blocks = blocks
        self.n_neighbors = n_neighbors
        self.mu = mu
        self.reg = reg
        self.classifier_neighbors = classifier_neighbors
        self.minus_one_is_class = minus_one_is_class
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.validation_fraction = validation_fraction
        self.callback = callback
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> MultiMetricLMNN:
        """Learn the metrics and keep the training points.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.

        Returns
        -------
        MultiMetricLMNN
            Itself, fitted.

        Raises
        ------
        ValueError
            For data, labels or parameters that break a rule, and for a block whose metric is not determined: the
            message names it, how many directions are free, and the remedy.

        Warns
        -----
        ConvergenceWarning
            If the solver stopped before the gap reached ``tol``; the message gives the gap.
        """
        X, y = labelled(self, X, y)
        if not (is_integer(self.classifier_neighbors) and 1 <= self.classifier_neighbors <= len(X)):
            raise ValueError(
                f"classifier_neighbors={self.classifier_neighbors!r} must be an integer from 1 to {len(X)}, the points"
            )
        labels, codes = check_labels(y, len(X), self.minus_one_is_class)
        self.classes_ = np.unique(labels)
        if self.validation_fraction is None:
            problem, blocks = self._problem(X, labels, codes, np.arange(len(X)))
            self._learn(problem, partial(self._keep, X, codes, blocks))
            return self
        known, held_out = held_out_rows(labels, self.validation_fraction, self.random_state)
        problem, blocks = self._problem(X, labels, codes, known)

        def error(L: FloatArray) -> float:
            ranking = LocalMetrics.of(X[known], codes[known], Blocks(blocks.codes[known], blocks.labels), L)
            return float(np.mean(ranking.votes(X[held_out], self.classifier_neighbors) != codes[held_out]))

        self._learn_early(problem, error, partial(self._keep, X, codes, blocks))
        return self

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of most votes among the nearest training points, each at the distance that its own metric gives.

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
        votes = self._ranking.votes(numbers(self, X, reset=False), self.classifier_neighbors)
        return self.classes_[votes]

    def kneighbors(self, X: npt.ArrayLike, n_neighbors: int = 3) -> tuple[FloatArray, IntArray]:
        """The nearest training points of each point, and the distances to them, not squared.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Points with the features of the fit; finite numbers.
        n_neighbors : int, default=3
            How many.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_neighbors)
            Rising; each by the metric of the training point.
        indices : ndarray of shape (n_samples, n_neighbors)
            Positions among the training points; of equal distances the lower first.
        """
        check_is_fitted(self)
        squared, nearest = self._ranking.nearest(numbers(self, X, reset=False), n_neighbors)
        return np.sqrt(squared), nearest

    def pair_distance(self, pairs: npt.ArrayLike, blocks: npt.ArrayLike) -> FloatArray:
        """Learned distance from the first point of each pair to the second, by the metric of the second; not squared.

        Parameters
        ----------
        pairs : array-like of shape (n_pairs, 2, n_features)
            Two points in each pair.
        blocks : array-like of shape (n_pairs,)
            Block of each second point, as in ``blocks_``.

        Returns
        -------
        ndarray of shape (n_pairs,)
            A distance for each pair; that of the pair turned round may be another.

        Raises
        ------
        ValueError
            For pairs of another shape, or a block that is none.
        """
        check_is_fitted(self)
        ends = check_pairs(pairs, self.n_features_in_)
        wanted = np.asarray(blocks)
        if wanted.shape != (len(ends),) or not np.isin(wanted, self.blocks_).all():
            raise ValueError(f"blocks must name one of {self.blocks_.tolist()} for each of the {len(ends)} pairs")
        maps = self.components_[np.searchsorted(self.blocks_, wanted)]
        return np.linalg.norm(np.einsum("prd,pd->pr", maps, ends[:, 0] - ends[:, 1]), axis=1)

    def get_mahalanobis_matrices(self) -> FloatArray:
        """The metric ``M = L'L`` of each block.

        Returns
        -------
        ndarray of shape (n_blocks, n_features, n_features)
            In the order of ``blocks_``.
        """
        check_is_fitted(self)
        return np.swapaxes(self.components_, 1, 2) @ self.components_

    def _problem(
        self, X: FloatArray, labels: npt.NDArray[np.generic], codes: IntArray, known: IntArray
    ) -> tuple[Problem, Blocks]:
        """The problem of the points to learn from, and the blocks of all."""
        blocks = check_blocks(self._names(X, known), labels, codes)
        assert blocks is not None
        lost = np.setdiff1d(blocks.codes, blocks.codes[known])
        if len(lost):
            raise ValueError(
                f"validation_fraction={self.validation_fraction} holds out all points of block "
                f"{blocks.labels[lost[0]]!s}, which then has no metric; hold out fewer points, or join small blocks"
            )
        names = "class" if self.blocks is None else blocks.labels[blocks.codes[known]]
        reg, mark = self.reg, self.minus_one_is_class
        problem = Problem.from_data(
            X[known], labels[known], self.n_neighbors, self.mu, reg=reg, minus_one_is_class=mark, blocks=names
        )
        return problem, blocks

    def _names(self, X: FloatArray, known: IntArray) -> Any:
        """What the block of each point is called; clusters are those of the points to learn from."""
        if self.blocks is None:
            return "class"
        if not is_integer(self.blocks):
            return self.blocks
        if not 1 <= self.blocks <= len(known):
            raise ValueError(f"blocks={self.blocks!r} must be a number of clusters from 1 to {len(known)}, the points")
        self.clusters_ = KMeans(self.blocks, n_init=10, random_state=self.random_state).fit(X[known])
        return self.clusters_.labels_ if len(known) == len(X) else self.clusters_.predict(X)

    def _keep(self, X: FloatArray, codes: IntArray, blocks: Blocks, solution: Solution) -> None:
        """Set what was learned; all points vote."""
        self.blocks_, self.block_of_ = blocks.labels, blocks.codes
        self.components_ = solution.components
        self._ranking = LocalMetrics.of(X, codes, blocks, solution.components)
        self._keep_proof(solution, solution.objective)

    def _rows(self) -> list[Row]:
        """What the card says of the metrics."""
        certificate = self.solution_.certificate
        return [
            ("metrics", f"{len(self.blocks_)} on {self.n_features_in_} features"),
            ("ranks, all together", f"{certificate.rank}"),
            ("violated triplets", f"{certificate.active_triplets:,}"),
        ]
