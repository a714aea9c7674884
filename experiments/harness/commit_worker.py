"""Solve one problem with whatever version of the package is first on the path; a line of JSON tells how it went.

python commit_worker.py DATA.npz TOL    DATA.npz holds X (n, d), y (n,)
"""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from pathlib import Path

import numpy as np

import lmnn_sdp


def main(path: str, tol: float) -> None:
    """Warm up, solve, tell."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    lmnn_sdp.solve(lmnn_sdp.Problem.from_data(rng.normal(size=(20, 2)), np.arange(20) % 2, n_neighbors=1), tol=1e-3)
    with np.load(path, allow_pickle=False) as data:
        problem = lmnn_sdp.Problem.from_data(data["X"], data["y"])
    passed = []
    begin, processor = time.perf_counter(), time.process_time()
    solution = lmnn_sdp.solve(problem, "newton", tol, callback=lambda row: passed.append(time.perf_counter() - begin))
    told = {
        "seconds": time.perf_counter() - begin,
        "processor_seconds": time.process_time() - processor,
        "seconds_to_first_certificate": passed[0],
        "relative_gap": solution.relative_gap,
        "objective": solution.objective,
        "lower_bound": solution.lower_bound,
        "peak_gib": peak_memory(),
    }
    print(json.dumps(told))


def peak_memory() -> float:
    """Largest resident memory in GiB; what `getrusage` tells of a child holds that of its parent, too."""
    found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 2**20 if found else float("nan")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
