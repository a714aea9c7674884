"""Results on disk, one file a (data set, method, split), under the hash of the code that made them.

A file is written whole or not at all, so that what a kill leaves is either a result or nothing. Another code, other
settings or other versions have another hash and so another folder: nothing is mixed, and nothing is computed twice.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import bench
from harness.paths import ROOT
from harness.reproduction.methods import METHODS, Outcome
from harness.reproduction.protocol import CASES
from lmnn_sdp.numerics.files import write_text_atomically

#: Wings whose code cannot change a result.
SILENT = ("cli", "plots", "display")
HERE = Path(__file__).parent


class NotKeptError(Exception):
    """A result that could not be written; the message names the folder and what to do."""


@dataclass(frozen=True, order=True)
class Task:
    """A cell of the table, on one split."""

    column: str
    method: str
    split: int

    def path(self, folder: Path) -> Path:
        """Where its result is kept."""
        return folder / self.column / f"{self.method}-{self.split}.json"


def code() -> str:
    """Hash of the code, the settings in it and the versions below, that decide the results."""
    package = [
        path
        for path in sorted((ROOT / "lmnn_sdp").rglob("*.py"))
        if path.relative_to(ROOT / "lmnn_sdp").parts[0] not in SILENT
    ]
    own = [HERE / f"{name}.py" for name in ("protocol", "methods", "choices", "choices_of_others", "papers_descent")]
    own += sorted((HERE.parent / "methods").glob("*.py"))
    digest = hashlib.sha256(json.dumps(versions(), sort_keys=True).encode())
    for path in [*package, *own]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def versions() -> dict[str, str]:
    """Of Python and of the packages that compute."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in bench.PACKAGES}


def tasks(columns: list[str], methods: list[str], splits: dict[str, int]) -> list[Task]:
    """All cells, by data set and split, so that the points of a split are made ready once.

    Raises
    ------
    ValueError
        For an unknown data set or method; the known ones are listed.
    """
    for kind, asked, known in (("data set", columns, CASES), ("method", methods, METHODS)):
        unknown = [name for name in asked if name not in known]
        if unknown:
            raise ValueError(f"{kind} {unknown[0]!r} is unknown; known are {', '.join(known)}")
    return [
        Task(column, method, split)
        for column in columns
        for split in range(splits.get(column, CASES[column].splits))
        for method in methods
    ]


def is_done(folder: Path, task: Task) -> bool:
    """Whether its result is there and whole."""
    return read(folder, task) is not None


def read(folder: Path, task: Task) -> dict[str, Any] | None:
    """A result; None where there is none, or half of one."""
    try:
        record = json.loads(task.path(folder).read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.keys() >= {"task", "outcome", "seconds"} else None


#: Tells the result of a task, or None.
Source = Callable[[Task], dict[str, Any] | None]


def first(sources: Sequence[Source], task: Task) -> dict[str, Any] | None:
    """The result of the first source that has one."""
    return next((record for source in sources if (record := source(task)) is not None), None)


def of_other_code(folder: Path) -> dict[str, int]:
    """How many files of results are beside the folder, by the name of theirs."""
    found = Counter(path.parts[-3] for path in folder.parent.glob("*/*/*.json"))
    return {name: count for name, count in sorted(found.items()) if name != folder.name}


def keep(folder: Path, task: Task, outcome: Outcome, seconds: float) -> None:
    """Write a result.

    Raises
    ------
    NotKeptError
        Where the disk is full, or the folder is closed to us.
    """
    path = task.path(folder)
    record = {
        "task": asdict(task),
        "outcome": asdict(outcome),
        "seconds": round(seconds, 3),
        "commit": bench.commit(),
        "versions": versions(),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(path, lambda file: file.write(json.dumps(record, indent=1) + "\n"))
    except OSError as error:
        raise NotKeptError(
            f"{folder} takes no more results: {error.strerror or error}. What is there is whole; make room, or let "
            "yourself write there, and the same command goes on with what is missing"
        ) from error
