"""Several metrics in one problem: every point has a block, whose metric measures the distances to it.

    D(a, b) = (x_a - x_b)' M_{b's block} (x_a - x_b)

so D is not symmetric: the second point decides. A triplet (i, j, l) has its pull in the block of j and its push in that
of l. Source: Weinberger & Saul (2009), section 6.1 and eq. 16, where the blocks are the classes, or clusters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import transpose
from lmnn_sdp.numerics.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Blocks:
    """The block of each point, and what its metric stands for.

    Attributes
    ----------
    codes : integer array, shape (n,)
        Block of each point, from 0; none is empty.
    labels : array, shape (B,)
        What the blocks are called.
    maps : array, shape (B, d, r), or None
        In whitened coordinates, metric N of block b stands for ``T_b N T_b'``; None for metrics as they are.
    inverses : array, shape (B, r, d), or None
        The inverse of each map.
    """

    codes: IntArray
    labels: npt.NDArray[np.generic]
    maps: FloatArray | None = None
    inverses: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def members(self) -> tuple[npt.NDArray[np.bool_], ...]:
        """Which points are in each block."""
        return tuple(self.codes == block for block in range(len(self)))

    def inward(self, M: FloatArray) -> FloatArray:
        """The stack of metrics that stand for these metrics."""
        return M if self.inverses is None else self.inverses @ M @ transpose(self.inverses)

    def outward(self, L: FloatArray) -> FloatArray:
        """Factors of the metrics that a stack of factors stands for."""
        return L if self.maps is None else L @ transpose(self.maps)

    def congruent(self, A: FloatArray) -> FloatArray:
        """``T_b' A_b T_b``, in symmetric parts: the cost of what stands for metrics of cost A."""
        if self.maps is None:
            return A
        image = transpose(self.maps) @ A @ self.maps
        return (image + transpose(image)) / 2


def factors(L: FloatArray) -> Iterator[FloatArray]:
    """The one factor ``(q, d)``, or each of a stack without the rows of zeros at its end, but for the first row.

    The factor of a diagonal metric is a vector; its rows are those with an entry.
    """
    if L.ndim < 3:
        yield L if L.ndim == 2 else np.diag(L)[L != 0]
        return
    for block in L:
        used = np.flatnonzero(block.any(axis=1))
        yield block[: int(used[-1]) + 1 if len(used) else 1]
