"""Progress while a solver runs: a line that follows it in a terminal or notebook, a line now and then in a log file."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol

from lmnn_sdp.display.history import Round

FIRST = 1.0  # seconds; a shorter solve needs no progress
SEPARATOR = "   "


class Progress:
    """Shows the current gap beside the tolerance, from the first second on; nothing where quiet.

    The gap is what is left to do. No time is foretold: the rounds of a solve differ too much in what they gain.

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
        self._next = FIRST
        self._unshown: Round | None = None
        self._display: _Display | None = None if quiet else _find_display()

    def __call__(self, row: Round) -> None:
        """Show a history row, unless one was shown a moment ago."""
        if self._display is None:
            return
        self._unshown = row
        if row.seconds >= self._next:
            self._next = row.seconds + self._display.pause(row.seconds)
            self._show()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show where the solve ended, if it was followed at all, and end the line; also when an error goes through."""
        if self._next > FIRST:
            self._show(last=True)

    def _show(self, last: bool = False) -> None:
        """Show the last row, unless it was; where that fails (a closed stream), go on with the solve in silence."""
        if self._display is None:
            return
        try:
            if self._unshown is not None:
                self._display.show(self._parts(self._unshown))
            if last:
                self._display.end()
        except Exception:
            self._display = None
        self._unshown = None

    def _parts(self, row: Round) -> list[str]:
        """The parts of a line, by falling importance: a narrow terminal drops the last ones."""
        goal = "" if self._tol is None else f" (tol {self._tol:.1e})"
        prefix = f"{self._name}: " if self._name else ""
        return [
            f"{prefix}{row.seconds:7.1f} s",
            f"gap {row.relative_gap:.1e}{goal}",
            f"objective {row.objective:.8g}",
            f"round {row.iteration}",
            f"working set {row.working_set:,}",
        ]


class _Display(Protocol):
    """Where progress is shown."""

    def pause(self, seconds: float) -> float:
        """Seconds until the next line, that many after the first."""

    def show(self, parts: Sequence[str]) -> None:
        """Show a line."""

    def end(self) -> None:
        """Leave what was shown last, so that other output begins on a line of its own."""


class _Terminal:
    """One line that is written over."""

    def pause(self, seconds: float) -> float:
        """Often enough to look alive."""
        return 0.2

    def show(self, parts: Sequence[str]) -> None:
        """Write over the last line; spaces up to the edge wipe out what is left of a longer one."""
        width = _terminal_width() - 1  # some terminals begin a new line at the last column
        print(f"\r{_fit(parts, width):<{width}}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line."""
        print(file=sys.stderr)


class _LogFile:
    """Lines that stay, fewer and fewer of them."""

    def pause(self, seconds: float) -> float:
        """Five seconds at first; later a twentieth of the time so far, so that a day leaves some two hundred lines."""
        return max(5.0, seconds / 20)

    def show(self, parts: Sequence[str]) -> None:
        """Add a line."""
        print(SEPARATOR.join(parts), file=sys.stderr, flush=True)

    def end(self) -> None:
        """Nothing: every line is ended."""


class _Notebook:
    """One output of the cell that is replaced, so that the saved notebook holds the last line only."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def pause(self, seconds: float) -> float:
        """Rarer than in a terminal: every update is a message to the browser."""
        return 0.5

    def show(self, parts: Sequence[str]) -> None:
        """Show the output, or replace it."""
        bundle = {"text/plain": SEPARATOR.join(parts)}
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def end(self) -> None:
        """Nothing: the output stays."""


def _find_display() -> _Display | None:
    """What suits standard error; nothing where there is none."""
    if sys.stderr is None:  # a program without a console
        return None
    if sys.stderr.isatty():
        return _Terminal()
    ipython: Any = sys.modules.get("IPython")  # whoever runs in a notebook has it loaded
    shell = ipython.get_ipython() if ipython is not None else None
    return _LogFile() if getattr(shell, "kernel", None) is None else _Notebook(ipython.display.display)


def _terminal_width() -> int:
    """Columns of the terminal behind standard error."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):  # what claims to be a terminal need not have a file
        return 80


def _fit(parts: Sequence[str], width: int) -> str:
    """As many whole parts as the width holds: half a number would be another one. The first is cut where it must be."""
    line = parts[0][:width]
    for part in parts[1:]:
        if len(line) + len(SEPARATOR) + len(part) > width:
            break
        line += SEPARATOR + part
    return line
