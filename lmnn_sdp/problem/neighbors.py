"""Target neighbours: the k nearest points of the same class, ties by index."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np

from lmnn_sdp.numerics.engine import spread
from lmnn_sdp.numerics.linalg import EPS, power_of_two
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.nearest import ROWS, Proposals

BLOCK = 2**22  # entries of a block of distances, 32 MiB
MANY = 2**11  # members of a class from which on float32 proposes
CHUNK = 2**17  # entries of a chunk of differences
COMPARED = 16  # multiplications in the time that a distance takes to be compared with the k-th
_GATHERING = Lock()  # whoever comes first gathers the members, the others wait
LOWEST = -(2**15)  # exponent of 0, below that of every square


def target_neighbors(X: FloatArray, codes: IntArray, n_neighbors: int) -> IntArray:
    """The ``n_neighbors`` nearest points of the same class, for every point, by Euclidean distance.

    Parameters
    ----------
    X : array, shape (n, d)
    codes : integer array, shape (n,)
        Class of each point; every class has more than ``n_neighbors`` members.
    n_neighbors : int

    Returns
    -------
    targets : array, shape (n, n_neighbors)
        Indices of points, nearest first; of points at the same distance the smaller index comes first. Distances
        are float64 sums of squared differences of the data as given.

    Notes
    -----
    Weinberger & Saul (2009), section 3.1: target neighbours are fixed before the metric is learned. Data on a grid
    (iris has one decimal) are full of ties that rounding breaks one way in one unit and another way in another,
    and each choice is a different problem with a different optimum: pass ``targets`` to compare across units.
    """
    targets = np.empty((len(X), n_neighbors), dtype=np.intp)
    for code in np.unique(codes):
        search = _Search(X, codes, int(code), n_neighbors)
        n = int(np.sum(codes == code))
        blocks = [(start, min(start + ROWS, n)) for start in range(0, n, ROWS)]
        targets[codes == code] = np.concatenate(spread(search, blocks, float(n) ** 2 * (X.shape[1] + COMPARED)))
    return targets


@dataclass(frozen=True, eq=False)
class _Search:
    """The k nearest others of a class for a range of its members: products propose, exact differences decide."""

    X: FloatArray
    codes: IntArray
    code: int
    k: int

    def __call__(self, block: tuple[int, int]) -> IntArray:
        """Indices of points, for each member of the block; shape (stop - start, k)."""
        with _GATHERING:
            members = self._members
            proposals = self._proposals if len(members) >= MANY else None
        if proposals is None:
            return self._among_all(np.arange(*block))
        row, col, crowded = proposals.of_rows(*block, self.k)
        found = np.empty((block[1] - block[0], self.k), dtype=np.intp)
        quiet = np.setdiff1d(np.arange(len(found)), crowded)
        found[quiet] = self._decided(block[0] + quiet, np.searchsorted(quiet, row), col)
        if len(crowded):
            found[crowded] = self._among_all(block[0] + crowded)
        return found

    def _among_all(self, rows: IntArray) -> IntArray:
        """Of these members, proposed by distances in float64."""
        with _GATHERING:
            V, norms, slack = self._points
        found, step = [], max(1, BLOCK // len(V))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            distance = norms[part, None] + norms - 2 * (V[part] @ V.T)
            distance[np.arange(len(part)), part] = np.inf
            kth = np.partition(distance, self.k - 1, axis=1)[:, self.k - 1]
            found.append(self._decided(part, *np.nonzero(distance <= (kth + 2 * slack[part])[:, None])))
        return np.concatenate(found)

    def _decided(self, rows: IntArray, row: IntArray, col: IntArray) -> IntArray:
        """The nearest for members, from pairs of one of them, by its place in ``rows``, and another, sorted by both."""
        members = self._members
        keys = comparable_squares(self.X, members[rows[row]], members[col])
        return members[first_columns(row, col, keys, len(rows), self.k)]

    @cached_property
    def _members(self) -> IntArray:
        """The points of the class."""
        return np.flatnonzero(self.codes == self.code)

    @cached_property
    def _proposals(self) -> Proposals:
        """Theirs in float32."""
        return Proposals.of(self.X[self._members])

    @cached_property
    def _points(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Theirs about the origin, the norms of these, and what a distance may err by."""
        X = self.X[self._members]
        scaled = X / power_of_two(np.max(np.abs(X)))
        V = scaled - scaled.mean(axis=0)
        norms = np.einsum("ij,ij->i", V, V)
        # |v|^2 + |w|^2 - 2 v.w errs by at most (d + 4) eps (|v|^2 + |w|^2), centring included; doubled for safety.
        slack = 2 * (X.shape[1] + 4) * EPS * (norms + norms.max() + np.max(np.abs(scaled)) ** 2)
        return V, norms, slack


def first_columns(
    row: IntArray, column: IntArray, keys: tuple[FloatArray | IntArray, ...], n_rows: int, k: int
) -> IntArray:
    """The k columns of each row whose keys are least, shape (n_rows, k), from at least k pairs a row, sorted by row.

    The last of the keys counts first, and of equal keys the lower column comes first.
    """
    order = np.lexsort((column, *keys, row))
    first = np.searchsorted(row, np.arange(n_rows))  # the rows stay sorted
    return column[order[first[:, None] + np.arange(k)]]


def comparable_squares(X: FloatArray, a: IntArray, b: IntArray) -> tuple[FloatArray, IntArray]:
    """Squared distances of paired rows as mantissas and exponents: beside a fill value of 1e300 none may vanish."""
    mantissas, exponents = np.empty(len(a)), np.empty(len(a), dtype=np.intp)
    for start in range(0, len(a), step := max(1, CHUNK // X.shape[1])):
        part = slice(start, start + step)
        difference = X[a[part]] - X[b[part]]
        _, power = np.frexp(np.max(np.abs(difference), axis=1))
        mantissas[part], own = np.frexp(np.sum(np.ldexp(difference, -power[:, None]) ** 2, axis=1))
        exponents[part] = np.where(mantissas[part] > 0, own + 2 * power, LOWEST)
    return mantissas, exponents
