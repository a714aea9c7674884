"""Fig. 12 of Weinberger & Saul (2009): the search for margin violations with a ball tree for each class.

An anchor's impostors lie within 1 + its squared distance to its last target neighbour. The 1 is in the units of the
data: beside distances of pixels from 0 to 255 it is next to nothing, of pixels from 0 to 1 it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from sklearn.neighbors import BallTree as LibraryTree

from harness.paper_figures import early_abort
from harness.paper_figures.ball_tree import BallTree
from harness.paper_figures.costs import measured, quickest
from lmnn_sdp.numerics.types import FloatArray, IntArray

NEIGHBORS = 3
PAPER = {"tree": [1.9, 1.8, 1.6, 1.5, 1.4, 1.3, 1.3, 1.2, 1.2]}  # by dimensions, times as fast as without trees
#: The margin by the largest grey value, where pixels divided by it are given.
MARGINS = {"pixels of 0 to 1": 1.0, "pixels of 0 to 255": 1 / 255**2}

Found: TypeAlias = list[IntArray]  # rows of a class, for each anchor of another one


@dataclass(frozen=True, eq=False)
class Question:
    """Points of a class, and the anchors of all others.

    Attributes
    ----------
    points : array of shape (n, d)
    anchors : array of shape (n_anchors, d)
    squared : array of shape (n_anchors,)
        How far impostors of each can lie.
    tree, library : tree
        Of the points: the paper's kind, and scikit-learn's.
    """

    points: FloatArray
    anchors: FloatArray
    squared: FloatArray
    tree: BallTree
    library: LibraryTree


def run(X: FloatArray, codes: IntArray, anchors: IntArray, dimensions: Sequence[int]) -> dict[str, Any]:
    """What each way costs in the leading dimensions, at each margin.

    Parameters
    ----------
    X : array of shape (n, d)
        Points by principal components, the leading ones first.
    codes : array of shape (n,)
        Classes from 0 on.
    anchors : array of int
        Rows whose impostors are searched for.
    dimensions : sequence of int

    Returns
    -------
    dict
        For JSON.
    """
    early_abort.within(X[:1], X[:1], np.ones(1))  # compiled
    BallTree.of(X[:1]).within(X[:1], np.ones(1))
    rows = []
    for d in dimensions:
        points = np.ascontiguousarray(X[:, :d])
        trees, build = quickest(partial(_trees, points, codes))
        for name, margin in MARGINS.items():
            asked = questions(points, codes, anchors, margin, trees)
            rows.append({"dimensions": d, "units": name, "build_seconds": build} | _row(asked))
    return {"n": len(X), "n_anchors": len(anchors), "paper": PAPER, "rows": rows}


def _trees(X: FloatArray, codes: IntArray) -> list[BallTree]:
    """One for each class."""
    return [BallTree.of(X[codes == c]) for c in np.unique(codes)]


def questions(
    X: FloatArray, codes: IntArray, anchors: IntArray, margin: float, trees: Sequence[BallTree]
) -> list[Question]:
    """One for each class."""
    libraries = [LibraryTree(tree.points) for tree in trees]
    squared = np.empty(len(anchors))
    for c, library in enumerate(libraries):
        own = codes[anchors] == c
        if np.any(own):
            distances, _ = library.query(X[anchors[own]], NEIGHBORS + 1)  # the anchor itself comes first
            squared[own] = margin + distances[:, NEIGHBORS] ** 2
    return [
        Question(tree.points, X[anchors[codes[anchors] != c]], squared[codes[anchors] != c], tree, library)
        for c, (tree, library) in enumerate(zip(trees, libraries, strict=True))
    ]


def _row(asked: Sequence[Question]) -> dict[str, Any]:
    """All ways to answer the same questions."""
    ways: dict[str, Callable[[Question], tuple[Found, int]]] = {
        "tree": lambda one: one.tree.within(one.anchors, one.squared),
        "scan": lambda one: early_abort.within(one.anchors, one.points, one.squared),
        "library": by_library,
        "products": by_products,
    }
    answers, costs = {}, {}
    for name, way in ways.items():
        answers[name], costs[name] = measured(partial(_all, way, asked))
    counts = {name: [len(found) for found in answer] for name, answer in answers.items()}
    return {
        **{name: asdict(cost) for name, cost in costs.items()},
        "impostors": sum(counts["scan"]),
        "same_counts": all(each == counts["scan"] for each in counts.values()),
    }


def _all(way: Callable[[Question], tuple[Found, int]], asked: Sequence[Question]) -> tuple[Found, int]:
    """Answers of a way to all questions."""
    answers = [way(one) for one in asked]
    return [found for answer, _ in answers for found in answer], sum(terms for _, terms in answers)


def by_library(asked: Question) -> tuple[Found, int]:
    """From scikit-learn's tree, and the terms of all distances that it took, to points and to centres."""
    asked.library.reset_n_calls()
    found = asked.library.query_radius(asked.anchors, np.sqrt(asked.squared))
    return list(found), asked.library.get_n_calls() * asked.points.shape[1]


def by_products(asked: Question) -> tuple[Found, int]:
    """All distances at once."""
    anchors, points = asked.anchors, asked.points
    distances = np.sum(anchors**2, axis=1)[:, None] - 2 * anchors @ points.T + np.sum(points**2, axis=1)
    rows, columns = np.nonzero(distances <= asked.squared[:, None])
    found: Found = np.split(columns, np.searchsorted(rows, np.arange(1, len(anchors))))
    return found, len(anchors) * points.size
