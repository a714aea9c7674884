"""Files that are written whole or not at all. Nothing here knows LMNN.

The bytes go to a temporary file in the same folder, whose name nobody can foresee, and reach the disk before it takes
the name of the old file in one step. The writer holds a lock on its temporary file: one without a lock belongs to a
process that was killed, and the next write in that folder removes it.
"""

from __future__ import annotations

import fcntl
import io
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias

PathLike: TypeAlias = str | os.PathLike[str]

PREFIX, SUFFIX = ".lmnn_sdp-", ".part"  # of temporary files


def write_atomically(path: PathLike, write: Callable[[BinaryIO], object]) -> None:
    """Create or replace a file at once; on any failure, an interrupt too, the old one stays as it was.

    Parameters
    ----------
    path : path-like
        File to write. A symbolic link is followed to its target. A file that is replaced keeps its permissions, a
        new one has those that the process gives to new files.
    write : callable
        Writes the bytes to the open binary file that it is given.

    Raises
    ------
    ValueError
        If ``path`` is there and no plain file, such as a folder, a device or a named pipe.
    OSError
        If the folder is missing or closed to us, the file is write-protected, or the disk is full.
    """
    target, mode = check_writable(path)
    _remove_abandoned(target.parent)
    temporary = target.with_name(f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}")
    try:
        with _locked(temporary) as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            write(file)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = os.fspath(path)  # the name that the caller knows
        raise


def write_text_atomically(path: PathLike, write: Callable[[TextIO], object]) -> None:
    """The same for text, in UTF-8."""

    def encoded(file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8")
        try:
            write(text)
        finally:
            text.detach()  # flushes, and leaves the file open

    write_atomically(path, encoded)


def check_writable(path: PathLike) -> tuple[Path, int | None]:
    """Where a write to ``path`` goes, and the permissions of the plain file that is there, if any.

    Raises
    ------
    ValueError
        If something is there that is no plain file.
    OSError
        If the folder is missing, or the file is write-protected.
    """
    target = Path(os.path.realpath(path))
    try:
        there = os.stat(path)
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise FileNotFoundError(f"{os.fspath(path)} is in no folder that exists; create the folder first") from None
        return target, None
    if not stat.S_ISREG(there.st_mode):
        raise ValueError(f"{os.fspath(path)} is no plain file and will not be replaced; name another file")
    if not os.access(target, os.W_OK):
        raise PermissionError(f"{os.fspath(path)} is write-protected and will not be replaced; name another file")
    return target, stat.S_IMODE(there.st_mode)


def _locked(path: Path) -> BinaryIO:
    """A new file, locked for as long as it is open."""
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "w+b")
        with suppress(OSError):  # a file system without locks: nobody will remove what is abandoned
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # another writer took it for abandoned before it was locked


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files whose writers were killed."""
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # someone else's, locked by its writer, or gone meanwhile
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)
