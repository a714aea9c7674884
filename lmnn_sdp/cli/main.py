"""Command line: ``lmnn-sdp solve | diagnose | audit | compare | verify | prove | check | export``."""

from __future__ import annotations

import click

from lmnn_sdp.cli.audit import audit_command
from lmnn_sdp.cli.check import check_command
from lmnn_sdp.cli.compare import compare_command
from lmnn_sdp.cli.diagnose import diagnose_command
from lmnn_sdp.cli.exits import EXIT_CODES, Group
from lmnn_sdp.cli.export import export_command
from lmnn_sdp.cli.prove import prove_command
from lmnn_sdp.cli.solve import solve_command
from lmnn_sdp.cli.verify import verify_command


@click.group(
    cls=Group, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}, epilog=EXIT_CODES
)
@click.version_option(package_name="lmnn-sdp", prog_name="lmnn-sdp")
def main() -> None:
    """Exact LMNN metric learning: the optimum of the semidefinite program, with proof.

    DATA is a built-in name (balance_scale, breast_cancer, digits, iris, wine) or the path of a file: delimited text
    (.csv, .tsv, .txt, .data), ARFF, Parquet or NPZ. For files, --label or --label-position tells the label column.
    """


for command in (
    solve_command,
    diagnose_command,
    audit_command,
    compare_command,
    verify_command,
    prove_command,
    check_command,
    export_command,
):
    main.add_command(command)
