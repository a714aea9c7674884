"""Near points without a tree: every distance is added up coordinate by coordinate, until it is too large.

Along principal components the first coordinates tell most, so that few are looked at. It is what the paper compares its
ball trees with, section 6.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.types import FloatArray, IntArray


def nearest(queries: FloatArray, points: FloatArray, k: int) -> tuple[IntArray, int]:
    """The k nearest points of each query, and how many terms that took.

    Parameters
    ----------
    queries : array of shape (n_queries, d)
    points : array of shape (n, d)
    k : int
        At most n.

    Returns
    -------
    array of shape (n_queries, k)
        Rows of ``points``, the nearest first; of equally near ones the first.
    int
    """
    near = np.zeros((len(queries), k), dtype=np.int64)
    return near, _nearest(queries, points, near)


def within(queries: FloatArray, points: FloatArray, squared: FloatArray) -> tuple[list[IntArray], int]:
    """The points of each query whose squared distance is at most its own bound, and how many terms that took.

    Parameters
    ----------
    queries : array of shape (n_queries, d)
    points : array of shape (n, d)
    squared : array of shape (n_queries,)

    Returns
    -------
    list of arrays
        Rows of ``points`` for each query, ascending.
    int
    """
    rows, ends, terms = _within(queries, points, squared)
    found: list[IntArray] = np.split(rows, ends[:-1])
    return found, terms


@kernel()
def distance(queries: Any, q: Any, points: Any, i: Any, bound: Any) -> Any:
    """Squared distance of two rows, or a part of it above the bound, and the number of its terms."""
    total, terms = 0.0, 0
    while terms < points.shape[1] and total <= bound:
        gap = queries[q, terms] - points[i, terms]
        total += gap * gap
        terms += 1
    return total, terms


@kernel()
def enter(near: Any, q: Any, squared: Any, i: Any, total: Any) -> None:
    """Put a point that is nearer than the last of the nearest ones where it belongs."""
    place = len(squared) - 1
    while place > 0 and squared[place - 1] > total:
        squared[place], near[q, place] = squared[place - 1], near[q, place - 1]
        place -= 1
    squared[place], near[q, place] = total, i


@kernel()
def appended(found: Any, count: Any, row: Any) -> Any:
    """The array with a point behind the last one; a longer array where it was full."""
    if count == len(found):
        found = np.append(found, np.empty_like(found))
    found[count] = row
    return found


@kernel()
def _nearest(queries: Any, points: Any, near: Any) -> Any:
    """Fill in the nearest points; returns the number of terms."""
    terms, last = 0, near.shape[1] - 1
    for q in range(len(queries)):
        squared = np.full(last + 1, np.inf)
        for i in range(len(points)):
            total, added = distance(queries, q, points, i, squared[last])
            terms += added
            if total < squared[last]:
                enter(near, q, squared, i, total)
    return terms


@kernel()
def _within(queries: Any, points: Any, bounds: Any) -> Any:
    """The points within the bound of each query in one array, where those of each end, and the number of terms."""
    found, ends = np.empty(1024, dtype=np.int64), np.empty(len(queries), dtype=np.int64)
    count, terms = 0, 0
    for q in range(len(queries)):
        for i in range(len(points)):
            total, added = distance(queries, q, points, i, bounds[q])
            terms += added
            if total <= bounds[q]:
                found = appended(found, count, i)
                count += 1
        ends[q] = count
    return found[:count], ends, terms
