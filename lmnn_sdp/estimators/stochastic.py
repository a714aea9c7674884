"""LMNN by stochastic descent: for data too large for a pass over all pairs, and to see what mining strategies cost."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from lmnn_sdp.estimators.inputs import labelled
from lmnn_sdp.estimators.learned_map import LearnedMap
from lmnn_sdp.numerics.linalg import principal_rows, psd_factor
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.whitening import Whitening, whiten
from lmnn_sdp.proof.certificate import certify_map, relative_gap
from lmnn_sdp.solvers.cut import with_metric
from lmnn_sdp.solvers.first_metric import euclidean_metric
from lmnn_sdp.solvers.sampled import ObjectiveInterval, objective_interval
from lmnn_sdp.solvers.solve import solve
from lmnn_sdp.solvers.stochastic import STRATEGIES, Schedule, best_multipliers, descended
from lmnn_sdp.validation import check_limits, is_integer

USUAL_POOL = 2048
JUDGES = ("pass", "solve", "sample")


class StochasticLMNN(LearnedMap):
    """The LMNN objective at ``M = L'L``, descended by Adam on random points.

    Every step takes the pull of all points, which costs nothing once it is summed up, and the push of those triplets
    that a strategy picks from a random pool of points. `LMNN` reaches the optimum itself and proves it, on tens of
    thousands of points in minutes; this is for more points, or less time, and for comparisons with other strategies.

    Parameters
    ----------
    strategy : str, default="pool"
        How the triplets of a step are picked, all from a random pool of points:

        - ``"pool"``: all with point and impostor in the pool. Unbiased.
        - ``"random"``: one random impostor of each point. Unbiased, but so rarely one that matters that noise wins.
        - ``"hard"``: the nearest impostor in the pool of each target neighbour, one for all that crowd in. Biased to
          too little push at crowded points.
        - ``"semi-hard"``: the nearest that is not nearer than the target neighbour. Biased like "hard", and blind to
          impostors that invade most, whose push is what the objective has most of.
        - ``"distance-weighted"``: one of those inside the margin, drawn as if distances were spread evenly. Biased like
          "hard", and a little less to the nearest.
    pool_size : int, default=None
        Points that a step looks at, at least 2 and at most all; None for 2048, or all where there are fewer.
    max_iter : int, default=500
        Steps. None is skipped: the step length fades over all of them.
    learning_rate : float, default=0.1
        Length of the first step, as a part of the usual size of an entry of L in whitened coordinates.
    n_neighbors : int or "auto", default=3
        Target neighbours of each point, as in `LMNN`.
    mu : float, default=0.5
        Weight of the push term, strictly between 0 and 1.
    reg : float, default=0.0
        Weight of a trace penalty ``reg * tr(M)``.
    judge : {"pass", "solve", "sample"}, default="pass"
        How the map is judged. "pass": the objective by one pass over all pairs, and a lower bound from its hinges; both
        are proved, but the bound may be a fifth too low. "solve": the convex problem is solved as well, and bounds the
        objective to ``tol``. "sample": the objective is estimated from random anchors, and nothing is proved.
    tol : float, default=1e-4
        Relative gap at which "solve" stops.
    n_anchors : int, default=1000
        Anchors of "sample".
    minus_one_is_class : bool, default=False
        As in `LMNN`.
    random_state : int, RandomState instance or None, default=None
        For pools, strategies and anchors.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The map L: orthogonal rows by falling length, the largest entry of each positive.
    objective_ : float
        The objective over all triplets at ``L'L``, an upper bound that is proved; of "sample" the estimate.
    lower_bound_ : float
        Proved lower bound on the objective of every metric; 0 of "sample".
    relative_gap_ : float
        ``(objective_ - lower_bound_) / objective_``: of "pass" and "solve" the excess over the optimum is never more.
    interval_ : ObjectiveInterval or None
        Of "sample" the 95 % confidence interval of the objective, else None.
    n_iter_ : int
        Steps taken.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    See Also
    --------
    LMNN : The optimum, with proof.
    objective_interval : The objective of any map from random anchors.

    References
    ----------
    C.-Y. Wu, R. Manmatha, A. J. Smola and P. Krahenbuhl (2017). Sampling matters in deep embedding learning. ICCV.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lmnn_sdp import StochasticLMNN
    >>> model = StochasticLMNN(judge="solve", random_state=0).fit(*load_iris(return_X_y=True))
    >>> model.relative_gap_ < 0.01
    True
    """

    objective_: float
    lower_bound_: float
    relative_gap_: float
    interval_: ObjectiveInterval | None

    def __init__(
        self,
        *,
        strategy: str = "pool",
        pool_size: int | None = None,
        max_iter: int = 500,
        learning_rate: float = 0.1,
        n_neighbors: int | str = 3,
        mu: float = 0.5,
        reg: float = 0.0,
        judge: str = "pass",
        tol: float = 1e-4,
        n_anchors: int = 1000,
        minus_one_is_class: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.strategy = strategy
        self.pool_size = pool_size
        self.max_iter = max_iter
        self.learning_rate = learning_rate
        self.n_neighbors = n_neighbors
        self.mu = mu
        self.reg = reg
        self.judge = judge
        self.tol = tol
        self.n_anchors = n_anchors
        self.minus_one_is_class = minus_one_is_class
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn should know: y is required."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> StochasticLMNN:
        """Descend from the Euclidean metric, in the scale and the power of it that suit best, and judge where it ends.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.

        Returns
        -------
        StochasticLMNN
            Itself, fitted.

        Raises
        ------
        ValueError
            As `LMNN.fit`; also for an unknown strategy or judge, and for a pool larger than the data.
        """
        points, labels = labelled(self, X, y)
        schedule = self._schedule(len(points))
        problem = Problem.from_data(
            points, labels, self.n_neighbors, self.mu, reg=self.reg, minus_one_is_class=self.minus_one_is_class
        )
        rng = check_random_state(self.random_state)
        white = whiten(problem)
        inside = descended(white.problem, psd_factor(euclidean_metric(white.problem)), schedule, rng)
        self.components_ = principal_rows(white.outward(inside))
        self._judged(problem, white, inside, rng)
        self.n_iter_ = schedule.steps
        return self

    def _schedule(self, n: int) -> Schedule:
        """The parameters of the descent, checked."""
        if not isinstance(self.strategy, str) or self.strategy not in STRATEGIES:
            raise ValueError(f"strategy={self.strategy!r} is unknown; use {', '.join(map(repr, STRATEGIES))}")
        if self.judge not in JUDGES:
            raise ValueError(f"judge={self.judge!r} is unknown; use {', '.join(map(repr, JUDGES))}")
        size = min(USUAL_POOL, n) if self.pool_size is None else self.pool_size
        if not is_integer(size) or not 2 <= size <= n:
            raise ValueError(
                f"pool_size={size!r} must be an integer from 2 to the number of points ({n}); lower it, or use None"
            )
        check_limits(self.tol, self.max_iter, None)
        if self.max_iter is None:
            raise ValueError("max_iter=None must be an integer >= 1: the step length fades over so many steps")
        if not isinstance(self.learning_rate, numbers.Real) or not 0 < self.learning_rate < np.inf:
            raise ValueError(f"learning_rate={self.learning_rate!r} must be a positive number; 0.1 usually serves")
        return Schedule(self.strategy, int(size), int(self.max_iter), float(self.learning_rate))

    def _judged(self, problem: Problem, white: Whitening, inside: FloatArray, rng: np.random.RandomState) -> None:
        """Set the objective and what is proved of it."""
        self.interval_ = None
        if self.judge == "sample":
            self.interval_ = objective_interval(problem, self.components_, self.n_anchors, rng)
            self.objective_, self.lower_bound_ = self.interval_.estimate, 0.0
        else:
            if self.judge == "solve":
                bounds = with_metric(problem, solve(problem, tol=self.tol), self.components_).certificate
            else:
                dual = best_multipliers(white.problem, inside)
                bounds = certify_map(problem, self.components_, dual, white.left_out)
            self.objective_, self.lower_bound_ = bounds.objective, bounds.lower_bound
        self.relative_gap_ = relative_gap(self.objective_, self.lower_bound_)
