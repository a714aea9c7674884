"""The global optimum of small problems, by every solver: certified intervals, whether they overlap, how far apart.

Planted problems (optimum known by construction), random clouds, and samples of real data projected to d dimensions.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from harness import bench
from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.analysis.summaries import largest_difference
from lmnn_sdp.problem.planted import plant

SOLVERS = ("newton", "scs", "scs-full", "cvxpy", "pgd")
TOL = 1e-7
PGD_ITERATIONS = 1000  # its steps have died out by then; it never reaches TOL
QUICK = {"dimensions": (2, 4), "sizes": (24,), "seeds": (0,), "samples": (40,)}
FULL = {"dimensions": (2, 3, 4, 5, 6, 7, 8), "sizes": (24, 48), "seeds": (0, 1, 2), "samples": (40, 60)}


def main() -> None:
    """Solve everything, print the table, write the intervals."""
    options = bench.options(__doc__)
    bench.warm_up()
    results = [verify(*case) for case in cases(QUICK if options.quick else FULL)]
    header = ["problems", "count", "solver", "largest gap", "largest excess", "overlap"]
    body = [summary(kind, solver, results) for kind in ("planted", "clouds", "real") for solver in SOLVERS]
    print(bench.table(header, body))
    apart = max(result["largest_difference"] for result in results)
    overlap = all(result["overlap"] for result in results)
    print(f"{len(results)} problems; all intervals overlap: {overlap}")
    print(
        f"largest difference between the metrics of newton, scs, scs-full and cvxpy: {apart:.1e} of the largest entry"
    )
    print(bench.write("verify_small", options, {"tol": TOL, "all_overlap": overlap, "problems": results}))


def cases(size: dict[str, tuple[int, ...]]) -> Iterator[tuple[str, str, Problem, float | None]]:
    """Kind, name, problem and (if known) its optimum."""
    for d in size["dimensions"]:
        for n in size["sizes"]:
            for seed in size["seeds"]:
                planted = plant(seed, n=n, d=d, rank=max(1, d // 2), n_kinks=2 if d > 3 else 1)
                yield "planted", f"planted d={d} n={n} seed={seed}", planted.problem, planted.optimum
                yield "clouds", f"clouds d={d} n={n} seed={seed}", _clouds(seed, n, d), None
        for n in size["samples"]:
            for name in ("iris", "wine", "breast_cancer", "balance_scale"):
                data = bench.dataset(name, "standardised").sample(n)
                if d <= data.X.shape[1]:
                    X = PCA(d, svd_solver="full").fit_transform(data.X)
                    yield "real", f"{name} d={d} n={n}", Problem.from_data(X, data.y), None


def _clouds(seed: int, n: int, d: int) -> Problem:
    """Three overlapping Gaussian classes."""
    rng = np.random.default_rng([seed, n, d])
    y = np.arange(n) % 3
    return Problem.from_data(1.5 * rng.normal(size=(3, d))[y] + rng.normal(size=(n, d)), y)


def verify(kind: str, name: str, problem: Problem, optimum: float | None) -> dict[str, Any]:
    """All solvers on one problem."""
    solutions = {solver: _solve(problem, solver) for solver in SOLVERS}
    low = max(s.lower_bound for s in solutions.values())
    high = min(s.objective for s in solutions.values())
    # the planted value is a sum of multipliers: exact up to the rounding of its construction
    meets = optimum is None or (low <= optimum * (1 + 1e-9) and high >= optimum * (1 - 1e-9))
    return {
        "kind": kind,
        "name": name,
        "d": problem.n_features,
        "triplets": problem.n_triplets,
        "optimum": optimum,
        "lower_bound": low,
        "objective": high,
        "overlap": bool(low <= high and meets),
        "largest_difference": largest_difference([solutions[s].M for s in SOLVERS if s != "pgd"]),
        "solvers": {
            solver: {
                "objective": s.objective,
                "lower_bound": s.lower_bound,
                "relative_gap": s.relative_gap,
                "excess": (s.objective - low) / low,
                "seconds": s.seconds,
            }
            for solver, s in solutions.items()
        },
    }


def _solve(problem: Problem, solver: str) -> Solution:
    """Solve without the warning of early stops, which the gap shows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return solve(problem, solver, TOL, max_iter=PGD_ITERATIONS if solver == "pgd" else None)


def summary(kind: str, solver: str, results: list[dict[str, Any]]) -> list[str]:
    """One line of the table."""
    chosen = [result for result in results if result["kind"] == kind]
    gaps = [result["solvers"][solver]["relative_gap"] for result in chosen]
    excess = [result["solvers"][solver]["excess"] for result in chosen]
    overlap = sum(result["overlap"] for result in chosen)
    return [kind, str(len(chosen)), solver, f"{max(gaps):.1e}", f"{max(excess):.1e}", f"{overlap} of {len(chosen)}"]


if __name__ == "__main__":
    main()
