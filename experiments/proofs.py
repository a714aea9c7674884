"""Proofs of the optimum's interval: seconds of the solve, of writing the proof and of checking it, and what it loses.

The check is that of the file ``checker.py``, from the raw data, with the proof read back from its file. Data sets whose
files are not at hand are left out, by name.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from harness import bench, paper_data
from harness.paths import SHARED_DATA
from lmnn_sdp import Problem, solve
from lmnn_sdp.numerics.array_files import read_arrays
from lmnn_sdp.proof import checker
from lmnn_sdp.proof.proof_files import prove

TOL = 1e-8
QUICK = [("iris", "standardised", 0.0), ("wine", "raw", 0.0)]
FULL = [
    ("iris", "standardised", 0.0),
    ("iris", "raw", 0.0),
    ("wine", "standardised", 0.0),
    ("wine", "standardised", 0.1),
    ("wine", "raw", 0.0),
    ("breast_cancer", "standardised", 0.0),
    ("breast_cancer", "raw", 0.0),
    ("digits", "standardised", 0.0),
    ("letters", "raw", 0.0),
]
HEADER = ["data", "reg", "solve s", "prove s", "check s", "file KiB", "verdict", "lost below", "lost above"]


def main() -> None:
    """Prove and check every case."""
    options = bench.options(__doc__)
    bench.warm_up()
    results, missing = [], []
    for data, scaling, reg in QUICK if options.quick else FULL:
        if data in paper_data.LOADERS and not (SHARED_DATA / data).exists():
            missing.append(data)
            print(f"{data}: left out, no {SHARED_DATA.name}/{data} beside the repository")
            continue
        results.append(run(data, scaling, reg))
        print(results[-1]["text"], flush=True)
    print("\n" + bench.table(HEADER, [result["text"] for result in results]))
    print(bench.write("proofs", options, {"tol": TOL, "cases": results, "left_out": missing}))


def run(data: str, scaling: str, reg: float) -> dict[str, Any]:
    """Solve, prove, read the proof back and check it."""
    own = data in paper_data.LOADERS
    points = paper_data.LOADERS[data]() if own else bench.dataset(data, scaling)
    problem = Problem.from_data(points.X, points.y, reg=reg)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution, solving = bench.timed(lambda: solve(problem, tol=TOL))
    proof, proving = bench.timed(lambda: prove(problem, solution.L, solution.triplets, solution.alpha))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proof.npz"
        proof.save(path)
        size, arrays = path.stat().st_size, read_arrays(path)
    verdict, checking = bench.timed(lambda: checker.check(points.X, points.y, arrays))
    below = 1 - verdict.lower / solution.lower_bound
    above = verdict.upper / solution.objective - 1
    text = [
        f"{data}, {scaling}",
        f"{reg:g}",
        *(f"{seconds:.2f}" for seconds in (solving, proving, checking)),
        f"{size / 1024:.0f}",
        str(verdict).partition(" for ")[0],
        f"{below:.1e}",
        f"{above:.1e}",
    ]
    return {
        "text": text,
        "solve_seconds": solving,
        "prove_seconds": proving,
        "check_seconds": checking,
        "bytes": size,
        "multipliers": len(arrays["alpha"]),
        "proved": verdict.proved,
        "words": verdict.words,
        "interval": [verdict.lower, verdict.upper],
        "solution": [solution.lower_bound, solution.objective],
    }


if __name__ == "__main__":
    main()
