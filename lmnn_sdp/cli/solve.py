"""``lmnn-sdp solve``: learn a metric."""

from __future__ import annotations

import json
import math
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from lmnn_sdp.analysis.summaries import margin_histogram, spectrum
from lmnn_sdp.cli.exits import exit_code, status_instead_of_warning
from lmnn_sdp.cli.options import (
    FROM_FILE,
    TO_FILE,
    FamilyOptions,
    NamedProblem,
    OutputOptions,
    check_outputs,
    figures_option,
    option,
    takes,
)
from lmnn_sdp.cli.reports import passes_as_json, print_passes, print_solution, solution_as_json
from lmnn_sdp.display.progress import Progress
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.cut import cut
from lmnn_sdp.solvers.low_rank import best_map
from lmnn_sdp.solvers.passes import SolvedPass, in_passes
from lmnn_sdp.solvers.solution import Solution
from lmnn_sdp.solvers.solve import SOLVERS, can_begin, solve
from lmnn_sdp.validation import check_components

RANDOM_STARTS = 2  # of --low-rank, beside those from the optimum and from PCA


@dataclass(frozen=True)
class SolveOptions:
    """How the problem is solved, and what is kept."""

    solver: str = option("--solver", default="auto", help=f"auto, {', '.join(SOLVERS)} or cvxpy:NAME.")
    components: int | None = option(
        "--components", type=int, help="Cut the metric to its leading directions, and certify the cut metric."
    )
    low_rank: int | None = option(
        "--low-rank",
        metavar="ROWS",
        type=int,
        help="Learn a map of so many rows instead, by descents from several starts, and prove its price.",
    )
    passes: int = option(
        "--passes",
        default=1,
        type=click.IntRange(min=1),
        help="Choose the targets again under the learned metric and solve again, so often or until they repeat.",
    )
    tol: float = option("--tol", default=1e-6, help="Relative gap at which to stop.")
    max_iter: int | None = option("--max-iter", type=int, help="Iterations or rounds at most.")
    time_limit: float | None = option("--time-limit", type=float, help="Seconds at most, of each pass.")
    start: Path | None = option(
        "--start",
        type=FROM_FILE,
        help="Begin at a saved solution (.npz) on the same features, of this problem or of one like it.",
    )
    checkpoint: Path | None = option(
        "--checkpoint",
        type=TO_FILE,
        help="Save the best solution so far on the way (.npz); to go on from it later, give it to --start too.",
    )
    out: Path | None = option("--out", type=TO_FILE, help="Save the solution (.npz).")
    dask: str | None = option(
        "--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster whose workers share the work (tcp://HOST:PORT)."
    )


@click.command("solve")
@takes(options=FamilyOptions, how=SolveOptions, output=OutputOptions)
@figures_option
def solve_command(
    data: str, options: FamilyOptions, how: SolveOptions, output: OutputOptions, figures: Path | None
) -> None:
    """Learn a metric and prove how close it is to the optimum.

    Exits with 0 when the gap reached --tol, with 1 when the solver stopped before, with 130 after Ctrl-C; the best
    certified metric is printed and saved in every case.

    A solve that was killed goes on where its checkpoint ends: first run with --checkpoint FILE, then again with
    --start FILE --checkpoint FILE.
    """
    check_outputs(how.out, how.checkpoint, folder=figures, data=data)
    with running(how.dask):
        named = options.problem(data, output.silent)
        _check_rows(how, named.problem)
        first = None if how.start is None else Solution.load(how.start)
        with Progress(quiet=output.quiet, tol=how.tol) as progress, status_instead_of_warning():
            found = _solved(named.problem, how, progress, first)
            if not output.silent:
                print_passes(found)
            problem, solution = found[-1].problem, found[-1].solution
            named = replace(named, problem=problem)
            kept = _kept(problem, solution, how)
    if options.kernel is not None:
        _warn_if_it_fits_anything(named.problem, kept)
    if how.out is not None:
        kept.save(how.out)
    if figures is not None:
        _draw(named, kept, figures)
    if output.as_json:
        click.echo(json.dumps({**solution_as_json(named, solution, kept), **passes_as_json(found)}, indent=2))
    else:
        print_solution(named, solution, kept)
    sys.exit(exit_code(solution.status))


def _check_rows(how: SolveOptions, problem: Problem) -> None:
    """Fail before the solve where the map that is asked for cannot be had."""
    if how.components is not None and how.low_rank is not None:
        raise click.UsageError("--components cuts the optimum and --low-rank descends from it; choose one of them")
    check_components(how.components, problem.n_features)
    check_components(how.low_rank, problem.n_features)
    if how.low_rank is not None and (problem.blocks is not None or problem.diagonal):
        raise click.UsageError("--low-rank learns a single full metric; leave out --metrics and --structure")


def _solved(problem: Problem, how: SolveOptions, progress: Progress, first: Solution | None) -> list[SolvedPass]:
    """Every pass; the first begins at the start that was given, a later one at the pass before, if the solver can."""

    def solve_one(problem: Problem, before: Solution | None) -> Solution:
        start = first if before is None else before if can_begin(how.solver) else None
        return solve(problem, how.solver, how.tol, how.max_iter, how.time_limit, progress, start, how.checkpoint)

    return in_passes(problem, solve_one, how.passes)


def _kept(problem: Problem, solution: Solution, how: SolveOptions) -> Solution:
    """The metric with the rows asked for, certified anew: leading ones, or learned ones."""
    if how.low_rank is None:
        return cut(problem, solution, how.components)
    deadline = math.inf if how.time_limit is None else time.monotonic() + how.time_limit
    return best_map(problem, solution, how.low_rank, RANDOM_STARTS, np.random.RandomState(0), deadline).solution


def _warn_if_it_fits_anything(problem: Problem, kept: Solution) -> None:
    """Tell on standard error where so many kernel coordinates part nearly any labels."""
    from lmnn_sdp.estimators.kernel_lmnn import fits_anything  # scikit-learn is slow to import

    if (warning := fits_anything(problem, kept.objective)) is not None:
        click.echo(f"Warning: {warning}", err=True)


def _draw(named: NamedProblem, solution: Solution, folder: Path) -> None:
    """Every figure that one solution gives."""
    from lmnn_sdp import plots  # Matplotlib is slow to import

    name, problem = named.name, named.problem
    histories = {solution.solver: solution.history}
    if solution.history:
        plots.save(plots.convergence(histories, name), folder, f"{name}_convergence")
        plots.save(
            plots.working_set({name: solution.history}, {name: problem.n_triplets}), folder, f"{name}_working_set"
        )
    edges, before, after = margin_histogram(problem, solution)
    plots.save(plots.margins(edges, before, after, name), folder, f"{name}_margins")
    if np.any(solution.M):
        dimensions = problem.n_features * (1 if problem.blocks is None else len(problem.blocks))
        plots.save(plots.spectrum({name: spectrum(solution)}, {name: dimensions}), folder, f"{name}_spectrum")
    if problem.n_features == 2 and problem.blocks is None:
        plots.save(plots.plane(problem, solution.M), folder, f"{name}_plane")
