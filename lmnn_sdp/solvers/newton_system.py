"""The linear system of a semismooth Newton step: ``(s A_J' A_J + z Omega + damping) D = -G``.

J are the kinks and Omega is the derivative of the PSD projection (see `lmnn_sdp.solvers.newton`). In the eigenbasis Q
of ``Z - z M`` all but the first term is diagonal, and the first is a product with the edges of the kinks. Of several
metrics each has its own eigenbasis and its own edges; only the kinks, whose two edges may be of two metrics, join them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import (
    gram,
    smat,
    solve_definite,
    svec,
    svec_indices,
    svec_outer,
    symmetrize,
    transpose,
)
from lmnn_sdp.numerics.parallel import in_parts
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.graph import Edges, TripletGraph
from lmnn_sdp.solvers.conjugate_gradients import conjugate_gradients
from lmnn_sdp.solvers.kink_system import OVERHEAD, Share, few_enough, solve_by_kinks
from lmnn_sdp.solvers.range_block import RangeBlock

MAX_DIRECT = 500  # unknowns up to which the system is formed and factored
LOOSE, LOOSER = 0.03, 0.05  # accuracy of the first and of the second stage of conjugate gradients
ROWS = 128  # differences at a time
SINGULAR_ACCURACY = 1e-3  # of conjugate gradients where the factorisation fails


@dataclass(frozen=True, eq=False)
class Part:
    """What a system has of one metric.

    Attributes
    ----------
    Q : array, shape (r, r)
        Eigenvectors as columns.
    edges : array, shape (E, r)
        ``x_a - x_b`` of each edge of a kink that it measures, in the basis Q; float32 where conjugate gradients solve
        the system.
    diagonal : array, shape (r, r)
        ``z Omega + damping``.
    rank : int
        Negative eigenvalues, which come first: the metric lives there.
    """

    Q: FloatArray
    edges: npt.NDArray[Any]
    diagonal: FloatArray
    rank: int


@dataclass(frozen=True, eq=False)
class NewtonSystem:
    """A Newton system in its eigenbasis, on stacks of matrices (B, r, r), one a metric.

    Attributes
    ----------
    parts : tuple of Part
        Edges are numbered through.
    push, pull : arrays, shape (J,)
        Edges of each kink.
    s : float
        Penalty of the hinges.
    accuracy : float
        Relative residual that will do.
    """

    parts: tuple[Part, ...]
    push: IntArray
    pull: IntArray
    s: float
    accuracy: float

    @staticmethod
    def of(
        graph: TripletGraph,
        kinks: IntArray,
        Q: FloatArray,
        eigenvalues: FloatArray,
        s: float,
        z: float,
        damping: float,
        accuracy: float,
    ) -> NewtonSystem:
        """Set up for the kinks, given as positions in the graph's list, and the eigenpairs of ``Z - z M``.

        The accuracy is the relative residual that will do.
        """
        J = len(kinks)
        used, inverse = np.unique(np.concatenate([graph.push[kinks], graph.pull[kinks]]), return_inverse=True)
        bases = Q.reshape(-1, *Q.shape[-2:])
        # conjugate gradients take float32; the factorisations float64
        factored = _unknowns(Q) <= MAX_DIRECT or few_enough(J, len(bases), Q.shape[-1], accuracy)
        dtype = np.float64 if factored else np.float32
        maps = graph.blocks.maps @ Q if graph.blocks is not None and graph.blocks.maps is not None else bases
        own = np.split(used, np.searchsorted(used, graph.starts[1:-1]))
        parts = tuple(
            Part(
                basis,
                _rotated(edges, numbers - start, map_, dtype),
                z * (projection_weights(w) + damping),
                int(np.sum(w < 0)),
            )
            for basis, map_, edges, numbers, start, w in zip(
                bases, maps, graph.parts, own, graph.starts[:-1], eigenvalues.reshape(len(bases), -1), strict=True
            )
        )
        return NewtonSystem(parts, inverse[:J], inverse[J:], s, accuracy)

    def solve(self, gradient: FloatArray, stop: Callable[[], bool] = lambda: False) -> FloatArray:
        """Newton direction, by factorisation where it fits, else by conjugate gradients.

        Conjugate gradients end early where ``stop()`` is true.
        """
        Q = np.stack([part.Q for part in self.parts])
        G = transpose(Q) @ gradient.reshape(Q.shape) @ Q
        factored = self.parts[0].edges.dtype == np.float64
        D = self._factored(G) if factored else self._conjugate_gradients(G, self.accuracy, stop)
        return symmetrize(Q @ D @ transpose(Q)).reshape(gradient.shape)

    def _factored(self, G: FloatArray) -> FloatArray:
        """By a Cholesky factorisation, of the size of the unknowns or of that of the kinks."""
        try:
            if _unknowns(G) <= MAX_DIRECT:
                return self._direct(G)
            return solve_by_kinks([self._share(number) for number in range(len(G))], len(self.push), self.s, G)
        except np.linalg.LinAlgError:  # semidefinite to rounding: a few directions have no curvature to speak of
            return self._conjugate_gradients(G, SINGULAR_ACCURACY, lambda: False)

    def _direct(self, G: FloatArray) -> FloatArray:
        """In svec coordinates."""
        outer = _block_diagonal([svec_outer(part.edges) for part in self.parts])
        rows = outer[self.push] - outer[self.pull]
        H = self.s * gram(rows, rows)
        row, col = svec_indices(G.shape[1])
        H[np.diag_indices_from(H)] += np.concatenate([part.diagonal[row, col] for part in self.parts])
        solved = solve_definite(H, -np.concatenate([svec(block) for block in G]))
        return np.stack([smat(block) for block in solved.reshape(len(G), -1)])

    def _conjugate_gradients(self, G: FloatArray, accuracy: float, stop: Callable[[], bool]) -> FloatArray:
        """Conjugate gradients with each `RangeBlock` that is small; where none is, in two stages.

        Where both columns of an entry of D have a positive eigenvalue of ``Z - z M``, Omega is 1 and the hinges matter
        little. The first stage leaves them out there: a product costs p r instead of r^2 an edge. Products with the
        edges are in float32: the direction needs a few digits, and the line search and the next gradient, in float64,
        see what it is worth.
        """
        parts = [replace(part, edges=part.edges.astype(np.float32, copy=False)) for part in self.parts]
        shares = [replace(self, parts=tuple(parts))._share(number) for number in range(len(parts))]
        diagonal = np.stack([share.diagonal + self.s * share.squares() for share in shares])
        overhead = OVERHEAD if len(parts) > 1 else 0.0
        blocks = [
            RangeBlock.of(share.edges, share.push, share.pull, share.diagonal, self.s, part.rank, overhead)
            for part, share in zip(parts, shares, strict=True)
        ]

        def preconditioned(R: FloatArray) -> FloatArray:
            out = R / diagonal
            for block, own, image in zip(blocks, R, out, strict=True):
                if block is not None:
                    block.solve(own, image)
            return out

        def stage(D: FloatArray, columns: list[int], accuracy: float) -> FloatArray:
            apply = partial(self._apply, parts, diagonal, columns)
            return conjugate_gradients(apply, preconditioned, -G, D, accuracy, stop)

        D, r = np.zeros_like(G), G.shape[1]
        if all(block is None for block in blocks) and any(0 < part.rank < r for part in parts):
            D = stage(D, [part.rank for part in parts], max(LOOSE, accuracy))
            accuracy = max(LOOSER, accuracy)
        return stage(D, [r] * len(G), accuracy)

    def _apply(self, parts: list[Part], outer: FloatArray, columns: list[int], D: FloatArray) -> FloatArray:
        """The system's matrix on symmetric D, with the diagonal ``outer`` in the block beyond its first p columns."""
        unit = float(np.max(np.abs(D)))
        q = np.concatenate(
            [_forms(part.edges, own[:, :p] / unit) for part, own, p in zip(parts, D, columns, strict=True)]
        )
        change = (q[self.push] - q[self.pull]).astype(np.float64)
        w = np.bincount(self.push, change, len(q)) - np.bincount(self.pull, change, len(q))
        image = np.empty_like(D)
        weights = np.split(w.astype(np.float32), self._starts[1:])
        for number, (part, own, p) in enumerate(zip(parts, weights, columns, strict=True)):
            sums = (unit * self.s) * gram(part.edges, part.edges[:, :p] * own[:, None]).astype(np.float64)
            block = part.diagonal * D[number]
            block[p:, p:] = outer[number, p:, p:] * D[number, p:, p:]
            block[:p, :p] += symmetrize(sums[:p])
            block[p:, :p] += sums[p:]
            block[:p, p:] += sums[p:].T
            image[number] = block
        return image

    @property
    def _starts(self) -> IntArray:
        """Number of the first edge of each part."""
        return np.cumsum([0, *(len(part.edges) for part in self.parts[:-1])])

    def _share(self, number: int) -> Share:
        """The kinks with an edge in a part; of edges elsewhere there is a row of zeros."""
        part = self.parts[number]
        if len(self.parts) == 1:
            return Share(part.edges, self.push, self.pull, np.arange(len(self.push)), part.diagonal)
        start, count = self._starts[number], len(part.edges)
        numbers = (self.push - start, self.pull - start)
        push, pull = (np.where((own >= 0) & (own < count), own, count) for own in numbers)
        kinks = np.flatnonzero(np.minimum(push, pull) < count)
        edges = np.vstack([part.edges, np.zeros_like(part.edges, shape=(1, part.edges.shape[1]))])
        return Share(edges, push[kinks], pull[kinks], kinks, part.diagonal)


def _forms(edges: npt.NDArray[np.float32], columns: FloatArray) -> npt.NDArray[np.float32]:
    """``e' D e`` of each edge, for a symmetric D that is 0 beyond its first p rows and columns but for those."""
    p = columns.shape[1]
    columns[p:] *= 2  # for the block above the diagonal, which is left out
    small = columns.astype(np.float32)

    def work(begin: int, end: int) -> npt.NDArray[np.float32]:
        part = edges[begin:end]
        return np.einsum("ij,ij->i", part @ small, part[:, :p])

    return np.concatenate(in_parts(work, len(edges), edges.shape[1] * p))


def _block_diagonal(parts: list[FloatArray]) -> FloatArray:
    """Matrices of one width one below the other, each in its own columns."""
    if len(parts) == 1:
        return parts[0]
    width = parts[0].shape[1]
    out = np.zeros((sum(map(len, parts)), width * len(parts)))
    begin = 0
    for number, part in enumerate(parts):
        out[begin : begin + len(part), number * width : (number + 1) * width] = part
        begin += len(part)
    return out


def _unknowns(A: FloatArray) -> int:
    """Free entries of a symmetric matrix of this size, or of a stack."""
    r = A.shape[-1]
    return A.size // (r * r) * (r * (r + 1) // 2)


def _rotated(
    edges: Edges, numbers: IntArray, Q: FloatArray, dtype: type[np.float32] | type[np.float64]
) -> npt.NDArray[Any]:
    """Row ``(x_a - x_b)' Q`` for each of these edges, a chunk at a time."""
    a, b = edges.a[numbers], edges.b[numbers]
    out = np.empty((len(a), Q.shape[1]), dtype)

    def work(begin: int, end: int) -> None:
        for start in range(begin, end, ROWS):
            part = slice(start, min(start + ROWS, end))
            out[part] = (edges.X[a[part]] - edges.X[b[part]]) @ Q

    in_parts(work, len(a), Q.size)
    return out


def projection_weights(eigenvalues: FloatArray) -> FloatArray:
    """Derivative Omega of the PSD projection in the eigenbasis, shape (r, r).

    1 where both eigenvalues are positive, 0 where both are negative, p / (p - q) for one positive p and one
    negative q.
    """
    positive = np.maximum(eigenvalues, 0)
    spread = np.abs(eigenvalues)[:, None] + np.abs(eigenvalues)
    mixed = (positive[:, None] + positive) / np.where(spread > 0, spread, 1.0)
    both = (eigenvalues[:, None] > 0) & (eigenvalues > 0)
    return np.where(both, 1.0, mixed)
