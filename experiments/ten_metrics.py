"""MNIST as the paper learns it: one metric and one a class on 60,000 digits, with proof, errors and time of energies.

Section 6.1, eqs. 15 and 16 of Weinberger & Saul (2009), 164 principal components, k = 3, mu = 0.5, a gap of 1e-3. Takes
half an hour; import time and compilation are not in the seconds. Without MNIST's files nothing is solved.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from harness import bench, paper_data
from harness.paths import SHARED_DATA
from lmnn_sdp import LMNN, EnergyClassifier, MultiMetricLMNN, ShrinkingKNN
from lmnn_sdp.datasets import Dataset

TOL = 1e-3
MODELS: dict[str, Callable[[], Any]] = {
    "one metric": lambda: LMNN(tol=TOL),
    "a metric a class": lambda: MultiMetricLMNN(tol=TOL),
}


def main() -> None:
    """Learn, classify, and write the table."""
    options = bench.options(__doc__)
    if not options.quick and not (SHARED_DATA / "mnist").exists():
        print("MNIST is left out: its files are not beside the repository")
        return
    train, test = _digits() if options.quick else paper_data.mnist_with_test()
    results = []
    for name, model in MODELS.items():
        _compiled(model)
        results.append({"metric": name} | learned(model(), train, test))
        print(row(results[-1]), flush=True)
    print(bench.table(HEADER, [row(result) for result in results]))
    data = {"data": train.name, "n_train": len(train.X), "n_test": len(test.X), "components": train.X.shape[1]}
    print(bench.write("ten_metrics", options, {**data, "tol": TOL, "models": results}))


def learned(model: Any, train: Dataset, test: Dataset) -> dict[str, Any]:
    """Interval, seconds and memory of a fit, and its errors by votes and by energies."""
    bench.reset_peak_memory()
    model, seconds = bench.timed(lambda: model.fit(train.X, train.y))
    found = {
        "objective": model.objective_,
        "lower_bound": model.lower_bound_,
        "relative_gap": model.relative_gap_,
        "seconds": seconds,
        "peak_gib": bench.peak_memory(),
        "history": bench.rows(model.solution_.history),
    }
    voted = errors_of(_voter(model, train), test)
    energies = errors_of(EnergyClassifier(FrozenEstimator(model)).fit(train.X, train.y), test)
    return found | {"votes": voted, "energies": energies}


def errors_of(classifier: ClassifierMixin, test: Dataset) -> dict[str, float]:
    """Per cent of the test points told wrong, and seconds to tell all of them."""
    classifier.predict(test.X[:10])
    begin = time.perf_counter()
    wrong = np.mean(classifier.predict(test.X) != test.y)
    return {"errors_percent": 100 * float(wrong), "seconds": time.perf_counter() - begin}


def _voter(model: Any, train: Dataset) -> Any:
    """Several metrics vote themselves; one metric's neighbours are those of its coordinates."""
    if isinstance(model, MultiMetricLMNN):
        return model
    return make_pipeline(FrozenEstimator(model), ShrinkingKNN(model.n_neighbors)).fit(train.X, train.y)


def _compiled(model: Callable[[], Any]) -> None:
    """Everything once on few points."""
    train, test = _digits()
    learned(model(), train, test)


def _digits() -> tuple[Dataset, Dataset]:
    """Scikit-learn's digits in 10 components."""
    X, y = load_digits(return_X_y=True)
    parts = train_test_split(PCA(10, svd_solver="full").fit_transform(X / 16), y, test_size=0.2, random_state=0)
    return Dataset("digits", parts[0], parts[2]), Dataset("digits, test", parts[1], parts[3])


HEADER = ["metrics", "gap", "fit s", "GiB", "votes %", "s", "energies %", "s"]


def row(result: dict[str, Any]) -> list[str]:
    """Of the table."""
    votes, energies = result["votes"], result["energies"]
    return [
        result["metric"],
        f"{result['relative_gap']:.1e}",
        f"{result['seconds']:.0f}",
        f"{result['peak_gib']:.2f}",
        f"{votes['errors_percent']:.2f}",
        f"{votes['seconds']:.1f}",
        f"{energies['errors_percent']:.2f}",
        f"{energies['seconds']:.1f}",
    ]


if __name__ == "__main__":
    main()
