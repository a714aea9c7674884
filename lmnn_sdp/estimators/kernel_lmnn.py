"""Kernel LMNN: the same problem in the coordinates of a kernel PCA, where it is linear again and proved as ever.

Differences of training points lie in the span of their centred features. A metric M on the feature space can be
replaced by its part on that span: no distance between training points changes, and a trace penalty only falls. So
LMNN in all coordinates of the kernel PCA is exact, and in the leading ones it is exact for metrics on these.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import KernelPCA
from sklearn.utils.validation import check_is_fitted

from lmnn_sdp.estimators.inputs import labelled
from lmnn_sdp.estimators.kernel_rank import kernel_rank
from lmnn_sdp.estimators.learned_map import LearnedDistance
from lmnn_sdp.estimators.solved_map import SolvedMap
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.problem.singular import SingularPullError
from lmnn_sdp.solvers.solution import HistoryRow
from lmnn_sdp.validation import check_point, is_integer

#: Coordinates at most where the caller leaves their number open, and points for each.
MOST_COORDINATES, POINTS_EACH = 50, 3
#: Part of the objective of the best scaled Euclidean metric below which the optimum tells more of the number of
#: coordinates than of the classes, where there is a coordinate for every `CROWDED` points or fewer.
OVERFIT, CROWDED = 1e-2, 2


class KernelLMNN(SolvedMap):
    """LMNN in the feature space of a kernel, solved to a proved gap.

    Boundaries that no linear map of the features can straighten may be straight in the feature space of a kernel.
    Differences of training points lie in the span of their centred features, and what a metric does outside the span
    changes none of their distances. So the problem is `LMNN` in the coordinates of a kernel PCA: exact in the span of
    the coordinates that are kept, with target neighbours that are the nearest of the same class there. The kernel of
    all pairs is held, and its eigenvalues are taken: that is for some thousand points.

    More coordinates always fit the training points better, and new points worse in the end: with nearly as many as
    points the objective is near 0 whatever the labels are. A UserWarning says so where more than half as many
    coordinates as points leave less than 1 % of the objective of their Euclidean metric in its best scale. With an RBF
    on halves of wine, iris and breast_cancer that was from about 0.6 coordinates a point on, where 3-NN learns even
    shuffled labels of wine nearly by heart. It is a hint and no test: of the three only iris had more errors on new
    points then, and two moons that overlap had them from 0.4 on without a warning. Held-out points tell.

    Parameters
    ----------
    n_neighbors : int or "auto", default=3
        Target neighbours of each point, as in `LMNN`.
    mu : float, default=0.5
        Weight of the push term, strictly between 0 and 1.
    n_components : int, default=None
        Coordinates of the kernel PCA, fewer where the kernel has a lower rank. None takes 50, or a third of the points
        if that is less. `components_` has as many rows as the rank of M.
    kernel : str or callable, default="rbf"
        "linear", "poly", "rbf", "sigmoid", "cosine", a function of two points, or "precomputed" for an X that holds
        the kernel: of the training points with each other in `fit`, of new points with the training points in
        `transform`. The centred kernel must be positive semidefinite.
    gamma : float, default=None
        Of the kernels "rbf", "poly" and "sigmoid"; None stands for ``1 / n_features``.
    degree : float, default=3
        Of the kernel "poly".
    coef0 : float, default=1
        Of the kernels "poly" and "sigmoid".
    kernel_params : dict, default=None
        Further arguments of a kernel that is a function.
    reg : float, default=0.0
        Weight of a trace penalty ``reg * tr(M)``.
    minus_one_is_class : bool, default=False
        As in `LMNN`.
    tol : float, default=1e-4
        Relative gap at which to stop.
    max_iter : int, default=None
        Rounds or iterations of the solver at most; None for no limit.
    time_limit : float, default=None
        Seconds at most; None for no limit.
    solver : str, default="auto"
        As in `lmnn_sdp.solve`.
    callback : callable, default=None
        As in `LMNN`.
    verbose : bool, default=False
        Show the progress of the solve on standard error.
    random_state : int, RandomState instance or None, default=None
        As in `LMNN`.

    Attributes
    ----------
    kernel_pca_ : KernelPCA
        Maps points to the coordinates, without a metric.
    components_ : ndarray of shape (rank, n_coordinates)
        The map L of these coordinates, of which ``L'L`` is the metric; `get_mahalanobis_matrix` gives it.
    objective_ : float
        The objective over all triplets.
    lower_bound_ : float
        Proved lower bound on the objective of every metric on the coordinates.
    relative_gap_ : float
        ``(objective_ - lower_bound_) / objective_``.
    solution_ : Solution
        What the solver returned.
    n_iter_ : int
        Rounds or iterations that the solver took.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names that are all strings.

    See Also
    --------
    LMNN : The linear one.
    sklearn.decomposition.KernelPCA : The coordinates.

    References
    ----------
    L. Torresani and K.-C. Lee (2007). Large margin component analysis. Advances in Neural Information Processing
    Systems 19, 1385-1392.

    R. Chatpatanasiri, T. Korsrilabutr, P. Tangchanachaianan and B. Kijsirikul (2010). A new kernelization framework
    for Mahalanobis distance learning algorithms. Neurocomputing 73, 1570-1579.

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from lmnn_sdp import KernelLMNN
    >>> X, y = make_circles(200, noise=0.1, factor=0.5, random_state=0)
    >>> model = make_pipeline(KernelLMNN(n_components=5), KNeighborsClassifier(3)).fit(X, y)
    >>> model[0].components_.shape[1], model[0].relative_gap_ <= 1e-4
    (5, True)
    """

    kernel_pca_: KernelPCA

    def __init__(
        self,
        *,
        n_neighbors: int | str = 3,
        mu: float = 0.5,
        n_components: int | None = None,
        kernel: str | Callable[..., float] = "rbf",
        gamma: float | None = None,
        degree: float = 3,
        coef0: float = 1,
        kernel_params: dict[str, Any] | None = None,
        reg: float = 0.0,
        minus_one_is_class: bool = False,
        tol: float = 1e-4,
        max_iter: int | None = None,
        time_limit: float | None = None,
        solver: str = "auto",
        callback: Callable[[HistoryRow], object] | None = None,
        verbose: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.mu = mu
        self.n_components = n_components
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.reg = reg
        self.minus_one_is_class = minus_one_is_class
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.solver = solver
        self.callback = callback
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> KernelLMNN:
        """Find the coordinates and learn the metric on them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers. The kernel, of shape (n_samples, n_samples), if it is precomputed.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.

        Returns
        -------
        KernelLMNN
            Itself, fitted.

        Raises
        ------
        ValueError
            As `LMNN.fit`; also for a kernel that is not symmetric or not positive semidefinite, and for so many
            coordinates that M is not determined.

        Warns
        -----
        ConvergenceWarning
            If the solver stopped before the gap reached ``tol``.
        UserWarning
            If the optimum is so low that the coordinates fit any labels, see above.
        """
        X, y = labelled(self, X, y)
        self.kernel_pca_ = self._pca(X)
        V = self._coordinates(X)
        problem = self._problem(V, y, self.n_neighbors, self.mu)
        try:
            self._learn(problem, partial(self._keep, problem, rows=None))
        except SingularPullError as error:
            raise ValueError(
                f"{V.shape[1]} coordinates of the kernel PCA are too many for {len(V)} points, lower n_components: "
                f"{error}"
            ) from error
        if (warning := fits_anything(problem, self.objective_)) is not None:
            warnings.warn(warning, UserWarning, stacklevel=2)
        return self

    def get_metric(self) -> KernelDistance:
        """The learned distance as a function of two points, such as ``KNeighborsClassifier(metric=...)`` takes.

        To transform the data first is much faster.

        Returns
        -------
        KernelDistance
            It no longer depends on the estimator.
        """
        check_is_fitted(self)
        return KernelDistance(self.components_.copy(), self.kernel_pca_)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn should know: a precomputed kernel has a column for each training point."""
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags

    def _coordinates(self, X: FloatArray) -> FloatArray:
        """Kernel PCA of points."""
        return self.kernel_pca_.transform(X)

    def _pca(self, X: FloatArray) -> KernelPCA:
        """Kernel PCA to as many coordinates as are asked for, and are no rounding."""
        return kernel_pca(
            X,
            self.n_components,
            kernel=self.kernel,
            gamma=self.gamma,
            degree=self.degree,
            coef0=self.coef0,
            kernel_params=self.kernel_params,
        )


def fits_anything(problem: Problem, objective: float) -> str | None:
    """A warning where the optimum is so low that it says little about new points; else None.

    Parameters
    ----------
    problem : Problem
        In the coordinates of a kernel PCA.
    objective : float
        Of the learned metric.

    Returns
    -------
    str or None
        What is low, and what to do.
    """
    if CROWDED * problem.n_features <= problem.n_points:
        return None
    euclidean = problem.value(math.sqrt(euclidean_scale(problem)) * np.eye(problem.n_features))
    if objective >= OVERFIT * euclidean:
        return None
    return (
        f"the objective {objective:.3g} is below {OVERFIT:.0%} of the {euclidean:.3g} of the Euclidean metric: "
        f"{problem.n_features} coordinates of {problem.n_points} points part nearly any labels, and the metric may say "
        "little about new points; take fewer components, or judge it on held-out points"
    )


def kernel_pca(X: FloatArray, n_components: int | None, **kernel: Any) -> KernelPCA:
    """Kernel PCA to as many coordinates as are asked for, and are no rounding.

    Parameters
    ----------
    X : array, shape (n, d)
        Training points, or their kernel.
    n_components : int or None
        Coordinates, at most as many as points; None for 50, or a third of the points if that is less.
    **kernel
        What `sklearn.decomposition.KernelPCA` takes: kernel, gamma, degree, coef0, kernel_params.

    Returns
    -------
    KernelPCA
        Fitted to the points.

    Raises
    ------
    ValueError
        For another number of coordinates, and for a kernel that is not positive semidefinite.
    """
    n = len(X)
    if n_components is None:
        count = max(1, min(MOST_COORDINATES, n // POINTS_EACH))
    elif is_integer(n_components) and 1 <= n_components <= n:
        count = int(n_components)
    else:
        raise ValueError(
            f"n_components={n_components!r} must be an integer from 1 to the number of points ({n}), or None "
            f"for {MOST_COORDINATES} or a third of them"
        )
    pca = KernelPCA(eigen_solver="dense", remove_zero_eig=True, **kernel)
    pca.set_output(transform="default")  # arrays, also where scikit-learn is set to hand out frames
    return pca.set_params(n_components=min(count, kernel_rank(pca, X))).fit(X)


@dataclass(frozen=True, eq=False)
class KernelDistance(LearnedDistance):
    """The distance ``||L (v(a) - v(b))||`` of two points with coordinates v.

    Attributes
    ----------
    components : ndarray of shape (r, n_coordinates)
        The map L.
    kernel_pca : KernelPCA
        Gives the coordinates.
    """

    kernel_pca: KernelPCA

    def _apart(self, a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
        """Difference of the coordinates."""
        d = self.kernel_pca.n_features_in_
        v, w = self.kernel_pca.transform(np.stack([check_point(a, "a", d), check_point(b, "b", d)]))
        difference: FloatArray = v - w
        return difference
