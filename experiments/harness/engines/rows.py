"""What the experiment with engines measures, a function a row of its table."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

from harness import bench, paper_data
from harness.engines import pruning
from lmnn_sdp import DaskEngine, Problem, Solution, StochasticLMNN, solve
from lmnn_sdp.datasets import Dataset
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.problem.hinges import _Both, _Sums
from lmnn_sdp.problem.impostors import ROWS, _Shape, _Strips, _strips

CLASSES, APART = 10, 1.0  # classes of the synthetic data, and the spread of their centres over that of their points
SYNTHETIC_FEATURES = 50  # of the data whose pairs are counted
PARTS = 24  # strips of the exact pass that are timed, spread over all


@contextmanager
def cluster(workers: int) -> Iterator[Client]:
    """A client of so many processes of this machine, a thread each."""
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as found,
        Client(found, set_as_default=False) as client,
    ):
        yield client


def data(name: str, points: int | None) -> Dataset:
    """A random part of a data set, or all of it; of synthetic data, so many points."""
    if name == "synthetic":
        assert points is not None
        return Dataset(name, *synthetic(points, SYNTHETIC_FEATURES))
    whole = paper_data.LOADERS[name]() if name in paper_data.LOADERS else bench.dataset(name, "standardised")
    return whole if points is None else whole.sample(points)


def synthetic(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian clouds about random centres, one a class, in features of different sizes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, n)
    X = APART * rng.normal(size=(CLASSES, d))[y] + rng.normal(size=(n, d))
    return X * np.linspace(0.5, 2, d), y


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
    """Seconds of target neighbours and a solve by threads, by one worker and by two; what a round moves."""
    given = data(name, points)

    def work() -> tuple[Solution, Problem]:
        problem = Problem.from_data(given.X, given.y)
        return solve(problem, tol=tol, warn=False), problem

    (here, problem), seconds = bench.timed(work)
    found: dict[str, Any] = {
        "data": given.name,
        "n": problem.n_points,
        "d": problem.n_features,
        "seconds_threads": seconds,
    }
    for count in (1, 2):
        with cluster(count) as client:
            engine = DaskEngine(client, least=least)
            with running(engine):
                (there, _), found[f"seconds_{count}"] = bench.timed(work)
            found[f"traffic_{count}"] = vars(engine.traffic)
            found[f"overlap_{count}"] = here.certificate.overlaps(there.certificate)
    rounds = len(here.history)
    return found | {
        "rounds": rounds,
        "two_over_threads": found["seconds_2"] / seconds,
        "one_over_two": found["seconds_1"] / found["seconds_2"],
        "bytes_a_map": (found["traffic_2"]["sent"] + found["traffic_2"]["received"]) / found["traffic_2"]["maps"],
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


def part_of_a_pass(V: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Processor seconds of some strips of the exact pass, in a thread, and of the whole by its share of the pairs."""
    codes = np.unique(y, return_inverse=True)[1]
    pulls = np.ones((len(V), 3))
    work = _Strips(V, codes, np.full(len(V), 2.0), _Both(_Sums(pulls, None)), _Shape.within(2**27))
    strips = list(_strips(codes, ROWS))
    chosen = strips[len(strips) // (2 * PARTS) :: max(1, len(strips) // PARTS)]
    work(chosen[0])  # laid out
    begin = time.process_time()
    for strip in chosen:
        work(strip)
    seconds = time.process_time() - begin
    ends = np.searchsorted(np.sort(codes), np.sort(codes), side="right")

    def pairs(some: list[tuple[int, int]]) -> int:
        return sum(int(np.sum(len(V) - ends[slice(*strip)])) for strip in some)

    return {
        "pass_rank": V.shape[1],
        "pass_share": pairs(chosen) / pairs(strips),
        "pass_share_cpu_seconds": seconds,
        "pass_cpu_seconds": seconds * pairs(strips) / pairs(chosen),
    }
