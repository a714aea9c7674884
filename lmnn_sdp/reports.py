"""What the command line prints: results as text or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from lmnn_sdp.audit import Audit
from lmnn_sdp.metric_files import GivenMetric
from lmnn_sdp.problem import Problem
from lmnn_sdp.solution import Solution


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
