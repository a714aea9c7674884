"""The linear system of a semismooth Newton step: ``(s A_J' A_J + z Omega + damping) D = -G``.

J are the kinks and Omega is the derivative of the PSD projection (see `lmnn_sdp.solvers.newton`). In the eigenbasis Q
of ``Z - z M`` all but the first term is diagonal, and the first is a product with the edges of the kinks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import gram, smat, solve_definite, svec, svec_indices, svec_outer, symmetrize
from lmnn_sdp.numerics.parallel import in_parts
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.solvers.conjugate_gradients import conjugate_gradients
from lmnn_sdp.solvers.range_block import RangeBlock

MAX_DIRECT = 500  # unknowns up to which the system is formed and factored
LOOSE, LOOSER = 0.03, 0.05  # accuracy of the first and of the second stage of conjugate gradients
ROWS = 128  # differences at a time
SINGULAR_ACCURACY = 1e-3  # of conjugate gradients where the factorisation fails


@dataclass(frozen=True, eq=False)
class NewtonSystem:
    """A Newton system in its eigenbasis.

    Attributes
    ----------
    Q : array, shape (r, r)
        Eigenvectors as columns.
    edges : array, shape (E, r)
        ``x_a - x_b`` of each edge of a kink, in the basis Q; float32 where conjugate gradients solve the system.
    push, pull : arrays, shape (J,)
        Edges of each kink.
    diagonal : array, shape (r, r)
        ``z Omega + damping``.
    s : float
        Penalty of the hinges.
    rank : int
        Negative eigenvalues, which come first: the metric lives there.
    """

    Q: FloatArray
    edges: npt.NDArray[Any]
    push: IntArray
    pull: IntArray
    diagonal: FloatArray
    s: float
    rank: int

    @staticmethod
    def of(
        graph: TripletGraph, kinks: IntArray, Q: FloatArray, eigenvalues: FloatArray, s: float, z: float, damping: float
    ) -> NewtonSystem:
        """Set up for the kinks, given as positions in the graph's list, and the eigenpairs of ``Z - z M``."""
        J = len(kinks)
        used, inverse = np.unique(np.concatenate([graph.push[kinks], graph.pull[kinks]]), return_inverse=True)
        # conjugate gradients take float32; the factorisation float64
        edges = _rotated(graph, used, Q, np.float64 if _unknowns(Q) <= MAX_DIRECT else np.float32)
        diagonal = z * (projection_weights(eigenvalues) + damping)
        return NewtonSystem(Q, edges, inverse[:J], inverse[J:], diagonal, s, int(np.sum(eigenvalues < 0)))

    def solve(self, gradient: FloatArray, accuracy: float, stop: Callable[[], bool] = lambda: False) -> FloatArray:
        """Newton direction, by factorisation where it fits, else by conjugate gradients to a relative residual.

        Conjugate gradients end early where ``stop()`` is true.
        """
        G = self.Q.T @ gradient @ self.Q
        D = self._direct(G) if _unknowns(G) <= MAX_DIRECT else self._conjugate_gradients(G, accuracy, stop)
        return symmetrize(self.Q @ D @ self.Q.T)

    def _direct(self, G: FloatArray) -> FloatArray:
        """Cholesky factor of the system in svec coordinates."""
        outer = svec_outer(self.edges)
        rows = outer[self.push] - outer[self.pull]
        row, col = svec_indices(len(G))
        H = self.s * gram(rows, rows)
        H[np.diag_indices_from(H)] += self.diagonal[row, col]
        try:
            return smat(solve_definite(H, -svec(G)))
        except np.linalg.LinAlgError:  # semidefinite to rounding: a few directions have no curvature to speak of
            return self._conjugate_gradients(G, SINGULAR_ACCURACY, lambda: False)

    def _conjugate_gradients(self, G: FloatArray, accuracy: float, stop: Callable[[], bool]) -> FloatArray:
        """Conjugate gradients with the `RangeBlock` where it is small; else in two stages.

        Where both columns of an entry of D have a positive eigenvalue of ``Z - z M``, Omega is 1 and the hinges matter
        little. The first stage leaves them out there: a product costs p r instead of r^2 an edge. Products with the
        edges are in float32: the direction needs a few digits, and the line search and the next gradient, in float64,
        see what it is worth.
        """
        edges = self.edges.astype(np.float32, copy=False)
        diagonal = self._preconditioner(edges)
        block = RangeBlock.of(edges, self.push, self.pull, self.diagonal, self.s, self.rank)

        def preconditioned(R: FloatArray) -> FloatArray:
            out = R / diagonal
            if block is not None:
                block.solve(R, out)
            return out

        def stage(D: FloatArray, p: int, accuracy: float) -> FloatArray:
            apply = partial(self._apply, edges, diagonal, p)
            return conjugate_gradients(apply, preconditioned, -G, D, accuracy, stop)

        D = np.zeros_like(G)
        if block is None and 0 < self.rank < len(G):
            D = stage(D, self.rank, max(LOOSE, accuracy))
            accuracy = max(LOOSER, accuracy)
        return stage(D, len(G), accuracy)

    def _apply(self, edges: npt.NDArray[np.float32], outer: FloatArray, p: int, D: FloatArray) -> FloatArray:
        """The system's matrix on a symmetric D, with the diagonal ``outer`` in the block beyond the first p columns."""
        unit = float(np.max(np.abs(D)))
        columns = D[:, :p] / unit
        columns[p:] *= 2  # for the block above the diagonal, which is left out
        small = columns.astype(np.float32)

        def forms(begin: int, end: int) -> npt.NDArray[np.float32]:
            part = edges[begin:end]
            return np.einsum("ij,ij->i", part @ small, part[:, :p])

        count, r = edges.shape
        q = np.concatenate(in_parts(forms, count, r * p))
        change = (q[self.push] - q[self.pull]).astype(np.float64)
        w = np.bincount(self.push, change, count) - np.bincount(self.pull, change, count)
        sums = (unit * self.s) * gram(edges, edges[:, :p] * w.astype(np.float32)[:, None]).astype(np.float64)
        image = self.diagonal * D
        image[p:, p:] = outer[p:, p:] * D[p:, p:]
        image[:p, :p] += symmetrize(sums[:p])
        image[p:, :p] += sums[p:]
        image[:p, p:] += sums[p:].T
        return image

    def _preconditioner(self, edges: npt.NDArray[np.float32]) -> FloatArray:
        """Diagonal ``z Omega + damping + s sum_t (A_t)_ab^2``."""

        def squares(begin: int, end: int) -> npt.NDArray[np.float32]:
            u, v = edges[self.push[begin:end]], edges[self.pull[begin:end]]
            cross = u * v
            u **= 2
            v **= 2
            return u.T @ u - 2 * (cross.T @ cross) + v.T @ v

        total = np.sum(in_parts(squares, len(self.push), 3 * edges.shape[1] ** 2), axis=0, dtype=np.float64)
        return self.diagonal + self.s * total


def _unknowns(A: FloatArray) -> int:
    """Free entries of a symmetric matrix of this size."""
    return len(A) * (len(A) + 1) // 2


def _rotated(
    graph: TripletGraph, edges: IntArray, Q: FloatArray, dtype: type[np.float32] | type[np.float64]
) -> npt.NDArray[Any]:
    """Row ``(x_a - x_b)' Q`` for each of the edges, a chunk at a time."""
    a, b = graph.a[edges], graph.b[edges]
    out = np.empty((len(edges), len(Q)), dtype)

    def work(begin: int, end: int) -> None:
        for start in range(begin, end, ROWS):
            part = slice(start, min(start + ROWS, end))
            out[part] = (graph.X[a[part]] - graph.X[b[part]]) @ Q

    in_parts(work, len(edges), Q.size)
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
