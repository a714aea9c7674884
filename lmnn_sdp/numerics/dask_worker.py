"""What a Dask worker does for `lmnn_sdp.numerics.dask_engine`: it puts work together again, and runs it."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pydoc import locate
from threading import Lock
from typing import Any

import numpy as np

from lmnn_sdp.numerics.parallel import alone

VERSION = str(locate("lmnn_sdp.__version__"))
LARGE = 2**14  # bytes from which an array is moved by itself, and once
KEPT = 2  # pieces of work that stay put together: the one at hand, and one that is late

_open: OrderedDict[str, Any] = OrderedDict()
_opening = Lock()


class OtherRounding(RuntimeError):  # noqa: N818 - no error of anyone's
    """A worker's processor rounds a product otherwise than the one here."""


@dataclass(frozen=True)
class Reference:
    """Stands for an array that is moved by itself."""

    place: int


@dataclass(frozen=True, eq=False)
class Product:
    """Stands for the product of two arrays, or of what stands for them; the checksum is that of the bits of here."""

    X: Any
    T: Any
    checksum: int | None = None


def packed(value: Any, refer: Callable[[Any], Any]) -> Any:
    """The same dataclass, and those inside it, with what ``refer`` puts in the place of large arrays."""
    if isinstance(value, np.ndarray):
        return refer(value) if value.nbytes >= LARGE else value
    if isinstance(value, tuple):
        return tuple(packed(item, refer) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return _with_fields(value, lambda item: packed(item, refer))


def _unpacked(value: Any, arrays: list[Any]) -> Any:
    """The work from its shell."""
    if isinstance(value, Reference):
        return arrays[value.place]
    if isinstance(value, Product):
        V = _unpacked(value.X, arrays) @ _unpacked(value.T, arrays)
        if value.checksum not in (None, zlib.crc32(V)):
            raise OtherRounding
        return V
    if isinstance(value, tuple):
        return tuple(_unpacked(item, arrays) for item in value)
    return _with_fields(value, lambda item: _unpacked(item, arrays)) if is_dataclass(value) else value


def _with_fields(value: Any, change: Callable[[Any], Any]) -> Any:
    """A dataclass with each field changed; what it has cached stays behind."""
    made = object.__new__(type(value))
    for field in fields(value):
        object.__setattr__(made, field.name, change(getattr(value, field.name)))
    return made


def run(part: Any, token: str, version: str, shell: Any, arrays: list[Any]) -> Any:
    """The result of the work on one part, on a worker, which has put it together once for all parts."""
    if version != VERSION:
        raise ValueError(f"a worker that came later has lmnn-sdp {VERSION}, this process has {version}")
    with alone():
        with _opening:
            if token not in _open:
                _open[token] = _unpacked(shell, arrays)
                while len(_open) > KEPT:
                    _open.popitem(last=False)  # the one that was not asked for longest
            _open.move_to_end(token)
            work = _open[token]
        return work(part)


def forget(engine: str) -> None:
    """Keep no work of an engine, whose name its tokens begin with."""
    with _opening:
        for token in [token for token in _open if token.startswith(engine)]:
            del _open[token]


def run_all(parts: Sequence[Any], **said: Any) -> list[Any]:
    """Results of `run` on some parts, in order."""
    return [run(part, **said) for part in parts]


def nbytes(value: Any) -> int:
    """Bytes of the arrays in lists and dataclasses, and eight for whatever else."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, list | tuple):
        return sum(map(nbytes, value))
    if is_dataclass(value):
        return sum(nbytes(getattr(value, field.name)) for field in fields(value))
    return 8
