"""Clusters of Dask workers: how one is found, and whether all of it can work for this package."""

from __future__ import annotations

from pydoc import locate
from typing import Any

from lmnn_sdp.numerics.dask_worker import VERSION

ANSWER = 8.0  # seconds within which a scheduler answers


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
    return {worker: int(threads) for worker, threads in client.nthreads().items()}
