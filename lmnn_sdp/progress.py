"""Progress while a solver runs."""

from __future__ import annotations

import sys
from types import TracebackType

from lmnn_sdp.solution import HistoryRow


class Progress:
    """One line on standard error with the current gap, from the first second on; nothing where quiet."""

    def __init__(self, name: str = "", quiet: bool = False) -> None:
        self._prefix = f"{name}: " if name else ""
        self._quiet = quiet
        self._open = False
        self._next = 1.0
        self._live = sys.stderr.isatty()
        self._every = 0.2 if self._live else 5.0

    def __call__(self, row: HistoryRow) -> None:
        """Show a history row, unless one was shown a moment ago."""
        if self._quiet or row.seconds < self._next:
            return
        self._next = row.seconds + self._every
        line = (
            f"{self._prefix}{row.seconds:7.1f} s   round {row.iteration}   objective {row.objective:.8g}   "
            f"gap {row.relative_gap:.1e}   working set {row.working_set:,}"
        )
        if self._live:
            print(f"\r{line:<100}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr)
        self._open = self._live

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the line."""
        if self._open:
            print(file=sys.stderr)
            self._open = False
