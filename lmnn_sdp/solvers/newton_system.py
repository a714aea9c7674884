"""The linear system of a semismooth Newton step: ``(s A_J' A_J + z Omega + damping) D = -G``.

J are the kinks and Omega is the derivative of the PSD projection (see `lmnn_sdp.solvers.newton`). In the eigenbasis Q
of ``Z - z M`` all but the first term is diagonal, and the first is a product with the edges of the kinks. Of several
metrics each has its own eigenbasis and its own edges; only the kinks, whose two edges may be of two metrics, join them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import gram, smat, solve_definite, svec, svec_indices, svec_outer, symmetrize, transpose
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.solvers.conjugate_gradients import conjugate_gradients
from lmnn_sdp.solvers.kink_products import KinkProducts, KinkRange
from lmnn_sdp.solvers.kink_system import OVERHEAD, Share, few_enough, solve_by_kinks
from lmnn_sdp.solvers.range_block import LARGEST, RangeBlock

MAX_DIRECT = 500  # unknowns up to which the system is formed and factored
LOOSE, LOOSER = 0.03, 0.05  # accuracy of the first and of the second stage of conjugate gradients
SINGULAR_ACCURACY = 1e-3  # of conjugate gradients where the factorisation fails
# of several metrics the worst decides, which a sum of squares hardly sees: damping and accuracy where steps are cheap
CARE = 0.1


@dataclass(frozen=True, eq=False)
class NewtonSystem:
    """A Newton system in its eigenbasis, on stacks of matrices (B, r, r), one a metric.

    Attributes
    ----------
    kinks : KinkProducts
        In the eigenbasis.
    Q : array, shape (B, r, r)
        Eigenvectors as columns.
    diagonal : array, shape (B, r, r)
        ``z Omega + damping``.
    ranks : array, shape (B,)
        Negative eigenvalues, which come first: the metric lives there.
    s : float
        Penalty of the hinges.
    accuracy : float
        Relative residual that will do.
    """

    kinks: KinkProducts
    Q: FloatArray
    diagonal: FloatArray
    ranks: IntArray
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
        bases = Q.reshape(-1, *Q.shape[-2:])
        values = eigenvalues.reshape(len(bases), -1)
        diagonal = np.stack([z * (projection_weights(w) + damping) for w in values])
        products = KinkProducts.of(graph, kinks, bases)
        return NewtonSystem(products, bases, diagonal, np.sum(values < 0, axis=1), s, accuracy)

    def solve(self, gradient: FloatArray, stop: Callable[[], bool] = lambda: False) -> FloatArray:
        """Newton direction, by factorisation where it fits, else by conjugate gradients.

        Conjugate gradients end early where ``stop()`` is true.
        """
        Q = self.Q
        G = transpose(Q) @ gradient.reshape(Q.shape) @ Q
        B, r, _ = Q.shape
        factored = _unknowns(Q) <= MAX_DIRECT or few_enough(len(self.kinks.push), B, r, self.accuracy)
        D = self._factored(G) if factored else self._conjugate_gradients(G, self.accuracy, stop)
        return symmetrize(Q @ D @ transpose(Q)).reshape(gradient.shape)

    def _factored(self, G: FloatArray) -> FloatArray:
        """By a Cholesky factorisation, of the size of the unknowns or of that of the kinks."""
        whole = self.kinks.range((0, len(self.kinks.push)), np.float64)
        try:
            if _unknowns(G) <= MAX_DIRECT:
                return self._direct(whole, G)
            shares = [_share(whole, number, own) for number, own in enumerate(self.diagonal)]
            return solve_by_kinks(shares, len(whole.push), self.s, G)
        except np.linalg.LinAlgError:  # semidefinite to rounding: a few directions have no curvature to speak of
            return self._conjugate_gradients(G, SINGULAR_ACCURACY, lambda: False)

    def _direct(self, whole: KinkRange, G: FloatArray) -> FloatArray:
        """In svec coordinates."""
        outer = _block_diagonal([svec_outer(edges) for edges in whole.edges])
        rows = outer[whole.push] - outer[whole.pull]
        H = self.s * gram(rows, rows)
        row, col = svec_indices(G.shape[1])
        H[np.diag_indices_from(H)] += np.concatenate([own[row, col] for own in self.diagonal])
        solved = solve_definite(H, -np.concatenate([svec(block) for block in G]))
        return np.stack([smat(block) for block in solved.reshape(len(G), -1)])

    def _conjugate_gradients(self, G: FloatArray, accuracy: float, stop: Callable[[], bool]) -> FloatArray:
        """Conjugate gradients with each `RangeBlock` that is small; where none is, in two stages.

        Where both columns of an entry of D have a positive eigenvalue of ``Z - z M``, Omega is 1 and the hinges matter
        little. The first stage leaves them out there: a product costs p r instead of r^2 an edge. Products with the
        edges are in float32: the direction needs a few digits, and the line search and the next gradient, in float64,
        see what it is worth.
        """
        diagonal = self.diagonal + self.s * np.stack(self.kinks.squares())
        blocks = self._range_blocks()

        def preconditioned(R: FloatArray) -> FloatArray:
            out = R / diagonal
            for block, own, image in zip(blocks, R, out, strict=True):
                if block is not None:
                    block.solve(own, image)
            return out

        def stage(D: FloatArray, columns: list[int], accuracy: float) -> FloatArray:
            apply = partial(self._apply, diagonal, columns)
            return conjugate_gradients(apply, preconditioned, -G, D, accuracy, stop)

        D, r = np.zeros_like(G), G.shape[1]
        if all(block is None for block in blocks) and any(0 < rank < r for rank in self.ranks):
            D = stage(D, list(self.ranks), max(LOOSE, accuracy))
            accuracy = max(LOOSER, accuracy)
        return stage(D, [r] * len(G), accuracy)

    def _range_blocks(self) -> list[RangeBlock | None]:
        """The preconditioner of each metric in the columns where it lives; None where it costs too much."""
        B, r, _ = self.Q.shape
        overhead = OVERHEAD if B > 1 else 0.0
        found: list[RangeBlock | None] = []
        for number, (rank, edges) in enumerate(zip(self.ranks, self.kinks.sizes(), strict=True)):
            total = self.kinks.count(number)
            count = RangeBlock.enough(total, rank, r, 2 * edges * r**2 + overhead)
            rows = self.kinks.rows(number, count) if count else None
            found.append(rows and RangeBlock.of(*rows, self.diagonal[number], self.s * total / count, rank))
        return found

    def _apply(self, outer: FloatArray, columns: list[int], D: FloatArray) -> FloatArray:
        """The system's matrix on symmetric D, with the diagonal ``outer`` in the block beyond its first p columns."""
        unit = float(np.max(np.abs(D)))
        sums = self.kinks.image([_first_columns(own / unit, p) for own, p in zip(D, columns, strict=True)])
        image = self.diagonal * D
        for number, (own, p) in enumerate(zip(sums, columns, strict=True)):
            own *= unit * self.s
            image[number, p:, p:] = outer[number, p:, p:] * D[number, p:, p:]
            image[number, :p, :p] += symmetrize(own[:p])
            image[number, p:, :p] += own[p:]
            image[number, :p, p:] += own[p:].T
        return image


def care(eigenvalues: FloatArray) -> float:
    """Factor of the damping and the residual that a step may have.

    Smaller than 1 for several metrics of so low a rank that conjugate gradients have their best preconditioner; the
    eigenvalues of these are a stack, where those of a single one, full or diagonal, are a vector.
    """
    r = eigenvalues.shape[-1]
    if eigenvalues.ndim == 1 or RangeBlock.size(int(np.max(np.sum(eigenvalues < 0, axis=1))), r) > LARGEST:
        return 1.0
    return CARE


def _first_columns(D: FloatArray, p: int) -> npt.NDArray[np.float32]:
    """The first p columns, with what stands for the block above the diagonal as well."""
    columns = D[:, :p].astype(np.float32)
    columns[p:] *= 2
    return columns


def _share(whole: KinkRange, number: int, diagonal: FloatArray) -> Share:
    """The kinks with an edge in a metric; of edges elsewhere there is a row of zeros."""
    edges, (start, end) = whole.edges[number], whole.starts[number : number + 2]
    count = end - start
    numbers = (whole.push - start, whole.pull - start)
    push, pull = (np.where((own >= 0) & (own < count), own, count) for own in numbers)
    kinks = np.flatnonzero(np.minimum(push, pull) < count)
    padded = np.vstack([edges, np.zeros_like(edges, shape=(1, edges.shape[1]))])
    return Share(padded, push[kinks], pull[kinks], kinks, diagonal)


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
