"""Clusters of Dask workers: how one is found, whether all of it can work for this package, and waiting for it."""

from __future__ import annotations

import time
from pydoc import locate
from typing import Any

from lmnn_sdp.numerics.dask_worker import VERSION
from lmnn_sdp.numerics.engine import EngineLostError

ANSWER = 8.0  # seconds within which a scheduler answers
PATIENCE = 300.0  # seconds without any worker, or any end, after which none is expected any more
POLL = 0.1  # seconds between looks for a scheduler
PULSE = 1.0  # seconds between looks at whether the cluster is still there


def connected(address: str) -> Any:
    """A client of the scheduler at an address; a `ConnectionError` where none answers."""
    Client = _client_class()
    if not address.rpartition(":")[2].isdigit():
        raise ValueError(f"engine={address!r} is no address of a Dask scheduler; use tcp://HOST:PORT")
    try:
        return Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {address} ({error}); start one with `dask scheduler`, or correct the address"
        ) from error


def checked_client(client: object) -> Any:
    """A client that is open, and that waits for its answers."""
    if not isinstance(client, _client_class()):
        raise ValueError(f"engine={client!r} must be a distributed.Client, the address of a Dask scheduler, or None")
    if client.asynchronous or client.status not in ("running", "connecting"):
        raise ValueError(f"engine={client!r} is closed or asynchronous; open a plain distributed.Client(address)")
    return client


def _client_class() -> Any:
    """The class of clients, for those who have a cluster."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError('an engine of Dask workers needs distributed: pip install "lmnn-sdp[dask]"') from error
    return Client


def checked_workers(client: Any) -> dict[str, int]:
    """Threads of each worker, all of which have this package in this version."""
    try:
        client.wait_for_workers(1, timeout=ANSWER)
    except TimeoutError as error:
        raise ConnectionError(
            f"the Dask scheduler at {client.scheduler.address} has no worker; start some with `dask worker ADDRESS`"
        ) from error
    found = client.run(locate, "lmnn_sdp.__version__", on_error="return")
    wrong = {worker: version for worker, version in found.items() if version != VERSION}
    if wrong:
        named = "; ".join(
            f"{worker} has {version if isinstance(version, str) else 'none'}" for worker, version in wrong.items()
        )
        raise ValueError(f"workers need lmnn-sdp {VERSION}, as here: {named}; install it there and start them again")
    there = {worker: int(threads) for worker, threads in client.nthreads().items()}
    if not there:
        raise ConnectionError(f"the workers of the Dask scheduler at {client.scheduler.address} have all gone")
    return there


def places(client: Any) -> list[str]:
    """A worker for each thread; an `OSError` where the last has just gone."""
    found = [worker for worker, threads in client.nthreads().items() for _ in range(threads)]
    if not found:
        raise OSError("the cluster has no worker")
    return found


def await_workers(client: Any) -> None:
    """Until the client has a scheduler, and this a worker; an `EngineLostError` where that takes too long.

    Workers that Dask has paused, since their memory is nearly full, are a `MemoryError`.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and client.status in ("connecting", "running"):
        if client.status == "running":
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
                return
            except TimeoutError as error:
                if _paused(client):
                    raise MemoryError("all workers are paused") from error
                raise EngineLostError(f"the cluster has had no worker for {PATIENCE:.0f} s") from error
            except OSError:  # the scheduler is on its way out, or in
                pass
        time.sleep(POLL)
    raise EngineLostError("the Dask client was closed, or its scheduler does not answer any more")


def wait_for(client: Any, futures: list[Any]) -> None:
    """Until all are done, or nobody is left to do them."""
    from distributed import wait

    done, since = 0, time.monotonic()
    while True:
        try:
            with client.as_current():
                wait(futures, timeout=PULSE)
            return
        except TimeoutError:
            await_workers(client)
        ended = sum(future.done() for future in futures)
        if ended > done:
            done, since = ended, time.monotonic()
        elif time.monotonic() - since > PATIENCE and _stuck(client, futures):
            raise MemoryError("all that is left waits at workers that are paused")


def _stuck(client: Any, futures: list[Any]) -> bool:
    """Whether all work that is left is at workers that Dask has paused, since their memory is nearly full."""
    held = client.processing()
    waiting = {key for worker in _paused(client) for key in held.get(worker, ())}
    return all(future.done() or future.key in waiting for future in futures)


def _paused(client: Any) -> list[str]:
    """Workers that begin no work, since their memory is nearly full."""
    return [worker for worker, seen in client.scheduler_info()["workers"].items() if seen["status"] == "paused"]
