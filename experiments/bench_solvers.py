"""Gap and seconds of every solver on the small data sets, in one run (k = 3, mu = 0.5).

Compile and import time are not in the seconds. The full SDP through CVXPY runs in the same process, for scale.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from harness import bench
from lmnn_sdp import Problem, Solution, solve


@dataclass(frozen=True)
class Case:
    """One row: data, scaling, solver, tolerance, and whether only the solved problem's multipliers' triplets count."""

    data: str
    scaling: str
    solver: str
    tol: float
    restricted: bool = False


# (lower, upper) of the optimum as known before this package, k = 3, mu = 0.5, widened by half a unit of the last
# digit that was recorded, and by the recorded gap where only a value and a gap were.
BRACKETS = {
    ("iris", "standardised"): (234.110995, 234.111045),
    ("wine", "standardised"): (208.9111634, 208.9111645),
    ("breast_cancer", "standardised"): (1555.6944645, 1555.6944675),
    ("iris", "raw"): (226.7378, 226.7395),
    ("wine", "raw"): (258.3718374, 258.3718405),
    ("breast_cancer", "raw"): (1833.270234, 1833.2702405),
}

QUICK = [
    Case("iris", "standardised", "scs", 1e-6),
    Case("iris", "raw", "scs", 1e-6),
    Case("wine", "standardised", "scs", 1e-6),
    Case("iris", "standardised", "cvxpy", 1e-6, restricted=True),
    Case("iris", "standardised", "pgd", 1e-2),
]
FULL = [
    Case("iris", "standardised", "scs", 1e-6),
    Case("wine", "standardised", "scs", 1e-6),
    Case("breast_cancer", "standardised", "scs", 1e-4),
    Case("breast_cancer", "standardised", "scs", 1e-5),
    Case("breast_cancer", "standardised", "scs", 1e-7),
    Case("iris", "raw", "scs", 1e-6),
    Case("wine", "raw", "scs", 1e-6),
    Case("breast_cancer", "raw", "scs", 1e-5),
    Case("iris", "standardised", "cvxpy", 1e-6, restricted=True),
    Case("wine", "standardised", "cvxpy", 1e-6, restricted=True),
    Case("iris", "standardised", "cvxpy", 1e-6),
    Case("iris", "standardised", "cvxpy:SCS", 1e-6),
    Case("iris", "standardised", "scs-full", 1e-6),
    Case("wine", "standardised", "cvxpy", 1e-6),
    Case("iris", "standardised", "pgd", 1e-3),
]


def main() -> None:
    """Run all cases and write the table."""
    options = bench.options(__doc__)
    first = bench.warm_up()
    print(f"kernels compiled or loaded in {first:.1f} s\n")
    results = []
    for case in QUICK if options.quick else FULL:
        results.append(run(case))
        print(results[-1]["line"], flush=True)
    body = [[r[key] for key in ("data", "solver", "triplets", "gap", "seconds_text", "in_bracket")] for r in results]
    header = ["data", "solver", "triplets", "relative gap", "seconds", "meets known bracket"]
    text = bench.table(header, body)
    print("\n" + text)
    print(bench.write("bench_solvers", options, {"compile_seconds": first, "cases": results}))


def run(case: Case) -> dict[str, Any]:
    """Solve one case."""
    data = bench.dataset(case.data, case.scaling)
    problem = Problem.from_data(data.X, data.y)
    if case.restricted:
        reference = solve(problem, "scs", tol=1e-8)
        problem = problem.restrict(problem.hinges(reference.L, slack=0.1).triplets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution, seconds = bench.timed(lambda: solve(problem, case.solver, case.tol))
    return {
        "data": f"{case.data}, {case.scaling}",
        "solver": case.solver + (" (restricted set)" if case.restricted else ""),
        "tol": case.tol,
        "triplets": f"{problem.n_triplets:,}",
        "gap": f"{solution.relative_gap:.1e}",
        "seconds_text": f"{seconds:.2f}",
        "in_bracket": _meets_bracket(case, solution),
        "seconds": seconds,
        "line": f"{case} {seconds:.2f} s {solution}",
        **{f"solution_{key}": value for key, value in solution.summary().items()},
    }


def _meets_bracket(case: Case, solution: Solution) -> bool:
    """Whether the certified interval overlaps the known bracket (of the whole problem)."""
    low, high = BRACKETS[case.data, case.scaling]
    return solution.lower_bound <= high and solution.objective >= low


if __name__ == "__main__":
    main()
