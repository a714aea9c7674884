"""LMNN with a rectangular map: few rows, found by descent, and told how far from the convex optimum they can be."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from lmnn_sdp.estimators.inputs import labelled
from lmnn_sdp.estimators.solved_map import SolvedMap
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.low_rank import StartRow, best_map
from lmnn_sdp.solvers.solution import HistoryRow, Solution
from lmnn_sdp.validation import check_components, is_integer


class LowRankLMNN(SolvedMap):
    """The map L of few rows that minimises the LMNN objective at ``M = L'L``, and its proved excess.

    `LMNN` with ``n_components`` cuts the convex optimum to its leading rows, and pays for that; here the rows are
    descended from, as are those of PCA and random ones. The problem is not convex, so nobody can prove its optimum,
    but the convex problem is solved as well, to a proved gap, and its lower bound holds for maps of any rank.
    ``relative_gap_`` is the excess that is proved: the whole price of the rank is never more.

    Parameters
    ----------
    n_components : int, default=2
        Rows of the map, from 1 to the number of features.
    n_neighbors : int or "auto", default=3
        Target neighbours of each point, as in `LMNN`.
    mu : float, default=0.5
        Weight of the push term, strictly between 0 and 1.
    reg : float, default=0.0
        Weight of a trace penalty ``reg * tr(M)``.
    n_random : int, default=2
        Random starts, beside those from the convex optimum and from PCA; the best of all is kept.
    minus_one_is_class : bool, default=False
        As in `LMNN`.
    tol : float, default=1e-4
        Relative gap of the convex problem at which its solve stops.
    max_iter : int, default=None
        Rounds of that solve at most; None for no limit.
    time_limit : float, default=None
        Seconds at most, after which no descent is begun but the first; None for no limit.
    callback : callable, default=None
        As in `LMNN`, for that solve.
    verbose : bool, default=False
        Show its progress on standard error.
    random_state : int, RandomState instance or None, default=None
        For random starts.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The map L, rows by falling norm.
    objective_ : float
        The objective over all triplets at ``L'L``.
    lower_bound_ : float
        Proved lower bound on the objective of every metric, of any rank.
    relative_gap_ : float
        ``(objective_ - lower_bound_) / objective_``.
    starts_ : tuple of StartRow
        Name of each start, and the objective there and at the best map on the way.
    n_iter_ : int
        Rounds of the convex solve.
    solution_ : Solution
        The map as a solution, without multipliers; status and history are those of the convex solve.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    See Also
    --------
    LMNN : The convex problem, and the cut to its leading rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lmnn_sdp import LowRankLMNN
    >>> model = LowRankLMNN(n_components=1, random_state=0).fit(*load_iris(return_X_y=True))
    >>> model.components_.shape
    (1, 4)
    >>> all(model.objective_ <= row.end * (1 + 1e-9) for row in model.starts_)
    True
    """

    starts_: tuple[StartRow, ...]

    def __init__(
        self,
        n_components: int = 2,
        *,
        n_neighbors: int | str = 3,
        mu: float = 0.5,
        reg: float = 0.0,
        n_random: int = 2,
        minus_one_is_class: bool = False,
        tol: float = 1e-4,
        max_iter: int | None = None,
        time_limit: float | None = None,
        callback: Callable[[HistoryRow], object] | None = None,
        verbose: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.mu = mu
        self.reg = reg
        self.n_random = n_random
        self.minus_one_is_class = minus_one_is_class
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.callback = callback
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> LowRankLMNN:
        """Solve the convex problem, then descend from every start.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.

        Returns
        -------
        LowRankLMNN
            Itself, fitted.

        Raises
        ------
        ValueError
            As `LMNN.fit`; also for more rows than features, and for a number of random starts that is none.

        Warns
        -----
        ConvergenceWarning
            If the convex solve stopped before its gap reached ``tol``.
        """
        begin = time.monotonic()
        points, labels = labelled(self, X, y)
        check_components(self.n_components, points.shape[1])
        if not (is_integer(self.n_random) and self.n_random >= 0):
            raise ValueError(f"n_random={self.n_random!r} must be an integer >= 0")
        problem = self._problem(points, labels, self.n_neighbors, self.mu)
        deadline = math.inf if self.time_limit is None else begin + self.time_limit
        self._learn(problem, partial(self._keep_best, problem, deadline))
        return self

    def _keep_best(self, problem: Problem, deadline: float, convex: Solution) -> None:
        """Set what was learned."""
        rows = min(self.n_components, problem.n_features)
        found = best_map(problem, convex, rows, self.n_random, check_random_state(self.random_state), deadline)
        self.starts_ = found.starts
        self.components_ = found.solution.L
        self._keep_proof(found.solution, found.solution.objective)
