"""Gap and seconds of the structured solver, from iris to the paper's scale (k = 3, mu = 0.5).

Compile and import time are not in the seconds. Data sets whose files are not at hand are left out, by name.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from harness import bench, paper_data
from harness.paths import SHARED_DATA
from lmnn_sdp import Problem, solve


@dataclass(frozen=True)
class Case:
    """One row."""

    data: str
    scaling: str
    tol: float
    time_limit: float | None = None


ROUGH = 1e-4  # gap whose time is told too

QUICK = [Case("iris", "standardised", 1e-9), Case("wine", "raw", 1e-9)]
FULL = [
    Case("iris", "standardised", 1e-9),
    Case("iris", "raw", 1e-9),
    Case("wine", "standardised", 1e-9),
    Case("wine", "raw", 1e-9),
    Case("breast_cancer", "standardised", 1e-8),
    Case("breast_cancer", "raw", 1e-8),
    Case("digits", "standardised", 1e-7),
    Case("letters", "raw", 1e-8, 300),
    Case("isolet", "172 principal components", 1e-6, 600),
    Case("news20", "200 principal components", 1e-5, 600),
    Case("mnist", "164 principal components", 1e-6, 900),
]


def main() -> None:
    """Run all cases and write the table."""
    options = bench.options(__doc__)
    print(f"kernels compiled or loaded in {bench.warm_up():.1f} s\n")
    results, missing = [], []
    for case in QUICK if options.quick else FULL:
        if case.data in paper_data.LOADERS and not (SHARED_DATA / case.data).exists():
            missing.append(case.data)
            print(f"{case.data}: left out, no {SHARED_DATA.name}/{case.data} beside the repository")
            continue
        results.append(run(case))
        print(results[-1]["text"], flush=True)
    header = [
        "data",
        "n x d",
        "triplets",
        "lower bound",
        "objective",
        "gap",
        "rank",
        "s to 1e-4",
        "seconds",
        "peak GiB",
    ]
    print("\n" + bench.table(header, [result["text"] for result in results]))
    print(bench.write("bench_newton", options, {"cases": results, "left_out": missing}))


def run(case: Case) -> dict[str, Any]:
    """Solve one case."""
    own = case.data in paper_data.LOADERS
    data = paper_data.LOADERS[case.data]() if own else bench.dataset(case.data, case.scaling)
    problem, building = bench.timed(lambda: Problem.from_data(data.X, data.y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        bench.reset_peak_memory()
        solution, seconds = bench.timed(lambda: solve(problem, "newton", case.tol, time_limit=case.time_limit))
    peak = bench.peak_memory()
    rough = next((row.seconds for row in solution.history if row.relative_gap <= ROUGH), None)
    text = [
        f"{case.data}, {case.scaling}",
        f"{problem.n_points} x {problem.n_features}",
        f"{problem.n_triplets:,}",
        f"{solution.lower_bound:.9g}",
        f"{solution.objective:.9g}",
        f"{solution.relative_gap:.1e}",
        str(solution.certificate.rank),
        "" if rough is None else f"{rough:.2f}",
        f"{seconds:.2f}",
        f"{peak:.2f}",
    ]
    return {
        "text": text,
        "tol": case.tol,
        "build_seconds": building,
        "seconds_to_rough": rough,
        "seconds": seconds,
        "peak_gib": peak,
        **solution.summary(),
        "history": bench.rows(solution.history),
    }


if __name__ == "__main__":
    main()
