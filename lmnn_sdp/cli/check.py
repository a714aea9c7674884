"""``lmnn-sdp check``: whether a proof proves what it claims."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from lmnn_sdp.cli.exits import STOPPED
from lmnn_sdp.cli.options import FROM_FILE, OutputOptions, ProblemOptions, takes
from lmnn_sdp.numerics.array_files import read_arrays
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.proof.checker import Verdict
from lmnn_sdp.proof.proof_files import Arrays, check_for


@click.command("check")
@takes(options=ProblemOptions, output=OutputOptions)
@click.argument("proof", type=FROM_FILE)
@click.option("--exact", is_flag=True, help="Compute the interval again in rational arithmetic, for small problems.")
def check_command(data: str, options: ProblemOptions, proof: Path, exact: bool, output: OutputOptions) -> None:
    """Check the file PROOF, from `lmnn-sdp prove`, anew from DATA, with the options that it was made with.

    Prints PROVED and the interval that holds the optimum, rounded outwards, and exits with 0; or REFUTED and why, and
    exits with 1. What is trusted is one file of NumPy, lmnn_sdp/proof/checker.py, which also runs alone.
    """
    problem = options.problem(data, output.silent).problem
    try:
        arrays = read_arrays(proof)
    except ValueError as error:  # a damaged file proves nothing
        verdict = Verdict(False, str(error))
    else:
        verdict = check_for(problem, arrays)
        if exact and verdict.proved:
            verdict = _exactly(problem, arrays, verdict)
    if output.as_json:
        interval = {"lower": verdict.lower, "upper": verdict.upper} if verdict.proved else {}
        click.echo(json.dumps({"proved": verdict.proved, **interval, "words": verdict.words}, indent=2))
    else:
        click.echo(verdict)
    sys.exit(0 if verdict.proved else STOPPED)


def _exactly(problem: Problem, arrays: Arrays, verdict: Verdict) -> Verdict:
    """The same in rational arithmetic."""
    from lmnn_sdp.proof.exact import exact_of_map  # python-flint is slow to import

    left_out = tuple(arrays["left_out"].tolist())
    found = exact_of_map(problem, arrays["L"], arrays["triplets"], arrays["alpha"], left_out)
    if found.scale < 1:
        return Verdict(False, "the dual slack S(alpha) is not PSD in rational arithmetic")
    words = f"{verdict.words}, in rational arithmetic"
    return replace(verdict, words=words, lower=found.lower_bound, upper=found.objective)
