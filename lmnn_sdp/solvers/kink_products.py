"""What the kinks J have in a Newton system, ``A_J' A_J``, by ranges of them.

    A_J' A_J D = sum over t in J of <A_t, D> A_t

is a sum, so ranges of the kinks share the work without a word between them: each has the edges of its own kinks, and an
edge of kinks in two ranges is there twice. A range is made where its products are taken, from points, ends of edges
and a basis, and stays there: what goes to it and comes back for a product is of the size of D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.engine import blocks, spread
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.graph import Edges, TripletGraph

ROWS = 128  # differences at a time
CHUNK = 2048  # rows of a product, which then stay in a cache
PRODUCTS = 20  # of conjugate gradients, about: so many times is a range asked

Single: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class KinkRange:
    """Some kinks and the edges that they have.

    Attributes
    ----------
    edges : tuple of arrays, shape (E_b, r)
        ``x_a - x_b`` of each edge that a metric measures, in the eigenbasis; edges are numbered through.
    push, pull : arrays, shape (J,)
        Edges of each kink.
    """

    edges: tuple[npt.NDArray[Any], ...]
    push: IntArray
    pull: IntArray

    @property
    def starts(self) -> IntArray:
        """Number of the first edge of each metric, and at the end of all edges."""
        return np.cumsum([0, *map(len, self.edges)])

    def image(self, columns: Sequence[Single]) -> list[npt.NDArray[Any]]:
        """``sum_t <A_t, D> A_t`` in the first p columns, for each metric an array of shape (r, p).

        D is 0 beyond its first p rows and columns but for these; ``columns`` are its first p columns with the rows
        from p on twice as large, which stand for the block above the diagonal.
        """
        q = np.concatenate([_forms(edges, own) for edges, own in zip(self.edges, columns, strict=True)])
        change = (q[self.push] - q[self.pull]).astype(np.float64)
        w = np.bincount(self.push, change, len(q)) - np.bincount(self.pull, change, len(q))
        weights = np.split(w.astype(np.float32), self.starts[1:-1])
        parts = zip(self.edges, columns, weights, strict=True)
        return [_weighted_gram(edges, edges[:, : own.shape[1]], weight) for edges, own, weight in parts]

    def squares(self) -> list[npt.NDArray[Any]]:
        """``sum_t (A_t)_ab^2``, for each metric an array of shape (r, r)."""
        counts = np.bincount(self.push, minlength=self.starts[-1]) + np.bincount(self.pull, minlength=self.starts[-1])
        found = []
        for edges, (begin, end) in zip(self.edges, pairwise(self.starts), strict=True):
            own = edges**2
            total = _weighted_gram(own, own, counts[begin:end].astype(edges.dtype))
            both = (np.minimum(self.push, self.pull) >= begin) & (np.maximum(self.push, self.pull) < end)
            u, v = self.push[both] - begin, self.pull[both] - begin
            for start in range(0, len(u), CHUNK):
                cross = edges[u[start : start + CHUNK]] * edges[v[start : start + CHUNK]]
                total -= 2 * (cross.T @ cross)
            found.append(total)
        return found


@dataclass(frozen=True, eq=False)
class _Order:
    """What is asked of a range: its squares, or its image of a matrix with these columns."""

    kinks: tuple[int, int]
    columns: tuple[Single, ...] | None


@dataclass(frozen=True, eq=False)
class KinkProducts:
    """Kinks and what their edges are made of; build it with `KinkProducts.of`.

    Attributes
    ----------
    edges : tuple of Edges
        Of the whole list, for each metric, numbered through.
    basis : array, shape (B, d, r)
        The eigenbasis of each metric on the points.
    push, pull : arrays, shape (J,)
        Edges of each kink.
    """

    edges: tuple[Edges, ...]
    basis: FloatArray
    push: IntArray
    pull: IntArray

    @staticmethod
    def of(graph: TripletGraph, kinks: IntArray, Q: FloatArray) -> KinkProducts:
        """For kinks given as positions in the graph's list, in the eigenbases Q of shape (B, r, r)."""
        maps = None if graph.blocks is None else graph.blocks.maps
        return KinkProducts(graph.parts, Q if maps is None else maps @ Q, graph.push[kinks], graph.pull[kinks])

    def __call__(self, order: _Order) -> list[npt.NDArray[Any]]:
        """What a range says, which is made the first time."""
        kept = self._ranges.get(order.kinks)
        if kept is None:
            kept = self._ranges[order.kinks] = self.range(order.kinks, np.float32)
        return kept.squares() if order.columns is None else kept.image(order.columns)

    def image(self, columns: Sequence[Single]) -> list[FloatArray]:
        """`KinkRange.image` of all kinks."""
        return self._summed(tuple(columns), sum(own.size for own in columns))

    def squares(self) -> list[FloatArray]:
        """`KinkRange.squares` of all kinks, none below zero: where pushes are next to pulls, sums of float32 cancel."""
        return [np.maximum(own, 0.0) for own in self._summed(None, len(self.edges) * self.basis.shape[2] ** 2)]

    def _summed(self, columns: tuple[Single, ...] | None, size: int) -> list[FloatArray]:
        """Sums over the ranges, whose products are matrices of this size, all metrics together."""
        J = len(self.push)
        cost = J * size / len(self.edges)  # an edge and a half a kink, two products, in float32
        ranges = blocks(J, J * float(self.basis.shape[2]) ** 2)  # the same for all products
        parts = spread(self, [_Order(kinks, columns) for kinks in ranges], cost, PRODUCTS)
        return [np.sum(own, axis=0, dtype=np.float64) for own in zip(*parts, strict=True)]

    def range(self, kinks: tuple[int, int], dtype: type[np.float32] | type[np.float64]) -> KinkRange:
        """The kinks of a range with their edges."""
        push, pull = self.push[slice(*kinks)], self.pull[slice(*kinks)]
        used = self._used(push, pull)
        place = np.empty(self._starts[-1], dtype=np.intp)
        place[used] = np.arange(len(used))
        own = np.split(used, np.searchsorted(used, self._starts[1:-1]))
        made = (
            _rotated(edges, numbers - start, basis, dtype)
            for edges, numbers, start, basis in zip(self.edges, own, self._starts, self.basis, strict=False)
        )
        return KinkRange(tuple(made), place[push], place[pull])

    def sizes(self) -> list[int]:
        """Edges of the kinks that each metric measures."""
        used = self._used(self.push, self.pull)
        return np.diff(np.searchsorted(used, self._starts)).tolist()

    def count(self, metric: int) -> int:
        """Kinks with an edge that a metric measures."""
        return int(np.sum(self._inside(metric).any(axis=0)))

    def rows(self, metric: int, count: int) -> tuple[FloatArray, FloatArray]:
        """Edges of some kinks, evenly spread over those with an edge of a metric: of their pushes and their pulls.

        Zeros where an edge is of another metric; shape (count, r) each.
        """
        inside, start = self._inside(metric), self._starts[metric]
        kinks = np.flatnonzero(inside.any(axis=0))
        chosen = kinks[np.linspace(0, len(kinks) - 1, count).astype(np.intp)]
        push, pull = (
            known[chosen, None]
            * _rotated(self.edges[metric], known[chosen] * (own[chosen] - start), self.basis[metric], np.float64)
            for own, known in zip((self.push, self.pull), inside, strict=True)
        )
        return push, pull

    def _inside(self, metric: int) -> npt.NDArray[np.bool_]:
        """Whether a metric measures the push and the pull of each kink, shape (2, J)."""
        edges = np.stack([self.push, self.pull])
        return (edges >= self._starts[metric]) & (edges < self._starts[metric + 1])

    @cached_property
    def _ranges(self) -> dict[tuple[int, int], KinkRange]:
        """Those that were made here."""
        return {}

    @cached_property
    def _starts(self) -> IntArray:
        """Number of the first edge of each metric in the list, and at the end of all edges."""
        return np.cumsum([0, *(len(edges.a) for edges in self.edges)])

    def _used(self, push: IntArray, pull: IntArray) -> IntArray:
        """The edges that occur, in order."""
        occur = np.zeros(self._starts[-1], dtype=bool)
        occur[push] = occur[pull] = True
        return np.flatnonzero(occur)


def _forms(edges: Single, columns: Single) -> Single:
    """``e' D e`` of each edge, for a D as in `KinkRange.image`."""
    p = columns.shape[1]
    out = np.empty(len(edges), np.float32)
    for start in range(0, len(edges), CHUNK):
        part = edges[start : start + CHUNK]
        np.einsum("ij,ij->i", part @ columns, part[:, :p], out=out[start : start + CHUNK])
    return out


def _weighted_gram(A: npt.NDArray[Any], B: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """``A' diag(w) B`` for A and B with many rows."""
    total = np.zeros((A.shape[1], B.shape[1]), A.dtype)
    for start in range(0, len(A), CHUNK):
        part = slice(start, start + CHUNK)
        total += A[part].T @ (B[part] * weights[part, None])
    return total


def _rotated(
    edges: Edges, numbers: IntArray, basis: FloatArray, dtype: type[np.float32] | type[np.float64]
) -> npt.NDArray[Any]:
    """Row ``(x_a - x_b)' Q`` for each of these edges."""
    a, b = edges.a[numbers], edges.b[numbers]
    out = np.empty((len(a), basis.shape[1]), dtype)
    for start in range(0, len(a), ROWS):
        part = slice(start, start + ROWS)
        out[part] = (edges.X[a[part]] - edges.X[b[part]]) @ basis
    return out
