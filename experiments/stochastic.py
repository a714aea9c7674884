"""Stochastic descent: how near each strategy comes to the optimum, and how often a sample's interval covers.

Excess is over the proved lower bound of the convex problem (k = 3, mu = 0.5), so it is at least that over the optimum.
Seconds hold the whitening, the first metric and all steps; neither the choice of target neighbours nor what judges the
map. Every strategy has the same steps and pools, at each of three step lengths; the table has the best. Letters need
the paper's files; without them they are left out, by name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
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

RATES = (0.01, 0.03, 0.1)  # lengths of the first step
SEED = 0
ALIKE = 1.96  # standard errors that reach to the ends of an interval


@dataclass(frozen=True)
class Case:
    """A data set and the effort spent on it: size of a pool, steps, anchors of an interval, and how many intervals."""

    data: str
    pool_size: int
    steps: int
    anchors: int
    repeats: int


QUICK = [Case("iris", 60, 50, 30, 50)]
FULL = [Case("digits", 1024, 500, 1000, 1000), Case("letters", 2048, 500, 1000, 1000)]


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
    header = ["data", "strategy", "rate", "objective", "excess", "s"]
    print("\n" + bench.table(header, [row(result["data"], one) for result in results for one in best(result)]))
    for result in results:
        found = result["intervals"]
        print(
            f"{found['data']}: intervals of {found['anchors']} anchors cover {found['covered']:.1%} of the time, in "
            f"{found['repeats']} repeats ({found['covered_drawn_alike']:.1%} drawn alike), width {found['width']:.3f} "
            f"({found['width_drawn_alike']:.3f}) of the objective"
        )
    print(bench.write("stochastic", options, {"rates": RATES, "seed": SEED, "cases": results, "left_out": missing}))


def run(case: Case) -> dict[str, Any]:
    """Every strategy on a data set, and intervals at the map of the pools."""
    own = case.data in paper_data.LOADERS
    data = paper_data.LOADERS[case.data]() if own else bench.dataset(case.data, "standardised")
    problem = Problem.from_data(data.X, data.y)
    convex = solve(problem, tol=1e-6)
    found, maps = [], {}
    for strategy, rate in product(STRATEGIES, RATES):
        schedule = Schedule(strategy, case.pool_size, case.steps, rate)
        maps[strategy, rate], seconds = bench.timed(partial(descent, problem, schedule))
        value = problem.value(maps[strategy, rate])
        found.append(
            {
                "strategy": strategy,
                "rate": rate,
                "objective": value,
                "excess": value / convex.lower_bound - 1,
                "seconds": seconds,
            }
        )
        print(row(case.data, found[-1]), flush=True)
    return {
        **asdict(case),
        "lower_bound": convex.lower_bound,
        "convex_objective": convex.objective,
        "strategies": found,
        "intervals": intervals(case, problem, maps["pool", RATES[0]]),  # of digits a rough map, which is harder
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
    all_losses = problem.mu * losses(problem, V, problem.target_distances([V]), everyone, everyone)
    alike = 2 * ALIKE * problem.n_points * float(np.std(all_losses)) / np.sqrt(case.anchors)
    estimates = np.array([one.estimate for one in found])
    return {
        "data": case.data,
        "anchors": case.anchors,
        "repeats": case.repeats,
        "covered": float(np.mean([one.lower <= true <= one.upper for one in found])),
        "width": float(np.mean([one.upper - one.lower for one in found])) / true,
        "width_drawn_alike": float(alike) / true,
        "covered_drawn_alike": uniform_coverage(case, all_losses),
        "bias": float(np.mean(estimates) / true - 1),
        "standard_error_of_bias": float(np.std(estimates) / true / np.sqrt(case.repeats)),
    }


def uniform_coverage(case: Case, all_losses: FloatArray) -> float:
    """How often intervals of points drawn alike, as many at a time, cover the sum of the losses."""
    rng = np.random.default_rng(SEED)
    drawn = len(all_losses) * all_losses[rng.integers(len(all_losses), size=(case.repeats, case.anchors))]
    reach = ALIKE * np.std(drawn, axis=1, ddof=1) / np.sqrt(case.anchors)
    return float(np.mean(np.abs(np.mean(drawn, axis=1) - np.sum(all_losses)) <= reach))


def best(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Each strategy at its best step length."""
    tried = [[one for one in result["strategies"] if one["strategy"] == name] for name in STRATEGIES]
    return [min(rates, key=lambda one: one["objective"]) for rates in tried]


def row(data: str, one: dict[str, Any]) -> list[str]:
    """A row of the table."""
    return [
        data,
        one["strategy"],
        f"{one['rate']:g}",
        f"{one['objective']:.2f}",
        f"{one['excess']:.3%}",
        f"{one['seconds']:.1f}",
    ]


if __name__ == "__main__":
    main()
