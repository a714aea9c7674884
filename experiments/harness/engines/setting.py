"""What the rows share: clusters of this machine, data, and some strips of a pass."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

from harness import bench, paper_data
from lmnn_sdp import DaskEngine, Problem, solve
from lmnn_sdp.datasets import Dataset
from lmnn_sdp.problem.hinges import _Both, _Sums
from lmnn_sdp.problem.impostors import ROWS, _Shape, _Strips, _strips

CLASSES, APART = 10, 1.0  # classes of the synthetic data, and the spread of their centres over that of their points
SYNTHETIC_FEATURES = 50  # of the data whose pairs are counted
WARM = (1500, 5)  # of the data that new workers begin with
PARTS = 24  # strips of the exact pass that are timed, spread over all


@contextmanager
def cluster(workers: int) -> Iterator[Client]:
    """A client of so many processes of this machine, a thread each, which have imported and compiled what they need."""
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
        X, y = synthetic(*WARM)
        solve(Problem.from_data(X, y), tol=0.1, engine=DaskEngine(client, least=0))
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
