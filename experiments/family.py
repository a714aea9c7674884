"""The family of metrics: known optima of each kind, and seconds (k = 3, mu = 0.5).

Compile and import time are not in the seconds. Data sets whose files are not at hand are left out, by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from harness import bench, paper_data
from harness.paths import SHARED_DATA
from lmnn_sdp import KernelLMNN, Problem, solve
from lmnn_sdp.datasets import Dataset


@dataclass(frozen=True)
class Case:
    """A kind of metric on a data set, and the tolerance of the solve."""

    kind: str
    data: str
    tol: float


QUICK = [Case("metric a class", "iris", 1e-6), Case("diagonal", "wine", 1e-6)]
FULL = [
    Case("metric a class", "iris", 1e-8),
    Case("metric a class", "wine", 1e-8),
    Case("metric a class", "digits, 30 components", 1e-6),
    Case("metric a class", "letters", 1e-6),
    Case("diagonal", "iris", 1e-8),
    Case("diagonal", "wine", 1e-8),
    Case("diagonal", "breast_cancer", 1e-8),
    Case("diagonal", "digits", 1e-8),
    Case("RBF kernel, 50 components", "wine", 1e-6),
    Case("RBF kernel, 50 components", "breast_cancer", 1e-6),
]


def main() -> None:
    """Run all cases and write the table."""
    options = bench.options(__doc__)
    bench.warm_up()
    results, missing = [], []
    for case in QUICK if options.quick else FULL:
        if case.data in paper_data.LOADERS and not (SHARED_DATA / case.data).exists():
            missing.append(case.data)
            continue
        results.append(run(case))
        print(row(results[-1]), flush=True)
    print(bench.table(["kind", "data", "lower bound", "objective", "gap", "s"], [row(result) for result in results]))
    print(bench.write("family", options, {"cases": results, "left_out": missing}))


def run(case: Case) -> dict[str, Any]:
    """Solve one case, the first time for the kernels that it compiles."""
    data = loaded(case.data)
    KINDS[case.kind](bench.dataset("iris", "standardised"), 1e-2)
    begin = time.perf_counter()
    lower, upper = KINDS[case.kind](data, case.tol)
    seconds = time.perf_counter() - begin
    return {
        "kind": case.kind,
        "data": f"{case.data}, {data.X.shape[0]} x {data.X.shape[1]}",
        "tol": case.tol,
        "lower_bound": lower,
        "objective": upper,
        "relative_gap": (upper - lower) / upper,
        "seconds": seconds,
    }


def loaded(name: str) -> Dataset:
    """Points and labels of a case."""
    if name in paper_data.LOADERS:
        return paper_data.LOADERS[name]()
    if name.startswith("digits,"):
        X, y = load_digits(return_X_y=True)
        return Dataset(name, PCA(30, svd_solver="full").fit_transform(StandardScaler().fit_transform(X)), y)
    return bench.dataset(name, "standardised")


def several(data: Dataset, tol: float) -> tuple[float, float]:
    """Interval of a metric a class."""
    solution = solve(Problem.from_data(data.X, data.y, blocks="class"), tol=tol)
    return solution.lower_bound, solution.objective


def diagonal(data: Dataset, tol: float) -> tuple[float, float]:
    """Interval of a weight a feature."""
    solution = solve(Problem.from_data(data.X, data.y, structure="diagonal"), tol=tol)
    return solution.lower_bound, solution.objective


def kernel(data: Dataset, tol: float) -> tuple[float, float]:
    """Interval in kernel coordinates."""
    model = KernelLMNN(kernel="rbf", n_components=50, tol=tol).fit(data.X, data.y)
    return model.lower_bound_, model.objective_


KINDS: dict[str, Callable[[Dataset, float], tuple[float, float]]] = {
    "metric a class": several,
    "diagonal": diagonal,
    "RBF kernel, 50 components": kernel,
}


def row(result: dict[str, Any]) -> list[str]:
    """Of the table."""
    return [
        result["kind"],
        result["data"],
        f"{result['lower_bound']:.9g}",
        f"{result['objective']:.9g}",
        f"{result['relative_gap']:.1e}",
        f"{result['seconds']:.2f}",
    ]


if __name__ == "__main__":
    main()
