"""`LMNNCV` beside `GridSearchCV` over LMNN: the same folds, grid, tolerance and classifier, seconds of one process.

Two grids on standardised digits: over k, mu and n_components, and over k and mu alone, where warm starts are all that
is spared. With k below 3 the pull of one fold is singular. Best scores may differ by what a gap of the tolerance leaves
open.
"""

from __future__ import annotations

import time
from typing import Any

from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from harness.bench import dataset, options, table, warm_up, write
from lmnn_sdp import LMNN, LMNNCV
from lmnn_sdp.datasets import Dataset

CLASSIFIER_NEIGHBORS = 3
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "k, mu and n_components": {"n_neighbors": (3, 5), "mu": (0.25, 0.5, 0.75), "n_components": (10, 20, None)},
    "k and mu": {"n_neighbors": (3, 5), "mu": (0.25, 0.5, 0.75), "n_components": (None,)},
}


def main() -> None:
    """Time both searches over each grid."""
    chosen = options(__doc__)
    data = dataset("iris" if chosen.quick else "digits", "standardised")
    folds, tol = (2, 1e-3) if chosen.quick else (3, 1e-4)
    warm_up()
    searches = []
    for name, grid in GRIDS.items():
        sizes = grid if not chosen.quick else grid | {"n_components": (2, None)[: len(grid["n_components"])]}
        searches.append({"data": data.name, "grid": name, "folds": folds, "tol": tol, **_both(data, sizes, folds, tol)})
    path = write("cross_validation", chosen, {"searches": searches})
    rows = [
        [
            s["grid"],
            s["settings"],
            f"{s['grid_search']['seconds']:.1f}",
            f"{s['lmnncv']['seconds']:.1f}",
            f"{s['ratio']:.2f}",
        ]
        for s in searches
    ]
    print(table(["grid", "settings", "GridSearchCV s", "LMNNCV s", "ratio"], rows))
    print(path)


def _both(data: Dataset, grid: dict[str, tuple[Any, ...]], folds: int, tol: float) -> dict[str, Any]:
    """Seconds of the processor and best score of both searches."""
    model = Pipeline([("lmnn", LMNN(tol=tol)), ("knn", KNeighborsClassifier(CLASSIFIER_NEIGHBORS))])
    theirs = GridSearchCV(model, {f"lmnn__{name}": values for name, values in grid.items()}, cv=folds)
    ours = LMNNCV(cv=folds, classifier_neighbors=CLASSIFIER_NEIGHBORS, tol=tol).set_params(**grid)
    slow, fast = _searched(theirs, data), _searched(ours, data)
    settings = len(theirs.cv_results_["params"])
    return {"settings": settings, "grid_search": slow, "lmnncv": fast, "ratio": fast["seconds"] / slow["seconds"]}


def _searched(search: Any, data: Dataset) -> dict[str, Any]:
    """Fit a search: seconds of the processor, which other programs change less than wall time, and its best."""
    begin = time.process_time(), time.perf_counter()
    search.fit(data.X, data.y)
    seconds, wall = time.process_time() - begin[0], time.perf_counter() - begin[1]
    best = {name.removeprefix("lmnn__"): value for name, value in search.best_params_.items()}
    return {"seconds": seconds, "wall_seconds": wall, "best_score": search.best_score_, "best_params": best}


if __name__ == "__main__":
    main()
