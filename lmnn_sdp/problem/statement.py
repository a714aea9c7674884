"""What an LMNN problem is made of, and the keys by which its triplets are sorted, matched and merged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lmnn_sdp.display.cards import card
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import Blocks
from lmnn_sdp.problem.checks import check_plain
from lmnn_sdp.problem.coordinates import Coordinates

FEW_CLASSES = 6  # whose sizes a card lists


@dataclass(frozen=True, eq=False, repr=False)
class Statement:
    """What is given: data, target neighbours and weights, and what follows from them at once.

    The fields are told by `lmnn_sdp.problem.problem.Problem`, which adds what needs a metric.
    """

    X: FloatArray
    y: npt.NDArray[np.generic]
    codes: IntArray
    targets: IntArray
    mu: float
    R: FloatArray
    working_set: IntArray | None = None
    coordinates: Coordinates | None = None
    blocks: Blocks | None = None
    diagonal: bool = False
    weights: FloatArray | None = None

    @property
    def n_points(self) -> int:
        """Number of points n."""
        return len(self.X)

    @property
    def n_features(self) -> int:
        """Dimension d of the data."""
        return self.X.shape[1]

    @property
    def n_neighbors(self) -> int:
        """Target neighbours of each point, k."""
        return self.targets.shape[1]

    @property
    def n_triplets(self) -> int:
        """Number of triplets that count: ``k (n^2 - sum of squared class sizes)``, or those of the working set."""
        if self.working_set is not None:
            return len(self.working_set)
        sizes = np.bincount(self.codes)
        return self.n_neighbors * int(self.n_points**2 - np.sum(sizes**2))

    @property
    def penalty(self) -> FloatArray:
        """R in the shape of a metric."""
        return np.diag(self.R) if self.diagonal else self.R

    @cached_property
    def centred(self) -> FloatArray:
        """X less its median, so that products lose nothing to an origin far away, nor to a far class."""
        return self.X - np.median(self.X, axis=0)

    @property
    def euclidean(self) -> FloatArray:
        """The Euclidean metric of the data as given, in the coordinates of X and up to rounding and a factor."""
        return self.identity if self.coordinates is None else self.coordinates.euclidean

    @property
    def identity(self) -> FloatArray:
        """The metric I, or a stack of them, in the shape that metrics have here."""
        if self.diagonal:
            return np.ones(self.n_features)
        one = np.eye(self.n_features)
        return one if self.blocks is None else np.stack([one] * len(self.blocks))

    @property
    def zero(self) -> FloatArray:
        """The factor of M = 0: no rows."""
        return np.zeros(self.n_features) if self.diagonal else self.identity[..., :0, :]

    @property
    def nonnegative(self) -> bool:
        """Whether f >= 0 needs no proof: R is zero, or a number of at least 0 times the identity."""
        if self.coordinates is not None:
            return self.coordinates.nonnegative
        reg = float(self.R[0, 0])
        return reg >= 0 and np.array_equal(self.R, reg * np.eye(len(self.R)))

    def weight_of(self, i: IntArray) -> FloatArray:
        """Weight of the terms of each of these points."""
        return np.ones(len(i)) if self.weights is None else self.weights[i]

    def caps(self, triplets: IntArray) -> FloatArray | float:
        """Largest multiplier of each triplet, ``mu w_i`` rounded down; one number where there are no weights."""
        return self.mu if self.weights is None else np.nextafter(self.mu * self.weights[triplets[:, 0]], 0.0)

    @property
    def mean_weight(self) -> float:
        """Of the points that have any."""
        return 1.0 if self.weights is None else float(np.mean(self.weights[self.weights > 0]))

    @property
    def push_at_zero(self) -> float:
        """Sum of all hinges at M = 0: the weights of all triplets, rounded up."""
        if self.weights is None:
            return float(self.n_triplets)
        if self.working_set is not None:
            return math.fsum(self.weights[self.working_set[:, 0]])
        others = self.n_points - np.bincount(self.codes)[self.codes]
        # an upper bound: a product and the sum round, and so does the number of target neighbours
        return self.n_neighbors * math.fsum(self.weights * others) * (1 + 2.0**-50)

    def __repr__(self) -> str:
        size = f"{self.n_points} points of {self.n_features} features, {self.n_triplets:,} triplets"
        return f"{type(self).__name__}({size}, n_neighbors={self.n_neighbors}, mu={self.mu:g})"

    def _repr_html_(self) -> str:
        """A card with the size of the problem and its parameters, for notebooks."""
        sizes = np.bincount(self.codes)
        counts = ", ".join(map(str, sizes)) if len(sizes) <= FEW_CLASSES else f"{sizes.min()} to {sizes.max()}"
        kind = "diagonal: a weight for each feature" if self.diagonal else f"{self.n_features} x {self.n_features}"
        rows = [
            ("points", f"{self.n_points:,} of {self.n_features} features"),
            ("classes", f"{len(sizes)}, of {counts} points"),
            ("target neighbours of a point", f"{self.n_neighbors}"),
            ("mu, weight of the push", f"{self.mu:g}"),
            ("triplets", f"{self.n_triplets:,}"),
            ("metric", kind if self.blocks is None else f"{len(self.blocks)} of {kind}"),
        ]
        if np.any(self.R):
            rows.append(("penalty", f"<R, M> with tr(R) = {np.trace(self.R):.3g}"))
        if self.weights is not None:
            rows.append(("weights of the points", f"{self.weights.min():.3g} to {self.weights.max():.3g}"))
        return card("LMNN problem", None, rows)

    def target_pairs(self) -> tuple[IntArray, IntArray]:
        """Points i and their target neighbours j as two arrays of shape (n k,)."""
        return np.repeat(np.arange(self.n_points), self.n_neighbors), self.targets.ravel()

    def check_plain(self, what: str) -> None:
        """A ValueError for something that is made for a single full metric and points of equal weight."""
        check_plain(self.blocks is not None, self.diagonal, self.weights is not None, what)

    def counts(self, triplets: IntArray) -> npt.NDArray[np.bool_]:
        """Which of the rows (i, j, l), from this or from another problem, are triplets of this one; shape (T,)."""
        inside = np.all(triplets < self.n_points, axis=1)
        i, j, l = np.where(inside[:, None], triplets, 0).T
        own = inside & (self.targets[i] == j[:, None]).any(axis=1) & (self.codes[i] != self.codes[l])
        if self.working_set is not None:
            own[own] = np.isin(self.keys(triplets[own]), self.keys(self.working_set))
        return own

    def are_equal(self, squared: FloatArray, a: IntArray, b: IntArray) -> npt.NDArray[np.bool_]:
        """Which pairs of points, at these squared distances, are equal in the data: their exact distance is 0."""
        points = self.X if self.coordinates is None else self.coordinates.points
        equal = squared == 0
        equal[equal] = np.all(points[a[equal]] == points[b[equal]], axis=1)
        return equal

    def keys(self, triplets: IntArray) -> npt.NDArray[np.int64]:
        """One integer ``(i n + j) n + l`` for each triplet, to sort, match and merge lists (n up to two million)."""
        i, j, l = triplets.T.astype(np.int64)
        return (i * self.n_points + j) * self.n_points + l

    def from_keys(self, keys: IntArray) -> IntArray:
        """The triplets (T, 3) of these `keys`."""
        n = self.n_points
        return np.column_stack([keys // n**2, keys // n % n, keys % n])
