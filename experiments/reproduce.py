"""Weinberger & Saul (2009) again: Table 1, each cell beside the paper's and each LMNN with its proved gap.

The data are read from the folder that LMNN_SDP_DATA names (see `lmnn_sdp.datasets.load`); wine, iris and balance scale
need none. Results are kept one by one in out/reproduction, or in that folder below --out, so that a run that was ended
goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from functools import partial
from pathlib import Path

import joblib

from harness import bench, paper_data
from harness.paths import OUT, RESULTS
from harness.reproduction import paper, report, store
from harness.reproduction.methods import METHODS
from harness.reproduction.protocol import CASES
from harness.reproduction.runner import run
from lmnn_sdp.datasets import DATASETS
from lmnn_sdp.datasets.local_files import VARIABLE

#: Columns and splits of the quick size, of which the first three need no files.
QUICK = {"bal": 2, "wine": 2, "iris": 2, "letters-part": 1}
#: Left to the full size: a grid of settings, which is in no cell of the table.
NOT_QUICK = ("settings",)


def main() -> None:
    """Run what is asked for and is not there yet, then write results and pages."""
    chosen = _options()
    paper_data.folder()
    columns = [column for column in chosen.only or (QUICK if chosen.quick else paper.COLUMNS) if _is_here(column)]
    splits = QUICK if chosen.quick else dict.fromkeys(columns, chosen.splits) if chosen.splits else {}
    try:
        methods = chosen.methods or [name for name in METHODS if not (chosen.quick and name in NOT_QUICK)]
        wanted = store.tasks(columns, methods, splits)
    except ValueError as error:
        sys.exit(_refused(error))
    folder = (chosen.out or OUT) / "reproduction" / store.code()
    if not chosen.gather:
        _tell_of_other_code(folder)
        try:
            with _backend(chosen.dask):
                run(folder, wanted, chosen.jobs, chosen.minutes)
        except store.NotKeptError as error:
            sys.exit(str(error))
    sources = [_source(path) for path in chosen.gather or [folder]]
    records = [record for task in wanted if (record := store.first(sources, task)) is not None]
    print(report.text(report.summary(records)))
    out = chosen.out or (OUT / "quick" if chosen.quick else RESULTS)
    try:
        path = bench.write("reproduce", bench.Options(chosen.quick, out), report.packed(records))
    except OSError as error:
        sys.exit(f"{out} takes no table: {error.strerror or error}. All results are whole; make room and run again")
    print(f"{len(records)} of {len(wanted)} cells on a split; {path}")


def _options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="iris, wine, bal and a part of letters; to out/quick")
    parser.add_argument("--only", nargs="+", metavar="DATA", help=f"of {', '.join(CASES)}")
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--splits", type=int, help="of each data set, instead of those that the table has")
    parser.add_argument("--jobs", type=int, default=1, help="splits at a time")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin nothing after so many minutes")
    parser.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster whose workers run the splits")
    parser.add_argument(
        "--gather",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="run nothing: collect what is in these folders of results, or in files that were written of such, each "
        "result with the commit that made it; of two results of a cell the one of the path named first",
    )
    parser.add_argument("--out", type=Path, help="folder of the result file")
    return parser.parse_args()


def _source(path: Path) -> store.Source:
    """Results one by one in a folder, or those of a file that was written of some."""
    if path.is_dir():
        return partial(store.read, path)
    return {store.Task(**record["task"]): record for record in report.unpacked(json.loads(path.read_text()))}.get


def _refused(error: ValueError) -> int:
    """Exit code of a call that names what there is not."""
    print(error, file=sys.stderr)
    return 2


def _tell_of_other_code(folder: Path) -> None:
    """One line where results of other code are at hand, which are not used."""
    if others := store.of_other_code(folder):
        named = ", ".join(f"{name} ({count})" for name, count in others.items())
        print(f"results of other code in {folder.parent} are not used: {named}", file=sys.stderr)


def _is_here(column: str) -> bool:
    """Whether the data of a column are on this machine; tells what is left out."""
    if column not in CASES or CASES[column].data in DATASETS or paper_data.folder():
        return True
    print(f"{column} is left out: {VARIABLE} names no folder with its files", file=sys.stderr)
    return False


def _backend(address: str | None) -> contextlib.AbstractContextManager[object]:
    """Workers of this machine, or of a cluster."""
    if address is None:
        return contextlib.nullcontext()
    from distributed import Client  # only for those who have a cluster

    Client(address, timeout=10)
    return joblib.parallel_config(backend="dask")


if __name__ == "__main__":
    main()
