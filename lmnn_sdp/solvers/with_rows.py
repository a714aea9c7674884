"""The solvers of the SDP as it is written: a row for each triplet, of all of them or of a working set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.solvers import conic, cvxpy_form, working_set
from lmnn_sdp.solvers.conic import PrimalDual
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.solution import Status

#: Triplets beyond which the SDP with a row for each of them is out of reach.
MAX_EXPLICIT_TRIPLETS = 1_000_000


def scs(problem: Problem, monitor: Monitor) -> Status:
    """SCS on working sets."""
    return working_set.solve(problem, monitor, conic.solve_sdp)


def scs_full(problem: Problem, monitor: Monitor) -> Status:
    """SCS on all triplets at once."""
    accuracy = max(working_set.TIGHTEST, working_set.ACCURACY * monitor.tol)
    solve_sdp = partial(
        conic.solve_sdp,
        accuracy=accuracy,
        max_iters=monitor.max_iter or conic.MAX_ITERS,
        time_limit=monitor.seconds_left,
    )
    return _all_at_once(problem, monitor, solve_sdp)


def cvxpy(problem: Problem, monitor: Monitor, name: str = cvxpy_form.DEFAULT) -> Status:
    """A solver of CVXPY's on all triplets at once."""
    return _all_at_once(problem, monitor, partial(cvxpy_form.solve_sdp, name=name))


def _all_at_once(problem: Problem, monitor: Monitor, solve_sdp: Callable[[SlackSDP], PrimalDual | None]) -> Status:
    """One solve of the SDP over all triplets, then its certificate."""
    if problem.n_triplets > MAX_EXPLICIT_TRIPLETS:
        raise ValueError(
            f"{problem.n_triplets:,} triplets are too many for an SDP with a row for each (limit "
            f"{MAX_EXPLICIT_TRIPLETS:,}); use solver='newton' or 'scs', or restrict the problem"
        )
    sdp = SlackSDP.of(problem)
    found = solve_sdp(sdp)
    if found is None:
        return Status.STALLED
    count = len(sdp.triplets)
    stop = monitor.record(found.M, sdp.triplets, found.alpha, iteration=1, working_set=count)
    return Status.OPTIMAL if stop is Status.OPTIMAL else stop or Status.STALLED
