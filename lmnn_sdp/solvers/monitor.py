"""Watches a solver: certifies what it proposes, keeps the best of each bound, and says when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.hinges import Hinges
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.proof.certificate import bounds_at_zero, rank_of, relative_gap
from lmnn_sdp.proof.lower import DualBound, Weighted, bound_below, weighted_costs
from lmnn_sdp.proof.upper import PrimalBound, bound_above
from lmnn_sdp.solvers.solution import HistoryRow, Status

#: Part of the tolerance that the solver must reach, so that the metric as it is handed out stays within.
SHARE = 0.999
#: Mean hinge that counts as rounding, and the factor of the map that makes up for it.
ROUNDING, STRETCH = 1e-13, 1 + 2.0**-42

Callback: TypeAlias = Callable[[HistoryRow], object]


@dataclass(frozen=True, eq=False)
class Start:
    """Where to begin: a metric and multipliers, in the coordinates of the problem."""

    M: FloatArray
    triplets: IntArray
    alpha: FloatArray


class Monitor:
    """Keeps the best certified metric and multipliers of a solve on a whitened problem.

    Parameters
    ----------
    problem : Problem
        In whitened coordinates.
    tol : float
        Relative gap of the full problem at which to stop.
    max_iter : int or None
        Iterations or rounds after which to stop.
    time_limit : float or None
        Seconds after which to stop.
    callback : callable or None
        Called with each `HistoryRow`; to return True means to stop.
    start : Start or None
        Where the solver should begin. It is certified here, so that nothing that is proved of it can be lost.
    """

    def __init__(
        self,
        problem: Problem,
        tol: float,
        max_iter: int | None = None,
        time_limit: float | None = None,
        callback: Callback | None = None,
        start: Start | None = None,
    ) -> None:
        self.problem = problem
        self.tol = tol
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.callback = callback
        self.start = start
        self.history: list[HistoryRow] = []
        self.near: Hinges | None = None
        self._begin = time.perf_counter()
        self.primal: PrimalBound
        self.dual: DualBound
        self.primal, self.dual = bounds_at_zero(problem)
        if start is not None:
            self.offer(start.triplets, start.alpha)
            self._offer_metric(start.M)

    @cached_property
    def _costs(self) -> tuple[Weighted, ...]:
        """The part of every lower bound that stays the same."""
        return weighted_costs(self.problem)

    @property
    def seconds(self) -> float:
        """Wall time since the solve began."""
        return time.perf_counter() - self._begin

    @property
    def seconds_left(self) -> float | None:
        """Wall time until the limit, at least a millisecond; None without a limit."""
        return None if self.time_limit is None else max(1e-3, self.time_limit - self.seconds)

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit has passed."""
        return self.time_limit is not None and self.seconds >= self.time_limit

    @property
    def certified(self) -> bool:
        """Whether a metric was certified, the start's or the solver's; until then M = 0 is the best."""
        return bool(self.history) or self.start is not None

    @property
    def relative_gap(self) -> float:
        """Gap between the best bounds so far."""
        return relative_gap(self.primal.objective, self.dual.value)

    def offer(self, triplets: IntArray, alpha: FloatArray) -> None:
        """Keep the multipliers if they prove more than the best so far; needs no impostor pass."""
        dual = bound_below(self.problem, triplets, alpha, self._costs)
        if dual.value > self.dual.value:
            self.dual = dual

    def _offer_metric(self, N: FloatArray, slack: float | None = None) -> PrimalBound:
        """Certify a metric by an impostor pass; keep it if it is better than the best so far.

        Where all hinges are rounding, which may be large beside the optimum of classes far apart, the metric is also
        tried a little larger: that meets them with room to spare.
        """
        primal = bound_above(self.problem, psd_factor(N), slack)
        tried = [primal]
        if 0 < primal.terms.push <= ROUNDING * primal.terms.active:
            tried.append(bound_above(self.problem, STRETCH * primal.L))
        self.primal = min(self.primal, *tried, key=lambda bound: bound.objective)
        return primal

    def record(
        self,
        N: FloatArray,
        triplets: IntArray,
        alpha: FloatArray,
        *,
        iteration: int,
        working_set: int,
        slack: float | None = None,
    ) -> Status | None:
        """Certify a metric and multipliers over all triplets; return why to stop, or None to go on.

        With a ``slack``, `near` holds the triplets whose hinge exceeds ``-slack`` at the PSD part of N.
        """
        self.offer(triplets, alpha)
        primal = self._offer_metric(N, slack)
        self.near = primal.near
        row = HistoryRow(
            iteration,
            self.seconds,
            self.primal.objective,
            self.dual.value,
            working_set,
            primal.terms.active,
            rank_of(primal.L),
        )
        self.history.append(row)
        answer = None if self.callback is None else self.callback(row)
        enough = isinstance(answer, bool | np.bool_) and bool(answer)
        stop = self.stop(iteration)
        return Status.INTERRUPTED if enough and stop is None else stop

    def stop(self, iteration: int) -> Status | None:
        """The first reason to stop that applies, or None."""
        if self.relative_gap <= SHARE * self.tol:
            return Status.OPTIMAL
        if self.out_of_time:
            return Status.TIME_LIMIT
        if self.max_iter is not None and iteration >= self.max_iter:
            return Status.MAX_ITER
        return None
