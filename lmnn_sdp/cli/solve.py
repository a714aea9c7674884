"""``lmnn-sdp solve``: learn a metric."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
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
from lmnn_sdp.cli.reports import print_solution, solution_as_json
from lmnn_sdp.display.progress import Progress
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.cut import cut
from lmnn_sdp.solvers.solution import Solution
from lmnn_sdp.solvers.solve import SOLVERS, solve
from lmnn_sdp.validation import check_components


@dataclass(frozen=True)
class SolveOptions:
    """How the problem is solved, and what is kept."""

    solver: str = option("--solver", default="auto", help=f"auto, {', '.join(SOLVERS)} or cvxpy:NAME.")
    components: int | None = option(
        "--components", type=int, help="Cut the metric to its leading directions, and certify the cut metric."
    )
    tol: float = option("--tol", default=1e-6, help="Relative gap at which to stop.")
    max_iter: int | None = option("--max-iter", type=int, help="Iterations or rounds at most.")
    time_limit: float | None = option("--time-limit", type=float, help="Seconds at most.")
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
        check_components(how.components, named.problem.n_features)
        first = None if how.start is None else Solution.load(how.start)
        with Progress(quiet=output.quiet, tol=how.tol) as progress, status_instead_of_warning():
            solution = solve(
                named.problem, how.solver, how.tol, how.max_iter, how.time_limit, progress, first, how.checkpoint
            )
    kept = cut(named.problem, solution, how.components)
    if options.kernel is not None:
        _warn_if_it_fits_anything(named.problem, kept)
    if how.out is not None:
        kept.save(how.out)
    if figures is not None:
        _draw(named, kept, figures)
    if output.as_json:
        click.echo(json.dumps(solution_as_json(named, solution, kept), indent=2))
    else:
        print_solution(named, solution, kept)
    sys.exit(exit_code(solution.status))


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
        plots.save(plots.spectrum({name: spectrum(solution)}), folder, f"{name}_spectrum")
    if problem.n_features == 2 and problem.blocks is None:
        plots.save(plots.plane(problem, solution.M), folder, f"{name}_plane")
