"""``lmnn-sdp verify``: every solver on one problem."""

from __future__ import annotations

import json
import sys

import click

from lmnn_sdp.analysis.summaries import largest_difference
from lmnn_sdp.cli.exits import STOPPED, status_instead_of_warning
from lmnn_sdp.cli.options import OutputOptions, ProblemOptions, takes, tol_option
from lmnn_sdp.cli.reports import print_table, solution_as_json
from lmnn_sdp.display.progress import Progress
from lmnn_sdp.solvers.solve import SOLVERS, solve

MAX_TRIPLETS = 100_000  # a conic solver with a row for each of them needs about half a minute
QUICK_TRIPLETS = 5_000  # up to here all solvers together need seconds


@click.command("verify")
@takes(options=ProblemOptions, output=OutputOptions)
@tol_option("Relative gap at which each solver stops.")
def verify_command(data: str, options: ProblemOptions, tol: float, output: OutputOptions) -> None:
    """Run every solver on a small problem and compare their certified intervals.

    Some solvers keep a row for every triplet, and may take minutes. Exits with 1 if two intervals do not overlap: then
    at least one certificate would be wrong.
    """
    named = options.problem(data, output.silent)
    triplets = named.problem.n_triplets
    if triplets > MAX_TRIPLETS:
        raise ValueError(
            f"{triplets:,} triplets are too many for the solvers with a row for each (limit {MAX_TRIPLETS:,}); add "
            "--points N for a random sample"
        )
    if triplets > QUICK_TRIPLETS and not output.quiet:
        click.echo(f"{triplets:,} triplets: some solvers may take minutes; --points N takes a random sample", err=True)
    solutions = []
    for number, solver in enumerate(SOLVERS, start=1):
        if not output.quiet:
            click.echo(f"{number} of {len(SOLVERS)}: {solver}", err=True)
        with Progress(solver, output.quiet, tol) as progress, status_instead_of_warning():
            solutions.append(solve(named.problem, solver, tol, None, None, progress))
    overlap = all(a.certificate.overlaps(b.certificate) for a in solutions for b in solutions)
    difference = largest_difference([solution.M for solution in solutions])
    if output.as_json:
        report = {"solutions": [solution_as_json(named, solution, solution) for solution in solutions]}
        click.echo(json.dumps({**report, "overlap": overlap, "largest_difference": difference}, indent=2))
    else:
        print_table(solutions)
        click.echo(f"largest difference between two metrics, relative to their largest entry: {difference:.1e}")
        click.echo("all certified intervals overlap" if overlap else "two certified intervals do NOT overlap")
    sys.exit(0 if overlap else STOPPED)
