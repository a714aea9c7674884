"""Active-set constraint generation around any solver of the slack SDP; only triplets near their kink get a row.

At a metric N every triplet is on one of three sides of its hinge:

    met with room to spare     left out, alpha = 0
    near the kink              in the working set: a row and a slack, 0 <= alpha <= mu
    violated by far            frozen: its hinge replaced by its own linear part, alpha = mu

Both the left out and the frozen triplets relax the problem (the linear part lies below the hinge) and keep their
multipliers dual feasible, so the lower bound of every round is one of the whole problem. A triplet whose side was
wrong shows at the next metric by the sign of its hinge, and enters the working set. Leaving out is the constraint
generation of Weinberger & Saul (2009), appendix A; freezing is ours and keeps the working set near the number of
unknowns in M.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, islice
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import psd_factor, psd_part
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.hinges import Hinges
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.solvers.conic import PrimalDual
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.projected_gradient import descend
from lmnn_sdp.solvers.solution import Status

Keys: TypeAlias = npt.NDArray[np.int64]
#: Solves the slack SDP to an accuracy from a warm start; None if it is unbounded.
SdpSolver: TypeAlias = Callable[..., PrimalDual | None]

DESCENT = 100  # iterations of the reference solver that give the first metric
FIRST_ROWS = 200  # rows of the first working set beyond the unknowns in M; the rows added in a round may double
LOOSEST, TIGHTEST = 3e-4, 1e-12  # accuracy asked of the SDP solver
ACCURACY = 0.1  # accuracy asked for, relative to the current gap
SHARPEN = 0.3  # factor on the accuracy after a round that did not halve the gap
STEPS = (1.0, 0.9, 0.75, 0.5, 0.25)  # trial points from the old metric to that of the restricted problem
FULL_STEP = 0.9  # from here on the restricted problem is trusted enough to drop triplets
INTERIOR = 1e-3  # a multiplier this far (times mu) inside (0, mu) marks a kink
MAX_FAILURES = 8  # rounds in a row that narrow the interval by less than a hundredth


@dataclass(frozen=True, eq=False)
class WorkingSet:
    """Triplets that have a row, as rising keys, with their multipliers."""

    keys: Keys
    alpha: FloatArray

    @staticmethod
    def of(keys: Keys, alpha: FloatArray) -> WorkingSet:
        """Sort by key."""
        order = np.argsort(keys)
        return WorkingSet(keys[order], alpha[order])

    def merge(self, other: WorkingSet) -> WorkingSet:
        """Both together; they share no triplet."""
        return WorkingSet.of(np.concatenate([self.keys, other.keys]), np.concatenate([self.alpha, other.alpha]))

    def only(self, keys: Keys) -> WorkingSet:
        """The part with these keys."""
        kept = np.isin(self.keys, keys)
        return WorkingSet(self.keys[kept], self.alpha[kept])


def solve(problem: Problem, monitor: Monitor, solve_sdp: SdpSolver) -> Status:
    """Solve restricted problems until the certified gap of the full one is below the tolerance.

    Parameters
    ----------
    problem : Problem
        In whitened coordinates.
    monitor : Monitor
    solve_sdp : callable
        ``solve_sdp(sdp, accuracy, start, time_limit=...)``, such as `lmnn_sdp.solvers.conic.solve_sdp`.
    """
    N, stop = _first_metric(problem, monitor)
    budget = problem.n_features * (problem.n_features + 1) // 2 + FIRST_ROWS
    working, band = _nearest_kink(problem, N, budget)
    start: PrimalDual | None = None
    accuracy, failures = LOOSEST, 0
    for iteration in count(1):
        if stop is not None:
            return stop
        # 1) solve the restricted problem
        frozen = np.setdiff1d(problem.keys(problem.hinges(psd_factor(N)).triplets), working.keys)
        triplets, frozen_triplets = problem.from_keys(working.keys), problem.from_keys(frozen)
        sdp = SlackSDP.of(problem, triplets, frozen_triplets)
        found = solve_sdp(sdp, accuracy, start, time_limit=monitor.seconds_left)
        if found is None:
            if not len(frozen):
                return Status.STALLED
            # frozen triplets made it unbounded: start over with twice the rows
            working, band = _nearest_kink(problem, N, 2 * len(triplets))
            start, stop = None, monitor.stop(iteration)
            continue
        # 2) certify on all triplets
        gap, before = monitor.relative_gap, N
        N, step = _line_search(problem, N, psd_part(found.M))
        stop = monitor.record(
            N,
            np.concatenate([triplets, frozen_triplets]),
            np.concatenate([found.alpha, np.full(len(frozen), problem.mu)]),
            iteration=iteration,
            working_set=len(triplets),
        )
        if stop is not None:
            return stop
        # 3) sharpen, add what was on the wrong side and drop what is far from its kink
        failures = failures + 1 if monitor.relative_gap > 0.99 * gap else 0
        if failures == MAX_FAILURES:
            return Status.STALLED
        if monitor.relative_gap > 0.5 * gap:
            accuracy *= SHARPEN
        accuracy = max(TIGHTEST, min(accuracy, ACCURACY * monitor.relative_gap))
        working = WorkingSet(working.keys, found.alpha)
        changed = _changed_side(problem, working, frozen, found.M)
        if step >= FULL_STEP:
            working = _drop(problem, working, found.M, band)
            band /= 2
        first = _first_to_cross(problem, changed.keys, before, found.M, budget)
        working = working.merge(changed.only(first))
        start = PrimalDual(found.M, working.alpha)
        budget *= 2
    raise AssertionError("the loop never ends by itself")


def _first_metric(problem: Problem, monitor: Monitor) -> tuple[FloatArray, Status | None]:
    """The given start, or the best of a few iterations of the reference solver, recorded; and whether to stop there."""
    if (start := monitor.start) is not None:
        return start.M, monitor.record(start.M, start.triplets, start.alpha, iteration=0, working_set=0)
    best: tuple[FloatArray, float, Hinges] | None = None
    for iterate in islice(descend(problem), DESCENT):
        if best is None or iterate[1] < best[1]:
            best = iterate
        if monitor.out_of_time:
            break
    assert best is not None
    N, _, hinges = best
    alpha = np.full(len(hinges.values), problem.mu)
    return N, monitor.record(N, hinges.triplets, alpha, iteration=0, working_set=0)


def _nearest_kink(problem: Problem, N: FloatArray, rows: int) -> tuple[WorkingSet, float]:
    """The triplets nearest their kink at N, and the largest distance among them."""
    near = problem.hinges(psd_factor(N), slack=1.0)
    distance = np.abs(near.values)
    rows = min(len(distance), rows)
    chosen = np.argpartition(distance, rows - 1)[:rows]
    keys = problem.keys(near.triplets[chosen])
    return WorkingSet.of(keys, np.full(rows, problem.mu / 2)), float(np.max(distance[chosen], initial=0.0))


def _line_search(problem: Problem, N: FloatArray, target: FloatArray) -> tuple[FloatArray, float]:
    """The first trial point on the segment from N that lowers the objective, and its step; N and 0 if none does."""
    value = problem.value(psd_factor(N))
    for step in STEPS:
        trial = N + step * (target - N)
        if problem.value(psd_factor(trial)) < value:
            return trial, step
    return N, 0.0


def _changed_side(problem: Problem, working: WorkingSet, frozen: Keys, M: FloatArray) -> WorkingSet:
    """Triplets without a row that are on another side at M than the restricted problem had them."""
    violated = problem.keys(problem.hinges(psd_factor(M)).triplets)
    new = np.setdiff1d(violated, np.concatenate([working.keys, frozen]))
    met = np.setdiff1d(frozen, violated)
    return WorkingSet(new, np.zeros(len(new))).merge(WorkingSet(met, np.full(len(met), problem.mu)))


def _drop(problem: Problem, working: WorkingSet, M: FloatArray, band: float) -> WorkingSet:
    """Without the triplets that are no kinks and far from one."""
    kink = np.minimum(working.alpha, problem.mu - working.alpha) > INTERIOR * problem.mu
    near = np.abs(1 - problem.margins(psd_factor(M), problem.from_keys(working.keys))) < 2 * band
    return working.only(working.keys[kink | near])


def _first_to_cross(problem: Problem, keys: Keys, N: FloatArray, M: FloatArray, most: int) -> Keys:
    """Of triplets that change side from N to M, those that do so first on the way.

    Hinges are linear in M, so each crosses its kink once on the segment. A restricted problem that
    overshoots puts far more triplets on the wrong side than will matter.
    """
    if len(keys) <= most:
        return keys
    triplets = problem.from_keys(keys)
    begin, end = (1 - problem.margins(psd_factor(metric), triplets) for metric in (N, M))
    crossing = begin / (begin - end)
    return keys[np.argpartition(crossing, most)[:most]]
