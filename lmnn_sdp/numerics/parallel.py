"""A team of threads that share work in parts, each with one BLAS thread of its own. Nothing here knows LMNN.

BLAS libraries split a single product over threads that wait for each other by spinning. On a machine that is busy
otherwise such a wait costs many times the work: two threads were seen to take 475 ms for the eigenvalues of a matrix
of 136 rows, which one of them finds in 2. A part a thread, and a wait asleep, lose nothing when the machine is idle.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from threading import RLock, get_ident
from typing import TypeVar

import numba
from threadpoolctl import OpenBLASController, ThreadpoolController

S = TypeVar("S")
T = TypeVar("T")

SMALL = 2**22  # multiplications, some 0.2 ms, below which waking a second thread costs more than it saves
GATHERED = 8  # multiplications of a product of matrices in the time of one between rows from here and there


@dataclass(frozen=True)
class Team:
    """The calling thread and its helpers."""

    size: int
    pool: ThreadPoolExecutor
    process: int = field(default_factory=os.getpid)

    def map(self, work: Callable[[S], T], parts: Iterable[S]) -> list[T]:
        """Results of ``work`` on each part, in order, whichever member takes it.

        The caller takes parts as the helpers do and needs none of them: at interpreter exit, when no thread can begin
        any more, it does them all.
        """
        left = deque(enumerate(parts))
        results: dict[int, T] = {}
        count = len(left)

        def take() -> None:
            while left:
                try:
                    position, part = left.popleft()
                except IndexError:  # another member was faster
                    return
                results[position] = work(part)

        helpers: list[Future[None]] = []
        try:
            with suppress(RuntimeError):  # "cannot schedule new futures after shutdown", "can't start new thread"
                helpers.extend(self.pool.submit(take) for _ in range(min(self.size, count) - 1))
            take()
        finally:
            left.clear()  # after an error, nobody begins another part
            wait([helper for helper in helpers if not helper.cancel()])
        for helper in helpers:
            if not helper.cancelled():
                helper.result()  # raises what it met
        return [results[position] for position in range(count)]


_current: ContextVar[Team | None] = ContextVar("team", default=None)


@contextmanager
def team() -> Iterator[Team]:
    """The threads of the work inside; BLAS keeps to one thread meanwhile. A team within a team is the same team."""
    found = _current.get()
    if found is not None and found.process == os.getpid():  # a forked child has its parent's team, without the threads
        yield found
        return
    size = threads()
    with _single_blas.hold(), ThreadPoolExecutor(size) as pool:
        token = _current.set(Team(size, pool))
        try:
            yield Team(size, pool)
        finally:
            _current.reset(token)


@contextmanager
def alone() -> Iterator[None]:
    """No helpers for the work inside: this thread is one of several that somebody else sees to."""
    with _single_blas.hold(), ThreadPoolExecutor(1) as pool:
        token = _current.set(Team(1, pool))
        try:
            yield
        finally:
            _current.reset(token)


def in_parts(work: Callable[[int, int], T], size: int, cost: int) -> list[T]:
    """Results of ``work(begin, end)`` over a partition of ``range(size)``, a part a thread, in order.

    ``work`` spends its time in code that gives up the interpreter's lock. ``cost`` counts the multiplications of
    an item.
    """
    if size * cost <= SMALL:
        return [work(0, size)]
    with team() as members:
        bounds = [size * part // members.size for part in range(members.size + 1)]
        return members.map(lambda part: work(*part), pairwise(bounds))


def team_size() -> int:
    """Members of the team at hand, or of the one that would be made."""
    found = _current.get()
    return found.size if found is not None and found.process == os.getpid() else threads()


def threads() -> int:
    """Threads allowed by the environment variables of numba and BLAS, by threadpoolctl and by the cores at hand."""
    return max(1, min(numba.config.NUMBA_NUM_THREADS, _single_blas.threads_before))


@cache
def _blas() -> ThreadpoolController:
    """The thread pools of the loaded BLAS libraries, looked up once (it walks over all loaded libraries)."""
    return ThreadpoolController().select(user_api="blas")


def _blas_threads() -> list[int]:
    """Threads that each BLAS library may use."""
    return [library.num_threads for library in _blas().lib_controllers]


def _set_blas_threads(counts: list[int]) -> None:
    """Let each BLAS library use so many threads, whichever thread limited it last."""
    _forget_who_limited()
    for library, count in zip(_blas().lib_controllers, counts, strict=True):
        library.set_num_threads(count)
    _forget_who_limited()


def _forget_who_limited() -> None:
    """From threadpoolctl 3.7 on only the first thread to set a limit is obeyed; the last to end may be another."""
    forget = getattr(OpenBLASController, "clear_controlling_thread", None)
    if forget is not None:
        forget(force=True)


class _SingleBlas:
    """Limits BLAS to one thread while anyone holds it, from whatever threads, then gives back what was allowed."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._holders: list[int] = []  # threads, one several times where it holds several times
        self._before: list[int] = []
        # nobody is half way through when a process forks; of the holders, only the thread that forks lives on
        os.register_at_fork(
            before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._forget_others
        )

    @property
    def threads_before(self) -> int:
        """Threads that BLAS may use when nobody holds it."""
        with self._lock:
            counts = self._before if self._holders else _blas_threads()
        return max(counts, default=1)  # the largest: some libraries bring a BLAS that was built for one thread

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the limit."""
        with self._lock:
            if not self._holders:
                self._before = _blas_threads()
                _set_blas_threads([1] * len(self._before))
            self._holders.append(get_ident())
        try:
            yield
        finally:
            with self._lock:
                self._holders.remove(get_ident())
                if not self._holders:
                    _set_blas_threads(self._before)

    def _forget_others(self) -> None:
        """In a forked child: BLAS has its threads back, unless the thread that forked holds the limit."""
        held = bool(self._holders)
        self._holders = [thread for thread in self._holders if thread == get_ident()]
        if held and not self._holders:
            _set_blas_threads(self._before)
        self._lock.release()


_single_blas = _SingleBlas()
