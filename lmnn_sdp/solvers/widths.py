"""How far the hinges are smoothed at first: a width for all data, found by trial.

A width is right where descent on the smoothed problem settles, and what the smoothing leaves of the violations is
small. Both are measured. Whether descent has settled shows in the duality gap of the smoothed problem itself, and what
is left is the mean hinge of the triplets with a multiplier between 0 and mu, weighted by their multipliers.

Where classes overlap, multipliers reach mu and a width below 1 is right. Where they can be told apart with ease,
multipliers stay far below mu, with many features and few points a million times: every width near 1 is then too steep
for descent, and one of a million is right. The penalty that goes with a width, mu / width, is that of the solver.
"""

from __future__ import annotations

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.smoothing import SETTLED, Descent, Smoothed

FIRST = 1.0  # width that is tried first
WIDER, NARROWER = 16.0, 0.25  # factors where descent does not settle, and where too much is left
WIDEST = 1e30  # beyond which nothing is gained
LEFT = 0.03  # mean violation that is small beside the margin of 1


def settle(problem: Problem, M: FloatArray, monitor: Monitor, first: float = FIRST) -> Smoothed:
    """Descend from M at wider and wider widths until one settles, then at narrower ones while they settle.

    Returns
    -------
    Smoothed
        The first that settles and leaves little; else the best of all, by the gap of the problem itself.
    """
    descent = Descent(problem, M, monitor)
    width, best, before = first, None, False
    while True:
        found = descent.to(width)
        if best is None or found.error < best.error:
            best = found
        settled = found.gap <= SETTLED
        if (settled and found.left <= LEFT) or (before and not settled) or width > WIDEST or monitor.out_of_time:
            return best
        before = settled
        width *= NARROWER if settled else WIDER
