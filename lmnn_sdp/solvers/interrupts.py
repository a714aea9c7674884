"""Ctrl-C while a solve runs: it ends the work at once, and never what makes and hands over the answer."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class CtrlC:
    """Within this context Ctrl-C raises KeyboardInterrupt in `until` only, and only once; elsewhere it is noted.

    Other threads than the main one never see Ctrl-C. A handler of the caller's own is left in place.

    Attributes
    ----------
    came : bool
        Whether Ctrl-C was pressed. The work should look at it now and then: while numba compiles, nothing is raised.
    """

    def __init__(self) -> None:
        self.came = False
        self._raises = False
        self._installed = False

    def __enter__(self) -> CtrlC:
        if current_thread() is main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            with suppress(ValueError):  # an interpreter within the interpreter has no signals
                signal.signal(signal.SIGINT, self._note)
                self._installed = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def until(self, work: Callable[[], T]) -> T | None:
        """What ``work`` returns; None if Ctrl-C came before or meanwhile."""
        try:
            try:
                self._raises = True
                if self.came:
                    return None
                return work()
            finally:
                self._raises = False
        except KeyboardInterrupt:
            return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Ctrl-C is noted only: for what must not be broken off, such as an archive that would complain of it later."""
        raises, self._raises = self._raises, False
        try:
            yield
        finally:
            self._raises = raises and not self.came

    def _note(self, _: int, frame: FrameType | None) -> None:
        """Handle the signal that came at a frame."""
        self.came = True
        if self._raises and not _compiles(frame):
            self._raises = False
            raise KeyboardInterrupt


def _compiles(frame: FrameType | None) -> bool:
    """Whether numba compiles there: an interrupt is lost in its callbacks, and may leave it with half a function."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in ("numba", "llvmlite"):
            return True
        frame = frame.f_back
    return False
