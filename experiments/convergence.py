"""Objective, lower bound and gap against time for each solver: the data of the convergence figures."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from harness import bench
from lmnn_sdp import Problem, solve

SOLVERS = ("newton", "scs", "scs-full", "cvxpy", "pgd")
WORKING_SETS = ("iris", "wine", "breast_cancer", "balance_scale")
TOL = {"newton": 1e-10, "scs": 1e-10, "scs-full": 1e-9, "cvxpy": 1e-9, "pgd": 1e-6}


def main() -> None:
    """Solve iris with every solver, and every data set with working sets."""
    options = bench.options(__doc__)
    bench.warm_up()
    solvers = ("newton", "scs", "pgd") if options.quick else SOLVERS
    names = WORKING_SETS[:1] if options.quick else WORKING_SETS
    curves = {solver: run("iris", solver, TOL[solver]) for solver in solvers}
    sets = {name: run(name, "scs", 1e-6) for name in names}
    for name, curve in (curves | sets).items():
        last = curve["history"][-1]
        print(f"{name:<14} {last['seconds']:8.2f} s  {len(curve['history']):4d} rows  gap {curve['relative_gap']:.1e}")
    print(bench.write("convergence", options, {"iris": curves, "working_sets": sets}))


def run(name: str, solver: str, tol: float) -> dict[str, Any]:
    """History of one solve on standardised data."""
    data = bench.dataset(name, "standardised")
    problem = Problem.from_data(data.X, data.y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution = solve(problem, solver, tol)
    return solution.summary() | {"triplets": problem.n_triplets, "history": bench.rows(solution.history)}


if __name__ == "__main__":
    main()
