"""What ``pip install`` and the first ``fit`` of a package do beside today's scikit-learn, in a fresh environment.

The versions are those of ``constraints.txt``. A first fit that fails is tried again with one more thing added, as a
user would who reads the error.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.paths import ROOT

CONSTRAINTS = ROOT / "constraints.txt"
INSTALL_SECONDS = 600.0
FIT_SECONDS = 120.0
IRIS = "from sklearn.datasets import load_iris\nX, y = load_iris(return_X_y=True)\n"
NO_GPYOPT = (
    "import sys, types\n"
    "stub = types.ModuleType('GPyOpt.methods'); stub.BayesianOptimization = None\n"
    "sys.modules.update({'GPyOpt': types.ModuleType('GPyOpt'), 'GPyOpt.methods': stub})\n"
)


@dataclass(frozen=True)
class Remedy:
    """What is added after a first fit that failed.

    Attributes
    ----------
    name : str
        In words.
    requirement : str
        For pip; empty for none.
    prelude : str
        Code before the fit.
    """

    name: str
    requirement: str = ""
    prelude: str = ""


@dataclass(frozen=True)
class Candidate:
    """A package, what its first fit is, and what to add when that fails."""

    code: str
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """A first fit: with what added, and its error, which is empty where it fits."""

    added: tuple[str, ...]
    error: str


CANDIDATES = {
    "lmnn_sdp": Candidate("from lmnn_sdp import LMNN\nLMNN().fit(X, y)"),
    "metric-learn": Candidate("from metric_learn import LMNN\nLMNN().fit(X, y)"),
    "PyLMNN": Candidate(
        "from pylmnn import LargeMarginNearestNeighbor\nLargeMarginNearestNeighbor().fit(X, y)",
        (Remedy("six", requirement="six"), Remedy("a stub for GPyOpt", prelude=NO_GPYOPT)),
    ),
    "mlpack": Candidate("from mlpack import lmnn\nlmnn(input_=X, labels=y, k=3)"),
}


def pinned(name: str) -> str:
    """The requirement with its version, from constraints.txt or else from the environments of ``make peers-env``."""
    for file in (CONSTRAINTS, ROOT / ".ci" / "peers.txt", ROOT / ".ci" / "pylmnn.txt"):
        for line in file.read_text().splitlines():
            if line.lower().startswith(f"{name.lower()}=="):
                return line
    raise ValueError(f"no version of {name} is pinned; pin one in .ci/peers.txt")


def tried(name: str) -> dict[str, Any]:
    """Install a package into a new environment and fit it: pip's error or none, and every attempt to fit."""
    with tempfile.TemporaryDirectory() as folder:
        error = _error([sys.executable, "-m", "venv", folder], INSTALL_SECONDS)
        python = Path(folder) / "bin" / "python"
        error = error or _install(python, "scikit-learn", str(ROOT) if name == "lmnn_sdp" else pinned(name))
        attempts = [] if error else [asdict(attempt) for attempt in _attempts(python, CANDIDATES[name])]
    return {"package": name, "install_error": error, "attempts": attempts}


def _attempts(python: Path, candidate: Candidate) -> list[Attempt]:
    """First fits until one works or nothing is left to add."""
    added: tuple[str, ...] = ()
    code = IRIS + candidate.code
    attempts = [Attempt(added, _fit(python, code))]
    for remedy in candidate.remedies:
        if not attempts[-1].error:
            break
        added, code = (*added, remedy.name), remedy.prelude + code
        error = _install(python, remedy.requirement) if remedy.requirement else ""
        attempts.append(Attempt(added, error or _fit(python, code)))
    return attempts


def _install(python: Path, *requirements: str) -> str:
    """The error of ``pip install``, or nothing."""
    pip = [str(python), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return _error([*pip, "--constraint", str(CONSTRAINTS), *requirements], INSTALL_SECONDS)


def _fit(python: Path, code: str) -> str:
    """The error of a fit, or nothing; isolated from PYTHONPATH, so that nothing but what pip installed is found."""
    return _error([str(python), "-I", "-c", code], FIT_SECONDS)


def _error(command: list[str], time_limit: float) -> str:
    """Last line that a failed command wrote, or nothing if it succeeded."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=time_limit, cwd="/")
    except subprocess.TimeoutExpired:
        return f"did not end within {time_limit:g} s"
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return (lines[-1].strip() if lines else f"exit {done.returncode}") if done.returncode else ""
