"""Runs what is missing: all methods of a split one after the other, splits side by side."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from joblib import Parallel, delayed

from harness.reproduction.methods import METHODS, absent
from harness.reproduction.protocol import CASES, split
from harness.reproduction.store import Task, is_done, keep


def run(folder: Path, wanted: Sequence[Task], jobs: int, minutes: float) -> int:
    """Compute what is missing and count it; no task begins after so many minutes.

    joblib spreads the splits over its workers; under its Dask backend these are the workers of a cluster.
    """
    missing = [task for task in wanted if not is_done(folder, task)]
    batches = [list(group) for _, group in groupby(missing, key=lambda task: (task.column, task.split))]
    end = time.time() + 60 * minutes
    done, begin = 0, time.time()
    for count in _finished(folder, batches, jobs, end):
        done += count
        left = (time.time() - begin) / max(done, 1) * (len(missing) - done)
        print(f"{done}/{len(missing)} done, about {left / 60:.0f} min left", file=sys.stderr, flush=True)
    return done


def _finished(folder: Path, batches: Sequence[Sequence[Task]], jobs: int, end: float) -> Iterator[int]:
    """How many tasks each batch did, as they end."""
    parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
    yield from parallel(delayed(_batch)(folder, batch, end) for batch in batches)


def _batch(folder: Path, batch: Sequence[Task], end: float) -> int:
    """Tasks of one split; stops before the next one where time is over."""
    done = 0
    for task in batch:
        if time.time() > end:
            break
        _one(folder, task)
        done += 1
    return done


def _one(folder: Path, task: Task) -> None:
    """Compute a task and keep its result; data that a method refuses are a result too."""
    case = CASES[task.column]
    points = split(case, task.split)
    begin = time.perf_counter()
    try:
        outcome = METHODS[task.method](points, case)
    except ValueError as error:
        outcome = absent(f"refused: {error}")
    keep(folder, task, outcome, time.perf_counter() - begin)
