"""An estimator whose `fit` solves an LMNN problem: the solve as the parameters say, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from lmnn_sdp.display.cards import Row, card
from lmnn_sdp.display.intervals import gap_text, interval_text
from lmnn_sdp.display.progress import Progress
from lmnn_sdp.estimators.early_stopping import EarlyStopping
from lmnn_sdp.numerics.linalg import principal_rows
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.proof.certificate import bounds_rows, metric_rows, relative_gap
from lmnn_sdp.solvers.cut import with_metric
from lmnn_sdp.solvers.solution import HistoryRow, LiveRow, Solution
from lmnn_sdp.solvers.solve import can_begin, solve, warn_unless_solved
from lmnn_sdp.validation import check_callback


@dataclass(frozen=True)
class Box:
    """A box of scikit-learn's diagrams, by the names under which these ask for it.

    Attributes
    ----------
    estimators : object
        The estimator.
    names, name_details : str
        Its name, and what is unfolded by a click.
    name_caption : str or None
        A line below the name.
    doc_link_label : str or None
    kind : str
        No other boxes are in it.
    """

    estimators: object
    names: str
    name_details: str
    name_caption: str | None = None
    doc_link_label: str | None = None
    kind: str = "single"


class Proved(BaseEstimator):
    """What the estimators share that solve one `Problem`, with the proved interval beside what was learned.

    Attributes
    ----------
    objective_, lower_bound_, relative_gap_ : float
        The proved interval.
    solution_ : Solution
        What the solver returned.
    n_iter_ : int
        Rounds or iterations that the solver took.
    """

    reg: float
    minus_one_is_class: bool
    tol: float
    max_iter: int | None
    time_limit: float | None
    solver: str = "auto"
    callback: Callable[[HistoryRow], object] | None
    verbose: bool
    random_state: int | np.random.RandomState | None

    objective_: float
    lower_bound_: float
    relative_gap_: float
    solution_: Solution
    n_iter_: int
    validation_errors_: FloatArray

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn should know: y is required."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def _repr_html_inner(self) -> str:
        """scikit-learn's diagram, and once fitted what was proved; `_repr_html_` calls it for a display of diagrams."""
        return super()._repr_html_inner() + self._card()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """The same for Jupyter."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {kind: text + self._card() if kind == "text/html" else text for kind, text in bundle.items()}

    def _sk_visual_block_(self) -> Box:
        """Its box in scikit-learn's diagrams, also in that of a pipeline that holds it: the proof stands in it."""
        caption = None
        if hasattr(self, "solution_"):
            low, high = interval_text(self.lower_bound_, self.objective_)
            caption = f"{self.solution_.status.name}: optimum in [{low}, {high}], gap {gap_text(self.relative_gap_)}"
        return Box(self, type(self).__name__, str(self), caption)

    def _card(self) -> str:
        """What was learned, or nothing."""
        if not hasattr(self, "solution_"):
            return ""
        solution = self.solution_
        rows = [*bounds_rows(self.lower_bound_, self.objective_), *self._rows(), ("solver", solution.effort)]
        return card("Learned metric", solution.status.badge, rows, solution.history)

    def _rows(self) -> list[Row]:
        """What the card says of the metric."""
        return metric_rows(self.solution_.certificate, self.solution_.M.shape[-1])

    def _learn(
        self,
        problem: Problem,
        keep: Callable[[Solution], None],
        warm: bool = False,
        watcher: Callable[[LiveRow], bool] | None = None,
    ) -> None:
        """Solve, begun at the last solution where warm, keep what was learned, and tell the caller of `fit`.

        A watcher may end the solve, which is then as good as it was meant to be.
        """
        check_callback(self.callback)
        start = getattr(self, "solution_", None) if warm else None
        with Progress(quiet=not self.verbose, tol=self.tol) as progress:
            listener = Listener(progress, self.callback, watcher)
            solution = self._solve(problem, start, listener)
        keep(solution)
        if warm:
            self.solution_ = solution
        if listener.error is not None:
            raise listener.error
        if not listener.ended:
            warn_unless_solved(solution, self.tol, stacklevel=3)

    def _learn_early(
        self,
        problem: Problem,
        held_out_error: Callable[[FloatArray], float],
        keep: Callable[[Solution], None],
        warm: bool = False,
    ) -> None:
        """The same, stopped where the error on points held out stays; the metric of the least error is kept."""
        stopper = EarlyStopping(held_out_error)

        def keep_best(solution: Solution) -> None:
            if stopper.best is not None:
                L = stopper.best if problem.blocks else principal_rows(stopper.best)
                solution = with_metric(problem, solution, L)
            keep(solution)
            self.validation_errors_ = np.array(stopper.errors)

        self._learn(problem, keep_best, warm, stopper)

    def _keep_proof(self, solution: Solution, objective: float) -> None:
        """Set the interval, and the solution without its multipliers."""
        self.objective_ = objective
        self.lower_bound_ = solution.lower_bound
        self.relative_gap_ = relative_gap(objective, solution.lower_bound)
        self.n_iter_ = max(1, solution.rounds)
        self.solution_ = solution.without_multipliers()

    @property
    def _can_begin(self) -> bool:
        """Whether the solver takes a start."""
        return can_begin(self.solver)

    def _solve(
        self, problem: Problem, start: Solution | None, callback: Callable[[LiveRow], object] | None = None
    ) -> Solution:
        """Solve as the parameters say, without a warning: what was reached is kept before anyone is told."""
        return solve(
            problem,
            self.solver,
            self.tol,
            self.max_iter,
            self.time_limit,
            callback,
            start,
            random_state=self.random_state,
            warn=False,
        )


class Listener:
    """Passes rows on to progress, to a watcher and to the caller's callback, whose first error stops the solve.

    Attributes
    ----------
    ended : bool
        Whether the watcher ended the solve.
    error : Exception or None
        What the callback raised.
    """

    def __init__(
        self,
        progress: Progress,
        callback: Callable[[HistoryRow], object] | None,
        watcher: Callable[[LiveRow], bool] | None = None,
    ) -> None:
        self._progress = progress
        self._callback = callback
        self._watcher = watcher
        self.ended = False
        self.error: Exception | None = None

    def __call__(self, row: LiveRow) -> object:
        """Show the row; True to stop."""
        self._progress(row)
        self.ended = self._watcher is not None and self._watcher(row)
        if self._callback is None:
            return self.ended
        try:
            answer = self._callback(row)
        except Exception as error:
            self.error = error
            return True
        return self.ended or answer
