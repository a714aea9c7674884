"""Time that a diagnosis may take, and whether the next piece of work fits into what is left of it."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """Seconds from now on.

    Parameters
    ----------
    seconds : float
        In all.
    clock : callable, optional
        Tells the seconds since some moment.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = seconds
        self.clock = clock
        self._begin = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self._begin

    def left(self, kept: float = 0.0) -> float:
        """Seconds until the end, but for a share of all that is kept for later."""
        return (1 - kept) * self.seconds - self.elapsed

    def allows(self, seconds: float, kept: float = 0.0) -> bool:
        """Whether a piece of work of that length would end in time."""
        return seconds <= self.left(kept)
