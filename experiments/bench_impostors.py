"""Exact impostor pass against the bare float32 matrix product of the same size, in one run.

On random points, and on MNIST under a metric that is learned from a part of it, whose rank is what the pass has to
pay for, against the product in all dimensions of the data. MNIST is left out where its files are not at hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness import bench, paper_data
from harness.paths import SHARED_DATA
from lmnn_sdp import Problem, solve
from lmnn_sdp.problem.impostors import PairBlock, scan

SIZE, QUICK_SIZE = (60_000, 164), (4_000, 32)
REPEATS = 3
CLASSES = 10


LEARN, LEARN_TOL = 6_000, 1e-3  # points that the metric is learned from, and to which gap


def main() -> None:
    """Time both, alternating, and write the best of each."""
    options = bench.options(__doc__)
    bench.warm_up()
    result = compared(*random_points(*(QUICK_SIZE if options.quick else SIZE)))
    if not options.quick and (SHARED_DATA / "mnist").exists():
        result["learned"] = compared(*learned())
    print(bench.write("bench_impostors", options, result))


def random_points(n: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points, the same again, classes and radii that let about three pairs a point through, as near the optimum."""
    rng = np.random.default_rng(0)
    V = rng.normal(size=(n, d))
    codes = rng.integers(0, CLASSES, n)
    sample = V[rng.integers(0, n, 2000)]
    distances = np.sort(((sample[:1000] - sample[1000:]) ** 2).sum(axis=1))
    return V, V, codes, np.full(n, distances.mean() - 3.6 * distances.std())


def learned() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """MNIST, its points under a learned metric, classes, and the largest pull of each point plus the margin."""
    data = paper_data.mnist()
    part = Problem.from_data(data.X[:LEARN], data.y[:LEARN])
    L = solve(part, tol=LEARN_TOL).components
    problem = Problem.from_data(data.X, data.y)
    V = data.X @ L.T
    pulls = np.max(np.sum((V[:, None] - V[problem.targets]) ** 2, axis=2), axis=1)
    return data.X, V, problem.codes, 1 + pulls


def compared(X: np.ndarray, V: np.ndarray, codes: np.ndarray, radii: np.ndarray) -> dict[str, Any]:
    """Seconds of the product over X and of the pass over V."""
    product, found = [], []
    for _ in range(REPEATS):
        product.append(bench.timed(lambda: _product(X))[1])
        pairs, seconds = bench.timed(lambda: sum(scan(V, codes, radii, _count)))
        found.append(seconds)
    (n, d), rank, ratio = X.shape, V.shape[1], min(found) / min(product)
    seconds_of_both = f"product {min(product):.2f} s, pass {min(found):.2f} s, ratio {ratio:.2f}"
    print(f"n = {n}, d = {d}, rank {rank}: {seconds_of_both}, pairs {pairs:,}")
    counts = {"n": n, "d": d, "rank": rank, "pairs": pairs}
    return {**counts, "product_seconds": product, "pass_seconds": found, "ratio": ratio}


def _product(V: np.ndarray) -> None:
    """All n x n float32 inner products, in strips that are thrown away."""
    A = V.astype(np.float32)
    strip = np.empty((1024, len(A)), np.float32)
    for start in range(0, len(A), 1024):
        rows = A[start : start + 1024]
        np.matmul(rows, A.T, out=strip[: len(rows)])


def _count(block: PairBlock) -> int:
    """Pairs of a block."""
    return len(block.a)


if __name__ == "__main__":
    main()
