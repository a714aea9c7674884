"""How far the hinges are smoothed at first: a few fixed widths where classes overlap, else a width found by trial.

Where classes overlap, multipliers reach mu. Smoothing about the kink, at widths from 1 down, then ends near the
optimum, and the gap of the problem itself over the list says so. Where classes can be told apart with ease,
multipliers stay far below mu, with many features and few points a million times: every width near 1 is then too steep
for descent, and one of a million is right. Such a width settles the descent, which shows in the duality gap of the
smoothed problem, and leaves little of the violations: the mean hinge of the triplets with a multiplier between 0 and
mu, weighted by their multipliers. The penalty that goes with a width, mu / width, is that of the solver.
"""

from __future__ import annotations

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.factor_descent import FactorDescent
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.smoothing import HOPELESS, Descent, Smoothed

OVERLAP = (1.0, 0.25, 0.06)  # widths for classes that overlap
CLOSE = 0.03  # relative gap of the smoothed problem at which each is done
FIRST = 1.0  # width that is tried first where classes do not overlap
SETTLED = 0.1  # relative gap of the smoothed problem at which a width is right
WIDER, NARROWER = 16.0, 0.25  # factors where descent does not settle, and where too much is left
WIDEST = 1e30  # beyond which nothing is gained
LEFT = 0.03  # mean violation that is small beside the margin of 1


def about_the_kink(problem: Problem, M: FloatArray, monitor: Monitor, widths: tuple[float, ...] = OVERLAP) -> Smoothed:
    """Descend from M as suits classes that overlap."""
    descent, before = _descent(problem, M, monitor), 0.0
    for width in widths:
        found = descent.to(width, 0.5, CLOSE)
        if monitor.out_of_time or min(before, found.gap) > HOPELESS:
            break
        before = found.gap
    return found


def by_trial(problem: Problem, M: FloatArray, monitor: Monitor, first: float = FIRST) -> Smoothed:
    """Descend from M at wider and wider widths until one settles, then at narrower ones.

    Returns
    -------
    Smoothed
        The first that settles and leaves little; else the best of all, by the gap of the problem itself.
    """
    descent = _descent(problem, M, monitor)
    width, best, before = first, None, False
    while True:
        found = descent.to(width, 0.0, SETTLED)
        if best is None or found.error < best.error:
            best = found
        settled = found.gap <= SETTLED
        if (settled and found.left <= LEFT) or (before and not settled) or width > WIDEST or monitor.out_of_time:
            return best
        before = settled
        width *= NARROWER if settled else WIDER


def _descent(problem: Problem, M: FloatArray, monitor: Monitor) -> Descent | FactorDescent:
    """From M: on factors for several metrics."""
    return Descent(problem, M, monitor) if problem.blocks is None else FactorDescent(problem, M, monitor)
