"""Import and first solve in new processes, before and after the kernels are compiled, in seconds of the processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from harness import bench

REPEATS, QUICK_REPEATS = 5, 1
PROGRAM = """
from time import process_time
begin = process_time()
from lmnn_sdp import Problem, solve
imported = process_time()
from lmnn_sdp.datasets import load
data = load("wine").standardized()
problem = Problem.from_data(data.X, data.y)
solves = []
for _ in range(2):
    start = process_time()
    solve(problem)
    solves.append(process_time() - start)
import json
print(json.dumps({"import": imported - begin, "first": solves[0], "second": solves[1]}))
"""


def main() -> None:
    """One process that compiles, then several that load what it compiled; of those the best."""
    options = bench.options(__doc__)
    with tempfile.TemporaryDirectory() as cache:
        compiling = _run(cache)
        later = [_run(cache) for _ in range(QUICK_REPEATS if options.quick else REPEATS)]
    best = {part: min(run[part] for run in later) for part in compiling}
    result = {
        "data": "wine, standardised",
        "import_seconds": best["import"],
        "first_ever_solve_seconds": compiling["first"],
        "first_solve_seconds": best["first"],
        "second_solve_seconds": best["second"],
    }
    print(", ".join(f"{name} {value:.2f}" for name, value in result.items() if name != "data"))
    print(bench.write("bench_import", options, result))


def _run(cache: str) -> dict[str, float]:
    """Seconds in a process that keeps its compiled kernels in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


if __name__ == "__main__":
    main()
