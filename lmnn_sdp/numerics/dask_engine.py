"""An engine of Dask workers: data move once, parts run wherever there is room, and a lost worker's parts run again.

Arrays of some size inside work are moved to every worker and stay there for as long as they live here, as does the work
itself. Whoever makes work must therefore never write into its arrays. Many parts go in batches to whoever is free; of
even work, with a part a thread, each part goes where it went before, and finds there what it had made. A product of a
large array with a small one moves as its two factors, with a checksum: workers with another processor round otherwise,
and are then sent the product itself.
"""

from __future__ import annotations

import math
import uuid
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from weakref import finalize

import numpy as np

from lmnn_sdp.numerics.dask_cluster import await_workers, checked_client, checked_workers, connected, places, wait_for
from lmnn_sdp.numerics.dask_worker import VERSION, OtherRounding, Product, Reference, forget, nbytes, packed, run_all
from lmnn_sdp.numerics.engine import EngineLostError, WorkerMemoryError
from lmnn_sdp.numerics.types import FloatArray

S = TypeVar("S")
T = TypeVar("T")

SILENCE, SLOWEST = 20.0, 5e6  # seconds that data may take to the workers, and beside them bytes a second
AGAIN = 5  # times that work is begun again after its data were lost
LEAST = 2.0**30  # multiplications, some 50 ms, that asking the workers takes at least
PER_BYTE = 16.0  # multiplications in the time that a byte takes to a worker
# what changes from call to call moves with it: of many features a matrix that Dask would rather have moved before
UNWARNED = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}
BATCHES, MOST = 4, 8  # batches of many parts, a thread, and parts of one of them at most


@dataclass
class Traffic:
    """What an engine has moved.

    Attributes
    ----------
    maps : int
        Times that work was handed out.
    sent, received : int
        Bytes of arrays, to all workers together and back.
    """

    maps: int = 0
    sent: int = 0
    received: int = 0


class DaskEngine:
    """The workers of a Dask cluster as the engine of a solve.

    Every worker needs this package in this version, and room for the data (``docs/scale_plan.md``). Workers may come
    and go while it runs. `solve` and `LMNN` take it as ``engine``; a client, or the address of a scheduler, stands
    for an engine with the default settings.

    Parameters
    ----------
    client : distributed.Client or str
        Client of the cluster, or the address of its scheduler (``tcp://HOST:PORT``).
    memory : int, optional
        Bytes that each worker may use for the blocks that it works on, beside the data themselves; None for 256 MiB.
    least : float, optional
        Multiplications below which work is not handed out, more where data are to be moved first; None for 2**30, which
        take as long as to ask. 0 hands out everything.

    Attributes
    ----------
    size : int
        Threads of the cluster at the beginning: parts that even work is split into.
    traffic : Traffic
        What was moved so far.

    Raises
    ------
    ConnectionError
        If no scheduler answers at the address, or none of its workers, within ten seconds.
    ValueError
        For something that is neither client nor address, and for workers without this package or with another version
        of it, which are named.
    ImportError
        If the package ``distributed`` is missing: ``pip install "lmnn-sdp[dask]"``.
    """

    def __init__(self, client: Any, memory: int | None = None, least: float | None = None) -> None:
        self.memory = _checked_memory(memory)
        self.least = LEAST if least is None else least
        self.traffic = Traffic()
        self._name = f"lmnn-{uuid.uuid4().hex}"
        self._opened = isinstance(client, str)
        self._client = connected(client) if isinstance(client, str) else checked_client(client)
        self._there: dict[int, Any] = {}
        self._products: dict[int, Product] = {}
        self._works: dict[int, dict[str, Any]] = {}
        self._same_rounding = True
        try:
            workers = checked_workers(self._client)
        except BaseException:
            self.close()
            raise
        self.size = sum(workers.values())
        self._threads = max(workers.values())

    def __deepcopy__(self, _: object) -> DaskEngine:
        """Itself: a copy of an estimator has the same cluster."""
        return self

    def close(self) -> None:
        """Let the workers forget the data; close the client too where it was opened here."""
        if self._client.status == "running":
            with suppress(OSError, TimeoutError):  # who has gone has forgotten
                self._clear()
        self._forget()
        self._products.clear()
        if self._opened:
            self._client.close()

    def share(self, memory: int) -> int:
        """Bytes that each part may work with."""
        return (memory if self.memory is None else min(memory, self.memory)) // self._threads

    def takes(self, work: Callable[[Any], Any], cost: float, times: int = 1) -> bool:
        """Whether the work is long enough to be worth asking, and to be worth moving what of it is not there yet."""
        _, arrays = self._packed(work)
        new = sum(array.nbytes for array in arrays if id(array) not in self._there)
        return cost >= self.least * (1 + PER_BYTE * new * self.size / (LEAST * times))

    def product(self, X: FloatArray, T: FloatArray) -> FloatArray:
        """``X T``, remembered as such."""
        V = X @ T
        self._products[id(V)] = Product(X, T)
        finalize(V, self._products.pop, id(V), None)
        return V

    def map(self, work: Callable[[S], T], parts: Sequence[S]) -> list[T]:
        """Results of ``work`` on each part, in order.

        Parameters
        ----------
        work : callable
            Of one part; it never writes into its arrays.
        parts : sequence
            What it is called with.

        Returns
        -------
        list
            One result a part.

        Raises
        ------
        EngineLostError
            If the client was closed, its scheduler does not answer any more, or there is no worker for five minutes.
        WorkerMemoryError
            If a worker ran out of memory, with what to change.
        """
        lost = 0
        while True:
            try:
                return self._mapped(work, parts)
            except OtherRounding:
                self._same_rounding = False
                self._forget()
            except EngineLostError:  # an OSError too, but nothing that a next try would mend
                raise
            # data were lost with the last worker that had them, or on their way to one
            except (CancelledError, OSError, TimeoutError) as error:
                lost += 1
                if lost > AGAIN:
                    raise EngineLostError(f"the cluster lost what it was sent {lost} times in a row") from error
                self._forget()

    def _mapped(self, work: Callable[[S], T], parts: Sequence[S]) -> list[T]:
        """One try."""
        from distributed.scheduler import KilledWorker

        try:
            await_workers(self._client)
            results = self._gathered(self._carried(work), parts)
        except (KilledWorker, MemoryError) as error:
            _, arrays = self._packed(work)
            raise WorkerMemoryError(self._out_of_memory(sum(array.nbytes for array in arrays))) from error
        except ImportError as error:
            raise ValueError(f"a worker that came later lacks a package: {error}; install it there") from error
        self.traffic.maps += 1
        self.traffic.sent += nbytes(parts)
        self.traffic.received += nbytes(results)
        return results

    def _carried(self, work: Callable[[S], T]) -> dict[str, Any]:
        """What workers are told of a piece of work, which moves the first time."""
        if id(work) not in self._works:
            shell, arrays = self._packed(work)
            held = [self._moved(array) for array in arrays]
            said = {"token": f"{self._name}-{uuid.uuid4().hex}", "version": VERSION, "shell": self._scattered(shell, 0)}
            self._works[id(work)] = {**said, "arrays": held}
            finalize(work, self._works.pop, id(work), None)
        return self._works[id(work)]

    def _gathered(self, said: dict[str, Any], parts: Sequence[S]) -> list[Any]:
        """The results, once all are there."""
        import dask

        count = -(-len(parts) // self._batch(len(parts)))
        batches = [parts[number::count] for number in range(count)]
        name = f"{said['token']}-{uuid.uuid4().hex}"
        with dask.config.set(UNWARNED):
            if len(parts) > self.size:
                futures = self._client.map(run_all, batches, pure=False, key=name, **said)
            else:
                found = places(self._client)
                futures = [
                    self._client.submit(
                        run_all,
                        batch,
                        pure=False,
                        key=f"{name}-{number}",
                        workers=[found[number % len(found)]],
                        allow_other_workers=True,
                        **said,
                    )
                    for number, batch in enumerate(batches)
                ]
        wait_for(self._client, futures)
        results = self._client.gather(futures)
        return [results[place % count][place // count] for place in range(len(parts))]

    def _packed(self, work: Callable[[S], T]) -> tuple[Any, list[Any]]:
        """A piece of work without its arrays, and these."""
        arrays: list[Any] = []
        return packed(work, partial(self._referred, arrays)), arrays

    def _batch(self, count: int) -> int:
        """Parts of a batch where there are so many parts."""
        return 1 if count <= self.size else min(MOST, -(-count // (BATCHES * self.size)))

    def _clear(self) -> None:
        """Ask every worker to drop the work that it keeps; nobody waits for that."""
        from distributed import fire_and_forget

        for place in set(places(self._client)):
            fire_and_forget(self._client.submit(forget, self._name, pure=False, workers=[place]))

    def _forget(self) -> None:
        """What the workers have is nothing to count on any more."""
        self._there.clear()
        self._works.clear()

    def _referred(self, arrays: list[Any], array: Any) -> Any:
        """What stands for an array inside of work: a reference, or a product of two."""
        known = self._products.get(id(array)) if self._same_rounding else None
        if known is not None:
            if known.checksum is None:
                known = Product(known.X, known.T, zlib.crc32(array))
                self._products[id(array)] = known
            refer = partial(self._referred, arrays)
            return Product(refer(known.X), refer(known.T), known.checksum)
        for place, other in enumerate(arrays):
            if other is array:
                return Reference(place)
        arrays.append(array)
        return Reference(len(arrays) - 1)

    def _moved(self, array: Any) -> Any:
        """The array as a future, moved unless it is there; in the end every worker has it."""
        if id(array) not in self._there:
            self._there[id(array)] = self._scattered(array, array.nbytes)
            finalize(array, self._there.pop, id(array), None)
            self.traffic.sent += array.nbytes * max(1, len(self._client.nthreads()))
        return self._there[id(array)]

    def _scattered(self, data: Any, size: int) -> Any:
        """Data of so many bytes on one worker, as a future, from which the others fetch them with their first part.

        Dask's own way to all of them at once may wait for ever after a worker has died.
        """
        send = partial(self._client.scatter, data, hash=False, asynchronous=True)
        return self._client.sync(send, callback_timeout=SILENCE + size / SLOWEST)

    def _out_of_memory(self, data: int) -> str:
        """What to change where a worker ran out of memory."""
        blocks = self.share(2**28) * self._threads
        return (
            f"a worker ran out of memory: the data take {_mib(3 * data)} MiB of each, and blocks up to {_mib(blocks)} "
            f"MiB; give it more (--memory-limit of dask worker), or use engine=DaskEngine(client, memory={blocks // 4})"
        )


def _mib(size: float) -> int:
    """Bytes in MiB, rounded up."""
    return math.ceil(size / 2**20)


def _checked_memory(memory: object) -> int | None:
    """Bytes, at least a MiB."""
    if memory is None:
        return None
    if isinstance(memory, bool) or not isinstance(memory, int | np.integer) or memory < 2**20:
        raise ValueError(f"memory={memory!r} must be a number of bytes of at least {2**20}, or None")
    return int(memory)
