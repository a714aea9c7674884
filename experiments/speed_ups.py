"""Figures 10 and 12 of Weinberger & Saul (2009): what ball trees spare in few dimensions, in seconds and in terms.

MNIST's digits as they come, in their principal components; a part of the test digits asks for its neighbours among all
training digits, and a part of these for its impostors. On one thread; takes some minutes. Without MNIST's files nothing
is measured; the quick size has scikit-learn's digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from harness import bench
from harness.paper_data import digits
from harness.paper_figures import neighbour_search, violation_search
from harness.paths import SHARED_DATA
from lmnn_sdp.numerics.types import FloatArray, IntArray

QUESTIONS = 500  # test digits, and anchors
QUICK = (10, 30)  # dimensions


@dataclass(frozen=True, eq=False)
class Digits:
    """Training digits by principal components, their classes, and test digits."""

    X: FloatArray
    codes: IntArray
    new: FloatArray


def main() -> None:
    """Search in every number of dimensions, in every way."""
    options = bench.options(__doc__)
    if not options.quick and not (SHARED_DATA / "mnist").exists():
        print("MNIST is left out: its files are not beside the repository")
        return
    data = _few() if options.quick else _mnist()
    dimensions = QUICK if options.quick else neighbour_search.DIMENSIONS
    anchors = np.random.default_rng(0).permutation(len(data.X))[:QUESTIONS]
    with threadpool_limits(1):
        neighbours = neighbour_search.run(data.X, data.new[:QUESTIONS], dimensions)
        print(neighbours_table(neighbours), flush=True)
        violations = violation_search.run(data.X, data.codes, anchors, dimensions)
    print("\n" + violations_table(violations))
    print(bench.write("speed_ups", options, {"neighbours": neighbours, "violations": violations}))


def _mnist() -> Digits:
    """All of it; pixels of 0 to 1."""
    (images, labels), (new, _) = (digits(SHARED_DATA / "mnist", part) for part in ("train", "t10k"))
    axes = PCA(svd_solver="full").fit(images)
    return Digits(axes.transform(images), labels, axes.transform(new))


def _few() -> Digits:
    """Scikit-learn's, the last fifth as test digits."""
    images, labels = load_digits(return_X_y=True)
    X = PCA(svd_solver="full").fit_transform(images / 16)
    n = len(X) * 4 // 5
    return Digits(X[:n], labels[:n], X[n:])


def neighbours_table(result: dict[str, Any]) -> str:
    """How many times less each way costs than early abort in all dimensions: terms, then seconds."""
    whole = result["all"]
    scan, products = (whole[way]["seconds"] for way in ("scan", "products"))
    body = [
        [
            row["dimensions"],
            *(
                f"{whole['scan'][what] / row[way][what]:.1f}"
                for what in ("terms", "seconds")
                for way in ("tree", "scan", "library", "products")
            ),
            "yes" if row["same_distances"] else "no",
        ]
        for row in result["rows"]
    ]
    ways = ["tree", "early abort", "scikit-learn", "products"]
    header = ["dimensions", *(f"{way}, {what}" for what in ("terms", "s") for way in ways), "as near"]
    title = (
        f"Fig. 10: {result['n_queries']} questions to {result['n_known']} digits, times cheaper than early abort in\n"
        f"{whole['dimensions']} dimensions, {scan:.1f} s; products {products:.1f}\n"
    )
    return title + bench.table(header, body)


def violations_table(result: dict[str, Any]) -> str:
    """How many times less a tree costs than each way without: terms, then seconds."""
    body = [
        [
            row["units"],
            row["dimensions"],
            *(
                f"{row[way][what] / row['tree'][what]:.2f}"
                for what in ("terms", "seconds")
                for way in ("scan", "library", "products")
            ),
            f"{row['impostors'] / result['n_anchors']:.1f}",
            "yes" if row["same_counts"] else "no",
        ]
        for row in result["rows"]
    ]
    ways = ["early abort", "scikit-learn", "products"]
    measures = [f"{way}, {what}" for what in ("terms", "s") for way in ways]
    header = ["units", "dimensions", *measures, "impostors", "same"]
    title = f"Fig. 12: {result['n_anchors']} anchors among {result['n']}, times cheaper by trees than by\n"
    return title + bench.table(header, body)


if __name__ == "__main__":
    main()
