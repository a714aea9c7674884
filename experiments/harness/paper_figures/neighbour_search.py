"""Fig. 10 of Weinberger & Saul (2009): three neighbours among digits in few dimensions, sooner than in all of them.

The paper's 1 is the search with early abort along all principal components. Beside its two ways, that search in few
dimensions and ball trees, there are today's: scikit-learn's ball tree, whose sums do not end early, and matrix
products, which look at everything and use the processor better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.neighbors import BallTree as LibraryTree
from sklearn.neighbors import NearestNeighbors

from harness.paper_figures import early_abort
from harness.paper_figures.ball_tree import BallTree
from harness.paper_figures.costs import Cost, measured, quickest
from lmnn_sdp.numerics.types import FloatArray, IntArray

NEIGHBORS = 3
DIMENSIONS = (10, 15, 20, 25, 30, 35, 40, 45, 50)
PAPER = {  # by dimensions, times as fast as early abort in all
    "tree": [41.0, 14.8, 8.6, 5.7, 4.7, 3.7, 3.4, 2.9, 2.8],
    "scan": [7.0, 3.5, 2.8, 2.2, 2.2, 1.9, 1.9, 1.7, 1.7],
}


def run(known: FloatArray, queries: FloatArray, dimensions: Sequence[int]) -> dict[str, Any]:
    """What each way costs in the leading dimensions, and those without a tree in all.

    Parameters
    ----------
    known : array of shape (n, d)
        Points by principal components, the leading ones first.
    queries : array of shape (n_queries, d)
    dimensions : sequence of int

    Returns
    -------
    dict
        For JSON.
    """
    early_abort.nearest(queries[:1], known[:NEIGHBORS], NEIGHBORS)  # compiled
    BallTree.of(known[:NEIGHBORS]).nearest(queries[:1], NEIGHBORS)
    _, scan = _scan(known, queries)
    _, products = _products(known, queries)
    rows = [_row(np.ascontiguousarray(known[:, :d]), np.ascontiguousarray(queries[:, :d])) for d in dimensions]
    return {
        "n_known": len(known),
        "n_queries": len(queries),
        "paper": PAPER,
        "all": {"dimensions": known.shape[1], "scan": asdict(scan), "products": asdict(products)},
        "rows": rows,
    }


def _row(known: FloatArray, queries: FloatArray) -> dict[str, Any]:
    """All ways in one number of dimensions."""
    tree, build = quickest(lambda: BallTree.of(known))
    library = LibraryTree(known)
    found = {
        "tree": measured(lambda: tree.nearest(queries, NEIGHBORS)),
        "scan": _scan(known, queries),
        "library": measured(lambda: by_library(library, queries)),
        "products": _products(known, queries),
    }
    distances = [np.linalg.norm(queries[:, None] - known[near], axis=2) for near, _ in found.values()]
    return {
        "dimensions": known.shape[1],
        "build_seconds": build,
        **{way: asdict(cost) for way, (_, cost) in found.items()},
        "same_distances": all(np.allclose(distances[0], other, rtol=1e-6) for other in distances[1:]),
    }


def by_library(tree: LibraryTree, queries: FloatArray) -> tuple[IntArray, int]:
    """Neighbours from scikit-learn's tree, and the terms of all distances that it took, to points and to centres."""
    tree.reset_n_calls()
    near: IntArray = tree.query(queries, NEIGHBORS, return_distance=False)
    return near, tree.get_n_calls() * queries.shape[1]


def _scan(known: FloatArray, queries: FloatArray) -> tuple[IntArray, Cost]:
    """With early abort."""
    return measured(lambda: early_abort.nearest(queries, known, NEIGHBORS))


def _products(known: FloatArray, queries: FloatArray) -> tuple[IntArray, Cost]:
    """All distances from matrix products."""
    brute = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute").fit(known)
    return measured(lambda: (brute.kneighbors(queries, return_distance=False), len(queries) * known.size))
