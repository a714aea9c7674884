"""Solvers by name, and `solve`, the one door to all of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np

from lmnn_sdp.display.intervals import gap_text
from lmnn_sdp.numerics.engine import EngineLostError, WorkerMemoryError, using
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.numerics.parallel import team
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.fingerprint import fingerprint
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.whitening import Whitening, whiten
from lmnn_sdp.solvers import newton, projected_gradient, with_rows
from lmnn_sdp.solvers.advice import advice
from lmnn_sdp.solvers.checkpoint import Checkpoint, check_checkpoint
from lmnn_sdp.solvers.delivery import deliver
from lmnn_sdp.solvers.interrupts import CtrlC
from lmnn_sdp.solvers.monitor import Monitor, Start
from lmnn_sdp.solvers.solution import HistoryRow, LiveRow, Solution, Status
from lmnn_sdp.solvers.warm import check_start, warm_start
from lmnn_sdp.validation import check_callback, check_limits

Solver: TypeAlias = Callable[[Problem, Monitor], Status]

#: Dimension beyond which the explicit rows of a conic solver (d (d + 1) / 2 entries each) cost too much.
MAX_CONIC_DIMENSION = 80


OUT_OF_MEMORY = (
    "memory ran out before anything was certified; allow the process more memory, or take a random sample of the "
    "points (--points N)"
)

#: Every solver by name. All work on the whitened problem and are judged by the same certificate.
SOLVERS: dict[str, Solver] = {
    "scs": with_rows.scs,
    "scs-full": with_rows.scs_full,
    "cvxpy": with_rows.cvxpy,
    "newton": newton.solve,
    "pgd": projected_gradient.solve,
}


#: Part of the tolerance that what is lost on the way out may take, and more accuracy inside makes up for.
ROOM = 0.5

#: Those that can begin at a given metric.
WARM = (newton.solve, with_rows.scs, projected_gradient.solve)


def can_begin(solver: str) -> bool:
    """Whether the solver of that name takes a start."""
    return solver == "auto" or SOLVERS.get(solver) in WARM


def solve(
    problem: Problem,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int | None = None,
    time_limit: float | None = None,
    callback: Callable[[LiveRow], object] | None = None,
    start: Solution | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    random_state: int | np.random.RandomState | None = None,
    warn: bool = True,
    engine: object = None,
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
        Called with a `LiveRow`, a `HistoryRow` that can tell the metric too, once a round or every 50 iterations; to
        return True means to stop.
    start : Solution, optional
        Where ``"newton"``, ``"scs"`` and ``"pgd"`` begin: a solution on the same features, of another mu, other target
        neighbours, or data with rows added at the end or taken from there. It is certified before all else, so the
        answer is never worse than the start.
    checkpoint : path-like, optional
        File that the best solution so far is written to on the way and at the end; a solve that was killed goes on
        with ``start=Solution.load(checkpoint)``. A solution of the same problem that is there already (the same data,
        target neighbours and weights) is replaced only by one with as small a gap; that of another problem as soon as
        anything is proved about this one.
    random_state : int, RandomState or None
        Accepted for solvers that draw random numbers; none of the present ones does.
    warn : bool
        Whether a stop before ``tol`` gives a ConvergenceWarning.
    engine : DaskEngine, distributed.Client or str, optional
        Who does the work on blocks of points: the workers of a Dask cluster, by its client or the address of its
        scheduler, in place of the threads of this process. The interval is the same, and so is the metric to the last
        bit where the workers' processors round alike and the cluster has as many threads.

    Returns
    -------
    Solution
        The best certified metric. A stop before ``tol`` is reached is told by ``status`` and by a ConvergenceWarning,
        never by an exception: Ctrl-C, memory that runs out and an engine that is lost included. Ctrl-C before anything
        was certified gives M = 0; while the answer is made and written it changes nothing.

    Raises
    ------
    ValueError
        For arguments of the wrong kind, an unknown solver, a problem too large for the one asked for, a singular pull,
        a start on other features, a checkpoint that would replace something else than a saved solution, or workers of
        an engine that have not this package in this version.
    OSError
        If the checkpoint is in no folder that exists, or write-protected, or no engine answers at the address.
    MemoryError
        If memory runs out before anything was certified. Where it runs out in BLAS or in the compiler, these end the
        process; a checkpoint outlives it.

    Warns
    -----
    ConvergenceWarning
        If the solver stopped before ``tol``.
    RuntimeWarning
        Once, if the checkpoint cannot be written, as on a full disk. The solve goes on.
    """
    check_limits(tol, max_iter, time_limit)
    check_callback(callback)
    _check_solver(solver)
    check_start(start)
    check_checkpoint(checkpoint)
    with CtrlC() as ctrl_c, running(engine), team():

        def after_record(row: HistoryRow) -> object:
            if file is not None:
                with ctrl_c.held():
                    file.write()
            answer = None if callback is None else callback(LiveRow(**vars(row), metric=attempt.metric))
            return ctrl_c.came or answer

        attempt = _Attempt(
            problem, solver, partial(Monitor, tol=tol, max_iter=max_iter, time_limit=time_limit, callback=after_record)
        )
        file = None if checkpoint is None else Checkpoint(checkpoint, attempt.fingerprint, attempt.solution)
        if start is not None:
            attempt.begin(start)  # before Ctrl-C is heard: what the start proves is not lost
        status = ctrl_c.until(attempt.run)
        solution = attempt.solution(status or Status.INTERRUPTED)
        if file is not None:
            file.keep(solution)
        if warn:
            warn_unless_solved(solution, tol, stacklevel=2)
    return solution


def warn_unless_solved(solution: Solution, tol: float, stacklevel: int) -> None:
    """A ConvergenceWarning with the proved gap, where the solver stopped before it reached ``tol``."""
    if not solution.status.solved:
        from sklearn.exceptions import ConvergenceWarning  # scikit-learn is slow to import, and most solves succeed

        gap = gap_text(solution.relative_gap)
        message = f"{solution.message} The proved relative gap is {gap} (tol = {tol:g})."
        warnings.warn(message, ConvergenceWarning, stacklevel=stacklevel + 1)


class _Attempt:
    """A solve under way. At any moment there is an answer to give; until the data are whitened it is M = 0."""

    def __init__(self, problem: Problem, solver: str, watch: Callable[..., Monitor]) -> None:
        self.name = "newton" if solver == "auto" else solver
        self._watch = watch
        self._problem = problem
        self._at = (Whitening.none(problem), watch(problem))  # changed in one step, whenever Ctrl-C comes
        self._tol = self._at[1].tol
        self._run: Solver | None = None
        self._lost: Exception | None = None  # why no engine is asked any more

    @cached_property
    def fingerprint(self) -> str:
        """What tells the problem from others."""
        return fingerprint(self._problem)

    def begin(self, start: Solution | None = None) -> None:
        """Whiten, and certify the start."""
        base, _, backend = self.name.partition(":")
        run = partial(with_rows.cvxpy, name=backend) if backend else SOLVERS[base]
        if start is not None and not can_begin(self.name):
            raise ValueError(f"solver={self.name!r} cannot begin at a given start; drop start, or use solver='newton'")
        _check_kind(self.name, self._problem)
        white = whiten(self._problem)
        _check_size(self.name, white.problem.n_features)
        first = None if start is None else warm_start(white, start)
        self._at = white, self._watch(white.problem, start=first)
        self._run = run

    def run(self) -> Status:
        """Solve; where memory runs out, what was certified until then is kept."""
        try:
            return self._solve()
        except (EngineLostError, WorkerMemoryError) as error:
            self._lost = error
            if isinstance(error, EngineLostError):
                return Status.ENGINE_LOST
            if not self._at[1].certified:
                raise
            return Status.OUT_OF_MEMORY
        except MemoryError as error:
            if not self._at[1].certified:
                raise MemoryError(OUT_OF_MEMORY) from error
        return Status.OUT_OF_MEMORY  # the solver's arrays are gone by now

    def _solve(self) -> Status:
        """Solve."""
        if self._run is None:
            self.begin()
        assert self._run is not None
        white, monitor = self._at
        if not self._problem.n_triplets:
            return Status.NO_TRIPLETS
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what overflows proves nothing
            status = self._run(white.problem, monitor)
            if status is Status.OPTIMAL and self._run in WARM and self._sharpen():
                status = self._run(white.problem, monitor)
        return status

    def _sharpen(self) -> bool:
        """Where the metric misses the tolerance only as it is handed out: a start and a tolerance that leave room."""
        white, monitor = self._at
        gap = monitor.relative_gap
        if gap <= ROOM * self._tol:  # nothing that could be made up for
            return False
        lost = deliver(self._problem, white, monitor).certificate.relative_gap - gap
        if not self._tol < gap + lost < (1 + ROOM) * self._tol:
            return False
        monitor.tol = self._tol - 1.2 * lost
        monitor.start = Start(metric_of(monitor.primal.L), monitor.dual.triplets, monitor.dual.alpha)
        return True

    def metric(self) -> FloatArray:
        """Factor of the best certified metric so far, in the units of the data."""
        white, monitor = self._at
        return white.outward(monitor.primal.L)

    def solution(self, status: Status = Status.INTERRUPTED) -> Solution:
        """The best bounds so far, in the units of the data; proved here where the engine is lost."""
        if self._lost is None:
            try:
                return self._solution(status)
            except (EngineLostError, WorkerMemoryError) as error:
                self._lost = error
        with using(None):
            return self._solution(status)

    def _solution(self, status: Status) -> Solution:
        """The same by whoever is at work."""
        white, monitor = self._at
        found = deliver(self._problem, white, monitor)
        if status is Status.OPTIMAL and found.certificate.relative_gap > self._tol:
            status = Status.ROUNDING
        used = monitor.dual.alpha > 0
        return Solution(
            M=metric_of(found.components),
            L=found.components,
            triplets=monitor.dual.triplets[used],
            alpha=monitor.dual.alpha[used],
            certificate=found.certificate,
            status=status,
            history=tuple(monitor.history),
            solver=self.name,
            problem=self.fingerprint,
            advice=self._advice(status, found.certificate.relative_gap),
        )

    def _advice(self, status: Status, gap: float) -> str:
        """What to do about a stop: as the engine says, or as the data do."""
        if self._lost is not None and status in (Status.ENGINE_LOST, Status.OUT_OF_MEMORY):
            text = str(self._lost)
            return f"{text[0].upper()}{text[1:]}."
        return advice(self._problem, status, gap)


def _check_solver(solver: object) -> None:
    """Name of a solver, for those of CVXPY with one of theirs behind a colon."""
    base, colon, backend = solver.partition(":") if isinstance(solver, str) else ("", "", "")
    if base not in ("auto", *SOLVERS) or (colon and (base != "cvxpy" or not backend)):
        known = ", ".join(map(repr, SOLVERS))
        raise ValueError(f"solver={solver!r} is unknown; use 'auto', {known} or 'cvxpy:NAME'")


def _check_kind(solver: str, problem: Problem) -> None:
    """Several metrics, a diagonal one, or weights are what one solver can."""
    if solver != "newton":
        problem.check_plain(f"solver={solver!r}")


def _check_size(solver: str, d: int) -> None:
    """Refuse what would not fit."""
    if solver not in ("newton", "pgd") and d > MAX_CONIC_DIMENSION:
        raise ValueError(
            f"d = {d} is too large for solver={solver!r}, whose rows have d (d + 1) / 2 entries (limit d = "
            f"{MAX_CONIC_DIMENSION}); use solver='newton', or reduce the data with PCA first"
        )
