"""A path over mu: each problem solved from nothing, and from the solution of the mu before (k = 3).

Seconds are those of the processor, over all threads: both ways run in turn, so that a busy machine slows both. The
first problem of the path has nothing to start from and is left out.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from harness import bench, paper_data
from harness.paths import SHARED_DATA
from lmnn_sdp import Problem, Solution, solve


@dataclass(frozen=True)
class Case:
    """A data set, the tolerance, and the values of mu."""

    data: str
    tol: float
    mus: tuple[float, ...]


QUICK = [Case("wine", 1e-4, (0.5, 0.51, 0.52))]
FULL = [
    Case("breast_cancer", 1e-4, (0.5, 0.51, 0.52, 0.53, 0.54, 0.55)),
    Case("digits", 1e-4, (0.5, 0.51, 0.52, 0.53, 0.54, 0.55)),
    Case("letters", 1e-4, (0.5, 0.51, 0.52, 0.53, 0.54, 0.55)),
    Case("letters", 1e-6, (0.5, 0.55, 0.6, 0.65)),
    Case("isolet", 1e-4, (0.5, 0.51, 0.52)),
]


def main() -> None:
    """Run all paths and write the table."""
    options = bench.options(__doc__)
    bench.warm_up()
    results, missing = [], []
    for case in QUICK if options.quick else FULL:
        if case.data in paper_data.LOADERS and not (SHARED_DATA / case.data).exists():
            missing.append(case.data)
            continue
        results.append(run(case))
        print(results[-1]["text"], flush=True)
    header = ["data", "mu", "tol", "cold s", "warm s", "warm / cold"]
    print("\n" + bench.table(header, [result["text"] for result in results]))
    print(bench.write("warm_starts", options, {"cases": results, "left_out": missing}))


def run(case: Case) -> dict[str, Any]:
    """Both ways along one path."""
    own = case.data in paper_data.LOADERS
    data = paper_data.LOADERS[case.data]() if own else bench.dataset(case.data, "standardised")
    last: Solution | None = None
    cold_seconds, warm_seconds, overlap = [], [], True
    for mu in case.mus:
        problem = Problem.from_data(data.X, data.y, mu=mu)
        cold, seconds = _solve(problem, case.tol, None)
        if last is None:
            last = cold
            continue
        cold_seconds.append(seconds)
        last, seconds = _solve(problem, case.tol, last)
        warm_seconds.append(seconds)
        overlap = overlap and cold.certificate.overlaps(last.certificate)
    ratio = sum(warm_seconds) / sum(cold_seconds)
    span = f"{case.mus[0]} to {case.mus[-1]} by {case.mus[1] - case.mus[0]:.2g}"
    totals = [f"{sum(cold_seconds):.1f}", f"{sum(warm_seconds):.1f}"]
    return {
        "text": [case.data, span, f"{case.tol:.0e}", *totals, f"{ratio:.2f}"],
        "mus": case.mus,
        "cold_seconds": cold_seconds,
        "warm_seconds": warm_seconds,
        "ratio": ratio,
        "overlap": overlap,
    }


def _solve(problem: Problem, tol: float, start: Solution | None) -> tuple[Solution, float]:
    """Solution and processor seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        begin = time.process_time()
        solution = solve(problem, tol=tol, start=start)
    return solution, time.process_time() - begin


if __name__ == "__main__":
    main()
