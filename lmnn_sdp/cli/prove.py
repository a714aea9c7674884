"""``lmnn-sdp prove``: a solution as a proof that others can check."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from lmnn_sdp.cli.exits import exit_code, status_instead_of_warning
from lmnn_sdp.cli.options import (
    TO_FILE,
    OutputOptions,
    ProblemOptions,
    check_outputs,
    takes,
    time_limit_option,
    tol_option,
)
from lmnn_sdp.display.progress import Progress
from lmnn_sdp.proof.proof_files import prove
from lmnn_sdp.solvers.solve import solve


@click.command("prove")
@takes(options=ProblemOptions, output=OutputOptions)
@tol_option("Relative gap at which to stop.")
@time_limit_option("Seconds at most.")
@click.option("--out", type=TO_FILE, required=True, help="File of the proof (.npz).")
def prove_command(
    data: str, options: ProblemOptions, tol: float, time_limit: float | None, out: Path, output: OutputOptions
) -> None:
    """Solve, and write a proof of the optimum's interval that `lmnn-sdp check` or the file checker.py alone can check.

    Exits with 0 when the gap reached --tol, with 1 when the solver stopped before; the proof is written in both cases.
    """
    check_outputs(out)
    named = options.problem(data, output.silent)
    with Progress(quiet=output.quiet, tol=tol) as progress, status_instead_of_warning():
        solution = solve(named.problem, tol=tol, time_limit=time_limit, callback=progress)
    proof = prove(named.problem, solution.L, solution.triplets, solution.alpha)
    proof.save(out)
    verdict = proof.verdict
    if output.as_json:
        report = {"data": named.name, "lower": verdict.lower, "upper": verdict.upper, "of": verdict.words}
        click.echo(json.dumps({**report, "status": solution.status.name, "proof": str(out)}, indent=2))
    else:
        click.echo(f"{verdict}\n{out}: {solution.message}")
    sys.exit(exit_code(solution.status))
