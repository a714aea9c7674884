"""Files of published data: where they are looked for, and whether they are those that were published."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

#: Names the folder that holds the files, one folder a data set.
VARIABLE = "LMNN_SDP_DATA"


class MissingDataError(ValueError):
    """A published data set is not on this machine; the message says which files to put where."""


@dataclass(frozen=True)
class PublishedFile:
    """A file as it was published.

    Attributes
    ----------
    path : str
        Below the folder that `VARIABLE` names.
    sha256 : str
        Its checksum.
    """

    path: str
    sha256: str

    def checked(self, folder: Path) -> Path:
        """Where the file lies; a ValueError where it is not the published one."""
        path = folder / self.path
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ValueError(
                f"{path} has the checksum {digest[:12]}..., the published file {self.sha256[:12]}...: it is cut short "
                "or altered; fetch it again"
            )
        return path


def data_folder() -> Path | None:
    """The folder that `VARIABLE` names; None where it names none."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def found(files: tuple[PublishedFile, ...]) -> Path | None:
    """The folder that holds all these files, whole and unaltered; None where one is absent."""
    folder = data_folder()
    if folder is None or not all((folder / file.path).is_file() for file in files):
        return None
    for file in files:
        file.checked(folder)
    return folder


def missing(name: str, files: tuple[PublishedFile, ...], source: str) -> MissingDataError:
    """What to say where a data set is not here."""
    folder = data_folder()
    place = "no folder is named" if folder is None else f"{folder} lacks some of them"
    return MissingDataError(
        f"data set {name!r} is not on this machine: {VARIABLE} must name a folder with "
        f"{', '.join(file.path for file in files)} ({place}); {source}"
    )
