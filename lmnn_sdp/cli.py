"""Command line: ``lmnn-sdp solve | audit | verify | export``."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click
import numpy as np

import lmnn_sdp
from lmnn_sdp.audit import audit
from lmnn_sdp.datasets import DATASETS, Dataset, load
from lmnn_sdp.metric_files import read_metric
from lmnn_sdp.problem import Problem
from lmnn_sdp.progress import Progress
from lmnn_sdp.reports import audit_as_json, print_audit, print_solution, print_table, solution_as_json
from lmnn_sdp.sdp import SlackSDP, write_sdpa
from lmnn_sdp.solution import Solution, Status
from lmnn_sdp.solvers import SOLVERS, solve
from lmnn_sdp.summaries import largest_difference, margin_histogram, spectrum
from lmnn_sdp.tables import read_table

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


def _neighbors(text: str) -> int | str:
    """An integer, or the word auto."""
    try:
        return text if text == "auto" else int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither an integer nor auto") from None


def takes_problem(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that define a problem; the command gets the data's name and the problem built from them."""

    @wraps(command)
    def with_problem(
        data: str,
        label: str | None,
        neighbors: int | str,
        mu: float,
        reg: float,
        standardize: bool,
        points: int | None,
        **options: Any,
    ) -> None:
        dataset = _load(data, label, standardize, points)
        command(dataset.name, Problem.from_data(dataset.X, dataset.y, neighbors, mu, reg=reg), **options)

    decorators = [
        click.argument("data"),
        click.option("--label", help="Label column: name or position (CSV, TSV), or array name (NPZ)."),
        click.option(
            "-k",
            "--neighbors",
            type=_neighbors,
            metavar="INTEGER|auto",
            default=3,
            help="Target neighbours of each point; auto: 3, or as many as the smallest class allows.",
        ),
        click.option("--mu", default=0.5, help="Weight of the push term, in (0, 1)."),
        click.option("--reg", default=0.0, help="Weight of a trace penalty on M."),
        click.option("--standardize", is_flag=True, help="Give every feature zero mean and unit variance first."),
        click.option("--points", type=int, help="Use a random sample of about that many points."),
    ]
    for decorate in reversed(decorators):
        with_problem = decorate(with_problem)
    return with_problem


@cli.command("solve")
@takes_problem
@click.option("--solver", default="auto", help=f"auto, {', '.join(SOLVERS)} or cvxpy:NAME.")
@click.option("--tol", default=1e-6, help="Relative gap at which to stop.")
@click.option("--max-iter", type=int, help="Iterations or rounds at most.")
@click.option("--time-limit", type=float, help="Seconds at most.")
@click.option(
    "--start",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Begin at a saved solution (.npz) on the same features, of this problem or of one like it.",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the best solution so far on the way (.npz); to go on from it later, give it to --start too.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Save the solution (.npz).")
@click.option("--figures", type=click.Path(file_okay=False, path_type=Path), help="Draw figures into this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress; print nothing but the result.")
def solve_command(
    name: str,
    problem: Problem,
    solver: str,
    tol: float,
    max_iter: int | None,
    time_limit: float | None,
    start: Path | None,
    checkpoint: Path | None,
    out: Path | None,
    figures: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Learn a metric and prove how close it is to the optimum.

    Exits with 0 when the gap reached --tol, with 1 when the solver stopped before, with 130 after Ctrl-C; the best
    certified metric is printed and saved in every case.

    A solve that was killed goes on where its checkpoint ends: first run with --checkpoint FILE, then again with
    --start FILE --checkpoint FILE.
    """
    _check_writable(out, checkpoint, folder=figures)
    first = None if start is None else Solution.load(start)
    with Progress(quiet=quiet) as progress, _status_instead_of_warning():
        solution = solve(problem, solver, tol, max_iter, time_limit, progress, first, checkpoint)
    if out is not None:
        solution.save(out)
    if figures is not None:
        _draw(problem, solution, name, figures)
    if as_json:
        click.echo(json.dumps(solution_as_json(name, problem, solution), indent=2))
    else:
        print_solution(name, problem, solution)
    sys.exit(_exit_code(solution.status))


@cli.command("audit")
@takes_problem
@click.option(
    "--metric",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="File of the metric (.npz, .npy, .csv, .tsv).",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(["L", "M"]),
    help="The file holds M, or a linear map L with M = L'L. By default its array's name tells, or else its symmetry.",
)
@click.option("--tol", default=1e-6, help="Relative width of the optimum's interval at which to stop.")
@click.option("--time-limit", type=float, help="Seconds at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress; print nothing but the result.")
def audit_command(
    name: str,
    problem: Problem,
    path: Path,
    kind: str | None,
    tol: float,
    time_limit: float | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Tell how far a metric from anywhere is from the optimum on DATA.

    The metric acts on the features as the solver sees them: with --standardize, on standardised ones. Exits with 0 when
    the optimum is known to --tol, with 1 when the solver stopped before, with 130 after Ctrl-C; the interval printed is
    proved in every case.
    """
    metric = read_metric(path, problem.n_features, kind)
    with Progress(quiet=quiet) as progress, _status_instead_of_warning():
        found = audit(problem, metric.M, tol=tol, time_limit=time_limit, callback=progress)
    if as_json:
        click.echo(json.dumps(audit_as_json(name, problem, metric, found), indent=2))
    else:
        print_audit(name, problem, metric, found)
    sys.exit(_exit_code(found.solution.status))


@cli.command("verify")
@takes_problem
@click.option("--tol", default=1e-6, help="Relative gap at which each solver stops.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress.")
def verify_command(name: str, problem: Problem, tol: float, as_json: bool, quiet: bool) -> None:
    """Run every solver on a small problem and compare their certified intervals.

    Exits with 1 if two intervals do not overlap: then at least one certificate would be wrong.
    """
    if problem.n_triplets > MAX_VERIFY_TRIPLETS:
        raise click.ClickException(
            f"{problem.n_triplets:,} triplets are too many for the solvers with a row for each (limit "
            f"{MAX_VERIFY_TRIPLETS:,}); add --points N for a random sample"
        )
    solutions = []
    for solver in SOLVERS:
        with Progress(solver, quiet) as progress, _status_instead_of_warning():
            solutions.append(solve(problem, solver, tol, None, None, progress))
    overlap = all(a.certificate.overlaps(b.certificate) for a in solutions for b in solutions)
    difference = largest_difference([solution.M for solution in solutions])
    if as_json:
        report = {"solutions": [solution_as_json(name, problem, solution) for solution in solutions]}
        click.echo(json.dumps({**report, "overlap": overlap, "largest_difference": difference}, indent=2))
    else:
        print_table(solutions)
        click.echo(f"largest difference between two metrics, relative to their largest entry: {difference:.1e}")
        click.echo("all certified intervals overlap" if overlap else "two certified intervals do NOT overlap")
    sys.exit(int(not overlap))


@cli.command("export")
@takes_problem
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write (.dat-s).")
def export_command(name: str, problem: Problem, out: Path) -> None:
    """Write the slack SDP over all triplets as an SDPA sparse file, for any SDP solver."""
    _check_writable(out)
    write_sdpa(SlackSDP.of(problem), out)
    click.echo(
        f"{out}: {problem.n_triplets:,} triplets of {name}, d = {problem.n_features}; the optimum is minus its value"
    )


@contextmanager
def _status_instead_of_warning() -> Iterator[None]:
    """No ConvergenceWarning: the status is printed."""
    from sklearn.exceptions import ConvergenceWarning  # slow to import; ``--help`` need not wait for it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _exit_code(status: Status) -> int:
    """0 when the tolerance was reached, 1 when not, 130 after Ctrl-C as is the custom."""
    return INTERRUPTED_EXIT if status is Status.INTERRUPTED else int(not status.solved)


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


def _check_writable(*files: Path | None, folder: Path | None = None) -> None:
    """Fail before the solve, not after it, when a result could not be written."""
    wanted = [(path, path.parent) for path in files if path is not None]
    for path, parent in wanted if folder is None else [*wanted, (folder, folder)]:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            probe = parent / f".lmnn-sdp-{os.getpid()}"
            probe.touch()
            probe.unlink()
            if path.is_file():
                path.open("ab").close()
        except OSError as error:
            raise click.ClickException(f"cannot write {path}: {error.strerror}; choose another path") from error


def _draw(problem: Problem, solution: Solution, name: str, folder: Path) -> None:
    """Every figure that one solution gives."""
    from lmnn_sdp import plots  # Matplotlib is slow to import

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
