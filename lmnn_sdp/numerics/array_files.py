"""Reads NumPy's NPY and NPZ files, also damaged and hostile ones: no size is believed before it is checked.

NumPy's own reader allocates whatever the header asks for, and passes on the many kinds of errors of the ZIP format.
"""

from __future__ import annotations

import ast
import math
import os
import re
import reprlib
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

#: Types of arrays that are read: booleans, numbers, text, times. Python objects and records are not.
NUMPY_TYPE = re.compile(r"[<>|=][?biufcSUmM][1-9][0-9]*(\[[0-9a-zA-Z]+\])?")
#: Deflate shrinks nothing further than this.
LARGEST_RATIO = 1032
#: Bytes of the last record of a ZIP file.
END_RECORD = 22
#: Bytes; NumPy's own limit, above which Python's parser may not be safe.
LONGEST_HEADER = 10_000
REMEDY = "write it again with numpy.save or numpy.savez"


def check_plain_file(path: str | os.PathLike[str]) -> Path:
    """The path, if it leads to a plain file, directly or through links.

    A FIFO or a device could keep its reader waiting forever, or never end.

    Raises
    ------
    ValueError
        If there is no file, or one of another kind: a folder, a FIFO, a socket, a device.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; check the path") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)!r} cannot be read ({_reason(error)}); check the path") from error
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path} is {_kind(mode)}; only plain files are read: copy what it holds into one")
    return Path(path)


def read_arrays(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[np.generic]]:
    """Arrays of an NPZ file by name; the one of an NPY file goes by ``"array"``.

    Parameters
    ----------
    path : path-like
        The file's first bytes tell which of the two it is, not its ending.

    Raises
    ------
    ValueError
        If it is no plain file, neither NPY nor NPZ, damaged, encrypted, compressed otherwise than NumPy does, if it
        holds Python objects or records, or if it claims more data than it has.
    """
    plain = check_plain_file(path)
    try:
        with plain.open("rb") as file:
            if file.read(2) == b"PK":
                return _read_zip(plain)
            file.seek(0)
            return {"array": _array(file.read())}
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, RuntimeError) as error:
        # zipfile has all of these for damaged files: RuntimeError is also what it cannot decrypt or does not implement
        raise ValueError(f"{path} holds no arrays that can be read ({_reason(error)}); {REMEDY}") from error
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({_reason(error)}); check that it is whole and yours to read"
        ) from error
    except (MemoryError, OverflowError) as error:
        raise ValueError(f"{path} holds more than fits into memory; {REMEDY}, in smaller parts") from error


def _read_zip(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Every member of an NPZ file, after a check of what the directory says of it."""
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        if sum(member.compress_size for member in members) > path.stat().st_size:
            raise ValueError("its directory claims more bytes than the file has")
        listed = _listed(path)
        if len(members) != listed:  # one whose length is damaged may hide those after it
            raise ValueError(f"its directory has {len(members)} of the {listed} members that it lists")
        for member in members:
            _check_member(member)
        return {member.filename.removesuffix(".npy"): _array(file.read(member)) for member in members}


def _listed(path: Path) -> int:
    """Number of members that the last record of a ZIP file tells; NumPy writes no comment behind it."""
    with path.open("rb") as file:
        file.seek(-END_RECORD, os.SEEK_END)
        return int.from_bytes(file.read(END_RECORD)[10:12], "little")


def _check_member(member: zipfile.ZipInfo) -> None:
    """Stored or deflated, in the clear, and of a size that such a file can have."""
    if member.flag_bits & 1:
        raise ValueError(f"{member.filename!r} is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename!r} is compressed by method {member.compress_type}, which NumPy never uses")
    if member.file_size > LARGEST_RATIO * member.compress_size:
        raise ValueError(f"{member.filename!r} claims {member.file_size:,} bytes in {member.compress_size:,}")


def _array(content: bytes) -> npt.NDArray[np.generic]:
    """The array of an NPY file's bytes."""
    if content[:8] not in (b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00"):
        raise ValueError("it is neither NPY nor NPZ")
    width = 2 if content[6] == 1 else 4  # of the header's length, which follows the version
    begin = 8 + width
    end = begin + int.from_bytes(content[8:begin], "little")
    if end - begin > LONGEST_HEADER:
        raise ValueError(f"its header claims {end - begin:,} bytes")
    header = _header(content[begin:end])
    have = max(len(content) - end, 0)
    if have != math.prod(header.shape) * header.dtype.itemsize:
        raise ValueError(
            f"its header claims the shape {reprlib.repr(header.shape)} of {header.dtype.itemsize}-byte entries, which "
            f"are not the {have:,} bytes that follow"
        )
    flat = np.frombuffer(content, header.dtype, offset=end) if have else np.empty(0, header.dtype)
    return flat.reshape(header.shape, order=header.order).copy(order="K")  # a copy may be written to


@dataclass(frozen=True)
class _Header:
    """What an NPY file says of its array."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    order: Literal["C", "F"]


def _header(text: bytes) -> _Header:
    """The dictionary that an NPY file begins with."""
    try:
        header = ast.literal_eval(text.decode("ascii").strip(" \n"))
        descr, shape, by_columns = header["descr"], header["shape"], header["fortran_order"]
    except (SyntaxError, KeyError, TypeError, MemoryError) as error:
        raise ValueError("its header is damaged") from error
    if descr == "|O":
        raise ValueError("it holds Python objects, which could run code; keep numbers or text")
    if not isinstance(descr, str) or not NUMPY_TYPE.fullmatch(descr):
        raise ValueError(f"it holds entries of the type {descr!r}; keep numbers or text")
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"its shape {reprlib.repr(shape)} is none")
    try:
        return _Header(np.dtype(descr), shape, "F" if by_columns else "C")
    except TypeError as error:
        raise ValueError(f"it holds entries of the type {descr!r}; keep numbers or text") from error


def _kind(mode: int) -> str:
    """What an irregular file is, in words."""
    kinds = {stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a FIFO", stat.S_ISSOCK: "a socket"}
    return next((name for is_kind, name in kinds.items() if is_kind(mode)), "a device")


def _reason(error: Exception) -> str:
    """The system's words, or the error's own."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
