"""Command line: ``lmnn-sdp solve | audit | compare | verify | export``."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np

from lmnn_sdp.analysis.audit import audit
from lmnn_sdp.analysis.metric_files import read_metric
from lmnn_sdp.analysis.summaries import largest_difference, margin_histogram, spectrum
from lmnn_sdp.cli.options import (
    check_writable,
    figures_option,
    prints_result,
    takes_data,
    takes_problem,
    time_limit_option,
    tol_option,
)
from lmnn_sdp.cli.reports import (
    audit_as_json,
    comparison_as_json,
    print_audit,
    print_comparison,
    print_solution,
    print_table,
    solution_as_json,
)
from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.display.progress import Progress
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.sdp import SlackSDP, write_sdpa
from lmnn_sdp.solvers.solution import Solution, Status
from lmnn_sdp.solvers.solve import SOLVERS, solve

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
@click.version_option(package_name="lmnn-sdp", prog_name="lmnn-sdp")
def cli() -> None:
    """Exact LMNN metric learning: the optimum of the semidefinite program, with proof.

    DATA is a built-in name (balance_scale, breast_cancer, digits, iris, wine) or the path of a CSV, TSV or NPZ file.
    """


@cli.command("solve")
@takes_problem
@click.option("--solver", default="auto", help=f"auto, {', '.join(SOLVERS)} or cvxpy:NAME.")
@tol_option("Relative gap at which to stop.")
@click.option("--max-iter", type=int, help="Iterations or rounds at most.")
@time_limit_option("Seconds at most.")
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
@figures_option
@prints_result
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
    check_writable(out, checkpoint, folder=figures)
    first = None if start is None else Solution.load(start)
    with Progress(quiet=quiet, tol=tol) as progress, _status_instead_of_warning():
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
@tol_option("Relative width of the optimum's interval at which to stop.")
@time_limit_option("Seconds at most.")
@prints_result
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
    with Progress(quiet=quiet, tol=tol) as progress, _status_instead_of_warning():
        found = audit(problem, metric.M, tol=tol, time_limit=time_limit, callback=progress)
    if as_json:
        click.echo(json.dumps(audit_as_json(name, problem, metric, found), indent=2))
    else:
        print_audit(name, problem, metric, found)
    sys.exit(_exit_code(found.solution.status))


@cli.command("compare")
@takes_data
@click.option("--components", type=int, help="Dimensions of the learned space; by default as many as it needs.")
@click.option("--splits", default=10, help="Random stratified splits into a training and a test part.")
@click.option("--test-size", default=0.3, help="Share of the points to test on.")
@click.option("--classifier-neighbors", default=3, help="Neighbours that vote on the class of a test point.")
@click.option("--seed", default=0, help="Chooses the splits.")
@tol_option("Relative gap at which each solve stops.", default=1e-4)
@time_limit_option("Seconds at most for each solve.")
@figures_option
@prints_result
def compare_command(
    dataset: Dataset,
    neighbors: int | str,
    mu: float,
    reg: float,
    standardize: bool,
    points: int | None,
    components: int | None,
    splits: int,
    test_size: float,
    classifier_neighbors: int,
    seed: int,
    tol: float,
    time_limit: float | None,
    figures: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Tell whether the metric helps k-NN on held-out points of DATA, before and after on the same splits.

    With --standardize every split takes mean and variance from its training part alone. Exits with 0 whether the
    metric helps or not, with 1 when a solver stopped before --tol, with 130 after Ctrl-C.
    """
    from lmnn_sdp.analysis.comparison import compare  # they need scikit-learn, which is slow to import
    from lmnn_sdp.estimators.lmnn import LMNN

    check_writable(folder=figures)
    if points is not None:
        dataset = dataset.sample(points)
    learner = LMNN(
        n_neighbors=neighbors,
        mu=mu,
        reg=reg,
        n_components=components,
        tol=tol,
        time_limit=time_limit,
        verbose=not quiet,
    )
    try:
        with _status_instead_of_warning():
            found = compare(
                dataset.X,
                dataset.y,
                estimator=learner,
                classifier_neighbors=classifier_neighbors,
                n_splits=splits,
                test_size=test_size,
                standardize=standardize,
                random_state=seed,
            )
    except KeyboardInterrupt:
        click.echo("Interrupted before the last split was done, so there is no comparison.", err=True)
        sys.exit(INTERRUPTED_EXIT)
    if figures is not None:
        from lmnn_sdp import plots

        plots.save(plots.comparison(found, dataset.name), figures, f"{dataset.name}_comparison")
    if as_json:
        click.echo(json.dumps(comparison_as_json(dataset, learner, found), indent=2))
    else:
        print_comparison(dataset, learner, found)
    sys.exit(int(found.stopped_early > 0))


@cli.command("verify")
@takes_problem
@tol_option("Relative gap at which each solver stops.")
@prints_result
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
        with Progress(solver, quiet, tol) as progress, _status_instead_of_warning():
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
    check_writable(out)
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
