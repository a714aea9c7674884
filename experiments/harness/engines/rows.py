"""What the experiment with engines measures, a function a row of its table."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import numpy as np

from harness import bench
from harness.engines import pruning
from harness.engines.model import bytes_back, bytes_out
from harness.engines.setting import cluster, data, part_of_a_pass, synthetic
from lmnn_sdp import DaskEngine, Problem, Solution, StochasticLMNN, solve
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.numerics.parallel import alone

TURNS = 2  # of who does the same work
SLACK = 0.5  # triplets this near their margin are listed by the pass of a round


def interval(found: Solution) -> dict[str, Any]:
    """What was proved."""
    return {"lower_bound": found.lower_bound, "objective": found.objective, "relative_gap": found.relative_gap}


def same(name: str, points: int | None, tol: float) -> dict[str, Any]:
    """A solve by threads and by two workers: intervals and bits."""
    given = data(name, points)
    problem = Problem.from_data(given.X, given.y)
    here, seconds_here = bench.timed(lambda: solve(problem, tol=tol))
    with cluster(2) as client:
        engine = DaskEngine(client)
        there, seconds_there = bench.timed(lambda: solve(problem, tol=tol, engine=engine))
    return {
        "data": given.name,
        "n": problem.n_points,
        "d": problem.n_features,
        "here": interval(here),
        "there": interval(there),
        "overlap": here.certificate.overlaps(there.certificate),
        "same_bits": bool(np.array_equal(here.L, there.L)) and here.certificate == there.certificate,
        "seconds_threads": seconds_here,
        "seconds_workers": seconds_there,
        "maps": engine.traffic.maps,
        "sent": engine.traffic.sent,
        "received": engine.traffic.received,
    }


def workers(name: str, points: int, tol: float, least: float | None) -> dict[str, Any]:
    """Seconds of target neighbours and a solve by threads, one thread, one worker and two, the least of some turns."""
    given = data(name, points)

    def work() -> tuple[Solution, Problem]:
        problem = Problem.from_data(given.X, given.y)
        return solve(problem, tol=tol, warn=False), problem

    seconds: dict[str, list[float]] = {"threads": [], "one_thread": [], "1": [], "2": []}
    found: dict[str, Any] = {}
    for _ in range(TURNS):
        (here, problem), taken = bench.timed(work)
        seconds["threads"].append(taken)
        with alone():
            seconds["one_thread"].append(bench.timed(work)[1])
        for count in (1, 2):
            with cluster(count) as client:
                engine = DaskEngine(client, least=least)
                with running(engine):
                    (there, problem), taken = bench.timed(work)
                    found[f"traffic_{count}"] = {**vars(engine.traffic)}
                    found |= a_round(problem, there.L, engine)
                seconds[str(count)].append(taken)
                found[f"overlap_{count}"] = here.certificate.overlaps(there.certificate)
    least_of = {who: min(turns) for who, turns in seconds.items()}
    return found | {
        "data": given.name,
        "n": problem.n_points,
        "d": problem.n_features,
        "rounds": len(here.history),
        "seconds": seconds,
        "one_thread_over_threads": least_of["one_thread"] / least_of["threads"],
        "two_over_threads": least_of["2"] / least_of["threads"],
        "one_over_two": least_of["1"] / least_of["2"],
    }


def a_round(problem: Problem, L: np.ndarray, engine: DaskEngine) -> dict[str, float]:
    """Bytes that the pass of a round moves, which lists the triplets near their margin, and those of the model."""
    problem.hinges(L, SLACK)
    before = engine.traffic.sent + engine.traffic.received
    near = problem.hinges(L, SLACK)
    out = engine.size * bytes_out(problem.n_points, problem.n_features, len(L))
    return {
        "round_bytes": engine.traffic.sent + engine.traffic.received - before,
        "predicted_round_bytes": out + bytes_back(problem.n_points, len(near.triplets) / problem.n_points),
    }


def killed(name: str, kills: int, tol: float) -> dict[str, Any]:
    """Solves in the middle of which a worker is killed: is each as it would have been?"""
    given = data(name, None)
    problem = Problem.from_data(given.X, given.y)
    rng = np.random.default_rng(0)
    certified, same_bits, seconds = 0, 0, []
    whole, usual = killed_after(problem, tol, None, 0)
    for _ in range(kills):
        found, elapsed = killed_after(problem, tol, rng.uniform(0, usual), int(rng.integers(2)))
        certified += found.relative_gap <= tol and found.certificate.overlaps(whole.certificate)
        same_bits += bool(np.array_equal(found.L, whole.L))
        seconds.append(elapsed)
    return {
        "data": given.name,
        "kills": kills,
        "certified": certified,
        "same_bits": same_bits,
        "seconds_without": usual,
        "seconds": seconds,
    }


def killed_after(problem: Problem, tol: float, moment: float | None, which: int) -> tuple[Solution, float]:
    """A solve on a cluster of its own, and its seconds, with a worker killed at a moment, as when memory runs out."""
    with cluster(2) as client:
        pids = sorted(client.run(os.getpid).values())
        engine = DaskEngine(client, least=0)
        killer = None if moment is None else threading.Timer(moment, os.kill, [pids[which], signal.SIGKILL])
        if killer is not None:
            killer.start()
        done = bench.timed(lambda: solve(problem, tol=tol, engine=engine))
        if killer is not None:
            killer.join()
    return done


def pruned(name: str, points: int | None, tol: float) -> dict[str, Any]:
    """What share of the pairs bounds would spare a pass at a learned metric."""
    given = data(name, points)
    return {"data": given.name} | pruning.shares(given.X, given.y, tol)


def one_process(n: int, d: int, tol: float) -> dict[str, Any]:
    """Synthetic data in this process alone."""
    X, y = synthetic(n, d)
    bench.reset_peak_memory()
    problem, choosing = bench.timed(lambda: Problem.from_data(X, y))
    found, solving = bench.timed(lambda: solve(problem, tol=tol, time_limit=1800.0, warn=False))
    return {
        "n": n,
        "d": d,
        "tol": tol,
        **interval(found),
        "active_triplets": found.certificate.active_triplets,
        "rank": found.certificate.rank,
        "seconds_targets": choosing,
        "seconds_solve": solving,
        "peak_gib": bench.peak_memory(),
    }


def stochastic(n: int, d: int, steps: int) -> dict[str, Any]:
    """A map by stochastic descent with a sampled interval, and what an exact pass at it would take."""
    X, y = synthetic(n, d)
    bench.reset_peak_memory()
    fitted, seconds = bench.timed(lambda: StochasticLMNN(judge="sample", max_iter=steps, random_state=0).fit(X, y))
    peak = bench.peak_memory()
    interval_ = fitted.interval_
    assert interval_ is not None
    return {
        "n": n,
        "d": d,
        "seconds": seconds,
        "peak_gib": peak,
        "estimate": interval_.estimate,
        "lower": interval_.lower,
        "upper": interval_.upper,
        "anchors": interval_.n_anchors,
        **part_of_a_pass(X @ fitted.components_.T, y),
    }
