"""Exact impostor pass against the bare float32 matrix product of the same size, in one run."""

from __future__ import annotations

import numpy as np

from harness import bench
from lmnn_sdp.problem.impostors import PairBlock, scan

SIZE, QUICK_SIZE = (60_000, 164), (4_000, 32)
REPEATS = 3
CLASSES = 10


def main() -> None:
    """Time both, alternating, and write the best of each."""
    options = bench.options(__doc__)
    bench.warm_up()
    n, d = QUICK_SIZE if options.quick else SIZE
    rng = np.random.default_rng(0)
    V = rng.normal(size=(n, d))
    codes = rng.integers(0, CLASSES, n)
    # a radius that lets about three pairs a point through, as on real data near the optimum
    sample = V[rng.integers(0, n, 2000)]
    distances = np.sort(((sample[:1000] - sample[1000:]) ** 2).sum(axis=1))
    radii = np.full(n, distances.mean() - 3.6 * distances.std())
    product, found = [], []
    for _ in range(REPEATS):
        product.append(bench.timed(lambda: _product(V))[1])
        pairs, seconds = bench.timed(lambda: sum(scan(V, codes, radii, _count)))
        found.append(seconds)
    ratio = min(found) / min(product)
    print(
        f"n = {n}, d = {d}: product {min(product):.2f} s, pass {min(found):.2f} s, ratio {ratio:.2f}, pairs {pairs:,}"
    )
    result = {"n": n, "d": d, "product_seconds": product, "pass_seconds": found, "ratio": ratio, "pairs": pairs}
    print(bench.write("bench_impostors", options, result))


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
