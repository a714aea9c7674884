"""Fits one other package's LMNN, in that package's own environment: ``python peer_worker.py job.json``.

The job names the package, its options, a file with ``X`` and ``y``, and where to write the metric's factor ``L`` and
the seconds of the fit alone. Nothing of lmnn_sdp is needed here.
"""

from __future__ import annotations

import json
import sys
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Fit = Callable[[], FloatArray]


def metric_learn(X: FloatArray, y: npt.NDArray[np.int64], options: dict[str, Any]) -> Fit:
    """Subgradient descent in L; its ``regularization`` weighs the pull."""
    from metric_learn import LMNN

    model = LMNN(n_neighbors=3, regularization=0.5, **options)
    return lambda: np.asarray(model.fit(X, y).components_)


def mlpack(X: FloatArray, y: npt.NDArray[np.int64], options: dict[str, Any]) -> Fit:
    """Several optimizers in L over the k nearest impostors of each point; ``X @ output`` is what it learned."""
    from mlpack import lmnn

    return lambda: np.asarray(lmnn(input_=X, labels=y, k=3, regularization=0.5, seed=1, **options)["output"]).T


def pylmnn(X: FloatArray, y: npt.NDArray[np.int64], options: dict[str, Any]) -> Fit:
    """L-BFGS in L on squared hinges; its ``weight_push_loss`` weighs the push."""
    without_gpyopt()
    from pylmnn import LargeMarginNearestNeighbor

    model = LargeMarginNearestNeighbor(n_neighbors=3, weight_push_loss=0.5, random_state=0, **options)
    return lambda: np.asarray(model.fit(X, y).components_)


def without_gpyopt() -> None:
    """Let PyLMNN be imported where GPyOpt is absent, which only its search for parameters uses."""
    methods = types.ModuleType("GPyOpt.methods")
    methods.BayesianOptimization = None  # type: ignore[attr-defined]
    sys.modules.update({"GPyOpt": types.ModuleType("GPyOpt"), "GPyOpt.methods": methods})


PACKAGES: dict[str, Callable[[FloatArray, npt.NDArray[np.int64], dict[str, Any]], Fit]] = {
    "metric-learn": metric_learn,
    "mlpack": mlpack,
    "PyLMNN": pylmnn,
}


def work(job: dict[str, Any]) -> None:
    """Do what the job says."""
    if job["package"] not in PACKAGES:
        raise ValueError(f"package {job['package']!r} is unknown; the worker knows {', '.join(PACKAGES)}")
    with np.load(job["data"]) as file:
        X, y = file["X"], file["y"]
    fit = PACKAGES[job["package"]](X, y, job["options"])
    begin = time.perf_counter()
    L = fit()
    seconds = time.perf_counter() - begin
    np.savez(job["result"], L=L, seconds=seconds)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # what they warn of is theirs; failures still raise
    work(json.loads(Path(sys.argv[1]).read_text()))
