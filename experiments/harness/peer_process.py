"""Runs `peer_worker` in the environments of ``make peers-env`` and brings back what it found."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.paths import PEERS_PYTHON, PYLMNN_PYTHON, ROOT
from lmnn_sdp.datasets import Dataset
from lmnn_sdp.numerics.types import FloatArray

WORKER = ROOT / "experiments" / "harness" / "peer_worker.py"
Options = Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a fit gave.

    Attributes
    ----------
    L : array, shape (r, d)
        Factor of the metric ``L'L``.
    seconds : float
        Wall time of the fit alone, without import, start of the process and reading of the data.
    """

    L: FloatArray
    seconds: float


class PeerError(RuntimeError):
    """A peer that failed, ran past its time or gave no finite metric; the message says which."""


def environment(package: str) -> Path:
    """Python of the environment that a package is fitted in."""
    return PYLMNN_PYTHON if package == "PyLMNN" else PEERS_PYTHON


def available(python: Path = PEERS_PYTHON) -> bool:
    """Whether the peers' environment is there."""
    return python.exists()


def fit(
    package: str, data: Dataset, options: Options, time_limit: float | None = None, python: Path | None = None
) -> Fitted:
    """Fit one package with its own option names, in its own environment unless ``python`` names another.

    Raises
    ------
    PeerError
        If the package fails, does not end within ``time_limit`` seconds, or returns a metric that is not finite.
    """
    python = python or environment(package)
    if not available(python):
        raise PeerError(
            f"{package} needs an environment of its own and {python.parent.parent.name} is absent; run make peers-env"
        )
    with tempfile.TemporaryDirectory() as folder:
        job, result = Path(folder) / "job.json", Path(folder) / "result.npz"
        np.savez(Path(folder) / "data.npz", X=data.X, y=np.unique(data.y, return_inverse=True)[1])
        job.write_text(
            json.dumps(
                {"package": package, "options": dict(options), "data": f"{folder}/data.npz", "result": str(result)}
            )
        )
        _run([str(python), str(WORKER), str(job)], f"{package} with {dict(options)}", time_limit)
        with np.load(result) as file:
            fitted = Fitted(file["L"], float(file["seconds"]))
    if not np.isfinite(fitted.L).all():
        raise PeerError(f"{package} with {dict(options)} returned a metric that is not finite")
    return fitted


def _run(command: list[str], what: str, time_limit: float | None) -> None:
    """Run to the end; what went wrong in one line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=time_limit)
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"{what} did not end within {time_limit:g} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise PeerError(f"{what} failed (exit {done.returncode}): {lines[-1] if lines else 'no message'}")
