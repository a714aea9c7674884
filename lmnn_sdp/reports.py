"""What the command line prints: progress while a solver runs, then results as text or as JSON."""

from __future__ import annotations

import sys
from dataclasses import asdict
from types import TracebackType
from typing import Any

import click

from lmnn_sdp.audit import Audit
from lmnn_sdp.metric_files import GivenMetric
from lmnn_sdp.problem import Problem
from lmnn_sdp.solution import HistoryRow, Solution


class Progress:
    """One line on standard error with the current gap, from the first second on; nothing where quiet."""

    def __init__(self, name: str = "", quiet: bool = False) -> None:
        self._prefix = f"{name}: " if name else ""
        self._quiet = quiet
        self._open = False
        self._next = 1.0
        self._every = 0.2 if sys.stderr.isatty() else 5.0

    def __call__(self, row: HistoryRow) -> None:
        """Show a history row, unless one was shown a moment ago."""
        if self._quiet or row.seconds < self._next:
            return
        self._next = row.seconds + self._every
        line = (
            f"{self._prefix}{row.seconds:7.1f} s   round {row.iteration}   objective {row.objective:.8g}   "
            f"gap {row.relative_gap:.1e}   working set {row.working_set:,}"
        )
        click.echo(f"\r{line:<100}" if sys.stderr.isatty() else line, err=True, nl=not sys.stderr.isatty())
        self._open = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the line."""
        if self._open:
            click.echo(err=True)
            self._open = False


def solution_as_json(name: str, problem: Problem, solution: Solution) -> dict[str, Any]:
    """What ``solve --json`` prints."""
    return {**_problem_as_json(name, problem), **solution.summary(), "message": solution.status.value}


def audit_as_json(name: str, problem: Problem, metric: GivenMetric, found: Audit) -> dict[str, Any]:
    """What ``audit --json`` prints."""
    read = {"read_as": metric.kind, "shape": list(metric.shape)}
    message = found.solution.status.value
    return {**_problem_as_json(name, problem), "metric": read, **found.summary(), "message": message}


def print_solution(name: str, problem: Problem, solution: Solution) -> None:
    """What ``solve`` prints."""
    _print_problem(name, problem)
    click.echo(f"  triplets       {problem.n_triplets:,}, {solution.certificate.active_triplets:,} violated")
    click.echo(f"  objective      {solution.objective:.10g}   (over all triplets)")
    click.echo(f"  lower bound    {solution.lower_bound:.10g}   (proved)")
    click.echo(f"  relative gap   {solution.relative_gap:.1e}")
    click.echo(f"  rank of M      {solution.certificate.rank} of {problem.n_features}")
    click.echo(f"  solver         {_effort(solution)}")
    click.echo(f"  {solution.status.value}")


def print_audit(name: str, problem: Problem, metric: GivenMetric, found: Audit) -> None:
    """What ``audit`` prints."""
    rows, columns = metric.shape
    reading = f"L ({rows} x {columns}), M = L'L" if metric.kind == "L" else f"M ({rows} x {columns})"
    residuals = [f"{condition} {value:.1e}" for condition, value in asdict(found.certificate.residuals).items()]
    _print_problem(name, problem)
    click.echo(f"  metric         read as {reading}, rank {found.certificate.rank}")
    click.echo(f"  triplets       {problem.n_triplets:,}, {found.certificate.active_triplets:,} violated")
    click.echo(f"  objective      {found.objective:.10g}   (over all triplets)")
    click.echo("  optimum        {:.10g} to {:.10g}   (proved)".format(*found.optimum))
    click.echo("  excess         {:#.6g} % to {:#.6g} %   (of the optimum)".format(*(100 * e for e in found.excess)))
    click.echo(f"  residuals      {', '.join(residuals[:2])},")
    click.echo(f"                 {', '.join(residuals[2:])}")
    click.echo(f"  solver         {_effort(found.solution)}. {found.solution.status.value}")


def print_table(solutions: list[Solution]) -> None:
    """A row for each solver."""
    click.echo(f"{'solver':<10}{'objective':>16}{'lower bound':>16}{'gap':>10}{'rank':>6}{'seconds':>9}  status")
    for s in solutions:
        click.echo(
            f"{s.solver:<10}{s.objective:>16.9g}{s.lower_bound:>16.9g}{s.relative_gap:>10.1e}"
            f"{s.certificate.rank:>6}{s.seconds:>9.2f}  {s.status.name}"
        )


def _problem_as_json(name: str, problem: Problem) -> dict[str, Any]:
    """The problem's part of a JSON report."""
    return {
        "data": name,
        "n": problem.n_points,
        "d": problem.n_features,
        "k": problem.n_neighbors,
        "mu": problem.mu,
        "triplets": problem.n_triplets,
    }


def _print_problem(name: str, problem: Problem) -> None:
    """First line of a report."""
    k, mu = problem.n_neighbors, problem.mu
    click.echo(f"{name}: {problem.n_points} points, {problem.n_features} features, k = {k}, mu = {mu:g}")


def _effort(solution: Solution) -> str:
    """What the solve took."""
    return f"{solution.solver}, {len(solution.history)} rounds, {solution.seconds:.2f} s"
