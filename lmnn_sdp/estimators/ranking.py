"""Nearest training points where each has its own metric, and the vote among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lmnn_sdp.estimators.votes import shrinking_votes
from lmnn_sdp.numerics.linalg import squared_distances
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import Blocks, factors
from lmnn_sdp.validation import is_integer

BLOCK = 2**22  # distances at a time, 32 MiB


@dataclass(frozen=True, eq=False)
class LocalMetrics:
    """Training points by block, under the map of their block.

    Attributes
    ----------
    codes : array, shape (n,)
        Class of each point.
    centre : array, shape (d,)
        Taken off all points, so that nothing is lost to an origin far away.
    maps : tuple of arrays, shape (r_b, d)
    members : tuple of arrays
        Points of each block.
    images : tuple of arrays, shape (n_b, r_b)
        The same under its map.
    """

    codes: IntArray
    centre: FloatArray
    maps: tuple[FloatArray, ...]
    members: tuple[IntArray, ...]
    images: tuple[FloatArray, ...]

    @staticmethod
    def of(X: FloatArray, codes: IntArray, blocks: Blocks, L: FloatArray) -> LocalMetrics:
        """Map the points of each block."""
        centre = np.median(X, axis=0)
        maps, members = tuple(factors(L)), tuple(np.flatnonzero(inside) for inside in blocks.members)
        images = tuple((X[part] - centre) @ factor.T for factor, part in zip(maps, members, strict=True))
        return LocalMetrics(codes, centre, maps, members, images)

    def nearest(self, X: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        """Squared distances to the k nearest training points, rising, and which they are."""
        n = len(self.codes)
        if not (is_integer(k) and 1 <= k <= n):
            raise ValueError(f"n_neighbors={k!r} must be an integer from 1 to {n}, the training points")
        step = max(1, BLOCK // n)
        found = [_smallest(D, k) for D in (self.squared(X[s : s + step]) for s in range(0, len(X), step))]
        if not found:
            return np.empty((0, k)), np.empty((0, k), dtype=np.intp)
        return np.concatenate([d for d, _ in found]), np.concatenate([i for _, i in found])

    def squared(self, X: FloatArray) -> FloatArray:
        """Squared distances ``D(x, i)`` from each point to each training point, shape (len(X), n)."""
        out = np.empty((len(X), len(self.codes)))
        for part, D in self._by_block(X):
            out[:, part] = D
        return out

    def of_pairs(self, X: FloatArray, a: IntArray, b: IntArray) -> FloatArray:
        """``D(a, b)`` for pairs of training points, ``X (n, d)``."""
        out = np.empty(len(a))
        for factor, members in zip(self.maps, self.members, strict=True):
            part = np.isin(b, members)
            V = (X - self.centre) @ factor.T
            out[part] = squared_distances(V, a[part], b[part])
        return out

    def _by_block(self, X: FloatArray) -> Iterator[tuple[IntArray, FloatArray]]:
        """The members of each block, and the squared distances to them."""
        for factor, part, V in zip(self.maps, self.members, self.images, strict=True):
            yield part, squared_distances_between((X - self.centre) @ factor.T, V)

    def votes(self, X: FloatArray, k: int) -> IntArray:
        """The class of most votes; where several have as many, the neighbourhood shrinks until one has more."""
        return shrinking_votes(self.codes[self.nearest(X, k)[1]])


def squared_distances_between(A: FloatArray, B: FloatArray) -> FloatArray:
    """From all rows of A to all of B, both near the origin, shape (len(A), len(B)), none below zero."""
    D = np.sum(A**2, axis=1)[:, None] + np.sum(B**2, axis=1) - 2 * (A @ B.T)
    return np.maximum(D, 0.0, out=D)


def _smallest(D: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """The k smallest entries of each row, rising, of equal ones the first, and their columns."""
    columns = np.argpartition(D, k - 1, axis=1)[:, :k] if k < D.shape[1] else np.tile(np.arange(k), (len(D), 1))
    columns.sort(axis=1)
    order = np.argsort(np.take_along_axis(D, columns, axis=1), axis=1, kind="stable")
    columns = np.take_along_axis(columns, order, axis=1)
    return np.take_along_axis(D, columns, axis=1), columns
