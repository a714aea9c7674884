"""Passes over all triplets at some metric: their hinges summed up, or those near or beyond their margin listed.

    hinge of (i, j, l):   1 + D(i, j) - D(i, l)

A pass sees the points under a map, where distances are Euclidean, and the squared distances of each point to its
target neighbours. Of several metrics there is a view a block, with those impostors alone that the block's metric
measures the distance to: pairs with one end in the block, and where it holds several classes those with both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.accurate import positive_sum
from lmnn_sdp.numerics.linalg import squared_distances
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.impostors import PairBlock, scan

T = TypeVar("T")


@dataclass(frozen=True)
class Hinges:
    """The triplets near or beyond their margin at some metric.

    Attributes
    ----------
    triplets : array, shape (t, 3)
        Rows (i, j, l).
    values : array, shape (t,)
        ``1 + d_M(i, j) - d_M(i, l)``: positive where the margin is violated.
    """

    triplets: IntArray
    values: FloatArray

    @staticmethod
    def joined(parts: list[Hinges]) -> Hinges:
        """All of them in one list."""
        if not parts:
            return Hinges(np.empty((0, 3), dtype=np.intp), np.empty(0))
        return Hinges(np.concatenate([p.triplets for p in parts]), np.concatenate([p.values for p in parts]))


@dataclass(frozen=True)
class Terms:
    """The two sums of the objective at some metric.

    Attributes
    ----------
    pull : float
        ``sum_{i, j in N_i} d_M(i, j)``.
    push : float
        Sum of all positive hinges.
    active : int
        Number of positive hinges.
    """

    pull: float
    push: float
    active: int


@dataclass(frozen=True, eq=False)
class View:
    """The points under one metric, and whom it measures the distance to.

    Attributes
    ----------
    V : array, shape (n, r)
        Points in coordinates where the metric is Euclidean.
    pulls : array, shape (n, k)
        Squared distance of each point to its target neighbours, under whatever metric is theirs, or a bound on it.
    inside : boolean array, shape (n,), or None
        Points that are impostors here; None for all.
    """

    V: FloatArray
    pulls: FloatArray
    inside: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class Pairs:
    """Points i with impostors l, and the squared distances ``||v_i - v_l||^2``."""

    i: IntArray
    l: IntArray
    distance: FloatArray


@dataclass(frozen=True, eq=False)
class HingePass:
    """A pass over the triplets of a problem.

    Attributes
    ----------
    codes : integer array, shape (n,)
        Classes.
    targets : integer array, shape (n, k)
        Target neighbours.
    listed : integer array, shape (T, 3), or None
        The triplets that count; None for all.
    weights : array, shape (n,), or None
        Weight of the hinges of each point in sums; None for 1.
    """

    codes: IntArray
    targets: IntArray
    listed: IntArray | None
    weights: FloatArray | None = None

    def push(self, views: Iterable[View]) -> tuple[float, int]:
        """Weighted sum and number of the positive hinges, by a pass that keeps no list.

        Notes
        -----
        Squared distances err by a part of at most ``gamma_{r + 4}`` of themselves, the sum of hinges by ``4 U`` of it.
        """
        parts = [part for view in views for part in self._sums(view)]
        return math.fsum(total for total, _ in parts), sum(active for _, active in parts)

    def hinges(self, views: Iterable[View], slack: float) -> Hinges:
        """List the triplets whose hinge exceeds ``-slack``."""
        return Hinges.joined([part for view in views for part in self._lists(view, slack)])

    def sum_of(self, hinges: Hinges) -> tuple[float, int]:
        """Weighted sum and number of the positive ones of a list."""
        values = hinges.values
        return positive_sum(values if self.weights is None else self.weights[hinges.triplets[:, 0]] * values)

    def _sums(self, view: View) -> list[tuple[float, int]]:
        """Sums and numbers of positive hinges that add up to those of a view."""
        if self.listed is not None:
            return [self.sum_of(self._of_listed(view, self.listed))]
        return self._scan(view, 0.0, _Sums(view.pulls, self.weights))

    def _lists(self, view: View, slack: float) -> list[Hinges]:
        """Lists that add up to that of a view."""
        if self.listed is not None:
            near = self._of_listed(view, self.listed)
            return [Hinges(near.triplets[near.values > -slack], near.values[near.values > -slack])]
        return self._scan(view, slack, _Lists(view.pulls, self.targets, slack))

    def _scan(self, view: View, slack: float, reduce: Callable[[list[Pairs]], T]) -> list[T]:
        """Apply ``reduce`` to all pairs with a hinge above ``-slack``, block by block."""
        radii = 1 + slack + view.pulls.max(axis=1)
        if view.inside is None:
            return scan(view.V, self.codes, radii, _Both(reduce))
        inside, members = view.inside, np.flatnonzero(view.inside)
        entering = _Entering(reduce, self.codes, inside)
        parts = scan(view.V, inside.astype(np.intp), np.where(inside, 0.0, radii), entering)
        return parts + scan(view.V[members], self.codes[members], radii[members], _Both(reduce, members))

    def _of_listed(self, view: View, triplets: IntArray) -> Hinges:
        """Hinge of each listed triplet whose impostor is in the view."""
        if view.inside is not None:
            triplets = triplets[view.inside[triplets[:, 2]]]
        i, j, l = triplets.T
        neighbor = np.argmax(self.targets[i] == j[:, None], axis=1)
        return Hinges(triplets, 1 + view.pulls[i, neighbor] - squared_distances(view.V, i, l))


# What is made of a block of pairs, as work that an engine can carry (see `lmnn_sdp.numerics.engine`).


@dataclass(frozen=True, eq=False)
class _Sums:
    """Weighted sum and number of the positive hinges."""

    pulls: FloatArray
    weights: FloatArray | None

    def __call__(self, pairs: list[Pairs]) -> tuple[float, int]:
        """Of some pairs."""
        return positive_sum(np.concatenate([self._of_pairs(p) for p in pairs]))

    def _of_pairs(self, pairs: Pairs) -> FloatArray:
        """Weighted hinges of each pair with every target neighbour of i."""
        values = self.pulls[pairs.i] + (1 - pairs.distance[:, None])
        return values if self.weights is None else self.weights[pairs.i, None] * values


@dataclass(frozen=True, eq=False)
class _Lists:
    """Hinges above ``-slack``, each pair with every target neighbour of i."""

    pulls: FloatArray
    targets: IntArray
    slack: float

    def __call__(self, pairs: list[Pairs]) -> Hinges:
        """Of some pairs."""
        return Hinges.joined([self._of_pairs(p) for p in pairs])

    def _of_pairs(self, pairs: Pairs) -> Hinges:
        """Of pairs (i, l)."""
        values = self.pulls[pairs.i] + (1 - pairs.distance[:, None])
        pair, neighbor = np.nonzero(values > -self.slack)
        triplets = np.column_stack([pairs.i[pair], self.targets[pairs.i[pair], neighbor], pairs.l[pair]])
        return Hinges(triplets, values[pair, neighbor])


@dataclass(frozen=True, eq=False)
class _Both(Generic[T]):
    """Either point of a pair is an impostor of the other; of ``members`` where these alone were scanned."""

    reduce: Callable[[list[Pairs]], T]
    members: IntArray | None = None

    def __call__(self, block: PairBlock) -> T:
        """Of a block."""
        a, b = (block.a, block.b) if self.members is None else (self.members[block.a], self.members[block.b])
        return self.reduce([Pairs(a, b, block.distance), Pairs(b, a, block.distance)])


@dataclass(frozen=True, eq=False)
class _Entering(Generic[T]):
    """The point of a pair that is inside is an impostor of the one outside, where their classes differ."""

    reduce: Callable[[list[Pairs]], T]
    codes: IntArray
    inside: npt.NDArray[np.bool_]

    def __call__(self, block: PairBlock) -> T:
        """Of a block."""
        i, l = np.where(self.inside[block.a], (block.b, block.a), (block.a, block.b))
        counts = self.codes[i] != self.codes[l]
        return self.reduce([Pairs(i[counts], l[counts], block.distance[counts])])
