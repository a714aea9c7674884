"""Float32 proposes the k nearest of many points for each of them: a few more than k, and never one too few.

Of points v with halves of their squared norms h, ``h_l - <v_i, v_l>`` is half the squared distance from i to l but for
what is the same for all l. Products come in blocks from float32. With points about their median, scaled so that the
norms are below 1, half a squared distance errs by at most ``e_i + e_l`` with ``e = (d + 16) 2**-23 h``, as derived in
`lmnn_sdp.problem.impostors`; centring rounds each coordinate once, in float64. So whoever is among the k nearest has a
lower bound ``(h_l - e_l) - product`` of at most the k-th least upper bound ``(h_l + e_l) - product``, plus ``2 e_i``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.linalg import power_of_two
from lmnn_sdp.numerics.types import FloatArray, IntArray

ROWS, COLUMNS = 512, 2048  # sides of a block of products
ROOM, MORE = 64, 8  # candidates that a point may have, and beside them so many for each of the k
TINY = 2.0**-100  # covers what underflows


@dataclass(frozen=True, eq=False)
class Proposals:
    """Points in float32 and what their distances may err by; build it with `Proposals.of`.

    Attributes
    ----------
    V : array, shape (n, d)
        Points about their median, in float32, with norms below 1.
    half, error : arrays, shape (n,)
        ``h`` and ``e`` of the module docstring.
    """

    V: npt.NDArray[np.float32]
    half: FloatArray
    error: FloatArray

    @staticmethod
    def of(X: FloatArray) -> Proposals:
        """Centre, scale and round."""
        d = X.shape[1]
        centred = X - np.median(X, axis=0)  # before they are scaled: beside a large constant they may be tiny
        unit = 4 * float(power_of_two(np.max(np.abs(centred)) * np.sqrt(d)))
        centred /= unit
        half = np.einsum("ij,ij->i", centred, centred) / 2
        return Proposals(centred.astype(np.float32), half, (d + 16) * 2.0**-23 * half + TINY)

    def of_rows(self, begin: int, end: int, k: int) -> tuple[IntArray, IntArray, IntArray]:
        """Who may be among the k nearest others of each point of a range.

        Returns
        -------
        row, column : arrays, shape (P,)
            Pairs of a point, counted from ``begin``, and another, sorted by row; at least k a row that has any.
        crowded : array
            Rows that have none here, since more are near than there is room for.
        """
        n = len(self.V)
        room = min(n, ROOM + MORE * k)
        lower, upper = ((self.half + sign * self.error).astype(np.float32) for sign in (-1, 1))
        own = (2 * self.error[begin:end]).astype(np.float32)
        least = np.full((end - begin, k), np.inf, np.float32)
        chosen = np.empty((end - begin, room), np.int64)
        bounds = np.empty((end - begin, room), np.float32)
        count = np.zeros(end - begin, np.int64)
        buffer = np.empty((end - begin) * min(COLUMNS, n), np.float32)
        for left in range(0, n, COLUMNS):
            right = min(left + COLUMNS, n)
            product = buffer[: (end - begin) * (right - left)].reshape(end - begin, right - left)
            np.matmul(self.V[begin:end], self.V[left:right].T, out=product)
            _propose(product, lower[left:right], upper[left:right], own, begin, left, least, chosen, bounds, count)
        kept = (np.arange(room) < count[:, None]) & (bounds <= (least[:, -1] + own)[:, None])
        row, place = np.nonzero(kept)
        return row, chosen[row, place], np.flatnonzero(count < 0)


@kernel()
def _propose(product, lower, upper, own, begin, left, least, chosen, bounds, count):  # type: ignore[no-untyped-def]
    """Add the columns of a block of products to the candidates of its rows; a count of -1 tells that they are too many.

    ``least`` holds the k least upper bounds of each row so far, ascending.
    """
    rows, cols = product.shape
    k, room = least.shape[1], chosen.shape[1]
    for r in range(rows):
        if count[r] < 0:
            continue
        line, found = product[r], least[r]
        limit = found[k - 1] + own[r]
        # slices, so that the search for hits runs in vector units
        for start in range(0, cols, 64):
            p, low = line[start : start + 64], lower[start : start + 64]
            hit = False
            for c in range(len(p)):
                hit |= low[c] - p[c] <= limit
            if not hit:
                continue
            for c in range(len(p)):
                column = left + start + c
                bound = low[c] - p[c]
                if bound > limit or column == begin + r:
                    continue
                if count[r] == room:
                    count[r] = _still_near(chosen[r], bounds[r], limit)
                if count[r] == room:
                    count[r] = -1
                    break
                chosen[r, count[r]], bounds[r, count[r]] = column, bound
                count[r] += 1
                above = upper[start + c] - p[c]
                if above < found[k - 1]:
                    _insert(found, above)
                    limit = found[k - 1] + own[r]
            if count[r] < 0:
                break


@kernel()
def _still_near(chosen, bounds, limit):  # type: ignore[no-untyped-def]
    """Move those within the limit to the front, in their order; how many they are."""
    kept = 0
    for place in range(len(chosen)):
        if bounds[place] <= limit:
            chosen[kept], bounds[kept] = chosen[place], bounds[place]
            kept += 1
    return kept


@kernel()
def _insert(found, value):  # type: ignore[no-untyped-def]
    """Put a value into its place among ascending ones, the last of which goes."""
    place = len(found) - 1
    while place > 0 and found[place - 1] > value:
        found[place] = found[place - 1]
        place -= 1
    found[place] = value
