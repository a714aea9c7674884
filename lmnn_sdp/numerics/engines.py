"""From what a caller names as engine to the work inside; Dask is imported only by those who name it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lmnn_sdp.numerics.engine import Engine, using


@contextmanager
def running(engine: object) -> Iterator[None]:
    """Let this engine do the work inside; None leaves it to whoever does it already.

    Parameters
    ----------
    engine : Engine, distributed.Client, str or None
        A client of a Dask cluster, or the address of its scheduler, stands for a `DaskEngine`, closed at the end.
    """
    if engine is None:
        yield
    elif isinstance(engine, Engine):
        with using(engine):
            yield
    else:
        from lmnn_sdp.numerics.dask_engine import DaskEngine

        opened = DaskEngine(engine)
        try:
            with using(opened):
                yield
        finally:
            opened.close()
