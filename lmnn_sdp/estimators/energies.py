"""Energies of a point under each label: what the LMNN objective grows by where the point is added with that label.

For a point t, a label c, its k friends j (points of class c), and the training points i with targets j in N_i
(Weinberger & Saul 2009, eq. 15; D is the squared distance under the metric, r the margin of t's own friends):

    E(t, c) = (1 - mu) sum_j D(t, j)
            + mu sum_j sum_{l: y_l != c} [r + D(t, j) - D(t, l)]_+            impostors of t
            + mu sum_{i: y_i != c} sum_{j in N_i} [1 + D(i, j) - D(i, t)]_+   t as an impostor

All labels are made at once, in blocks of points: a pair counts only where its distance is below the widest perimeter of
t, or of the training point, which two comparisons tell. Of several metrics D(t, .) has those of the training points,
and D(i, t) that of the block of t: of the label c where blocks are classes, else of its cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lmnn_sdp.estimators.neighborhoods import BLOCK, nearest, squared_distances_between
from lmnn_sdp.estimators.ranking import LocalMetrics
from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.parallel import in_parts, team
from lmnn_sdp.numerics.types import FloatArray, IntArray

ALL = -1  # labels


@dataclass(frozen=True, eq=False)
class Neighborhoods:
    """Training points with what new points are compared to.

    Attributes
    ----------
    X : array, shape (n, d)
        Training points, in the units of the data: friends are the nearest here.
    metrics : LocalMetrics
        The same under the learned metrics.
    perimeters : array, shape (n, k)
        ``1 + D(i, j)`` of each target.
    mu : float
        Weight of the push.
    """

    X: FloatArray
    metrics: LocalMetrics
    perimeters: FloatArray
    mu: float

    def energies(self, X: FloatArray, margin: float, clusters: IntArray | None) -> FloatArray:
        """E of each new point for each class; shape (q, C).

        Parameters
        ----------
        X : array, shape (q, d)
        margin : float
        clusters : array, shape (q,), or None
            Block of each new point; None where the blocks are classes.
        """
        push = np.zeros((len(X), int(self.metrics.codes.max()) + 1))
        pull = np.zeros_like(push)
        single = len(self.metrics.maps) == 1
        with team():
            friends = self._friends(X)
            for part in self._parts(len(X)):
                D = self.metrics.squared(X[part])
                pull[part], push[part] = self._of_friends(friends[part], D, margin)
                if single:  # the same distances both ways
                    push[part] += self._as_impostor(D, ALL)
            for rows, label, D in () if single else self._to_new(X, clusters):
                push[rows] += self._as_impostor(D, label)
        return (1 - self.mu) * pull + self.mu * push

    @cached_property
    def _centred(self) -> FloatArray:
        """Training points near the origin, so that nothing is lost to products."""
        return self.X - self.metrics.centre

    def _parts(self, count: int) -> Iterator[slice]:
        """As many new points at a time as fit into a block."""
        step = max(1, BLOCK // len(self.X))
        return (slice(start, start + step) for start in range(0, count, step))

    def _of_friends(self, friends: IntArray, D: FloatArray, margin: float) -> tuple[FloatArray, FloatArray]:
        """Pull of each label's friends, and push of the impostors, at the distances D to training points."""
        codes = self.metrics.codes
        own = np.take_along_axis(D[:, None, :], friends.reshape(len(D), 1, -1), axis=2).reshape(friends.shape)
        thresholds = margin + own
        top, push = thresholds.max(axis=(1, 2)), np.zeros(thresholds.shape[:2])
        in_parts(lambda begin, end: _add_impostors(D, codes, thresholds, top, begin, end, push), *D.shape)
        return own.sum(axis=2), push

    def _friends(self, X: FloatArray) -> IntArray:
        """The k nearest of each class, of equally near ones the first; shape (q, C, k)."""
        k, codes = self.perimeters.shape[1], self.metrics.codes
        classes = [np.flatnonzero(codes == code) for code in range(int(codes.max()) + 1)]
        return np.stack([members[nearest(X, self.X[members], k)] for members in classes], axis=1)

    def _to_new(self, X: FloatArray, clusters: IntArray | None) -> Iterator[tuple[IntArray, int, FloatArray]]:
        """Some new points, the labels that they are tried with, and ``D(i, t)`` from each training point i."""
        for block, factor in enumerate(self.metrics.maps):
            V = self._centred @ factor.T
            chosen = np.arange(len(X)) if clusters is None else np.flatnonzero(clusters == block)
            for part in self._parts(len(chosen)):
                U = (X[chosen[part]] - self.metrics.centre) @ factor.T
                yield chosen[part], block if clusters is None else ALL, squared_distances_between(U, V)

    def _as_impostor(self, D: FloatArray, label: int) -> FloatArray:
        """Hinges of training points that a new one of this label, or of any, invades; shape (q, C)."""
        codes, push = self.metrics.codes, np.zeros((len(D), int(self.metrics.codes.max()) + 1))
        widest = self.perimeters.max(axis=1)
        in_parts(
            lambda begin, end: _add_invasions(D, codes, self.perimeters, widest, label, begin, end, push),
            len(D),
            D.shape[1],
        )
        return push


@kernel()
def _add_impostors(D, codes, thresholds, top, begin, end, push):  # type: ignore[no-untyped-def]
    """Hinges of the friends of a range of new points, added up by label."""
    n_classes, k = thresholds.shape[1:]
    for t in range(begin, end):
        for l in range(len(codes)):
            d = D[t, l]
            if d < top[t]:
                for c in range(n_classes):
                    if c != codes[l]:
                        for j in range(k):
                            push[t, c] += max(0.0, thresholds[t, c, j] - d)


@kernel()
def _add_invasions(D, codes, perimeters, widest, label, begin, end, push):  # type: ignore[no-untyped-def]
    """Hinges of training points with a range of new points as impostors, added up by label."""
    for t in range(begin, end):
        for i in range(len(codes)):
            d = D[t, i]
            if d < widest[i] and codes[i] != label:
                total = 0.0
                for j in range(perimeters.shape[1]):
                    total += max(0.0, perimeters[i, j] - d)
                if label >= 0:
                    push[t, label] += total
                else:
                    for c in range(push.shape[1]):
                        if c != codes[i]:
                            push[t, c] += total
