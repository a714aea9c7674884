"""Solves with a checkpoint, each ended by a signal at a random moment and gone on from its checkpoint by the next."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from harness import bench
from lmnn_sdp import Problem, Solution, Status, solve

EARLIEST = 0.05  # seconds after the child is ready


@dataclass
class Survived:
    """How many runs there were, and how often what must not happen did."""

    runs: int = 0
    ended_by_the_signal: int = 0
    unreadable_checkpoints: int = 0
    lost_checkpoints: int = 0
    worse_checkpoints: int = 0
    answers_worse_than_the_start: int = 0
    tracebacks: int = 0
    other_files_left: int = 0

    @property
    def faults(self) -> int:
        """All that must not happen."""
        return sum(vars(self).values()) - self.runs - self.ended_by_the_signal


@dataclass(frozen=True)
class Answer:
    """What a child says at its end."""

    status: Status | None = None
    gap: float = 0.0
    error: str = ""


def survived(kind: signal.Signals, data: str, runs: int, latest: float) -> Survived:
    """End so many runs by a signal, at most ``latest`` seconds after they begin; what ends by itself is begun anew."""
    rng = np.random.default_rng(int(kind))
    context = multiprocessing.get_context("forkserver")  # imports once
    context.set_forkserver_preload(["lmnn_sdp", "sklearn.datasets", "sklearn.exceptions"])
    count = Survived()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.npz"
        for _ in range(runs):
            before = Solution.load(path).relative_gap if path.exists() else None
            here, there = context.Pipe()
            child = context.Process(target=_solve, args=(data, path, there))
            child.start()
            there.close()
            here.recv()  # ready
            time.sleep(float(rng.uniform(EARLIEST, latest)))
            os.kill(child.pid or 0, kind)
            answer = _answer(here)
            child.join()
            _judge(count, path, before, answer)
            if answer is not None and answer.status is Status.OPTIMAL:
                path.unlink()
    return count


def _solve(data: str, path: Path, pipe: Connection) -> None:
    """Solve in a child process; tell when it is ready, and the answer."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    points = bench.dataset(data, "standardised")
    problem = Problem.from_data(points.X, points.y)
    start = Solution.load(path) if path.exists() else None
    pipe.send("ready")
    try:
        solution = solve(problem, start=start, checkpoint=path, warn=False)
    except BaseException:
        pipe.send(Answer(error=traceback.format_exc()))
    else:
        pipe.send(Answer(solution.status, solution.relative_gap))


def _answer(pipe: Connection) -> Answer | None:
    """The child's last words; None if it was killed before."""
    try:
        answer: Answer = pipe.recv()
    except (EOFError, ConnectionError):
        return None
    return answer


def _judge(count: Survived, path: Path, before: float | None, answer: Answer | None) -> None:
    """Count what one run left behind; ``before`` is the gap of the checkpoint that it began with."""
    count.runs += 1
    count.ended_by_the_signal += answer is None or answer.status is Status.INTERRUPTED
    if answer is not None:
        count.tracebacks += bool(answer.error)
        # the same metric and multipliers certified again differ by rounding
        count.answers_worse_than_the_start += before is not None and answer.gap > before * (1 + 1e-6)
    left = [entry for entry in path.parent.iterdir() if entry != path]
    count.other_files_left += max(0, len(left) - (answer is None))  # one that a kill left is removed by the next write
    if not path.exists():
        count.lost_checkpoints += before is not None
        return
    try:
        after = Solution.load(path).relative_gap
    except ValueError:
        count.unreadable_checkpoints += 1
    else:
        count.worse_checkpoints += before is not None and after > before
