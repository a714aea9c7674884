"""An engine of Dask workers beside threads, workers that are killed, and data of a size that one process still takes.

Every row is kept in ``out/engines`` as soon as it is done, with the commit and how busy others kept the processors
before it, and is not run again: ``--rows NAME ...`` runs some of them, ``--again`` even those that are there. What is
missing is named in the result. A row that began beside other work (more than `BUSY` processors) says so; of such rows
only ratios within the row count.
MNIST and letters need the paper's files.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from harness import bench
from harness.engines import constants, model, rows
from harness.paths import OUT, RESULTS
from lmnn_sdp.numerics.files import write_text_atomically
from lmnn_sdp.numerics.parallel import threads

BUSY = 0.25  # processors that others use from which a time is not that of a quiet machine
LISTEN = 3.0  # seconds in which that is seen


@dataclass(frozen=True)
class Sizes:
    """Points and tolerances of the rows."""

    same: tuple[tuple[str, int | None], ...]  # data and points (None for all)
    pruned: tuple[tuple[str, int | None], ...]  # the same
    timed: tuple[str, int]
    tol: float
    one_process: tuple[int, int]  # n, d
    stochastic: tuple[int, int, int]  # n, d, steps
    kills: int
    constants: int  # points that the constants of the model are measured on
    least: float | None = None  # multiplications that are handed out, of `DaskEngine`


FULL = Sizes(
    same=(("letters", None), ("mnist", 10_000)),
    pruned=(("letters", None), ("mnist", 10_000), ("synthetic", 20_000)),
    timed=("mnist", 20_000),
    tol=1e-3,
    one_process=(200_000, 50),
    stochastic=(1_000_000, 50, 500),
    kills=20,
    constants=20_000,
)
QUICK = Sizes(
    same=(),
    pruned=(("digits", 300),),
    timed=("digits", 1100),
    tol=0.1,
    one_process=(1_500, 5),
    stochastic=(2_500, 5, 5),
    kills=1,
    constants=1_100,
    least=0.0,
)


def table(sizes: Sizes) -> dict[str, Callable[[], dict[str, Any]]]:
    """Every row by its name, cheapest first."""
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "constants": lambda: constants.measured(sizes.constants),
        "killed": lambda: rows.killed("digits", sizes.kills, sizes.tol),
    }
    for name, points in sizes.same:
        found[f"same {name}"] = lambda name=name, points=points: rows.same(name, points, sizes.tol)  # type: ignore[misc]
    for name, points in sizes.pruned:
        found[f"pruned {name}"] = lambda name=name, points=points: rows.pruned(name, points, sizes.tol)  # type: ignore[misc]
    found["one process"] = lambda: rows.one_process(*sizes.one_process, sizes.tol)
    found["stochastic"] = lambda: rows.stochastic(*sizes.stochastic)
    found["workers"] = lambda: rows.workers(*sizes.timed, sizes.tol, sizes.least)
    return found


def main() -> None:
    """Run what is asked for and not there, and write what there is."""
    chosen = options()
    sizes = QUICK if chosen.quick else FULL
    kept = chosen.out / "engines" if chosen.quick else OUT / "engines"
    kept.mkdir(parents=True, exist_ok=True)
    bench.warm_up()
    wanted = table(sizes)
    paths = {name: kept / f"{name.replace(' ', '_')}.json" for name in wanted}
    for name in chosen.rows or list(wanted):
        if chosen.again or not paths[name].exists():
            print(f"{name} ...", flush=True)
            keep(paths[name], measured(wanted[name]))
    found = {name: read(path) for name, path in paths.items()}
    done = {name: row for name, row in found.items() if row is not None}
    print("\n".join(f"{name}: {summary(row)}" for name, row in done.items()))
    result: dict[str, Any] = {
        "sizes": asdict(sizes),
        "rows": done,
        "missing": [name for name in wanted if name not in done],
    }
    if "constants" in done:
        result["plan"] = model.plan(done["constants"])
    print(bench.write("engines", bench.Options(chosen.quick, chosen.out), result))


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small size, for tests; written to out/quick")
    parser.add_argument("--out", type=Path, help="folder of the result file")
    parser.add_argument("--rows", nargs="+", metavar="NAME", choices=list(table(FULL)), help="run these alone")
    parser.add_argument("--again", action="store_true", help="run rows that are there already too")
    parsed = parser.parse_args()
    parsed.out = parsed.out or (OUT / "quick" if parsed.quick else RESULTS)
    return parsed


def measured(row: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A row with the commit, the threads and the processors that others used when it began."""
    others = psutil.cpu_percent(LISTEN) / 100 * (psutil.cpu_count() or 1)
    return {"commit": bench.commit(), "threads": threads(), "others": others, "busy": others > BUSY, **row()}


def summary(row: dict[str, Any]) -> str:
    """The numbers of a row in a line."""
    shown = {key: value for key, value in row.items() if isinstance(value, int | float | bool)}
    return ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in shown.items()
    )


def keep(path: Path, row: dict[str, Any]) -> None:
    """Write a row, whole or not at all."""
    text = json.dumps(row, indent=1) + "\n"
    write_text_atomically(path, lambda file: file.write(text))


def read(path: Path) -> dict[str, Any] | None:
    """A row that is there."""
    return json.loads(path.read_text()) if path.exists() else None


if __name__ == "__main__":
    main()
