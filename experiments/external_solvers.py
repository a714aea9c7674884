"""Exported SDPs, solved by other people's solvers: their values of the optimum beside our certified interval.

Each problem is written twice: in whitened coordinates, as `export_sdpa` does, and in the coordinates of the data. The
optimum is the same. A value at a solver's metric and one at its multipliers bound the optimum from above and from
below up to the solver's own infeasibility; the worse of the two is what counts here. A solver that is not installed
is left out by name: CSDP, SDPA and DSDP are packages of Debian, the others are in the environment of `make peers-env`.
"""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness import bench
from harness.sdp_solvers import SOLVERS, Told, run
from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.problem.planted import plant
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.sdpa import export_sdpa, write_sdpa

TOL = 1e-9
TIME_LIMIT = 60.0  # seconds for each solver and file
FAR = 1e-4  # of the optimum: no solver's tolerance is as loose
COORDINATES = ("whitened", "of the data")


@dataclass(frozen=True)
class Case:
    """A small sample of built-in data."""

    data: str
    scaling: str
    points: int
    k: int = 1
    mu: float = 0.5
    reg: float = 0.0

    def __str__(self) -> str:
        penalty = f", reg = {self.reg:g}" if self.reg else ""
        return f"{self.data}, {self.scaling}, {self.points} points, k = {self.k}, mu = {self.mu:g}{penalty}"

    def problem(self) -> Problem:
        """The problem on the sample."""
        data = bench.dataset(self.data, self.scaling).sample(self.points)
        return Problem.from_data(data.X, data.y, self.k, self.mu, reg=self.reg)


@dataclass(frozen=True)
class PlantedCase:
    """A planted problem, its features in units that span so many powers of ten."""

    d: int
    k: int
    mu: float
    decades: int = 0

    def __str__(self) -> str:
        units = f", units over {self.decades} decades" if self.decades else ""
        return f"planted, d = {self.d}, k = {self.k}, mu = {self.mu:g}{units}"

    def problem(self) -> Problem:
        """The problem, with the penalty turned like the features."""
        base = plant(0, d=self.d, k=self.k, mu=self.mu).problem
        units = np.logspace(-self.decades / 2, self.decades / 2, self.d)
        reg = base.R / np.outer(units, units)
        return Problem.from_data(base.X * units, base.y, self.k, self.mu, reg=reg, targets=base.targets)


CASES: tuple[Case | PlantedCase, ...] = (
    Case("iris", "standardised", 18),
    PlantedCase(3, k=2, mu=0.5),
    Case("iris", "standardised", 18, k=3),
    Case("iris", "standardised", 24, mu=0.1, reg=1.0),
    Case("iris", "raw", 24),
    Case("iris", "raw", 18, k=2, mu=0.9),
    Case("wine", "standardised", 24),
    Case("wine", "standardised", 24, mu=0.9, reg=1.0),
    Case("wine", "raw", 24),
    Case("wine", "raw", 18, k=3, mu=0.1),
    Case("breast_cancer", "standardised", 36, reg=0.1),
    Case("breast_cancer", "raw", 36, reg=0.1),
    Case("balance_scale", "raw", 26),
    Case("balance_scale", "standardised", 30, mu=0.9),
    PlantedCase(5, k=1, mu=0.3),
    PlantedCase(4, k=1, mu=0.7, decades=6),
)
QUICK = 2  # the first of them


def main() -> None:
    """Write every file, let every solver that is there solve it, and compare."""
    options = bench.options(__doc__)
    begin = time.perf_counter()
    left_out = [name for name, solver in SOLVERS.items() if not solver.installed]
    if left_out:
        print(f"left out, not installed: {', '.join(left_out)}")
    results = []
    for case in CASES[:QUICK] if options.quick else CASES:
        results.append(compared(case, left_out))
        print(summary(results[-1]), flush=True)
    record = {
        "tol": TOL,
        "time_limit": TIME_LIMIT,
        "far": FAR,
        "left_out": left_out,
        "files": results,
        "totals": {place: totals(results, place) for place in COORDINATES},
        "seconds": time.perf_counter() - begin,
    }
    print(bench.write("external_solvers", options, record))


def compared(case: Case | PlantedCase, left_out: list[str]) -> dict[str, Any]:
    """Every solver on one problem, in both coordinates."""
    problem = case.problem()
    ours = solve(problem, tol=TOL, warn=False)
    with tempfile.TemporaryDirectory() as folder:
        files = {place: Path(folder) / f"{number}.dat-s" for number, place in enumerate(COORDINATES)}
        export_sdpa(problem, files["whitened"], Path(folder) / "map.npz")
        write_sdpa(SlackSDP.of(problem), files["of the data"])
        told = {
            place: {
                name: judged(run(solver, file, TIME_LIMIT), ours)
                for name, solver in SOLVERS.items()
                if name not in left_out
            }
            for place, file in files.items()
        }
    return {
        "case": str(case),
        "constraints": problem.n_triplets,
        "d": problem.n_features,
        "lower_bound": ours.lower_bound,
        "objective": ours.objective,
        "status": ours.status.name,
        "told": told,
    }


def judged(told: Told, ours: Solution) -> dict[str, Any]:
    """What a solver said, and how far its two values are from the interval, relative to the optimum."""
    values = [value for value in (told.at_metric, told.at_multipliers) if value is not None]
    off = [max(0.0, ours.lower_bound - value, value - ours.objective) / ours.objective for value in values]
    known = bool(off) and all(map(math.isfinite, off))
    return {**asdict(told), "off": max(off) if known else None, "within": known and max(off) == 0}


def totals(results: list[dict[str, Any]], place: str) -> dict[str, dict[str, Any]]:
    """By solver: what it answers, what it calls solved, and how far off these values are."""
    found = {}
    for name in results[0]["told"][place]:
        told = [result["told"][place][name] for result in results]
        off = [one["off"] for one in told if one["success"] and one["off"] is not None]
        found[name] = {
            "files": len(told),
            "values": sum(one["off"] is not None for one in told),
            "called_solved": len(off),
            "median_off": float(np.median(off)) if off else None,
            "largest_off": max(off, default=None),
            "called_solved_but_far": sum(value > FAR for value in off),
        }
    return found


def summary(result: dict[str, Any]) -> str:
    """Interval and every answer."""
    body = [
        [name, place, *(_number(one[at]) for at in ("at_metric", "at_multipliers")), _off(one), one["says"]]
        for place, told in result["told"].items()
        for name, one in told.items()
    ]
    head = f"{result['case']}: {result['constraints']} constraints, optimum in "
    head += f"[{result['lower_bound']:.10g}, {result['objective']:.10g}] {result['status']}"
    return f"\n{head}\n" + bench.table(["solver", "coordinates", "at M", "at alpha", "off", "says"], body)


def _number(value: float | None) -> str:
    """A value, or a dash."""
    return "-" if value is None else f"{value:.9g}"


def _off(one: dict[str, Any]) -> str:
    """Distance from the interval."""
    return "-" if one["off"] is None else "within" if one["within"] else f"{one['off']:.1e}"


if __name__ == "__main__":
    main()
