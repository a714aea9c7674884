"""Every way to fit LMNN side by side: how far above the optimum it ends, after how many seconds (k = 3, mu = 0.5).

One judge for all: our objective over all triplets at the metric that a peer returns, against a proved lower bound on
the optimum. Seconds are those of the fit alone, without import and compilation. Peers without a history are run at
several iteration limits, and at more than their default settings. Two do not minimise our objective, whatever the
settings: scikit-learn's NCA has another loss and is judged at the best multiple of its metric, and mlpack counts
only the k nearest impostors of each point.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NeighborhoodComponentsAnalysis

from harness import bench, peer_process
from harness.peer_process import Options, PeerError
from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.datasets import Dataset
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.scale import best_scale

PGD_SECONDS = 30.0  # of the projected gradient, which goes on for ever
PEER_SECONDS = 400.0  # of one fit in the peers' environment; what takes longer is recorded as a failure
PATIENCE = 20.0  # a setting goes on to its next iteration limit while the last fit took less than these seconds


@dataclass(frozen=True)
class Case:
    """A data set, and what is run on it.

    Attributes
    ----------
    data : str
    tol : float
        Relative gap of the reference, which is the structured solver's own run.
    ours : dict
        Other solvers of this package by name, with the tolerance of each.
    most : int, optional
        Iteration limit beyond which no peer is tried.
    """

    data: str
    tol: float
    ours: dict[str, float]
    most: int | None = None


@dataclass(frozen=True)
class Setting:
    """Options of a peer, and the option that limits its iterations, where it is varied, with its values.

    Attributes
    ----------
    name : str
    options : dict
    limit : str, optional
    values : tuple of int
    """

    name: str
    options: Options
    limit: str | None = None
    values: tuple[int, ...] = ()

    def runs(self, most: int | None) -> list[Options]:
        """Options of each run, by rising iteration limit."""
        if self.limit is None:
            return [self.options]
        return [{**self.options, self.limit: value} for value in self.values if most is None or value <= most]


QUICK = [Case("iris", 1e-9, {"scs": 1e-9, "pgd": 1e-2}, most=30)]
FULL = [
    Case("iris", 1e-9, {"scs": 1e-9, "pgd": 1e-6, "cvxpy": 1e-9, "cvxpy:SCS": 1e-9}),
    Case("wine", 1e-9, {"scs": 1e-9, "pgd": 1e-6, "cvxpy": 1e-9, "cvxpy:SCS": 1e-9}),
    Case("breast_cancer", 1e-8, {"scs": 1e-7, "pgd": 1e-6}),
    Case("digits", 1e-7, {"pgd": 1e-6}),
]

ITERATIONS = (3, 10, 30, 100, 300, 1000, 3000, 10_000)
PASSES = (2, 5, 15, 150, 500)  # 50 is the default
NCA = [Setting("default", {}), Setting("max_iter", {}, "max_iter", ITERATIONS[1:6])]
APART = {
    "metric-learn": [
        Setting("default", {}),
        Setting("learn_rate 1e-5", {"learn_rate": 1e-5, "convergence_tol": 1e-7}, "max_iter", ITERATIONS),
        Setting("learn_rate 1e-3", {"learn_rate": 1e-3, "convergence_tol": 1e-7}, "max_iter", ITERATIONS),
    ],
    "mlpack": [
        Setting("default", {}),
        Setting("passes", {}, "passes", PASSES),
        Setting("step_size 0.1", {"step_size": 0.1}, "passes", PASSES),
        Setting("lbfgs", {"optimizer": "lbfgs"}, "max_iterations", ITERATIONS[:6]),
        Setting("lbfgs, normalize", {"optimizer": "lbfgs", "normalize": True}, "max_iterations", ITERATIONS[:6]),
    ],
}


@dataclass(frozen=True)
class Point:
    """Objective over all triplets after some seconds."""

    seconds: float
    objective: float


@dataclass(frozen=True)
class Run:
    """One fit as judged; ``points`` are the rounds on its way, where it tells them, and its end."""

    peer: str
    setting: str
    options: Options
    points: tuple[Point, ...]
    failure: str = ""


def main() -> None:
    """Run every peer on every data set."""
    options = bench.options(__doc__)
    begin = time.perf_counter()
    bench.warm_up()
    left_out = [] if peer_process.available() and not options.quick else list(APART)
    if left_out:
        print(f"left out: {', '.join(left_out)} (full size only, in the environment of make peers-env)")
    results = []
    for case in QUICK if options.quick else FULL:
        results.append(run(case, left_out))
        print("\n" + summary(results[-1]), flush=True)
    record = {"data": results, "left_out": left_out, "seconds": time.perf_counter() - begin}
    print(bench.write("peers", options, record))


def run(case: Case, left_out: list[str]) -> dict[str, Any]:
    """All peers on one data set."""
    data = bench.dataset(case.data, "standardised")
    problem = Problem.from_data(data.X, data.y)
    reference, best = _ours(problem, "newton", case.tol)
    runs = [reference, *(_ours(problem, solver, tol)[0] for solver, tol in case.ours.items())]
    for setting in NCA:
        runs += _ladder(setting, case, partial(_nca, problem))
    for package in sorted(set(APART) - set(left_out)):
        for setting in APART[package]:
            runs += _ladder(setting, case, partial(_apart, problem, data, package))
    return {
        "data": case.data,
        "n": problem.n_points,
        "d": problem.n_features,
        "triplets": problem.n_triplets,
        "lower_bound": best.lower_bound,
        "objective": best.objective,
        "runs": [asdict(r) for r in runs],
    }


def judged(problem: Problem, L: FloatArray) -> float:
    """Objective over all triplets of the metric ``L'L``: what every peer is judged by."""
    M = L.T @ L
    return problem.objective((M + M.T) / 2)


def judged_at_best_scale(problem: Problem, L: FloatArray) -> float:
    """Least objective of any multiple of the metric, for peers whose loss knows no margin."""
    M = L.T @ L
    return judged(problem, np.sqrt(best_scale(problem, M)) * L)


def _ours(problem: Problem, solver: str, tol: float) -> tuple[Run, Solution]:
    """A solver of this package, with its certified rounds as points."""
    limit = PGD_SECONDS if solver == "pgd" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution, seconds = bench.timed(lambda: solve(problem, solver, tol, time_limit=limit))
    rounds = [Point(row.seconds, row.objective) for row in solution.history]
    end = Point(seconds, judged(problem, solution.L))
    return Run(solver, f"tol {tol:g}", {"tol": tol}, (*rounds, end)), solution


def _ladder(setting: Setting, case: Case, fit: Callable[[str, Options], Run]) -> list[Run]:
    """The runs of a setting, until one fails or tries our patience."""
    runs: list[Run] = []
    for options in setting.runs(case.most):
        runs.append(fit(setting.name, options))
        if runs[-1].failure or runs[-1].points[-1].seconds > PATIENCE:
            break
    return runs


def _nca(problem: Problem, setting: str, options: Options) -> Run:
    """scikit-learn's neighbourhood components analysis, from its default start."""
    model = NeighborhoodComponentsAnalysis(random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, seconds = bench.timed(lambda: model.fit(problem.X, problem.y))
    objective = judged_at_best_scale(problem, model.components_)
    return Run("NCA", setting, options, (Point(seconds, objective),))


def _apart(problem: Problem, data: Dataset, package: str, setting: str, options: Options) -> Run:
    """A package in the peers' environment."""
    try:
        fitted = peer_process.fit(package, data, options, PEER_SECONDS)
    except PeerError as error:
        return Run(package, setting, options, (), str(error))
    return Run(package, setting, options, (Point(fitted.seconds, judged(problem, fitted.L)),))


def summary(result: dict[str, Any]) -> str:
    """Where every run ended."""
    body = []
    for r in result["runs"]:
        options = ", ".join(f"{key}={value}" for key, value in r["options"].items()) or "-"
        end = r["points"][-1] if r["points"] else None
        excess = f"{end['objective'] / result['lower_bound'] - 1:.1e}" if end else r["failure"]
        body.append([r["peer"], options, excess, f"{end['seconds']:.2f}" if end else "-"])
    title = f"{result['data']}: optimum in [{result['lower_bound']:.9g}, {result['objective']:.9g}]\n"
    return title + bench.table(["peer", "options", "excess", "seconds"], body)


if __name__ == "__main__":
    main()
