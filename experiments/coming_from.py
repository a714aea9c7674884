"""Packages one may come from, at their defaults: do they install and fit today, and how near the optimum do they end?

Installation and first fit are those of a fresh environment with the versions of ``constraints.txt``
(`current_stack`). Objectives are measured where each package does fit, in the environments of ``make peers-env``:
k = 3, equal weights of pull and push, standardised data, all else by default. One judge for all: our objective over
all triplets at the metric that was returned, against a proved lower bound on the optimum. Seconds are those of the
fit alone, without import and compilation. PyLMNN has squared hinges, so its own optimum is another one.
"""

from __future__ import annotations

import time
from typing import Any

from harness import bench, current_stack, peer_process
from harness.peer_process import PeerError
from lmnn_sdp import LMNN, Problem, solve
from lmnn_sdp.datasets import Dataset
from peers import judged

QUICK = ["iris"]
FULL = ["iris", "wine", "breast_cancer", "digits"]
PEERS = ["metric-learn", "PyLMNN", "mlpack"]
REFERENCE_GAP = 1e-7  # of the proved optimum; our own default is to stop at 1e-4
PEER_SECONDS = 120.0  # of one fit; what takes longer is recorded as a failure


def main() -> None:
    """Try to install and fit every package, then compare where they end."""
    options = bench.options(__doc__)
    begin = time.perf_counter()
    bench.warm_up()
    left_out = PEERS if options.quick else [p for p in PEERS if not peer_process.available(peer_process.environment(p))]
    if left_out:
        print(f"left out: {', '.join(left_out)} (full size only, in the environments of make peers-env)")
    installs = [] if options.quick else [current_stack.tried(name) for name in current_stack.CANDIDATES]
    data = [run(name, left_out) for name in (QUICK if options.quick else FULL)]
    record = {
        "current_stack": [current_stack.pinned(name) for name in ("scikit-learn", "numpy", "scipy")],
        "installs": installs,
        "data": data,
        "peers": [current_stack.pinned(name) for name in PEERS],
        "left_out": left_out,
        "seconds": time.perf_counter() - begin,
    }
    print("\n".join([*map(install_summary, installs), *map(summary, data)]))
    print(bench.write("coming_from", options, record))


def run(name: str, left_out: list[str]) -> dict[str, Any]:
    """Every package on one data set."""
    data = bench.dataset(name, "standardised")
    problem = Problem.from_data(data.X, data.y)
    reference = solve(problem, tol=REFERENCE_GAP)
    runs = [_ours(problem), *(_peer(problem, data, peer) for peer in PEERS if peer not in left_out)]
    for r in runs:
        r["excess"] = r["objective"] / reference.lower_bound - 1 if r["objective"] is not None else None
    return {
        "data": name,
        "n": problem.n_points,
        "d": problem.n_features,
        "triplets": problem.n_triplets,
        "lower_bound": reference.lower_bound,
        "objective": reference.objective,
        "runs": runs,
    }


def install_summary(install: dict[str, Any]) -> str:
    """What became of the installation and of each first fit."""
    lines = [f"{install['package']}: {install['install_error'] or 'installs'}"]
    for attempt in install["attempts"]:
        lines.append(f"  first fit{''.join(f' + {name}' for name in attempt['added'])}: {attempt['error'] or 'fits'}")
    return "\n".join(lines)


def summary(result: dict[str, Any]) -> str:
    """Where each package ended."""
    body = [[r["package"], *_numbers(r), r["failure"]] for r in result["runs"]]
    table = bench.table(["package", "objective", "excess", "seconds", ""], body)
    return f"\n{result['data']}: optimum in [{result['lower_bound']:.9g}, {result['objective']:.9g}]\n{table}"


def _numbers(r: dict[str, Any]) -> list[str]:
    """Objective, excess and seconds, or dashes."""
    if r["failure"]:
        return ["-"] * 3
    return [f"{r['objective']:.6g}", f"{r['excess']:.1e}", f"{r['seconds']:.2f}"]


def _ours(problem: Problem) -> dict[str, Any]:
    """Our estimator at its defaults."""
    model, seconds = bench.timed(lambda: LMNN().fit(problem.X, problem.y))
    return _record("lmnn_sdp", judged(problem, model.components_), seconds)


def _peer(problem: Problem, data: Dataset, package: str) -> dict[str, Any]:
    """A package at its defaults, in its own environment."""
    try:
        fitted = peer_process.fit(package, data, {}, PEER_SECONDS)
    except PeerError as error:
        return _record(package, None, None, str(error))
    return _record(package, judged(problem, fitted.L), fitted.seconds)


def _record(package: str, objective: float | None, seconds: float | None, failure: str = "") -> dict[str, Any]:
    """One fit for JSON."""
    return {"package": package, "objective": objective, "seconds": seconds, "failure": failure}


if __name__ == "__main__":
    main()
