"""Preconditioner of a Newton system: exact in the columns where the metric lives, diagonal elsewhere.

In the eigenbasis of ``Z - z M`` the first p coordinates span the range of M. Entries (a, b) of D with a < p are those
that the hinges see most: there Omega is small, and the diagonal says little about the system. They are few where M has
a low rank, ``p (p + 1) / 2 + p (r - p)``, so this block is formed and factored; for the others the diagonal will do.
Of many kinks a part, evenly spaced in the list, stands for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from lmnn_sdp.numerics.linalg import gram
from lmnn_sdp.numerics.types import FloatArray, IntArray

LARGEST = 1600  # unknowns of a block
WORTH = 100.0  # products with the system's matrix whose time a block may take
PART = 2  # kinks that are enough, over the unknowns
NOISE = 1e-7  # of sums in float32, relative to the diagonal


@dataclass(frozen=True, eq=False)
class RangeBlock:
    """The factored block.

    Attributes
    ----------
    row, col : integer arrays, shape (u,)
        Its entries, ``row < p`` and ``row <= col``.
    weights : array, shape (u,)
        1 on the diagonal of D and sqrt(2) beside it, as in svec coordinates.
    factor : array, shape (u, u)
        Cholesky factor in its upper triangle.
    """

    row: IntArray
    col: IntArray
    weights: FloatArray
    factor: FloatArray

    @staticmethod
    def size(p: int, r: int) -> int:
        """Unknowns where the metric lives in p of r coordinates; `LARGEST` are the most that are factored."""
        return p * (p + 1) // 2 + p * (r - p)

    @staticmethod
    def of(
        edges: npt.NDArray[Any], push: IntArray, pull: IntArray, diagonal: FloatArray, s: float, p: int, overhead: float
    ) -> RangeBlock | None:
        """Form and factor it; None where it costs too much, is empty, or not definite up to rounding.

        Parameters
        ----------
        edges : array, shape (E, r)
            In the eigenbasis.
        push, pull : arrays, shape (J,)
            Edges of each kink.
        diagonal : array, shape (r, r)
            The system without its hinges.
        s : float
            Penalty of the hinges.
        p : int
            Coordinates that span the range of M, which come first.
        overhead : float
            Multiplications that take as long as a product with the system's matrix of no size.
        """
        r = len(diagonal)
        unknowns = RangeBlock.size(p, r)
        kinks = min(len(push), PART * unknowns)
        if not (0 < unknowns <= LARGEST and kinks * unknowns**2 <= WORTH * (2 * edges.size * r + overhead)):
            return None
        chosen = np.linspace(0, len(push) - 1, kinks).astype(np.intp)
        row = np.concatenate([np.full(r - a, a) for a in range(p)])
        col = np.concatenate([np.arange(a, r) for a in range(p)])
        weights = np.where(row == col, 1.0, np.sqrt(2.0))
        products = edges[:, row] * edges[:, col] * weights.astype(edges.dtype)
        rows = products[push[chosen]] - products[pull[chosen]]
        H = s * len(push) / max(1, kinks) * gram(rows, rows).astype(np.float64)
        noise = NOISE * np.diag(H)
        H[np.diag_indices(unknowns)] += diagonal[row, col] + noise
        try:
            return RangeBlock(row, col, weights, scipy.linalg.cho_factor(H, check_finite=False)[0])
        except np.linalg.LinAlgError:
            return None

    def solve(self, R: FloatArray, out: FloatArray) -> None:
        """Solve for the block's part of symmetric ``R (r, r)``, and put it in its place in ``out``."""
        # the routine behind scipy.linalg.cho_solve, whose checks take longer than a small block
        image, _ = scipy.linalg.lapack.dpotrs(self.factor, R[self.row, self.col] * self.weights)
        out[self.row, self.col] = out[self.col, self.row] = image / self.weights
