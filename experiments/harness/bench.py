"""What all experiments share: options, a record of the machine, and how results are written."""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_info

import lmnn_sdp
from harness.paths import OUT, RESULTS, ROOT
from lmnn_sdp.datasets import Dataset, load
from lmnn_sdp.numerics.files import write_text_atomically
from lmnn_sdp.solvers.solution import HistoryRow

T = TypeVar("T")

PACKAGES = ("clarabel", "cvxpy", "numba", "numpy", "scikit-learn", "scipy", "scs")


@dataclass(frozen=True)
class Options:
    """Command line of an experiment."""

    quick: bool
    out: Path


def options(description: str | None) -> Options:
    """Parse ``--quick`` and ``--out``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a small size, for tests; written to out/quick")
    parser.add_argument("--out", type=Path, help="folder of the result file")
    parsed = parser.parse_args()
    return Options(parsed.quick, parsed.out or (OUT / "quick" if parsed.quick else RESULTS))


def dataset(name: str, scaling: str) -> Dataset:
    """Built-in data, ``standardised`` or ``raw``."""
    data = load(name)
    return data.standardized() if scaling == "standardised" else data


def warm_up() -> float:
    """Seconds that the first solve spends on compiling and loading kernels, which no timing below includes."""
    rng = np.random.default_rng(0)
    begin = time.perf_counter()
    problem = lmnn_sdp.Problem.from_data(rng.normal(size=(20, 2)), np.arange(20) % 2, n_neighbors=1)
    lmnn_sdp.solve(problem, tol=1e-3)
    return time.perf_counter() - begin


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Result and wall seconds."""
    begin = time.perf_counter()
    result = call()
    return result, time.perf_counter() - begin


def reset_peak_memory() -> None:
    """Start `peak_memory` anew, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> float:
    """Largest resident memory in GiB since `reset_peak_memory`, or since the process began."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def rows(history: Sequence[HistoryRow]) -> list[dict[str, Any]]:
    """History for JSON."""
    return [asdict(row) for row in history]


def write(name: str, chosen: Options, result: dict[str, Any]) -> Path:
    """Write ``name.json`` with the command, the versions, the threads and the commit beside the result."""
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / f"{name}.json"
    record = {
        "command": f"python experiments/{Path(sys.argv[0]).name}{' --quick' if chosen.quick else ''}",
        "commit": commit(),
        "versions": {"python": platform.python_version()} | {p: importlib.metadata.version(p) for p in PACKAGES},
        "machine": {"processor": _processor(), "blas_threads": max(pool["num_threads"] for pool in threadpool_info())},
        **result,
    }
    text = json.dumps(record, indent=1) + "\n"
    write_text_atomically(path, lambda file: file.write(text))
    return path


def table(header: Sequence[str], body: Sequence[Sequence[object]]) -> str:
    """Plain text table, first column to the left."""
    cells = [[str(cell) for cell in row] for row in [header, *body]]
    widths = [max(len(row[c]) for row in cells) for c in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if c == 0 else cell.rjust(w) for c, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def commit() -> str:
    """Short hash of the code that ran, marked when it had changes not yet committed."""
    try:
        git = ["git", "-C", str(ROOT)]
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", "lmnn_sdp"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


def _processor() -> str:
    """Model name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()
