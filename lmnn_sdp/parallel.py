"""Threads: how many are allowed, and work shared among them without oversubscription. Nothing here knows LMNN."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import numba
from threadpoolctl import ThreadpoolController

TINY = 32  # rows of a matrix up to which no library starts a second thread
SMALL = 2**16  # multiplications below which a second thread costs more than it saves


def threads() -> int:
    """Threads allowed by the environment variables of numba and BLAS, by threadpoolctl and by the cores at hand."""
    # the largest pool: some libraries bring a BLAS of their own that was built for one thread
    pools = [pool["num_threads"] for pool in blas().info() if pool["user_api"] == "blas"]
    return max(1, min(numba.config.NUMBA_NUM_THREADS, max(pools, default=1)))


@cache
def blas() -> ThreadpoolController:
    """The thread pools of the loaded BLAS libraries, looked up once (it walks over all loaded libraries)."""
    return ThreadpoolController()


def alone(size: int) -> AbstractContextManager[object]:
    """One BLAS thread for a decomposition of a matrix with ``size`` rows, where a second one gains next to nothing.

    It can lose a lot: the threads of a factorisation wait for each other at every column, so on a machine that is
    busy otherwise two of them were seen to take 475 ms for what one does in 2.
    """
    return blas().limit(limits=1, user_api="blas") if size >= TINY else nullcontext()


def in_parts(work: Callable[[int, int], object], size: int, cost: int) -> None:
    """Call ``work(begin, end)`` on a partition of ``range(size)``, a part a thread.

    ``work`` is a compiled kernel that gives up the interpreter's lock and writes each item on its own, so the
    result does not depend on the number of threads. ``cost`` counts the multiplications of an item.
    """
    count = threads() if size * cost > SMALL else 1
    bounds = [size * part // count for part in range(count + 1)]
    if count == 1:
        work(0, size)
        return
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))
