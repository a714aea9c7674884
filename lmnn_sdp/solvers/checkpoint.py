"""Solutions written to a file on the way, so that a long solve outlives its process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from lmnn_sdp.solvers.solution import Solution

SHARE = 0.05  # of the time, at most, is spent on writing


class Checkpoint:
    """Writes the best solution so far, as often as costs no more than a twentieth of the time.

    Parameters
    ----------
    path : path-like
        File to write (``.npz``); an earlier one there is replaced.
    snapshot : callable
        Gives the best solution so far.

    Raises
    ------
    FileNotFoundError
        If there is no such folder: now, not after hours.
    """

    def __init__(self, path: str | os.PathLike[str], snapshot: Callable[[], Solution]) -> None:
        self._path = Path(path)
        if not self._path.parent.is_dir():
            raise FileNotFoundError(f"checkpoint={str(path)!r} is in no folder that exists; create the folder first")
        self._snapshot = snapshot
        self._next = 0.0

    def write(self) -> None:
        """Write, unless the last time is too short ago."""
        begin = time.perf_counter()
        if begin < self._next:
            return
        self._snapshot().save(self._path)
        end = time.perf_counter()
        self._next = end + (end - begin) / SHARE
