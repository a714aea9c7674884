"""Solves under limits on the memory of their process, and writers of results that are killed at random moments."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.connection
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness import bench

LATEST = 0.3  # seconds after a writer has begun
SOLVE = """
import re, resource, sys
from lmnn_sdp import Problem, solve
from lmnn_sdp.datasets import load
first, data = load("iris"), load("digits").standardized()
solve(Problem.from_data(first.X, first.y))  # what compiler and threads take is taken
problem = Problem.from_data(data.X, data.y)
kilobytes = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
limit = (kilobytes << 10) + (int(sys.argv[1]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    print(solve(problem, warn=False).status.name)
except MemoryError as error:
    print(error)
"""


@dataclass
class Memory:
    """Solves of digits with so much more memory than the process has before, and how they ended."""

    solves: int = 0
    optimal: int = 0
    best_kept: int = 0
    told_in_a_sentence: int = 0
    ended_by_blas: int = 0
    tracebacks_signals_and_hangs: int = 0

    @property
    def faults(self) -> int:
        """All that must not happen."""
        return self.tracebacks_signals_and_hangs


@dataclass
class Writers:
    """Killed writers of results, and what they left."""

    runs: int = 0
    files_whole: int = 0
    files_absent: int = 0
    files_damaged: int = 0
    other_files_left: int = 0

    @property
    def faults(self) -> int:
        """All that must not happen."""
        return self.files_damaged + self.other_files_left


def limited(megabytes: tuple[int, ...], time_limit: float = 120.0) -> Memory:
    """Solve under each limit."""
    seen = Memory()
    for limit in megabytes:
        seen.solves += 1
        command = [sys.executable, "-c", SOLVE, str(limit)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=time_limit)
        except subprocess.TimeoutExpired:
            seen.tracebacks_signals_and_hangs += 1
            continue
        said = done.stdout.strip()
        seen.optimal += said == "OPTIMAL"
        seen.best_kept += said == "OUT_OF_MEMORY"
        seen.told_in_a_sentence += done.returncode == 0 and said not in ("OPTIMAL", "OUT_OF_MEMORY")
        by_blas = done.returncode == 1 and re.match("OpenBLAS error: Memory allocation", done.stderr) is not None
        seen.ended_by_blas += by_blas
        seen.tracebacks_signals_and_hangs += done.returncode != 0 and not by_blas
    return seen


def killed_writers(runs: int) -> Writers:
    """Kill writers of one result file after another, in folders of their own for every other run."""
    rng = np.random.default_rng(0)
    context = multiprocessing.get_context("forkserver")
    seen = Writers()
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs):
            place = Path(folder) / str(run // 2)  # every second run begins with the file of the one before
            place.mkdir(exist_ok=True)
            here, there = context.Pipe()
            child = context.Process(target=_write, args=(place, there))
            child.start()
            here.recv()
            time.sleep(float(rng.uniform(0, LATEST)))
            child.kill()
            child.join()
            assert child.exitcode == -signal.SIGKILL
            _judge(seen, place)
    return seen


def _write(place: Path, pipe: multiprocessing.connection.Connection) -> None:
    """Write results of half a megabyte until killed."""
    chosen = bench.Options(True, place)
    pipe.send("ready")
    for number in range(10**6):
        bench.write("result", chosen, {"numbers": [number] * 50_000, "last": number})


def _judge(seen: Writers, place: Path) -> None:
    """Count what one run left behind."""
    seen.runs += 1
    path = place / "result.json"
    seen.other_files_left += max(0, len(set(place.iterdir()) - {path}) - 1)  # the next write removes what a kill left
    if not path.exists():
        seen.files_absent += 1
        return
    try:
        result = json.loads(path.read_text())
        whole = result["numbers"] == [result["last"]] * 50_000
    except ValueError:
        whole = False
    seen.files_whole += whole
    seen.files_damaged += not whole
