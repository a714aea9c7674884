"""Who does the work on blocks: threads of this process, or an engine that the caller brings. Nothing here knows LMNN.

Work is a callable that holds its data as the fields of a dataclass and takes one small part at a time. Threads see the
data where they are; an engine may carry them elsewhere first. Either gives the results in the order of the parts, so
that what is summed up from them is the same to the last bit whoever did it, for the same partition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import Any, Protocol, TypeVar, runtime_checkable

from lmnn_sdp.numerics.parallel import SMALL, team, team_size
from lmnn_sdp.numerics.types import FloatArray

S = TypeVar("S")
T = TypeVar("T")


class EngineLostError(ConnectionError):
    """The engine is gone: it was closed, or nothing answers any more."""


class WorkerMemoryError(MemoryError):
    """Another process than this one ran out of memory; the message says what to change."""


@runtime_checkable
class Engine(Protocol):
    """What an engine can.

    Attributes
    ----------
    size : int
        Parts that even work is split into; it never changes, whoever comes and goes.
    """

    size: int

    def takes(self, work: Callable[[Any], Any], cost: float, times: int = 1) -> bool:
        """Whether the engine is the right place for work of so many multiplications, done so many times.

        Moving its data and asking for it costs less.
        """

    def map(self, work: Callable[[S], T], parts: Sequence[S]) -> list[T]:
        """Results of ``work`` on each part, in order."""

    def product(self, X: FloatArray, T: FloatArray) -> FloatArray:
        """``X T``, of which the engine need not move more than T where it has X."""

    def share(self, memory: int) -> int:
        """Bytes that each part may work with where a process may use so many."""


_current: ContextVar[Engine | None] = ContextVar("engine", default=None)


@contextmanager
def using(engine: Engine | None) -> Iterator[None]:
    """Let an engine do what it takes of the work inside; None for threads alone."""
    token = _current.set(engine)
    try:
        yield
    finally:
        _current.reset(token)


def spread(work: Callable[[S], T], parts: Sequence[S], cost: float, times: int = 1) -> list[T]:
    """Results of ``work`` on each part, in order, by the engine if it takes it, else by threads.

    ``cost`` counts the multiplications of all parts together, and ``times`` how often they will be asked for, about.
    """
    engine = _current.get()
    if engine is not None and engine.takes(work, cost, times):
        return engine.map(work, parts)
    if cost <= SMALL:
        return [work(part) for part in parts]
    with team() as members:
        return members.map(work, parts)


def in_blocks(work: Callable[[tuple[int, int]], T], size: int, cost: int) -> list[T]:
    """Results of ``work((begin, end))`` over a partition of ``range(size)``, in order; a part where it is small.

    ``cost`` counts the multiplications of an item.
    """
    total = float(size) * cost
    return spread(work, blocks(size, total), total)


def blocks(size: int, cost: float) -> list[tuple[int, int]]:
    """The partition of ``range(size)`` for work of so many multiplications in all; a part where it is small."""
    count = most_parts() if cost > SMALL else 1
    return list(pairwise(size * part // count for part in range(count + 1)))


def most_parts() -> int:
    """Parts that `blocks` makes, at most."""
    engine = _current.get()
    return team_size() if engine is None else engine.size


def product(X: FloatArray, T: FloatArray) -> FloatArray:
    """``X T`` for an X that stays the same from product to product."""
    engine = _current.get()
    return X @ T if engine is None else engine.product(X, T)


def share(memory: int) -> int:
    """Bytes that each of the parts worked on at a time may use where a process may use so many."""
    engine = _current.get()
    return memory // team_size() if engine is None else min(memory // team_size(), engine.share(memory))
