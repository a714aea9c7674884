"""The exact impostor pass: every pair (i, l) of different classes that a hinge of i or of l can count.

Points come as rows ``v = L x`` of a transformed data matrix V, sorted by class, so distances are Euclidean.
Pair (i, l) matters to i when ``||v_i - v_l||^2 < r_i``, where ``r_i`` is the margin plus the squared distance
to the target neighbour of i that is furthest *under the current metric*, not the last Euclidean one.

float32 proposes, float64 decides
---------------------------------
``||v_i - v_l||^2 < r_i`` is ``<v_i, v_l> > (n_i + n_l - r_i) / 2`` with squared norms n. The left side comes in
blocks from a float32 matrix product. Let u = 2**-24 and q the number of columns. Storing V in float32 and summing
q products in any order, fused or not, errs by at most ((1 + u)^2 (1 + g) - 1) |v_i||v_l| with g = q u / (1 - q u),
hence by less than 1.01 (q + 3) u (n_i + n_l) / 2 while q < 10^5. Storing the thresholds in float32 and the one addition
that compares them cost at most 4 u of (n_i + n_l + r) / 2 more. So no pair is lost to rounding when norms are
shrunk and radii grown by a factor ``1 -+ (q + 16) 2 u``, about twice the sum of the two. V is scaled by a power of two
beforehand so that the largest norm is below 1: nothing overflows, and a term of 2**-100 covers what underflows.
What is proposed is then decided by float64 differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.engine import share, spread
from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.linalg import power_of_two
from lmnn_sdp.numerics.types import FloatArray, IntArray

T = TypeVar("T")

#: Default bound on the working memory of a pass, in bytes: product blocks and the pairs found in them, over all
#: threads. Sorted copies of V in float64 and float32 (12 n q bytes) and what `reduce` makes of a block come on top.
MEMORY = 256 * 2**20
ROWS = 1024  # block sides above which the matrix product runs no faster
COLS = 2048
PAIRS = 2**17  # pairs handed over at a time, at most
BYTES_PER_PAIR = 96  # two indices and a distance, in the buffer, in the block handed over and in the one before
SMALL = 2**20  # pairs below which a thread costs more than it saves
COMPARED = 8  # multiplications in the time that a product takes to be compared
_LAYING_OUT = Lock()  # whoever comes first lays the points out, the others wait


@dataclass(frozen=True)
class PairBlock:
    """Pairs of points of different classes near enough to matter, in the order of the caller's points."""

    a: IntArray
    b: IntArray
    distance: FloatArray  # squared, float64, shape (pairs,)


def scan(
    V: FloatArray,
    codes: IntArray,
    radii: FloatArray,
    reduce: Callable[[PairBlock], T],
    *,
    memory: int = MEMORY,
) -> list[T]:
    """Apply ``reduce`` to every block of unordered pairs {a, b} with distance below a's or b's radius.

    Parameters
    ----------
    V : array, shape (n, q)
        Points in coordinates where the metric is Euclidean.
    codes : integer array, shape (n,)
        Classes; pairs of one class are left out.
    radii : array, shape (n,)
        Squared radius of each point; a pair is found when ``distance < max(radii[a], radii[b])``.
    reduce : callable
        Gets each `PairBlock`, in worker threads; blocks are not kept, so it decides what memory is spent.
    memory : int
        Bound on working memory in bytes, see `MEMORY`.

    Returns
    -------
    list of what ``reduce`` returned, in the order of the points, whichever thread was first.
    """
    small = len(V) ** 2 < SMALL
    shape = _Shape.within(memory if small else share(memory))
    work, strips = _Strips(V, codes, radii, reduce, shape), list(_strips(codes, shape.rows))
    cost = len(V) ** 2 * (V.shape[1] + COMPARED) / 2
    # the products run side by side instead of each being split
    parts = [work(strip) for strip in strips] if small else spread(work, strips, cost)
    return [result for part in parts for result in part]


def _strips(codes: IntArray, rows: int) -> Iterator[tuple[int, int]]:
    """Row ranges of the upper triangle; the rows of the last class have nothing to their right."""
    stop = int(np.sum(codes < np.max(codes, initial=0)))
    for start in range(0, stop, rows):
        yield start, min(start + rows, stop)


@dataclass(frozen=True, eq=False)
class _Strips(Generic[T]):
    """Work on one strip of rows."""

    V: FloatArray
    codes: IntArray
    radii: FloatArray
    reduce: Callable[[PairBlock], T]
    shape: _Shape

    def __call__(self, strip: tuple[int, int]) -> list[T]:
        """What becomes of the blocks of a strip."""
        with _LAYING_OUT:
            layout = self._layout
        return [self.reduce(block) for block in layout.blocks(*strip, self.shape)]

    @cached_property
    def _layout(self) -> _Layout:
        """Made where the work is done, once for all strips."""
        return _Layout.build(self.V, self.codes, self.radii)


@dataclass(frozen=True)
class _Shape:
    """Sides of a product block, and how many pairs a buffer holds."""

    rows: int
    cols: int
    pairs: int

    @staticmethod
    def within(memory: int) -> _Shape:
        """The largest shape in ``memory`` bytes: half for the product, half for pairs, at least one row of them."""
        cols = max(1, min(COLS, memory // 2 // BYTES_PER_PAIR))
        rows = max(1, min(ROWS, memory // 2 // (4 * cols)))
        return _Shape(rows, cols, max(cols, min(PAIRS, memory // 2 // BYTES_PER_PAIR)))


@dataclass(frozen=True)
class _Layout:
    """Points sorted by class with their float32 copy and the thresholds of the module docstring."""

    order: IntArray  # sorted position -> caller's index
    ends: IntArray  # sorted position -> first position of the next class
    V: FloatArray
    radii: FloatArray
    V32: npt.NDArray[np.float32]  # V over a power of two
    low: npt.NDArray[np.float32]  # half norms, and half norms less half radii: shape (2, n)

    @staticmethod
    def build(V: FloatArray, codes: IntArray, radii: FloatArray) -> _Layout:
        """Sort, scale and round."""
        order = np.argsort(codes, kind="stable")
        sorted_codes = codes[order]
        ends = np.searchsorted(sorted_codes, sorted_codes, side="right")
        V = V[order]
        # centred for float32 alone: in float64 it would round rows near the origin to the precision of far ones
        centred = V - V.mean(axis=0)
        # a power of two that brings every norm below 1; radii beyond the largest distance, 2, all mean the same
        unit = 4 * float(power_of_two(np.max(np.abs(centred), initial=0.0) * np.sqrt(V.shape[1])))
        scaled = centred / unit
        with np.errstate(over="ignore"):
            scaled_radii = np.minimum(radii[order] / unit / unit, 8.0)
        inflation = (V.shape[1] + 16) * 2.0**-23
        half = np.einsum("ij,ij->i", scaled, scaled) / 2 * (1 - inflation)
        inner = half - (scaled_radii / 2 * (1 + inflation) + 2.0**-100)
        # a pair matters when product > inner_i + half_l (to i) or product > half_i + inner_l (to l)
        low = np.stack([half, inner]).astype(np.float32)
        return _Layout(order, ends, V, radii[order], scaled.astype(np.float32), low)

    def blocks(self, start: int, stop: int, shape: _Shape) -> Iterator[PairBlock]:
        """Pairs of the strip ``start:stop`` with all later classes, one block of columns after another."""
        n, rows = len(self.order), stop - start
        cols = min(shape.cols, n)
        buffer = np.empty(rows * cols, dtype=np.float32)
        size = min(shape.pairs, rows * cols)
        a, b, distance = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size)
        for left in range(int(self.ends[start]), n, cols):
            right = min(left + cols, n)
            product = buffer[: rows * (right - left)].reshape(rows, right - left)
            np.matmul(self.V32[start:stop], self.V32[left:right].T, out=product)
            row = 0
            while row < rows:
                row, found = _decide(product, self.V, self.low, self.radii, self.ends, start, left, row, a, b, distance)
                if found:
                    yield PairBlock(self.order[a[:found]], self.order[b[:found]], distance[:found].copy())


@kernel()
def _decide(product, V, low, radii, ends, start, left, row, a, b, distance):  # type: ignore[no-untyped-def]
    """Write pairs whose float64 distance is below a radius, from ``row`` on, while a whole row of them is sure to fit.

    Returns the row to go on from and the number of pairs.
    """
    rows, cols = product.shape
    # slices, so that the search for hits runs in vector units
    half, inner = low[0, left : left + cols], low[1, left : left + cols]
    found = 0
    for r in range(row, rows):
        if found + cols > len(a):
            return r, found
        i = start + r
        half_i, inner_i = low[0, i], low[1, i]
        line, v = product[r], V[i]
        for begin in range(max(0, ends[i] - left), cols, 64):
            p = line[begin : begin + 64]
            half_l, inner_l = half[begin : begin + 64], inner[begin : begin + 64]
            hit = False
            for c in range(len(p)):
                hit |= (p[c] > inner_i + half_l[c]) | (p[c] > half_i + inner_l[c])
            if not hit:
                continue
            for c in range(len(p)):
                if p[c] > inner_i + half_l[c] or p[c] > half_i + inner_l[c]:
                    l = left + begin + c
                    w = V[l]
                    d = 0.0
                    for f in range(len(v)):
                        d += (v[f] - w[f]) ** 2
                    if d < radii[i] or d < radii[l]:
                        a[found], b[found], distance[found] = i, l, d
                        found += 1
    return rows, found
