"""A ball tree as the paper has it (Fig. 11), whose sums end early too, to points and to centres of balls alike.

A ball is cut at the median along the direction in which its points vary most. None of its points is nearer than its
centre less its radius, so that one whose centre is farther than the radius and the reach of the search is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.paper_figures.early_abort import appended, distance, enter
from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.types import FloatArray, IntArray

LEAF = 20  # points at most of a ball that is not cut
DEPTH = 64  # balls that can wait: two for each cut on the way down, and cuts halve


@dataclass(frozen=True, eq=False)
class BallTree:
    """Balls of points; those of a ball follow each other.

    Attributes
    ----------
    points : array of shape (n, d)
    rows : array of shape (n,)
        Where each point was.
    spans : array of shape (n_balls, 2)
        First point of each ball, and the one after its last.
    halves : array of shape (n_balls, 2)
        The two balls that a ball is cut into; -1 for a leaf.
    centres : array of shape (n_balls, d)
    radii : array of shape (n_balls,)
    """

    points: FloatArray
    rows: IntArray
    spans: IntArray
    halves: IntArray
    centres: FloatArray
    radii: FloatArray

    @classmethod
    def of(cls, X: FloatArray) -> BallTree:
        """Cut the points of an array of shape (n, d)."""
        rows = np.arange(len(X))
        spans, halves, centres, radii = [(0, len(X))], [(-1, -1)], [], []
        for ball, (first, end) in enumerate(spans):  # grows on the way
            own = X[rows[first:end]]
            centre = own.mean(axis=0)
            centres.append(centre)
            radii.append(np.sqrt(np.max(np.sum((own - centre) ** 2, axis=1))))
            if end - first > LEAF:
                _, directions = np.linalg.eigh((own - centre).T @ (own - centre))
                rows[first:end] = rows[first:end][np.argsort(own @ directions[:, -1], kind="stable")]
                middle = (first + end) // 2
                halves[ball] = (len(spans), len(spans) + 1)
                spans += [(first, middle), (middle, end)]
                halves += [(-1, -1), (-1, -1)]
        return cls(X[rows], rows, np.array(spans), np.array(halves), np.array(centres), np.array(radii))

    def nearest(self, queries: FloatArray, k: int) -> tuple[IntArray, int]:
        """The k nearest points of each query, the nearest first, and how many terms that took."""
        near = np.zeros((len(queries), k), dtype=np.int64)
        terms = _nearest(queries, self.points, self.spans, self.halves, self.centres, self.radii, near)
        return self.rows[near], terms

    def within(self, queries: FloatArray, squared: FloatArray) -> tuple[list[IntArray], int]:
        """The points of each query whose squared distance is at most its own bound, and how many terms that took."""
        places, ends, terms = _within(queries, self.points, self.spans, self.halves, self.centres, self.radii, squared)
        found: list[IntArray] = np.split(self.rows[places], ends[:-1])
        return found, terms


@kernel()
def _nearest(queries: Any, points: Any, spans: Any, halves: Any, centres: Any, radii: Any, near: Any) -> Any:
    """Fill in the nearest points; returns the number of terms."""
    terms, last = 0, near.shape[1] - 1
    waiting, lowest, begin = np.zeros(DEPTH, dtype=np.int64), np.zeros(DEPTH), np.zeros(2)
    for q in range(len(queries)):
        squared = np.full(last + 1, np.inf)
        top = 0
        waiting[0], lowest[0] = 0, 0.0
        while top >= 0:
            ball, least = waiting[top], lowest[top]
            top -= 1
            if least > squared[last]:
                continue
            if halves[ball, 0] < 0:
                for i in range(spans[ball, 0], spans[ball, 1]):
                    total, added = distance(queries, q, points, i, squared[last])
                    terms += added
                    if total < squared[last]:
                        enter(near, q, squared, i, total)
                continue
            for side in range(2):
                half = halves[ball, side]
                bound = (np.sqrt(squared[last]) + radii[half]) ** 2
                begin[side], added = distance(queries, q, centres, half, bound)
                terms += added
            nearer = int(begin[1] < begin[0])
            for side in (1 - nearer, nearer):  # the nearer one is opened first
                top += 1
                waiting[top] = halves[ball, side]
                lowest[top] = max(np.sqrt(begin[side]) - radii[waiting[top]], 0.0) ** 2
    return terms


@kernel()
def _within(queries: Any, points: Any, spans: Any, halves: Any, centres: Any, radii: Any, bounds: Any) -> Any:
    """The points within the bound of each query in one array, where those of each end, and the number of terms."""
    found, ends = np.empty(1024, dtype=np.int64), np.empty(len(queries), dtype=np.int64)
    waiting = np.zeros(DEPTH, dtype=np.int64)
    count, terms = 0, 0
    for q in range(len(queries)):
        top = 0
        waiting[0] = 0
        while top >= 0:
            ball = waiting[top]
            top -= 1
            reach = (np.sqrt(bounds[q]) + radii[ball]) ** 2
            total, added = distance(queries, q, centres, ball, reach)
            terms += added
            if total > reach:
                continue
            if halves[ball, 0] < 0:
                for i in range(spans[ball, 0], spans[ball, 1]):
                    total, added = distance(queries, q, points, i, bounds[q])
                    terms += added
                    if total <= bounds[q]:
                        found = appended(found, count, i)
                        count += 1
                continue
            waiting[top + 1], waiting[top + 2] = halves[ball, 0], halves[ball, 1]
            top += 2
        ends[q] = count
    return found[:count], ends, terms
