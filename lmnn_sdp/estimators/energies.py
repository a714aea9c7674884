"""Energies of a point under each label: what the LMNN objective grows by where the point is added with that label.

For a point t, a label c, its k friends j (points of class c), and the training points i with targets j in N_i
(Weinberger & Saul 2009, eq. 15; D is the squared distance under the metric, r_j the margin of t's own friends):

    E(t, c) = (1 - mu) sum_j D(t, j)
            + mu sum_j sum_{l: y_l != c} [r + D(t, j) - D(t, l)]_+            impostors of t
            + mu sum_{i: y_i != c} sum_{j in N_i} [1 + D(i, j) - D(i, t)]_+   t as an impostor

Both sums over training points are made for all labels at once, in blocks of points: a pair counts only where its
distance is below the widest perimeter of t, or of the training point, which two comparisons tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.parallel import in_parts, team
from lmnn_sdp.numerics.types import FloatArray, IntArray

BLOCK = 2**22  # distances at a time, 32 MiB


@dataclass(frozen=True, eq=False)
class Neighborhoods:
    """Training points with what new points are compared to.

    Attributes
    ----------
    X : array, shape (n, d)
        Training points, in the units of the data: friends are the nearest here.
    V : array, shape (n, r)
        The same under the learned map.
    codes : array, shape (n,)
        Class of each as a number from 0; every class has at least k points.
    perimeters : array, shape (n, k)
        ``1 + D(i, j)`` of each target.
    mu : float
        Weight of the push.
    """

    X: FloatArray
    V: FloatArray
    codes: IntArray
    perimeters: FloatArray
    mu: float

    def energies(self, X: FloatArray, V: FloatArray, margin: float) -> FloatArray:
        """E of each new point, ``X (q, d)`` and ``V (q, r)`` under the map, for each class; shape (q, C)."""
        step = max(1, BLOCK // len(self.X))
        parts = [slice(start, start + step) for start in range(0, len(X), step)]
        with team():
            found = [self._block(X[part], V[part], margin) for part in parts]
        return np.concatenate(found) if found else np.empty((0, int(self.codes.max()) + 1))

    def _block(self, X: FloatArray, V: FloatArray, margin: float) -> FloatArray:
        """The same for as many points as fit into a block."""
        D = distances(V, self.V)
        friends = self._friends(distances(X, self.X))
        own = np.take_along_axis(D[:, None, :], friends.reshape(len(X), 1, -1), axis=2).reshape(friends.shape)
        thresholds = margin + own
        top, widest = thresholds.max(axis=(1, 2)), self.perimeters.max(axis=1)
        push = np.zeros(thresholds.shape[:2])
        in_parts(
            lambda begin, end: _add_push(D, self.codes, thresholds, top, self.perimeters, widest, begin, end, push),
            len(X),
            D.shape[1],
        )
        return (1 - self.mu) * own.sum(axis=2) + self.mu * push

    def _friends(self, D: FloatArray) -> IntArray:
        """The k nearest of each class, at these distances; shape (q, C, k)."""
        k = self.perimeters.shape[1]
        classes = [np.flatnonzero(self.codes == code) for code in range(int(self.codes.max()) + 1)]
        nearest = [members[np.argpartition(D[:, members], k - 1, axis=1)[:, :k]] for members in classes]
        return np.stack(nearest, axis=1)


def distances(A: FloatArray, B: FloatArray) -> FloatArray:
    """Squared distances of all rows of A to all of B, shape (len(A), len(B)), none below zero."""
    centre = np.median(B, axis=0)
    A, B = A - centre, B - centre
    D = np.sum(A**2, axis=1)[:, None] + np.sum(B**2, axis=1) - 2 * (A @ B.T)
    return np.maximum(D, 0.0, out=D)


@kernel()
def _add_push(D, codes, thresholds, top, perimeters, widest, begin, end, push):  # type: ignore[no-untyped-def]
    """Hinges of both sums for a range of new points, added up by label."""
    n_classes, k = thresholds.shape[1:]
    for t in range(begin, end):
        for l in range(len(codes)):
            d = D[t, l]
            if d < top[t]:
                for c in range(n_classes):
                    if c != codes[l]:
                        for j in range(k):
                            push[t, c] += max(0.0, thresholds[t, c, j] - d)
            if d < widest[l]:
                total = 0.0
                for j in range(k):
                    total += max(0.0, perimeters[l, j] - d)
                for c in range(n_classes):
                    if c != codes[l]:
                        push[t, c] += total
