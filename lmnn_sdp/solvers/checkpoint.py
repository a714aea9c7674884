"""Solutions written to a file on the way, so that a long solve outlives its process."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from lmnn_sdp.numerics.files import check_writable
from lmnn_sdp.solvers.solution import Solution

SHARE = 0.05  # of the time, at most, is spent on writing
#: What a solution of another problem counts for: it is replaced once anything is proved about this one.
ANOTHER = math.nextafter(1.0, 0.0)


def check_checkpoint(path: object) -> None:
    """Name of a file, or None."""
    if path is not None and not isinstance(path, str | os.PathLike):
        raise ValueError(f"checkpoint={path!r} must be the path of a file, or None")


class Checkpoint:
    """Writes the best solution so far, as often as costs no more than a twentieth of the time.

    The file never gets worse: a solution of the same problem is replaced only by one with as small a gap. A write that
    fails is told once, as a RuntimeWarning, and the solve goes on.

    Parameters
    ----------
    path : path-like
        File to write (``.npz``).
    problem : str
        `fingerprint` of the problem that is being solved.
    snapshot : callable
        Gives the best solution so far.

    Raises
    ------
    ValueError
        If the path leads to something else than a saved solution, which would be lost.
    OSError
        If there is no such folder, or the file is write-protected: now, not after hours.
    """

    def __init__(self, path: str | os.PathLike[str], problem: str, snapshot: Callable[[], Solution]) -> None:
        self._path = Path(path)
        self._problem = problem
        self._snapshot = snapshot
        self._next = 0.0
        self._told = False
        check_writable(self._path)
        try:
            self._held_gap()
        except ValueError as error:
            raise ValueError(
                f"checkpoint={str(path)!r} holds what would be lost; name another file ({error})"
            ) from error

    def write(self) -> None:
        """Keep the best solution so far, unless the last time is too short ago."""
        begin = time.perf_counter()
        if begin < self._next:
            return
        self.keep(self._snapshot())
        end = time.perf_counter()
        self._next = end + (end - begin) / SHARE

    def keep(self, solution: Solution) -> None:
        """Write a solution, unless the file holds a better one."""
        try:
            if solution.relative_gap <= self._held_gap():
                solution.save(self._path)
        except (OSError, ValueError) as error:
            if not self._told:
                self._told = True
                message = f"the checkpoint could not be written ({error}); the solve goes on without"
                warnings.warn(message, RuntimeWarning, stacklevel=2)

    def _held_gap(self) -> float:
        """Gap of the solution in the file: infinite without one."""
        try:
            if not self._path.stat().st_size:
                return math.inf
            held = Solution.load(self._path)
        except FileNotFoundError:
            return math.inf
        return held.relative_gap if held.problem == self._problem else ANOTHER
