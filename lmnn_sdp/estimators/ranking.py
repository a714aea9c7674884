"""Nearest training points where each has its own metric, and the vote among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lmnn_sdp.estimators.neighborhoods import BLOCK, TINY, decided, squared_distances_between
from lmnn_sdp.estimators.votes import shrinking_votes
from lmnn_sdp.numerics.linalg import EPS, squared_distances
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import Blocks, factors
from lmnn_sdp.validation import is_integer


@dataclass(frozen=True, eq=False)
class LocalMetrics:
    """Training points by block, under the map of their block.

    Attributes
    ----------
    X : array, shape (n, d)
        The points.
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

    X: FloatArray
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
        return LocalMetrics(X, codes, centre, maps, members, images)

    def nearest(self, X: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        """Squared distances to the k nearest training points, rising, and which they are.

        Of points at the same distance the first comes first; equal differences under one metric are at the same.
        """
        n = len(self.codes)
        if not (is_integer(k) and 1 <= k <= n):
            raise ValueError(f"n_neighbors={k!r} must be an integer from 1 to {n}, the training points")
        step = max(1, BLOCK // n)
        squares, places = np.empty((len(X), k)), np.empty((len(X), k), dtype=np.intp)
        for start in range(0, len(X), step):
            part = slice(start, start + step)
            places[part] = self._nearest(X[part], k)
            row = np.repeat(np.arange(len(places[part])), k)
            squares[part] = self._by_differences(X[part], row, places[part].ravel()).reshape(-1, k)
        return squares, places

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

    def votes(self, X: FloatArray, k: int) -> IntArray:
        """The class of most votes; where several have as many, the neighbourhood shrinks until one has more."""
        return shrinking_votes(self.codes[self.nearest(X, k)[1]])

    def _by_block(self, X: FloatArray) -> Iterator[tuple[IntArray, FloatArray]]:
        """The members of each block, and the squared distances to them."""
        for factor, part, V in zip(self.maps, self.members, self.images, strict=True):
            yield part, squared_distances_between((X - self.centre) @ factor.T, V)

    def _nearest(self, X: FloatArray, k: int) -> IntArray:
        """Training points nearest to each point: products propose."""
        # Coordinates under a map err by less than (d + 2) EPS of the sizes of their terms, and a squared distance made
        # of r of them, by products or differences, by 4 (d + 3) + 2 (r + 4) EPS of the squared lengths of these sizes.
        doubt = np.empty((len(X), len(self.codes)))
        for factor, part, old in zip(self.maps, self.members, self._sizes, strict=True):
            new = self._squared_sizes(X, factor)
            doubt[:, part] = 8 * (X.shape[1] + len(factor) + 6) * EPS * (new[:, None] + old) + TINY
        return decided(self.squared(X), doubt, k, lambda row, column: (self._by_differences(X, row, column),))

    @cached_property
    def _sizes(self) -> tuple[FloatArray, ...]:
        """Squared lengths of the sizes of all terms of the images."""
        return tuple(
            self._squared_sizes(self.X[part], factor) for factor, part in zip(self.maps, self.members, strict=True)
        )

    def _squared_sizes(self, X: FloatArray, factor: FloatArray) -> FloatArray:
        """The same of points under a map."""
        sizes: FloatArray = np.sum((np.abs(X - self.centre) @ np.abs(factor).T) ** 2, axis=1)
        return sizes

    def _by_differences(self, X: FloatArray, rows: IntArray, columns: IntArray) -> FloatArray:
        """``D(x, i)`` of pairs of points and training points, term by term: the same for equal differences."""
        out = np.empty(len(rows))
        for factor, members in zip(self.maps, self.members, strict=True):
            pairs = np.flatnonzero(np.isin(columns, members))
            image = np.zeros((len(factor), len(pairs)))
            for feature, weights in enumerate(factor.T):
                image += weights[:, None] * (X[rows[pairs], feature] - self.X[columns[pairs], feature])
            square = np.zeros(len(pairs))
            for coordinate in image:
                square += coordinate**2
            out[pairs] = square
        return out
