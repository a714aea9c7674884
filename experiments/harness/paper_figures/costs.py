"""What a search costs: processor seconds, which depend on the machine, and coordinate terms, which do not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

REPEATS = 3


@dataclass(frozen=True)
class Cost:
    """Of one search for all questions.

    Attributes
    ----------
    seconds : float
        Of the processor, the least of some repeats: what another program took is not the method's.
    terms : int
        Squared differences of single coordinates that were added up, to points and to centres of balls.
    """

    seconds: float
    terms: int


def measured(search: Callable[[], tuple[T, int]]) -> tuple[T, Cost]:
    """The answer of a search that counts its terms, and what it cost."""
    (answer, terms), seconds = quickest(search)
    return answer, Cost(seconds, terms)


def quickest(call: Callable[[], T]) -> tuple[T, float]:
    """A result, and the least processor seconds of some repeats."""
    spent = []
    for _ in range(REPEATS):
        begin = time.process_time()
        result = call()
        spent.append(time.process_time() - begin)
    return result, min(spent)
