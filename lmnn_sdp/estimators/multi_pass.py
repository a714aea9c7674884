"""LMNN in several passes: the target neighbours are chosen again under the metric that was learned."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
from numbers import Real

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_consistent_length, column_or_1d

from lmnn_sdp.display.progress import Progress
from lmnn_sdp.estimators.inputs import held_out_rows, labelled, numbers
from lmnn_sdp.estimators.passes import Labelled, Pass, best, reported
from lmnn_sdp.estimators.proved import Listener
from lmnn_sdp.estimators.solved_map import SolvedMap
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.passes import in_passes
from lmnn_sdp.solvers.solution import HistoryRow, Solution
from lmnn_sdp.solvers.solve import warn_unless_solved
from lmnn_sdp.validation import check_callback, check_components, check_labelled, check_unmasked, is_integer


class MultiPassLMNN(SolvedMap):
    """LMNN in passes: each takes as targets the nearest neighbours under the metric of the pass before it.

    The first pass is `LMNN`. Its targets are the nearest in the space of X, where the metric to be learned does not
    count yet; later passes choose them where it does (Weinberger & Saul 2009, section 6). Every pass is a convex
    problem that begins at the solution of the last one and is solved to a proved gap. The sequence as a whole has no
    objective that it minimises: it ends where targets repeat, or after ``n_passes``.

    Later passes confirm what earlier ones learned, and may overfit. With points held out, the metric that is kept is
    the one of the least error on them, of equal ones the last, and a UserWarning tells where a pass made the error
    worse. Without any, it is that of the last pass.

    Parameters
    ----------
    n_neighbors : int or "auto", default=3
        Target neighbours of each point, as in `LMNN`, and neighbours of the k-NN whose errors are counted.
    mu : float, default=0.5
        Weight of the push term, strictly between 0 and 1.
    n_passes : int, default=3
        Passes at most.
    validation_fraction : float, default=None
        Part of the points to hold out, the same of each class; nothing is learned from them. None holds out none.
    n_components : int, default=None
        Rows of ``components_``, as in `LMNN`. Targets are chosen under the whole metric, errors counted after the cut.
    reg : float, default=0.0
        Weight of a trace penalty ``reg * tr(M)``.
    minus_one_is_class : bool, default=False
        As in `LMNN`.
    tol : float, default=1e-4
        Relative gap at which each pass stops.
    max_iter : int, default=None
        Rounds or iterations of each pass at most; None for no limit.
    time_limit : float, default=None
        Seconds of each pass at most; None for no limit.
    solver : str, default="auto"
        As in `lmnn_sdp.solve`.
    callback : callable, default=None
        As in `LMNN`, with the rows of all passes; to return True ends the pass and the sequence.
    verbose : bool, default=False
        Show the progress of each pass on standard error.
    random_state : int, RandomState instance or None, default=None
        Chooses the points to hold out; also for solvers that draw random numbers.

    Attributes
    ----------
    passes_ : tuple of Pass
        Each pass with its interval, the share of targets that its metric would change, and its errors.
    best_pass_ : int
        Which of them is kept, from 0. Its ``held_out_error`` was chosen for being low, so it is too low an estimate.
    components_ : ndarray of shape (n_components, n_features)
        The map L of that pass, as in `LMNN`.
    objective_ : float
        Its objective over all triplets with its targets.
    lower_bound_ : float
        Proved lower bound on the objective of every metric with these targets.
    relative_gap_ : float
        ``(objective_ - lower_bound_) / objective_``.
    solution_ : Solution
        What the solver returned in that pass.
    n_iter_ : int
        Rounds or iterations that it took there.
    n_features_in_ : int
        Features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where X has names that are all strings.

    See Also
    --------
    LMNN : A single pass.

    References
    ----------
    K. Q. Weinberger and L. K. Saul (2009). Distance metric learning for large margin nearest neighbor
    classification. Journal of Machine Learning Research 10, 207-244. Section 6.

    Examples
    --------
    >>> from lmnn_sdp import MultiPassLMNN
    >>> from lmnn_sdp.datasets import load
    >>> data = load("wine").standardized()
    >>> model = MultiPassLMNN(n_passes=2).fit(data.X, data.y)
    >>> [one.relative_gap <= 1e-4 for one in model.passes_], model.passes_[0].changed > 0.5
    ([True, True], True)
    """

    passes_: tuple[Pass, ...]
    best_pass_: int

    def __init__(
        self,
        *,
        n_neighbors: int | str = 3,
        mu: float = 0.5,
        n_passes: int = 3,
        validation_fraction: float | None = None,
        n_components: int | None = None,
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
        self.n_passes = n_passes
        self.validation_fraction = validation_fraction
        self.n_components = n_components
        self.reg = reg
        self.minus_one_is_class = minus_one_is_class
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.solver = solver
        self.callback = callback
        self.verbose = verbose
        self.random_state = random_state

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        X_val: npt.ArrayLike | None = None,
        y_val: npt.ArrayLike | None = None,
    ) -> MultiPassLMNN:
        """Learn the metrics, and keep the best of them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One row a point; finite numbers.
        y : array-like of shape (n_samples,)
            Class labels: strings, integers or booleans.
        X_val : array-like of shape (n_held_out, n_features), default=None
            Points held out, in place of a ``validation_fraction``.
        y_val : array-like of shape (n_held_out,), default=None
            Their labels.

        Returns
        -------
        MultiPassLMNN
            Itself, fitted.

        Raises
        ------
        ValueError
            As `LMNN.fit`, in any pass; also for points held out without labels, or in two ways at once.

        Warns
        -----
        ConvergenceWarning
            If the solver stopped before the gap reached ``tol`` in the pass that is kept.
        UserWarning
            If a pass made the error on the points held out worse.
        """
        X, y = labelled(self, X, y)
        check_components(self.n_components, X.shape[1])
        check_callback(self.callback)
        self._check_passes(X_val, y_val)
        known, held_out = Labelled(X, y), None if X_val is None else self._labelled(X_val, y_val)
        if self.validation_fraction is not None:
            train, test = held_out_rows(y, self.validation_fraction, self.random_state)
            known, held_out = Labelled(X[train], y[train]), Labelled(X[test], y[test])
        with Progress(quiet=not self.verbose, tol=self.tol) as progress:
            listener = Listener(progress, self.callback)

            def solve_one(problem: Problem, before: Solution | None) -> Solution:
                return self._solve(problem, before if self._can_begin else None, listener)

            problem = self._problem(known.X, known.y, self.n_neighbors, self.mu)
            found = in_passes(problem, solve_one, self.n_passes)
        self.passes_ = tuple(reported(one, self.n_components, held_out) for one in found)
        self.best_pass_ = best(self.passes_)
        kept = found[self.best_pass_]
        self._keep(kept.problem, kept.solution, self.n_components)
        if listener.error is not None:
            raise listener.error
        self._warn_if_worse()
        warn_unless_solved(kept.solution, self.tol, stacklevel=2)
        return self

    def _check_passes(self, X_val: npt.ArrayLike | None, y_val: npt.ArrayLike | None) -> None:
        """How many passes, and what is held out."""
        if not is_integer(self.n_passes) or self.n_passes < 1:
            raise ValueError(f"n_passes={self.n_passes!r} must be an integer >= 1; one pass is LMNN")
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val belong together: points held out need their labels; pass both or neither")
        fraction = self.validation_fraction
        if fraction is None:
            return
        if not (isinstance(fraction, Real) and 0 < float(fraction) < 1):
            raise ValueError(
                f"validation_fraction={fraction!r} must lie strictly between 0 and 1, or be None to hold out no points"
            )
        if X_val is not None:
            raise ValueError(
                f"validation_fraction={fraction!r} and X_val both hold points out; set validation_fraction=None to use "
                "X_val"
            )

    def _labelled(self, X: npt.ArrayLike, y: npt.ArrayLike | None) -> Labelled:
        """Points held out, checked like those of the fit."""
        check_unmasked(y, "y_val")
        labels = check_labelled(column_or_1d(y))
        points = numbers(self, X, reset=False)
        check_consistent_length(points, labels)
        return Labelled(points, labels)

    def _warn_if_worse(self) -> None:
        """Tell of the first pass that made the error on the points held out worse."""
        errors = [one.held_out_error for one in self.passes_ if one.held_out_error is not None]
        for number, (before, after) in enumerate(pairwise(errors), start=2):
            if after > before:
                warnings.warn(
                    f"pass {number} raised the error on the points held out from {before:.4g} to {after:.4g}; kept is "
                    f"the metric of pass {self.best_pass_ + 1}, with {errors[self.best_pass_]:.4g}",
                    UserWarning,
                    stacklevel=3,
                )
                return
