"""Maps of few rows: what the cut to the leading rows costs, and what descent from several starts leaves of it.

Excess is over the proved lower bound of the convex problem (k = 3, mu = 0.5), which no map of any rank can beat, so it
is at least the excess over the optimum. Seconds are those of the descents from all starts; the convex solve is not in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from harness import bench
from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.solvers.cut import cut
from lmnn_sdp.solvers.low_rank import best_map

N_RANDOM, SEED = 2, 0


@dataclass(frozen=True)
class Case:
    """A data set and the numbers of rows to try on it."""

    data: str
    rows: tuple[int, ...]
    tol: float


QUICK = [Case("iris", (1, 2), 1e-6)]
FULL = [Case("wine", (2, 5), 1e-6), Case("breast_cancer", (2, 5), 1e-6), Case("digits", (2, 5, 10, 22), 1e-6)]


def main() -> None:
    """Run all cases and write the table."""
    options = bench.options(__doc__)
    bench.warm_up()
    results = []
    for case in QUICK if options.quick else FULL:
        data = bench.dataset(case.data, "standardised")
        problem = Problem.from_data(data.X, data.y)
        convex = solve(problem, tol=case.tol)
        for rows in case.rows:
            results.append({"data": case.data, **run(problem, convex, rows)})
            print(text(results[-1]), flush=True)
    header = ["data", "rows", "lower bound", "leading rows", "best map", "excess, cut", "excess, best", "from", "s"]
    print("\n" + bench.table(header, [text(result) for result in results]))
    print(bench.write("low_rank", options, {"n_random": N_RANDOM, "seed": SEED, "cases": results}))


def run(problem: Problem, convex: Solution, rows: int) -> dict[str, Any]:
    """The cut and the best map of so many rows."""
    leading = cut(problem, convex, rows).objective
    rng = np.random.RandomState(SEED)
    found, seconds = bench.timed(lambda: best_map(problem, convex, rows, N_RANDOM, rng))
    best = found.solution.objective
    return {
        "rows": rows,
        "convex_rank": convex.certificate.rank,
        "convex_objective": convex.objective,
        "lower_bound": convex.lower_bound,
        "leading_rows": leading,
        "objective": best,
        "excess_cut": leading / convex.lower_bound - 1,
        "excess": best / convex.lower_bound - 1,
        "best_start": min(found.starts, key=lambda row: row.end).name,
        "starts": [asdict(row) for row in found.starts],
        "seconds": seconds,
    }


def text(result: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        result["data"],
        str(result["rows"]),
        f"{result['lower_bound']:.2f}",
        f"{result['leading_rows']:.2f}",
        f"{result['objective']:.2f}",
        f"{result['excess_cut']:.3%}",
        f"{result['excess']:.3%}",
        result["best_start"],
        f"{result['seconds']:.1f}",
    ]


if __name__ == "__main__":
    main()
