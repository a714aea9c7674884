"""Progress while a solver runs: a line that follows it in a terminal or notebook, a line now and then in a log file.

The line that is written over is tqdm's, so that it keeps clear of other bars; there is no bar in it and no forecast,
because the rounds of a solve differ too much in what they gain. A log file gets lines that stay.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from threading import RLock
from types import TracebackType

from tqdm import tqdm

from lmnn_sdp.display.history import Round
from lmnn_sdp.display.intervals import gap_text

FIRST = 1.0  # seconds; a shorter solve needs no progress
ALIVE = 0.2  # seconds between two lines that follow each other in one place
SEPARATOR = "   "


class Progress:
    """Shows the current gap beside the tolerance, from the first second on; nothing where quiet.

    The gap is what is left to do.

    Parameters
    ----------
    name : str
        Begins every line.
    quiet : bool
        Show nothing.
    tol : float, optional
        Relative gap at which the solve stops.
    """

    def __init__(self, name: str = "", quiet: bool = False, tol: float | None = None) -> None:
        self._name = name
        self._tol = tol
        self._next = math.inf if quiet or sys.stderr is None else FIRST  # a program without a console has no stderr
        self._unshown: Round | None = None
        self._line: _Line | None = None

    def __call__(self, row: Round) -> None:
        """Show a history row, unless one was shown a moment ago."""
        self._unshown = row
        if row.seconds >= self._next:
            self._try(self._show)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show where the solve ended, if it was followed at all, and end the line; also when an error goes through."""
        if FIRST < self._next < math.inf:
            self._try(self._show)
            self._try(self._end)

    def _try(self, write: Callable[[], None]) -> None:
        """Write; where that fails (a closed stream), go on with the solve in silence."""
        try:
            write()
        except Exception:
            self._next = math.inf
            if self._line is not None:
                self._line.disable = True

    def _show(self) -> None:
        """Show the last row, unless it was."""
        if self._unshown is None:
            return
        seconds, parts = self._unshown.seconds, self._parts(self._unshown)
        self._unshown = None
        if not _can_write_over():
            # a twentieth of the time so far: a day leaves some two hundred lines
            self._next = seconds + max(5.0, seconds / 20)
            print(SEPARATOR.join(parts), file=sys.stderr, flush=True)
            return
        self._next = seconds + ALIVE
        if self._line is None:
            self._line = _Line(bar_format="{desc}", dynamic_ncols=True)
        self._line.set_description_str(_fit(parts, self._line.format_dict["ncols"]))

    def _end(self) -> None:
        """Leave the line, so that other output begins on one of its own."""
        if self._line is not None:
            self._line.close()

    def _parts(self, row: Round) -> list[str]:
        """The parts of a line, by falling importance: a narrow terminal drops the last ones."""
        goal = "" if self._tol is None else f" (tol {self._tol:.1e})"
        prefix = f"{self._name}: " if self._name else ""
        return [
            f"{prefix}{row.seconds:7.1f} s",
            f"gap {gap_text(row.relative_gap)}{goal}",
            f"objective {row.objective:.8g}",
            f"round {row.iteration}",
            f"working set {row.working_set:,}",
        ]


class _Line(tqdm):
    """A line on standard error, which leaves no trace in the process.

    Not wanted are the thread by which tqdm corrects how often it looks at the clock, and its lock between processes,
    which settles how Python starts them before the caller could say so.
    """

    monitor_interval = 0
    _lock = RLock()


def _can_write_over() -> bool:
    """Whether standard error is the output of a notebook's cell or a terminal; to one without a size tqdm is silent."""
    stream = sys.stderr
    if type(stream).__module__.startswith("ipykernel"):
        return True
    try:
        return stream.isatty() and min(os.get_terminal_size(stream.fileno())) > 0
    except (OSError, ValueError):  # what claims to be a terminal need not have a file
        return True


def _fit(parts: Sequence[str], width: int | None) -> str:
    """As many whole parts as there is room for: half a number would be another one. The first is cut where it must be.

    The last column stays free, at which some terminals begin a new line.
    """
    lines = [SEPARATOR.join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((line for line in lines if width is None or len(line) < width), parts[0][: max(0, (width or 1) - 1)])
