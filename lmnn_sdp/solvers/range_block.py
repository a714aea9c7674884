"""Preconditioner of a Newton system: exact in the columns where the metric lives, diagonal elsewhere.

In the eigenbasis of ``Z - z M`` the first p coordinates span the range of M. Entries (a, b) of D with a < p are those
that the hinges see most: there Omega is small, and the diagonal says little about the system. They are few where M has
a low rank, ``p (p + 1) / 2 + p (r - p)``, so this block is formed and factored; for the others the diagonal will do.
Of many kinks a part, evenly spaced in the list, stands for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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
    def enough(kinks: int, p: int, r: int, product: float) -> int:
        """How many of the kinks a block is formed from; 0 where it costs too much or is empty.

        Parameters
        ----------
        kinks : int
            All of them.
        p, r : int
            Coordinates that span the range of M, which come first, of all coordinates.
        product : float
            Multiplications that take as long as a product with the system's matrix.
        """
        unknowns = RangeBlock.size(p, r)
        kinks = min(kinks, PART * unknowns)
        return kinks if unknowns <= LARGEST and kinks * unknowns**2 <= WORTH * product else 0

    @staticmethod
    def of(push: FloatArray, pull: FloatArray, diagonal: FloatArray, s: float, p: int) -> RangeBlock | None:
        """Form and factor it; None where it is not definite up to rounding.

        Parameters
        ----------
        push, pull : arrays, shape (J, r)
            Edges of kinks, in the eigenbasis.
        diagonal : array, shape (r, r)
            The system without its hinges.
        s : float
            Penalty of the hinges, larger where these kinks stand for more.
        p : int
            Coordinates that span the range of M, which come first.
        """
        r = len(diagonal)
        row = np.concatenate([np.full(r - a, a) for a in range(p)])
        col = np.concatenate([np.arange(a, r) for a in range(p)])
        weights = np.where(row == col, 1.0, np.sqrt(2.0))
        rows = ((push[:, row] * push[:, col] - pull[:, row] * pull[:, col]) * weights).astype(np.float32)
        H = s * gram(rows, rows).astype(np.float64)
        noise = NOISE * np.diag(H)
        H[np.diag_indices(len(row))] += diagonal[row, col] + noise
        try:
            return RangeBlock(row, col, weights, scipy.linalg.cho_factor(H, check_finite=False)[0])
        except np.linalg.LinAlgError:
            return None

    def solve(self, R: FloatArray, out: FloatArray) -> None:
        """Solve for the block's part of symmetric ``R (r, r)``, and put it in its place in ``out``."""
        # the routine behind scipy.linalg.cho_solve, whose checks take longer than a small block
        image, _ = scipy.linalg.lapack.dpotrs(self.factor, R[self.row, self.col] * self.weights)
        out[self.row, self.col] = out[self.col, self.row] = image / self.weights
