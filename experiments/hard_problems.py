"""Data on which solvers stick, raw and standardised, for few and many neighbours and push weights at both ends.

Every solve reaches the tolerance, or is refused with a remedy, which is followed to the letter. Seconds are those of
the processor, on one thread. Runs a data set at a time, two side by side; what is done is kept, so that a run that was
ended goes on where it was.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from harness import bench, judge
from harness.hard_data import HardData, all_data
from harness.paths import OUT
from harness.remedies import Asked, remedies
from lmnn_sdp import solve
from lmnn_sdp.numerics.files import write_text_atomically

TOL = 1e-6
TIME_LIMIT, QUICK_LIMIT = 120.0, None  # seconds of the clock; in tests it has no say
SCALINGS = ("standardised", "raw")
NEIGHBORS = (1, 3, 10)
MUS = (0.01, 0.5, 0.99)
QUICK_DATA = ("iris", "60 x 90, 3 classes, 0", "mean of three to 8 digits", "cubes of Cauchy")
PROCESSES = 2
SLOW = 10.0  # times the median of a size within which a solve should be
JUDGED = 500  # numbers in the data up to which the interval is judged in exact arithmetic
SCS_FEATURES = 8  # up to which SCS is tried as well, where nothing else is extreme
USUAL = {"scaling": "standardised", "n_neighbors": 3, "mu": 0.5}


def main() -> None:
    """Run what is not done yet, and sum up."""
    options = bench.options(__doc__)
    if options.quick:
        chosen = [data for data in all_data() if data.name in QUICK_DATA]
        return report(options, [row for data in chosen for row in runs(data, QUICK_LIMIT, NEIGHBORS[:1])])
    folder = OUT / "hard_problems" / bench.commit()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes below
    paths = [folder / f"{number:02}.json" for number in range(sum(1 for _ in all_data()))]
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), bench.warm_up) as pool:
        running = {pool.submit(piece, number): path for number, path in enumerate(paths) if not path.exists()}
        for done in as_completed(running):
            _keep(running[done], json.dumps(done.result()))
    report(options, [row for path in paths for row in json.loads(path.read_text())])
    return None


def _keep(path: Path, text: str) -> None:
    """Write a piece."""
    write_text_atomically(path, lambda file: file.write(text))


def piece(number: int) -> list[dict[str, Any]]:
    """All runs of one data set."""
    return list(runs(list(all_data())[number], TIME_LIMIT))


def runs(data: HardData, time_limit: float | None, neighbors: tuple[int, ...] = NEIGHBORS) -> Iterator[dict[str, Any]]:
    """The rows of one data set; k is at most what the smallest class allows."""
    most = int(np.min(np.bincount(data.y))) - 1
    for scaling in SCALINGS:
        X = data.scaled(scaling)
        for k in sorted({min(k, most) for k in neighbors}):
            for mu in MUS:
                what = {"scaling": scaling, "n_neighbors": k, "mu": mu}
                asked = Asked(X, data.y, k, mu, 0.0, TOL)
                if data.share:
                    pull = asked.problem().pull
                    asked = replace(asked, reg=data.share * 1e-3 * float(np.trace(pull)) / X.shape[1])
                solvers = ["newton"]
                if what == USUAL and X.shape[1] <= SCS_FEATURES and time_limit is not None:
                    solvers.append("scs")
                for solver in solvers:
                    name = {"family": data.family, "data": data.name, "n": len(X), "d": X.shape[1], **what}
                    yield {**name, "solver": solver, **run(asked, solver, time_limit)}


def run(asked: Asked, solver: str, time_limit: float | None, follow: bool = True) -> dict[str, Any]:
    """Status, gap and seconds; and, where it is not solved, what the message says and what its remedies bring."""
    begin, wall = time.process_time(), time.perf_counter()
    gap, faults = None, []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            problem = asked.problem()
            solution = solve(problem, solver, asked.tol, time_limit=time_limit)
        except ValueError as error:
            status, message = "refused", str(error)
        else:
            status, gap = solution.status.name, solution.relative_gap
            message = " ".join(str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning))
            faults = [str(w.message) for w in caught if not issubclass(w.category, ConvergenceWarning)]
    row: dict[str, Any] = {
        "status": status,
        "relative_gap": gap,
        "seconds": round(time.process_time() - begin, 4),
        "wall": round(time.perf_counter() - wall, 4),
    }
    if status != "refused" and asked.X.size <= JUDGED:
        faults += judge.faults(problem, solution)
    if faults:
        row["faults"] = faults
    if follow and message:
        row["message"] = message
        row["remedies"] = {
            words: run(remedy(asked), solver, time_limit, False) for words, remedy in remedies(message).items()
        }
    return row


def report(options: bench.Options, rows: list[dict[str, Any]]) -> None:
    """Print a table of the families and those that are stuck, and write the result."""
    newton = [row for row in rows if row["solver"] == "newton"]
    found = {family: summary([row for row in newton if row["family"] == family]) for family in _families(newton)}
    found["all"] = summary(newton)
    print(bench.table(["", *found["all"]], [[family, *counts.values()] for family, counts in found.items()]))
    stuck = [_name(row) for row in newton if not settled(row)]
    slow = [_name(row) for row in slow_ones(newton)]
    for title, names in (("stuck", stuck), ("slow", slow)):
        print(f"\n{title}: {len(names)}", *names, sep="\n  ")
    result = {"tol": TOL, "time_limit": TIME_LIMIT, "summary": found, "stuck": stuck, "slow": slow, "runs": rows}
    print(bench.write("hard_problems", options, result))


def _families(rows: list[dict[str, Any]]) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(row["family"] for row in rows))


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts of how the runs ended, and their seconds."""
    optimal = [row for row in rows if row["status"] == "OPTIMAL"]
    seconds = [row["seconds"] for row in optimal] or [0.0]
    return {
        "runs": len(rows),
        "optimal": len(optimal),
        "told": sum(settled(row) for row in rows) - len(optimal),
        "stuck": sum(not settled(row) for row in rows),
        "slow": len(slow_ones(rows)),
        "false": sum(len(row.get("faults", ())) for row in rows),
        "median_seconds": round(float(np.median(seconds)), 3),
        "most_seconds": round(float(np.max(seconds)), 2),
    }


def settled(row: dict[str, Any]) -> bool:
    """Whether the tolerance is reached, or every remedy that is told works and there is one."""
    followed = [after["status"] for after in row.get("remedies", {}).values()]
    return row["status"] == "OPTIMAL" or (bool(followed) and set(followed) == {"OPTIMAL"})


def slow_ones(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs that took more than `SLOW` times the median of their size."""
    sizes: dict[tuple[int, ...], list[float]] = {}
    for row in rows:
        sizes.setdefault(_size(row), []).append(row["seconds"])
    return [row for row in rows if row["seconds"] > SLOW * float(np.median(sizes[_size(row)]))]


def _size(row: dict[str, Any]) -> tuple[int, ...]:
    """Points and features to the nearest power of four, and neighbours."""
    return round(np.log2(row["n"]) / 2), round(np.log2(min(row["n"], row["d"])) / 2), row["n_neighbors"]


def _name(row: dict[str, Any]) -> str:
    """What tells a run from others, and how it ended."""
    gap = "" if row["relative_gap"] is None else f", gap {row['relative_gap']:.1e}"
    what = f"{row['family']}: {row['data']}, {row['scaling']}, k = {row['n_neighbors']}, mu = {row['mu']}"
    return f"{what}: {row['status']}{gap}, {row['seconds']:.2f} s"


if __name__ == "__main__":
    main()
