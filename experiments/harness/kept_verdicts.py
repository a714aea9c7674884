"""Verdicts of an earlier run that still hold.

All of them rest on the package and on what tests share. That a test kills a mutant, or what a test runs, rests on the
file of that test besides, whatever other tests there are; that a mutant survives rests on all tests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.mutant_tests import PACKAGE, Verdict, Watched
from harness.mutants import Mutant
from harness.paths import ROOT


@dataclass
class Kept:
    """What is known, in a folder.

    Attributes
    ----------
    folder : Path
    ground : str
        Digest of the package and of what tests share.
    tests : dict
        Digest of each test file, and of all of them under the empty name.
    state : dict
        What an earlier run left: the tests' times and lines, and verdicts, each with the digest that it rests on.
    """

    folder: Path
    ground: str
    tests: dict[str, str]
    state: dict[str, dict[str, Any]] = field(default_factory=lambda: {"tests": {}, "verdicts": {}})

    @staticmethod
    def load(folder: Path) -> Kept:
        """What the folder holds, if it was made with this package."""
        folder.mkdir(parents=True, exist_ok=True)
        shared = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").glob("*.py")]
        files = sorted((ROOT / "tests").glob("*/test_*.py"))
        tests = {str(path.relative_to(ROOT)): _digest([path]) for path in files} | {"": _digest(files)}
        kept = Kept(folder, _digest(shared), tests)
        if kept._file.exists():
            found = json.loads(kept._file.read_text())
            if found["ground"] == kept.ground:
                kept.state = found["state"]
        return kept

    @property
    def _file(self) -> Path:
        return self.folder / "kept.json"

    def save(self) -> None:
        """Write it."""
        self._file.write_text(json.dumps({"ground": self.ground, "state": self.state}))

    def watched(self) -> dict[str, Watched]:
        """What tests were seen to run, of files that have not changed."""
        return {
            test: Watched(known["seconds"], {module: set(lines) for module, lines in known["lines"].items()})
            for test, known in self.state["tests"].items()
            if known["digest"] == self._of(test)
        }

    def keep_watched(self, seen: dict[str, Watched]) -> None:
        """Remember what tests run."""
        for test, known in seen.items():
            lines = {module: sorted(numbers) for module, numbers in known.lines.items()}
            self.state["tests"][test] = {"seconds": known.seconds, "lines": lines, "digest": self._of(test)}
        self.save()

    def verdict(self, mutant: Mutant) -> Verdict | None:
        """The verdict that still holds, if any."""
        known = self.state["verdicts"].get(_key(mutant))
        if known is None or known["digest"] != self._of(known["test"]):
            return None
        return Verdict(known["fate"], known["test"], known["tests"])

    def killer(self, mutant: Mutant) -> str:
        """The test that killed a mutant the last time."""
        known = self.state["verdicts"].get(_key(mutant))
        return known["test"] if known else ""

    def keep_verdict(self, mutant: Mutant, verdict: Verdict) -> None:
        """Remember a verdict."""
        self.state["verdicts"][_key(mutant)] = asdict(verdict) | {"digest": self._of(verdict.test)}

    def _of(self, test: str) -> str:
        """Digest of the file of a test, or of all."""
        return self.tests.get(test.partition("::")[0], self.tests[""])


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _key(mutant: Mutant) -> str:
    """By what a mutant is known again."""
    return hashlib.sha256(f"{mutant.module} {mutant.source}".encode()).hexdigest()[:16]
