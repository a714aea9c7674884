"""Seconds of this version over those of an earlier commit, in turn on the same machine (k = 3, mu = 0.5).

Each solve has a process of its own. Compile and import time are not in the seconds. Data sets whose files are not at
hand are left out, by name; the result is written anew after each.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness import bench, paper_data
from harness.paths import OUT, ROOT, SHARED_DATA
from lmnn_sdp.datasets import Dataset

BASE = "e0a76b7"  # the first structured solver
WORKER = Path(__file__).parent / "harness" / "commit_worker.py"


@dataclass(frozen=True)
class Case:
    """One data set and its tolerance; the first points alone where a number of them is given."""

    data: str
    tol: float
    points: int | None = None


QUICK = [Case("iris", 1e-6)]
FULL = [
    Case("digits", 1e-7),
    Case("letters", 1e-8),
    Case("isolet", 1e-6),
    Case("mnist", 1e-5, 10_000),
    Case("mnist", 1e-6),
    Case("news20", 1e-6),
]


def main() -> None:
    """Run all cases and write the table."""
    options = bench.options(__doc__)
    base = ROOT if options.quick else earlier()
    results: list[dict[str, Any]] = []
    missing: list[str] = []
    for case in QUICK if options.quick else FULL:
        if case.data in paper_data.LOADERS and not (SHARED_DATA / case.data).exists():
            missing.append(case.data)
            continue
        results.append(compared(case, base))
        body = [row(result) for result in results]
        print(bench.table(["data", "tol", "first", "ratio", "seconds", "ratio", "gap", "peak GiB"], body), flush=True)
        print(bench.write("bench_commits", options, {"base": BASE, "cases": results, "left_out": missing}))


def earlier() -> Path:
    """The package as it was at the earlier commit, in a folder."""
    folder = OUT / "bench_commits" / BASE
    if not folder.exists():
        git = ["git", "-C", str(ROOT), "archive", BASE, "lmnn_sdp"]
        archive = subprocess.run(git, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
    return folder


def compared(case: Case, base: Path) -> dict[str, Any]:
    """One case, solved by both."""
    data = loaded(case)
    path = OUT / "bench_commits" / "data.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, X=data.X, y=data.y)
    before, now = solved(path, case.tol, base), solved(path, case.tol, ROOT)
    name = f"{case.data}, {data.X.shape[0]} x {data.X.shape[1]}"
    return {"data": name, "tol": case.tol, "before": before, "now": now, "ratios": dict(ratios(before, now))}


def loaded(case: Case) -> Dataset:
    """The points and labels of a case."""
    if case.data not in paper_data.LOADERS:
        return bench.dataset(case.data, "standardised")
    data = paper_data.LOADERS[case.data]()
    return data if case.points is None else Dataset(data.name, data.X[: case.points], data.y[: case.points])


def solved(path: Path, tol: float, tree: Path) -> dict[str, Any]:
    """What a process of its own tells of the package in this folder."""
    command = [sys.executable, str(WORKER), str(path), str(tol)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ratios(before: dict[str, Any], now: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Of each time."""
    for name in ("seconds", "processor_seconds", "seconds_to_first_certificate"):
        yield name, now[name] / before[name]


def row(result: dict[str, Any]) -> list[object]:
    """Of the table."""
    now, ratio = result["now"], result["ratios"]
    return [
        result["data"],
        result["tol"],
        f"{now['seconds_to_first_certificate']:.2f}",
        f"{ratio['seconds_to_first_certificate']:.2f}",
        f"{now['seconds']:.2f}",
        f"{ratio['seconds']:.2f}",
        f"{now['relative_gap']:.1e}",
        f"{now['peak_gib']:.2f}",
    ]


if __name__ == "__main__":
    main()
