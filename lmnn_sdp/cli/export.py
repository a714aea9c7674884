"""``lmnn-sdp export``: the SDP for other solvers."""

from __future__ import annotations

from pathlib import Path

import click

from lmnn_sdp.cli.options import TO_FILE, ProblemOptions, check_outputs, takes
from lmnn_sdp.problem.sdpa import export_sdpa


@click.command("export")
@takes(options=ProblemOptions)
@click.option("--out", type=TO_FILE, required=True, help="File to write (.dat-s).")
@click.option("--map", "map_path", type=TO_FILE, help="File of the map back, W (.npz).  [default: OUT.map.npz]")
def export_command(data: str, options: ProblemOptions, out: Path, map_path: Path | None) -> None:
    """Write the slack SDP over all triplets as an SDPA sparse file, for any SDP solver.

    It is written in whitened coordinates, in which solvers keep their digits: with N, the first block of their answer
    (r x r), and the array W of the map's file, the metric in the units of the data is M = W'NW. CSDP and SDPA print
    minus the optimum; DSDP and sdpa-python print the optimum itself.
    """
    beside = map_path or out.with_name(f"{out.name}.map.npz")
    check_outputs(out, beside, data=data)
    named = options.problem(data, quiet=False)
    r, d = export_sdpa(named.problem, out, beside).W.shape
    click.echo(f"{out}: {named.problem.n_triplets:,} triplets of {named.name}, N of {r} x {r} in whitened coordinates")
    click.echo(f"{beside}: W of {r} x {d}; the metric in the units of the data is M = W'NW")
    click.echo("CSDP and SDPA print minus the optimum; DSDP and sdpa-python print the optimum itself")
