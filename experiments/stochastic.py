"""Stochastic descent: how near each strategy comes to the optimum in how long, and how often a sample's interval covers.

Excess is over the proved lower bound of the convex problem (k = 3, mu = 0.5), so it is at least that over the optimum.
Seconds hold the whitening, the first metric and all steps; neither the choice of target neighbours nor what judges the
map. Every strategy has the same steps, pools and random numbers. Letters need the paper's files; without them they are
left out, by name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from harness import bench, paper_data
from harness.paths import SHARED_DATA
from lmnn_sdp import Problem, objective_interval, solve
from lmnn_sdp.numerics.linalg import principal_rows, psd_factor
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.first_metric import euclidean_metric
from lmnn_sdp.solvers.sampled import losses
from lmnn_sdp.solvers.stochastic import STRATEGIES, Schedule, descended

RATE, SEED, ALIKE = 0.03, 0, 1.96


@dataclass(frozen=True)
class Case:
    """A data set and the effort spent on it: size of a pool, steps, anchors of an interval, and how many intervals."""

    data: str
    pool_size: int
    steps: int
    anchors: int
    repeats: int


QUICK = [Case("iris", 60, 50, 30, 50)]
FULL = [Case("digits", 1024, 500, 300, 1000), Case("letters", 2048, 500, 1000, 1000)]


def main() -> None:
    """Run all cases and write the tables."""
    options = bench.options(__doc__)
    bench.warm_up()
    results, missing = [], []
    for case in QUICK if options.quick else FULL:
        if case.data in paper_data.LOADERS and not (SHARED_DATA / case.data).exists():
            missing.append(case.data)
            continue
        results.append(run(case))
    print()
    print(
        bench.table(
            ["data", "strategy", "objective", "excess", "s"], [row for result in results for row in rows(result)]
        )
    )
    for result in results:
        print(
            "{data}: {anchors} anchors cover {covered:.1%} of {repeats}, relative width {width:.3f}".format(
                **result["intervals"]
            )
        )
    print(bench.write("stochastic", options, {"rate": RATE, "seed": SEED, "cases": results, "left_out": missing}))


def run(case: Case) -> dict[str, Any]:
    """Every strategy on a data set, and intervals at the map of the pools."""
    own = case.data in paper_data.LOADERS
    data = paper_data.LOADERS[case.data]() if own else bench.dataset(case.data, "standardised")
    problem = Problem.from_data(data.X, data.y)
    convex = solve(problem, tol=1e-6)
    found, maps = [], {}
    for strategy in STRATEGIES:
        schedule = Schedule(strategy, case.pool_size, case.steps, RATE)
        maps[strategy], seconds = bench.timed(lambda schedule=schedule: descent(problem, schedule))
        value = problem.value(maps[strategy])
        found.append(
            {
                "strategy": strategy,
                "objective": value,
                "excess": value / convex.lower_bound - 1,
                "seconds": seconds,
            }
        )
        print(case.data, found[-1], flush=True)
    return {
        **asdict(case),
        "lower_bound": convex.lower_bound,
        "convex_objective": convex.objective,
        "strategies": found,
        "intervals": intervals(case, problem, maps["pool"]),
    }


def descent(problem: Problem, schedule: Schedule) -> FloatArray:
    """The map on the data as given, from nothing."""
    white = whiten(problem)
    begin = psd_factor(euclidean_metric(white.problem))
    return principal_rows(white.outward(descended(white.problem, begin, schedule, np.random.RandomState(SEED))))


def intervals(case: Case, problem: Problem, L: FloatArray) -> dict[str, Any]:
    """How often intervals of many seeds cover the objective, and their width beside that of points drawn alike."""
    true = problem.value(L)
    found = [objective_interval(problem, L, case.anchors, seed) for seed in range(case.repeats)]
    V, everyone = problem.centred @ L.T, np.arange(problem.n_points)
    spread = np.std(losses(problem, V, problem.target_distances([V]), everyone, everyone))
    alike = 2 * ALIKE * problem.mu * problem.n_points * spread / np.sqrt(case.anchors)
    estimates = np.array([one.estimate for one in found])
    return {
        "data": case.data,
        "anchors": case.anchors,
        "repeats": case.repeats,
        "covered": float(np.mean([one.lower <= true <= one.upper for one in found])),
        "width": float(np.mean([one.upper - one.lower for one in found])) / true,
        "width_of_points_drawn_alike": float(alike) / true,
        "bias": float(np.mean(estimates) / true - 1),
        "standard_error_of_bias": float(np.std(estimates) / true / np.sqrt(case.repeats)),
    }


def rows(result: dict[str, Any]) -> list[list[str]]:
    """Rows of the table."""
    return [
        [result["data"], one["strategy"], f"{one['objective']:.2f}", f"{one['excess']:.3%}", f"{one['seconds']:.1f}"]
        for one in result["strategies"]
    ]


if __name__ == "__main__":
    main()
