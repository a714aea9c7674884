"""Solvers by name, and `solve`, the one door to all of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from lmnn_sdp.numerics.parallel import team
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.whitening import Whitening, whiten
from lmnn_sdp.solvers import conic, cvxpy_form, newton, projected_gradient, working_set
from lmnn_sdp.solvers.checkpoint import Checkpoint
from lmnn_sdp.solvers.conic import PrimalDual
from lmnn_sdp.solvers.monitor import Callback, Monitor
from lmnn_sdp.solvers.solution import HistoryRow, Solution, Status
from lmnn_sdp.solvers.warm import warm_start
from lmnn_sdp.validation import check_callback, check_limits

Solver: TypeAlias = Callable[[Problem, Monitor], Status]

#: Dimension beyond which the explicit rows of a conic solver (d (d + 1) / 2 entries each) cost too much.
MAX_CONIC_DIMENSION = 80
#: Triplets beyond which the SDP with a row for each of them is out of reach.
MAX_EXPLICIT_TRIPLETS = 1_000_000


def _scs(problem: Problem, monitor: Monitor) -> Status:
    """SCS on working sets."""
    return working_set.solve(problem, monitor, conic.solve_sdp)


def _scs_full(problem: Problem, monitor: Monitor) -> Status:
    """SCS on all triplets at once."""
    accuracy = max(working_set.TIGHTEST, working_set.ACCURACY * monitor.tol)
    solve_sdp = partial(
        conic.solve_sdp,
        accuracy=accuracy,
        max_iters=monitor.max_iter or conic.MAX_ITERS,
        time_limit=monitor.seconds_left,
    )
    return _all_at_once(problem, monitor, solve_sdp)


def _cvxpy(problem: Problem, monitor: Monitor, name: str = cvxpy_form.DEFAULT) -> Status:
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


#: Every solver by name. All work on the whitened problem and are judged by the same certificate.
SOLVERS: dict[str, Solver] = {
    "scs": _scs,
    "scs-full": _scs_full,
    "cvxpy": _cvxpy,
    "newton": newton.solve,
    "pgd": projected_gradient.solve,
}


#: Those that can begin at a given metric.
WARM = (newton.solve, _scs, projected_gradient.solve)


def solve(
    problem: Problem,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
    start: Solution | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    random_state: int | np.random.RandomState | None = None,
    warn: bool = True,
) -> Solution:
    """Minimise the LMNN objective and prove how close the answer is to the optimum.

    Parameters
    ----------
    problem : Problem
        Data, target neighbours and weights.
    solver : str
        ``"newton"`` (what ``"auto"`` picks): augmented Lagrangian with semismooth Newton steps, without explicit rows;
        ``"scs"``: SCS on working sets, certified on all triplets; ``"scs-full"``: SCS with a row for every triplet;
        ``"cvxpy"``: the same SDP through CVXPY and Clarabel, or ``"cvxpy:NAME"`` for any solver that CVXPY finds
        installed; ``"pgd"``: projected subgradient descent.
    tol : float
        Relative gap ``(objective - lower_bound) / objective`` over all triplets at which to stop.
    max_iter : int, optional
        Rounds of ``"newton"`` and ``"scs"``, iterations of ``"pgd"`` and ``"scs-full"``. CVXPY's solvers ignore it.
    time_limit : float, optional
        Seconds. CVXPY's solvers do not see it.
    callback : callable, optional
        Called with each `HistoryRow`, once a round or every 50 iterations; to return True means to stop.
    start : Solution, optional
        Where ``"newton"``, ``"scs"`` and ``"pgd"`` begin: a solution on the same features, of another mu, other target
        neighbours, or data with rows added at the end or taken from there.
    checkpoint : path-like, optional
        File that the best solution so far is written to on the way and at the end; a solve that was killed goes on
        with ``start=Solution.load(checkpoint)``.
    random_state : int, RandomState or None
        Accepted for solvers that draw random numbers; none of the present ones does.
    warn : bool
        Whether a stop before ``tol`` gives a ConvergenceWarning.

    Returns
    -------
    Solution
        The best certified metric. A stop before ``tol`` is reached, Ctrl-C included, is told by ``status`` and
        by a ConvergenceWarning, never by an exception.

    Raises
    ------
    ValueError
        For an unknown solver, a problem too large for the one asked for, a singular pull, or a start on other
        features.
    """
    check_limits(tol, max_iter, time_limit)
    check_callback(callback)
    with team():
        white = whiten(problem)
        name, run = _choose(solver, white.problem)
        if start is not None and run not in WARM:
            raise ValueError(f"solver={name!r} cannot begin at a given start; drop start, or use solver='newton'")
        first = None if start is None else warm_start(white, start)

        def after_record(row: HistoryRow) -> object:
            if checkpoint is not None:
                saved.write()
            return None if callback is None else callback(row)

        monitor = Monitor(white.problem, tol, max_iter, time_limit, after_record, first)
        if checkpoint is not None:
            saved = Checkpoint(checkpoint, lambda: _solution(white, monitor, Status.INTERRUPTED, name))
        if problem.n_triplets == 0:
            status = Status.NO_TRIPLETS
        else:
            try:
                status = run(white.problem, monitor)
            except KeyboardInterrupt:
                status = Status.INTERRUPTED
        solution = _solution(white, monitor, status, name)
    if checkpoint is not None:
        solution.save(checkpoint)
    if warn:
        warn_unless_solved(solution, tol, stacklevel=2)
    return solution


def warn_unless_solved(solution: Solution, tol: float, stacklevel: int) -> None:
    """A ConvergenceWarning with the proved gap, where the solver stopped before it reached ``tol``."""
    if not solution.status.solved:
        from sklearn.exceptions import ConvergenceWarning  # scikit-learn is slow to import, and most solves succeed

        message = f"{solution.status.value} The proved relative gap is {solution.relative_gap:.1e} (tol = {tol:g})."
        warnings.warn(message, ConvergenceWarning, stacklevel=stacklevel + 1)


def _choose(solver: str, problem: Problem) -> tuple[str, Solver]:
    """Resolve the name; refuse what would not fit."""
    d = problem.n_features
    if solver == "auto":
        solver = "newton"
    base, _, backend = solver.partition(":")
    if base not in SOLVERS or (backend and base != "cvxpy"):
        known = ", ".join(map(repr, SOLVERS))
        raise ValueError(f"solver={solver!r} is unknown; use 'auto', {known} or 'cvxpy:NAME'")
    if base not in ("newton", "pgd") and d > MAX_CONIC_DIMENSION:
        raise ValueError(
            f"d = {d} is too large for solver={solver!r}, whose rows have d (d + 1) / 2 entries (limit d = "
            f"{MAX_CONIC_DIMENSION}); use solver='newton', or reduce the data with PCA first"
        )
    return solver, partial(_cvxpy, name=backend) if backend else SOLVERS[base]


def _solution(white: Whitening, monitor: Monitor, status: Status, solver: str) -> Solution:
    """The best bounds so far, in the units of the data."""
    L = monitor.primal.L
    used = monitor.dual.alpha > 0
    return Solution(
        M=white.outward(L.T @ L),
        L=L @ white.W,
        triplets=monitor.dual.triplets[used],
        alpha=monitor.dual.alpha[used],
        certificate=monitor.certificate(),
        status=status,
        history=tuple(monitor.history),
        solver=solver,
    )
