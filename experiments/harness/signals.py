"""Solves with a checkpoint, each ended by a signal at a random moment and gone on from its checkpoint by the next."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
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

    status: Status | None = None  # without one, an error ended it
    gap: float = 0.0


def survived(kind: signal.Signals, data: str, runs: int, latest: float) -> Survived:
    """End so many runs by a signal, at most ``latest`` seconds after they begin; what ends by itself is begun anew."""
    rng = np.random.default_rng(int(kind))
    context = multiprocessing.get_context("forkserver")  # imports once
    context.set_forkserver_preload(["lmnn_sdp", "sklearn.datasets", "sklearn.exceptions"])
    count = Survived()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run").mkdir()
        path, errors = Path(folder) / "run" / "checkpoint.npz", Path(folder) / "errors"
        for _ in range(runs):
            before = Solution.load(path).relative_gap if path.exists() else None
            here, there = context.Pipe()
            child = context.Process(target=_solve, args=(data, path, errors, there))
            child.start()
            there.close()
            here.recv()  # ready
            time.sleep(float(rng.uniform(EARLIEST, latest)))
            assert child.pid is not None
            os.kill(child.pid, kind)  # it is there: a child that has ended its solve waits for the end
            answer = _answer(here)
            child.join()
            _judge(count, path, before, answer)
            count.tracebacks += "Traceback" in errors.read_text()
            if answer is not None and answer.status is Status.OPTIMAL:
                path.unlink()
    return count


def _solve(data: str, path: Path, errors: Path, pipe: Connection) -> None:
    """Solve in a child process; tell when it is ready, and the answer; then wait to be told that no signal comes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with errors.open("wb") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    points = bench.dataset(data, "standardised")
    problem = Problem.from_data(points.X, points.y)
    start = Solution.load(path) if path.exists() else None
    pipe.send("ready")
    try:
        solution = solve(problem, start=start, checkpoint=path, warn=False)
    except BaseException:
        traceback.print_exc()
        pipe.send(Answer())
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pipe.send(Answer(solution.status, solution.relative_gap))
    pipe.recv()


def _answer(pipe: Connection) -> Answer | None:
    """The child's last words; None if it was killed before."""
    try:
        pipe.send("end")
        answer: Answer = pipe.recv()
    except (EOFError, ConnectionError):
        return None
    return answer


def _judge(count: Survived, path: Path, before: float | None, answer: Answer | None) -> None:
    """Count what one run left behind; ``before`` is the gap of the checkpoint that it began with."""
    count.runs += 1
    count.ended_by_the_signal += answer is None or answer.status is Status.INTERRUPTED
    if answer is not None:
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
