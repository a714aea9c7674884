"""``lmnn-sdp audit``: how far a metric is from the optimum."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from lmnn_sdp.analysis.audit import audit
from lmnn_sdp.analysis.metric_files import read_metric
from lmnn_sdp.cli.exits import exit_code, status_instead_of_warning
from lmnn_sdp.cli.options import FROM_FILE, OutputOptions, ProblemOptions, takes, time_limit_option, tol_option
from lmnn_sdp.cli.reports import audit_as_json, print_audit
from lmnn_sdp.display.progress import Progress


@click.command("audit")
@click.option(
    "--metric", "path", type=FROM_FILE, required=True, help="File of the metric (.npz, .npy, .csv, .tsv, .txt)."
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(["L", "M"]),
    help="The file holds M, or a linear map L with M = L'L. By default its array's name tells, or else its symmetry.",
)
@takes(options=ProblemOptions, output=OutputOptions)
@tol_option("Relative width of the optimum's interval at which to stop.")
@time_limit_option("Seconds at most.")
def audit_command(
    data: str,
    options: ProblemOptions,
    path: Path,
    kind: str | None,
    tol: float,
    time_limit: float | None,
    output: OutputOptions,
) -> None:
    """Tell how far a metric from anywhere is from the optimum on DATA.

    The metric acts on the features as the solver sees them: with --standardize, on standardised ones. Exits with 0 when
    the optimum is known to --tol, with 1 when the solver stopped before, with 130 after Ctrl-C; the interval printed is
    proved in every case.
    """
    named = options.problem(data, output.silent)
    metric = read_metric(path, named.problem.n_features, kind)
    with Progress(quiet=output.quiet, tol=tol) as progress, status_instead_of_warning():
        found = audit(named.problem, metric.M, tol=tol, time_limit=time_limit, callback=progress)
    if output.as_json:
        click.echo(json.dumps(audit_as_json(named, metric, found), indent=2))
    else:
        print_audit(named, metric, found)
    sys.exit(exit_code(found.solution.status))
