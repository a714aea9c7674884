"""What the estimator adds to the bare computation: seconds of fit, seconds of transform, bytes of a pickle.

Each pair is timed in turn, several times in one process, and the medians are compared.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np

from harness.bench import dataset, options, timed, warm_up, write
from lmnn_sdp import LMNN, Problem, solve


def main() -> None:
    """Measure the three."""
    chosen = options(__doc__)
    data = dataset("iris" if chosen.quick else "digits", "standardised")
    n, d, rows = (600, 16, 8) if chosen.quick else (60_000, 164, 74)
    repeats = 3 if chosen.quick else 7
    warm_up()
    model = LMNN()
    fit = _ratio(
        lambda: model.fit(data.X, data.y), lambda: solve(Problem.from_data(data.X, data.y), tol=model.tol), repeats
    )
    X = np.random.default_rng(0).normal(size=(n, d))
    mapper = LMNN(n_components=rows, tol=1e-1).fit(X[:300], np.arange(300) % 2)
    transform = _ratio(lambda: mapper.transform(X), lambda: X @ mapper.components_.T, 3 * repeats)
    result = {
        "data": data.name,
        "fit_over_solve": fit,
        "transform_size": [n, d, rows],
        "transform_over_product": transform,
        "pickle_bytes": len(pickle.dumps(model)),
    }
    path = write("bench_estimator", chosen, result)
    print(
        f"fit {fit['ratio']:.2f} times solve, transform {transform['ratio']:.2f} times the product, "
        f"{result['pickle_bytes']} bytes"
    )
    print(path)


def _ratio(ours: Callable[[], object], bare: Callable[[], object], repeats: int) -> dict[str, float]:
    """Median seconds of both, taken in turn, and their ratio."""
    pairs = np.array([[timed(ours)[1], timed(bare)[1]] for _ in range(repeats)])
    seconds, bare_seconds = np.median(pairs, axis=0).tolist()
    return {"seconds": seconds, "bare_seconds": bare_seconds, "ratio": seconds / bare_seconds}


if __name__ == "__main__":
    main()
