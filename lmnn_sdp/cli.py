"""Command line: ``lmnn-sdp solve | verify | export``."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
from sklearn.exceptions import ConvergenceWarning

import lmnn_sdp
from lmnn_sdp import plots
from lmnn_sdp.datasets import DATASETS, Dataset, load
from lmnn_sdp.problem import Problem
from lmnn_sdp.sdp import SlackSDP, write_sdpa
from lmnn_sdp.solution import HistoryRow, Solution, Status
from lmnn_sdp.solvers import SOLVERS, solve
from lmnn_sdp.summaries import largest_difference, margin_histogram, spectrum
from lmnn_sdp.tables import read_table

F = TypeVar("F", bound=Callable[..., Any])

MAX_VERIFY_TRIPLETS = 100_000  # a conic solver with a row for each of them needs about half a minute
INTERRUPTED_EXIT = 130


def main() -> None:
    """Entry point: errors that name value, rule and remedy are shown as they are, without a traceback."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED_EXIT)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (ValueError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(lmnn_sdp.__version__, prog_name="lmnn-sdp")
def cli() -> None:
    """Exact LMNN metric learning: the optimum of the semidefinite program, with proof.

    DATA is a built-in name (balance_scale, breast_cancer, digits, iris, wine) or the path of a CSV, TSV or NPZ file.
    """


def problem_options(command: F) -> F:
    """The options that define a problem."""
    options = [
        click.argument("data"),
        click.option("--label", help="Label column: name or position (CSV, TSV), or array name (NPZ)."),
        click.option("-k", "--neighbors", default=3, help="Target neighbours of each point."),
        click.option("--mu", default=0.5, help="Weight of the push term, in (0, 1)."),
        click.option("--reg", default=0.0, help="Weight of a trace penalty on M."),
        click.option("--standardize", is_flag=True, help="Give every feature zero mean and unit variance first."),
        click.option("--points", type=int, help="Use a random sample of about that many points."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@cli.command("solve")
@problem_options
@click.option("--solver", default="auto", help=f"auto, {', '.join(SOLVERS)} or cvxpy:NAME.")
@click.option("--tol", default=1e-6, help="Relative gap at which to stop.")
@click.option("--max-iter", type=int, help="Iterations or rounds at most.")
@click.option("--time-limit", type=float, help="Seconds at most.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the solution (.npz).")
@click.option("--figures", type=click.Path(file_okay=False, path_type=Path), help="Draw figures into this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress; print nothing but the result.")
def solve_command(
    data: str,
    label: str | None,
    neighbors: int,
    mu: float,
    reg: float,
    standardize: bool,
    points: int | None,
    solver: str,
    tol: float,
    max_iter: int | None,
    time_limit: float | None,
    out: Path | None,
    figures: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Learn a metric and prove how close it is to the optimum.

    Exits with 0 when the gap reached --tol, with 1 when the solver stopped before, with 130 after Ctrl-C; the best
    certified metric is printed and saved in every case.
    """
    _check_writable(out, figures)
    dataset = _load(data, label, standardize, points)
    problem = Problem.from_data(dataset.X, dataset.y, neighbors, mu, reg=reg)
    progress = None if quiet else Progress()
    solution = _solve_quietly(problem, solver, tol, max_iter, time_limit, progress)
    if progress is not None:
        progress.close()
    if out is not None:
        solution.save(out)
    if figures is not None:
        _draw(problem, solution, dataset.name, figures)
    if as_json:
        click.echo(json.dumps(_report(dataset, problem, solution), indent=2))
    else:
        _print_solution(dataset, problem, solution)
    sys.exit(INTERRUPTED_EXIT if solution.status is Status.INTERRUPTED else int(not solution.status.solved))


@cli.command("verify")
@problem_options
@click.option("--tol", default=1e-6, help="Relative gap at which each solver stops.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress.")
def verify_command(
    data: str,
    label: str | None,
    neighbors: int,
    mu: float,
    reg: float,
    standardize: bool,
    points: int | None,
    tol: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run every solver on a small problem and compare their certified intervals.

    Exits with 1 if two intervals do not overlap: then at least one certificate would be wrong.
    """
    dataset = _load(data, label, standardize, points)
    problem = Problem.from_data(dataset.X, dataset.y, neighbors, mu, reg=reg)
    if problem.n_triplets > MAX_VERIFY_TRIPLETS:
        raise click.ClickException(
            f"{problem.n_triplets:,} triplets are too many for the solvers with a row for each (limit "
            f"{MAX_VERIFY_TRIPLETS:,}); add --points N for a random sample"
        )
    solutions = []
    for name in SOLVERS:
        progress = None if quiet else Progress(name)
        solutions.append(_solve_quietly(problem, name, tol, None, None, progress))
        if progress is not None:
            progress.close()
    overlap = all(a.certificate.overlaps(b.certificate) for a in solutions for b in solutions)
    difference = largest_difference([solution.M for solution in solutions])
    if as_json:
        report = {"solutions": [_report(dataset, problem, solution) for solution in solutions]}
        click.echo(json.dumps({**report, "overlap": overlap, "largest_difference": difference}, indent=2))
    else:
        _print_table(solutions)
        click.echo(f"largest difference between two metrics, relative to their largest entry: {difference:.1e}")
        click.echo("all certified intervals overlap" if overlap else "two certified intervals do NOT overlap")
    sys.exit(int(not overlap))


@cli.command("export")
@problem_options
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write (.dat-s).")
def export_command(
    data: str,
    label: str | None,
    neighbors: int,
    mu: float,
    reg: float,
    standardize: bool,
    points: int | None,
    out: Path,
) -> None:
    """Write the slack SDP over all triplets as an SDPA sparse file, for any SDP solver."""
    _check_writable(out, None)
    dataset = _load(data, label, standardize, points)
    problem = Problem.from_data(dataset.X, dataset.y, neighbors, mu, reg=reg)
    write_sdpa(SlackSDP.of(problem), out)
    click.echo(f"{out}: {problem.n_triplets:,} triplets, d = {problem.n_features}; the optimum is minus its value")


class Progress:
    """One line on standard error with the current gap, from the first second on."""

    def __init__(self, name: str = "") -> None:
        self._prefix = f"{name}: " if name else ""
        self._open = False
        self._next = 1.0
        self._every = 0.2 if sys.stderr.isatty() else 5.0

    def __call__(self, row: HistoryRow) -> None:
        """Show a history row, unless one was shown a moment ago."""
        if row.seconds < self._next:
            return
        self._next = row.seconds + self._every
        line = (
            f"{self._prefix}{row.seconds:7.1f} s   round {row.iteration}   objective {row.objective:.8g}   "
            f"gap {row.relative_gap:.1e}   working set {row.working_set:,}"
        )
        click.echo(f"\r{line:<100}" if sys.stderr.isatty() else line, err=True, nl=not sys.stderr.isatty())
        self._open = sys.stderr.isatty()

    def close(self) -> None:
        """End the line."""
        if self._open:
            click.echo(err=True)
            self._open = False


def _solve_quietly(
    problem: Problem,
    solver: str,
    tol: float,
    max_iter: int | None,
    time_limit: float | None,
    progress: Progress | None,
) -> Solution:
    """Solve without warnings: the status is printed instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return solve(problem, solver, tol, max_iter, time_limit, progress)


def _load(data: str, label: str | None, standardize: bool, points: int | None) -> Dataset:
    """Built-in name or file."""
    if data.replace("-", "_") in DATASETS:
        dataset = load(data)
    elif Path(data).suffix:
        dataset = read_table(Path(data), label)
    else:
        raise ValueError(f"{data!r} is no built-in data set ({', '.join(DATASETS)}) and no CSV, TSV or NPZ file")
    if standardize:
        dataset = dataset.standardized()
    return dataset if points is None else dataset.sample(points)


def _check_writable(out: Path | None, figures: Path | None) -> None:
    """Fail before the solve, not after it, when a result could not be written."""
    for path, folder in ((out, None if out is None else out.parent), (figures, figures)):
        if path is None or folder is None:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".lmnn-sdp-{os.getpid()}"
            probe.touch()
            probe.unlink()
            if path is out and path.exists():
                path.open("ab").close()
        except OSError as error:
            raise click.ClickException(f"cannot write {path}: {error.strerror}; choose another path") from error


def _report(dataset: Dataset, problem: Problem, solution: Solution) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "data": dataset.name,
        "n": problem.n_points,
        "d": problem.n_features,
        "k": problem.n_neighbors,
        "mu": problem.mu,
        "triplets": problem.n_triplets,
        **solution.summary(),
        "message": solution.status.value,
    }


def _print_solution(dataset: Dataset, problem: Problem, solution: Solution) -> None:
    """What ``solve`` prints."""
    k, mu = problem.n_neighbors, problem.mu
    click.echo(f"{dataset.name}: {problem.n_points} points, {problem.n_features} features, k = {k}, mu = {mu:g}")
    click.echo(f"  triplets       {problem.n_triplets:,}, {solution.certificate.active_triplets:,} violated")
    click.echo(f"  objective      {solution.objective:.10g}   (over all triplets)")
    click.echo(f"  lower bound    {solution.lower_bound:.10g}   (proved)")
    click.echo(f"  relative gap   {solution.relative_gap:.1e}")
    click.echo(f"  rank of M      {solution.certificate.rank} of {problem.n_features}")
    click.echo(f"  solver         {solution.solver}, {len(solution.history)} rounds, {solution.seconds:.2f} s")
    click.echo(f"  {solution.status.value}")


def _print_table(solutions: list[Solution]) -> None:
    """A row for each solver."""
    click.echo(f"{'solver':<10}{'objective':>16}{'lower bound':>16}{'gap':>10}{'rank':>6}{'seconds':>9}  status")
    for s in solutions:
        click.echo(
            f"{s.solver:<10}{s.objective:>16.9g}{s.lower_bound:>16.9g}{s.relative_gap:>10.1e}"
            f"{s.certificate.rank:>6}{s.seconds:>9.2f}  {s.status.name}"
        )


def _draw(problem: Problem, solution: Solution, name: str, folder: Path) -> None:
    """Every figure that one solution gives."""
    histories = {solution.solver: solution.history}
    if solution.history:
        plots.save(plots.convergence(histories, name), folder, f"{name}_convergence")
        plots.save(
            plots.working_set({name: solution.history}, {name: problem.n_triplets}), folder, f"{name}_working_set"
        )
    edges, before, after = margin_histogram(problem, solution)
    plots.save(plots.margins(edges, before, after, f"Margins of {name}"), folder, f"{name}_margins")
    if np.any(solution.M):
        plots.save(plots.spectrum({name: spectrum(solution)}), folder, f"{name}_spectrum")
    if problem.n_features == 2:
        plots.save(plots.plane(problem, solution.M), folder, f"{name}_plane")
