"""A list of triplets as a signed graph on the points, and the two operators that a solver needs of it.

An edge is an unordered pair {a, b}; triplet (i, j, l) joins the edge {i, j}, its pull, and the edge {i, l}, its push.
Many triplets share an edge, so edges are the unit of work:

    <A_t, D>           = q_push(t) - q_pull(t)      with q_e = (x_a - x_b)' D (x_a - x_b)
    sum_t alpha_t A_t  = X' Lap(w) X                with w_e = sum of alpha_t over pushes - sum over pulls

Of several metrics an edge has the one that measures it, and a triplet's two edges may have two: then D is a stack of
matrices, and so is the second operator, each block with the Laplacian of its own edges. Nothing of size (triplets x
d^2) ever exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.linalg import gram, row_products, symmetrize, transpose
from lmnn_sdp.numerics.parallel import GATHERED, in_parts
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import Blocks, factors

# sums may be reordered and fused, so that they fill the vector units; nothing is assumed about infinities
FAST = {"reassoc", "contract"}


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges that one metric measures.

    Attributes
    ----------
    X : array, shape (n, d)
        Points, near the origin: products are taken before differences.
    a, b : arrays, shape (E,)
        Ends of each edge, ``a < b``, sorted by a.
    """

    X: FloatArray
    a: IntArray
    b: IntArray

    @staticmethod
    def of(X: FloatArray, a: IntArray, b: IntArray, whole: bool) -> Edges:
        """With all points, or with those alone that have an edge: one of many metrics sees few."""
        if whole:
            return Edges(X, a, b)
        used, place = np.unique(np.concatenate([a, b]), return_inverse=True)
        return Edges(X[used], place[: len(a)], place[len(a) :])

    def forms(self, D: FloatArray) -> FloatArray:
        """``q_e = (x_a - x_b)' D (x_a - x_b)`` of each edge for a symmetric or a diagonal D, shape (E,)."""
        Y = (self.X * D).astype(self.X.dtype, copy=False) if D.ndim == 1 else row_products(self.X, D)
        return self._forms(self.X, Y)

    def distances(self, L: FloatArray) -> FloatArray:
        """The same for ``D = L'L`` with L of shape (r, d), in r products an edge; shape (E,)."""
        V = row_products(self.X, L.T) if len(L) else np.zeros_like(self.X[:, :1])
        return self._forms(V, V)

    def _forms(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """``<x_a - x_b, y_a - y_b>`` of each edge, for rows with ``<x_a, y_b> = <x_b, y_a>``."""
        own = np.einsum("ij,ij->i", X, Y)
        q = own[self.a] + own[self.b]
        cost = GATHERED * X.shape[1]
        in_parts(lambda begin, end: _add_products(X, Y, self.a, self.b, begin, end, q), len(q), cost)
        return q

    def scatter(self, w: FloatArray, diagonal: bool) -> FloatArray:
        """``sum_e w_e (x_a - x_b)(x_a - x_b)'``, shape (d, d), or its diagonal alone, shape (d,)."""
        n, d = self.X.shape
        degree = np.bincount(self.a, w, n) + np.bincount(self.b, w, n)
        image = degree.astype(self.X.dtype)[:, None] * self.X
        w = w.astype(self.X.dtype, copy=False)
        cost = GATHERED * len(w) // max(n, 1) * d
        in_parts(lambda begin, end: _subtract_rows(self.X, self._starts, self.b, w, begin, end, image), n, cost)
        if diagonal:
            # the upper edges are counted twice, and `_subtract_rows` leaves the lower ones out: the same sum
            return np.einsum("nf,nf->f", self.X, image, dtype=np.float64)
        return symmetrize(gram(self.X, image).astype(np.float64, copy=False))

    @cached_property
    def _starts(self) -> IntArray:
        """Position of the first edge of each point, shape (n + 1,)."""
        return np.searchsorted(self.a, np.arange(len(self.X) + 1))


@dataclass(frozen=True, eq=False)
class TripletGraph:
    """Triplets and the edges that they join; build it with `TripletGraph.of`.

    Attributes
    ----------
    parts : tuple of Edges
        One a metric. Edges are numbered through.
    triplets : array, shape (T, 3)
        Rows (i, j, l).
    pull, push : arrays, shape (T,)
        Edge {i, j} and edge {i, l} of each triplet.
    blocks : Blocks or None
        Of several metrics.
    diagonal : bool
        Whether matrices are diagonal, and stand as vectors.
    """

    parts: tuple[Edges, ...]
    triplets: IntArray
    pull: IntArray
    push: IntArray
    blocks: Blocks | None = None
    diagonal: bool = False

    @staticmethod
    def of(X: FloatArray, triplets: IntArray, blocks: Blocks | None = None, diagonal: bool = False) -> TripletGraph:
        """Find the edges of the triplets; of several metrics, an edge has that of its second point, j or l."""
        n = len(X)
        i, j, l = triplets.T
        ends = np.concatenate([i, i]), np.concatenate([j, l])
        keys = np.minimum(*ends) * n + np.maximum(*ends)
        if blocks is not None:
            keys += blocks.codes[ends[1]] * n**2
        edges, inverse = np.unique(keys, return_inverse=True)
        starts = np.searchsorted(edges, n**2 * np.arange(1, 1 if blocks is None else len(blocks)))
        parts = tuple(Edges.of(X, part % n**2 // n, part % n, blocks is None) for part in np.split(edges, starts))
        return TripletGraph(parts, triplets, inverse[: len(i)], inverse[len(i) :], blocks, diagonal)

    @cached_property
    def starts(self) -> IntArray:
        """Number of the first edge of each part, and at the end of all edges; shape (B + 1,)."""
        return np.cumsum([0, *(len(part.a) for part in self.parts)])

    def margins(self, D: FloatArray) -> FloatArray:
        """``<A_t, D>`` of each triplet for a symmetric D, or a stack, that need not be PSD; shape (T,)."""
        q = self.forms(D)
        return q[self.push] - q[self.pull]

    def forms(self, D: FloatArray) -> FloatArray:
        """``q_e`` of each edge, shape (E,)."""
        if self.blocks is None:
            return self.parts[0].forms(D)
        if (T := self.blocks.maps) is not None:
            D = T @ D @ transpose(T)
        return np.concatenate([part.forms(block) for part, block in zip(self.parts, D, strict=True)])

    def distances(self, L: FloatArray) -> FloatArray:
        """The same for ``D = L'L`` with L of shape (r, d), or a stack; shape (E,)."""
        return np.concatenate([part.distances(factor) for part, factor in self._mapped(L)])

    def largest(self, L: FloatArray) -> float:
        """Largest squared norm of a point under the map L, or a stack of them."""
        return max(
            float(np.max(np.sum(np.square(part.X @ factor.T), axis=1), initial=0.0)) for part, factor in self._mapped(L)
        )

    def _mapped(self, L: FloatArray) -> Iterator[tuple[Edges, FloatArray]]:
        """The edges of each metric, and its factor on the points."""
        return zip(self.parts, factors(L if self.blocks is None else self.blocks.outward(L)), strict=True)

    def squares(self, chosen: IntArray) -> FloatArray:
        """Diagonal of A_t of each chosen triplet of a single metric, ``(x_i - x_l)^2 - (x_i - x_j)^2``; (len, d)."""
        X = self.parts[0].X
        i, j, l = self.triplets[chosen].T
        return (X[i] - X[l]) ** 2 - (X[i] - X[j]) ** 2

    def hinges(self, L: FloatArray) -> FloatArray:
        """``1 - <A_t, L'L>`` of each triplet, shape (T,)."""
        q = self.distances(L)
        return 1 + q[self.pull] - q[self.push]

    def single(self) -> TripletGraph:
        """The same graph in float32."""
        return replace(self, parts=tuple(replace(part, X=part.X.astype(np.float32)) for part in self.parts))

    def adjoint(self, alpha: FloatArray) -> FloatArray:
        """``sum_t alpha_t A_t`` with ``A_t = x_il x_il' - x_ij x_ij'`` and ``x_ab = x_a - x_b``; of the shape of D."""
        w = self.edge_weights(alpha)
        if self.blocks is None:
            return self.parts[0].scatter(w, self.diagonal)
        weights = np.split(w, self.starts[1:-1])
        return self.blocks.congruent(
            np.stack([part.scatter(own, False) for part, own in zip(self.parts, weights, strict=True)])
        )

    def edge_weights(self, alpha: FloatArray) -> FloatArray:
        """Signed weight w of each edge: multipliers of its pushes less those of its pulls, shape (E,)."""
        pushed, pulled = (np.bincount(edges, alpha, self.starts[-1]) for edges in (self.push, self.pull))
        return np.subtract(pushed, pulled, dtype=np.float64)


@kernel(fastmath=FAST)
def _add_products(X, Y, a, b, begin, end, q):  # type: ignore[no-untyped-def]
    """``q_e -= 2 <x_a, y_b>`` for a range of edges; sorted by a, so that only the rows of Y come from afar."""
    for e in range(begin, end):
        x, y = X[a[e]], Y[b[e]]
        product = x[0] * y[0]
        for f in range(1, X.shape[1]):
            product += x[f] * y[f]
        q[e] -= 2 * product


@kernel(fastmath=FAST)
def _subtract_rows(X, starts, b, w, begin, end, out):  # type: ignore[no-untyped-def]
    """``out_a -= 2 sum of w_e x_b`` over the edges of a range of points a.

    ``X' Lap(w) X`` is ``X' (deg X - U X - U' X)`` with U the weights above the diagonal; X' U' X is the transpose of
    X' U X, so after symmetrising twice the upper part is enough.
    """
    for a in range(begin, end):
        row = out[a]
        for e in range(starts[a], starts[a + 1]):
            weight = 2 * w[e]
            x = X[b[e]]
            for f in range(X.shape[1]):
                row[f] -= weight * x[f]
