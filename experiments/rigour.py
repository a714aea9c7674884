"""What rigour costs: how much wider the bounds are for being proved, and how long they take beside the whole solve.

The multipliers are taken 1e-4 too large, so that they must be scaled and the loss on the way shows. The objective is
compared with an ordinary sum, which errs by some 1e-15 of itself.
"""

from __future__ import annotations

from typing import Any

from harness import bench, paper_data
from harness.bench import timed
from harness.paths import SHARED_DATA
from lmnn_sdp import Problem, solve
from lmnn_sdp.numerics.linalg import eigvalsh, scatter
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.proof.lower import bound_below
from lmnn_sdp.proof.upper import bound_above

TOO_LARGE = 1.0001
BUILT_IN = ("iris", "wine", "breast_cancer", "digits")
LARGE = {"letters": paper_data.letters, "isolet": paper_data.isolet}


def main() -> None:
    """Measure each data set and write the table."""
    options = bench.options(__doc__)
    bench.warm_up()
    cases = [bench.dataset(name, "standardised") for name in (BUILT_IN[:2] if options.quick else BUILT_IN)]
    if not options.quick:
        cases += [load() for name, load in LARGE.items() if (SHARED_DATA / name).exists()]
    results = [measured(case.name, Problem.from_data(case.X, case.y)) for case in cases]
    header = ["data", "d", "above", "below", "map, s", "pass and map, s", "lower bound, s", "solve, s"]
    body = [
        [
            case["data"],
            case["d"],
            f"{case['above']:.0e}",
            f"{case['below']:.0e}",
            *(f"{case[name]:.3f}" for name in ("map_seconds", "upper_seconds", "lower_seconds", "solve_seconds")),
        ]
        for case in results
    ]
    print(bench.table(header, body))
    print(bench.write("rigour", options, {"cases": results}))


def measured(name: str, problem: Problem) -> dict[str, Any]:
    """Losses relative to the objective, and seconds."""
    solution, solve_seconds = timed(lambda: solve(problem, tol=1e-6))
    above, upper_seconds = timed(lambda: bound_above(problem, solution.L, accurate=True))
    _, plain_seconds = timed(lambda: bound_above(problem, solution.L))
    inside = whiten(problem).problem
    raised = TOO_LARGE * solution.alpha
    below, lower_seconds = timed(lambda: bound_below(inside, solution.triplets, raised))
    alpha = raised.clip(0, problem.mu)
    i, j, l = solution.triplets.T
    pushed = scatter(inside.X, i, l, alpha) - scatter(inside.X, i, j, alpha)
    unproved = float(alpha.sum()) / max(1.0, float(eigvalsh(pushed, inside.cost)[-1]))
    return {
        "data": name,
        "n": problem.n_points,
        "d": inside.n_features,
        "above": above.objective / problem.value(solution.L) - 1,
        "below": 1 - below.value / unproved,
        "map_seconds": max(0.0, upper_seconds - plain_seconds),
        "upper_seconds": upper_seconds,
        "lower_seconds": lower_seconds,
        "solve_seconds": solve_seconds,
    }


if __name__ == "__main__":
    main()
