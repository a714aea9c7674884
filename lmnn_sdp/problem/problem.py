"""The LMNN problem: data, target neighbours and weights, and the operators that every solver needs.

    minimise    f(M) = (1 - mu) sum_{i, j in N_i} d_M(i, j) + mu sum_t [1 + d_M(i, j) - d_M(i, l)]_+ + <R, M>
    subject to  M positive semidefinite

with d_M(a, b) = (x_a - x_b)' M (x_a - x_b), target neighbours N_i, and one triplet t = (i, j, l) for every j in N_i
and every l of another class than i. Point l is an impostor of (i, j) where the hinge is positive.
Source: Weinberger & Saul (2009), eq. 14; the trace-like term <R, M> is ours and zero by default.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.accurate import positive_sum
from lmnn_sdp.numerics.linalg import psd_factor, scatter, squared_distances, symmetrize
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.checks import check_metric, check_regularizer, check_targets, check_triplets
from lmnn_sdp.problem.coordinates import Coordinates
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.impostors import PairBlock, scan
from lmnn_sdp.problem.neighbors import target_neighbors
from lmnn_sdp.validation import check_data, check_labels, check_mu, check_neighbors


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
class Problem:
    """An LMNN problem, ready to be solved; build it with `Problem.from_data`.

    Attributes
    ----------
    X : array, shape (n, d)
        Data, float64.
    y : array, shape (n,)
        Labels as given.
    codes : integer array, shape (n,)
        Index of each label among the sorted classes.
    targets : integer array, shape (n, k)
        Target neighbours of each point.
    mu : float
        Weight of the push term, in (0, 1); the pull term has ``1 - mu``.
    R : array, shape (d, d)
        Symmetric matrix of the extra linear term <R, M>: ``reg * I`` for a trace penalty, else 0.
    working_set : integer array, shape (T, 3), or None
        The triplets that count; None stands for every (i, j in N_i, l of another class).
    coordinates : Coordinates or None
        What a change of coordinates did to X; None for data as given.
    """

    X: FloatArray
    y: npt.NDArray[np.generic]
    codes: IntArray
    targets: IntArray
    mu: float
    R: FloatArray
    working_set: IntArray | None = None
    coordinates: Coordinates | None = None

    @classmethod
    def from_data(
        cls,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        n_neighbors: int | str | None = 3,
        mu: float = 0.5,
        targets: npt.ArrayLike | None = None,
        reg: float | npt.ArrayLike = 0.0,
        minus_one_is_class: bool = False,
    ) -> Problem:
        """Check the data and choose the target neighbours.

        Parameters
        ----------
        X : array-like, shape (n, d)
            Finite numbers.
        y : array-like, shape (n,)
            Labels, at least two classes.
        n_neighbors : int, "auto" or None
            Target neighbours of each point (k in the paper); every class needs more members than that. ``"auto"`` and
            None take 3, or as many as the smallest class allows. Not used when ``targets`` is given.
        mu : float
            Weight of the push term, strictly between 0 and 1 (Weinberger & Saul, 2009, eq. 14). Texts that put mu
            on the pull term mean ``1 - mu`` here.
        targets : array-like, shape (n, k), optional
            The caller's own target neighbours: row i lists k different points of the class of i, without i itself.
        reg : float or array-like of shape (d, d)
            Trace penalty ``reg * tr(M)``, or a symmetric matrix R for the linear term ``<R, M>``.
        minus_one_is_class : bool
            Whether -1 beside two or more other labels is a class. By default it is refused: scikit-learn marks points
            without a label so. Beside one other label, such as 1, it is always a class.

        Raises
        ------
        ValueError
            Naming the value, the rule it breaks and the remedy.
        """
        X = check_data(X)
        labels, codes = check_labels(y, len(X), minus_one_is_class)
        mu = check_mu(mu)
        if targets is None:
            chosen = target_neighbors(X, codes, check_neighbors(n_neighbors, labels, X.shape[1]))
        else:
            chosen = check_targets(targets, codes)
        return cls(X, labels, codes, chosen, mu, check_regularizer(reg, X.shape[1]))

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

    @cached_property
    def pull(self) -> FloatArray:
        """Pull matrix ``C = sum_{i, j in N_i} (x_i - x_j)(x_i - x_j)'``, shape (d, d)."""
        i, j = self.target_pairs()
        return scatter(self.X, i, j, np.ones(len(i)))

    @cached_property
    def cost(self) -> FloatArray:
        """Matrix ``P = (1 - mu) C + R`` of the linear term of f, shape (d, d)."""
        return symmetrize((1 - self.mu) * self.pull + self.R)

    @cached_property
    def centred(self) -> FloatArray:
        """X less its median, so that products lose nothing to an origin far away, nor to a far class."""
        return self.X - np.median(self.X, axis=0)

    @property
    def euclidean(self) -> FloatArray:
        """The Euclidean metric of the data as given, in the coordinates of X and up to rounding and a factor."""
        return np.eye(self.n_features) if self.coordinates is None else self.coordinates.euclidean

    @property
    def nonnegative(self) -> bool:
        """Whether f >= 0 needs no proof: R is zero, or a number of at least 0 times the identity."""
        if self.coordinates is not None:
            return self.coordinates.nonnegative
        reg = float(self.R[0, 0])
        return reg >= 0 and np.array_equal(self.R, reg * np.eye(len(self.R)))

    def target_pairs(self) -> tuple[IntArray, IntArray]:
        """Points i and their target neighbours j as two arrays of shape (n k,)."""
        return np.repeat(np.arange(self.n_points), self.n_neighbors), self.targets.ravel()

    def restrict(self, triplets: npt.ArrayLike) -> Problem:
        """The same problem with only the given ``triplets (T, 3)``.

        A relaxation: its optimum is a lower bound of the optimum over all triplets.
        """
        return replace(self, working_set=self.own_triplets(triplets))

    def own_triplets(self, triplets: npt.ArrayLike) -> IntArray:
        """The given triplets as an array of shape (T, 3), after a check that all of them count in this problem."""
        checked = check_triplets(triplets, self.codes, self.targets)
        if self.working_set is not None:
            foreign = ~np.isin(self.keys(checked), self.keys(self.working_set))
            if foreign.any():
                row = int(np.argmax(foreign))
                raise ValueError(
                    f"triplets[{row}] = {checked[row].tolist()} is not in the working set of this restricted problem; "
                    "use the problem that it was restricted from"
                )
        return checked

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

    def objective(self, M: npt.ArrayLike) -> float:
        """``f(M)`` over all triplets, for a symmetric PSD ``M (d, d)`` in the units of the data.

        Raises
        ------
        ValueError
            If M is not symmetric PSD up to rounding.
        """
        return self.value(psd_factor(check_metric(M, self.n_features)))

    def value(self, L: FloatArray) -> float:
        """``f(L'L)`` over all triplets, L of shape (r, d)."""
        return self.total(self.terms(L), L)

    def total(self, terms: Terms, L: FloatArray) -> float:
        """The objective from its terms at ``M = L'L``."""
        return (1 - self.mu) * terms.pull + self.mu * terms.push + float(np.sum((L @ self.R) * L))

    def terms(self, L: FloatArray) -> Terms:
        """Pull and push at ``M = L'L``, L of shape (r, d)."""
        if not len(L):  # every margin is 0
            return Terms(0.0, float(self.n_triplets), self.n_triplets)
        V, pulls = self._transformed(L)
        return Terms(math.fsum(pulls.ravel()), *self.push(V, pulls))

    def push(self, V: FloatArray, pulls: FloatArray) -> tuple[float, int]:
        """Sum and number of the positive hinges ``1 + pulls_ij - ||v_i - v_l||^2``, by a pass that keeps no list.

        Parameters
        ----------
        V : array, shape (n, r)
            Points in coordinates where the metric is Euclidean.
        pulls : array, shape (n, k)
            Squared distance of each point to its target neighbours, or a bound on it.

        Notes
        -----
        Squared distances err by a part of at most ``gamma_{r + 4}`` of themselves, the sum of hinges by ``4 U`` of it.
        """
        if self.working_set is not None:
            parts = [positive_sum(self._listed_hinges(V, pulls, self.working_set))]
        else:

            def reduce(block: PairBlock) -> tuple[float, int]:
                return positive_sum(
                    np.concatenate([pulls[i] + (1 - block.distance[:, None]) for i in (block.a, block.b)])
                )

            parts = scan(V, self.codes, 1 + pulls.max(axis=1), reduce)
        return math.fsum(total for total, _ in parts), sum(active for _, active in parts)

    def hinges(self, L: FloatArray, slack: float = 0.0) -> Hinges:
        """List the triplets whose hinge value exceeds ``-slack`` at ``M = L'L``, L of shape (r, d)."""
        return self.hinges_at(*self._transformed(L), slack)

    def hinges_at(self, V: FloatArray, pulls: FloatArray, slack: float) -> Hinges:
        """List the triplets with ``1 + pulls_ij - ||v_i - v_l||^2 > -slack``; V and pulls as in `push`."""
        if self.working_set is not None:
            values = self._listed_hinges(V, pulls, self.working_set)
            return Hinges(self.working_set[values > -slack], values[values > -slack])

        def collect(block: PairBlock) -> list[Hinges]:
            ends = ((block.a, block.b), (block.b, block.a))
            return [self._pair_hinges(i, l, block.distance, pulls, slack) for i, l in ends]

        parts = [part for both in scan(V, self.codes, 1 + slack + pulls.max(axis=1), collect) for part in both]
        if not parts:
            return Hinges(np.empty((0, 3), dtype=np.intp), np.empty(0))
        return Hinges(np.concatenate([p.triplets for p in parts]), np.concatenate([p.values for p in parts]))

    def all_triplets(self) -> IntArray:
        """Every triplet (i, j, l) that counts, shape (n_triplets, 3); meant for small problems."""
        return self.hinges(np.zeros((1, self.n_features))).triplets

    def margins(self, L: FloatArray, triplets: IntArray) -> FloatArray:
        """``<A_t, M> = d_M(i, l) - d_M(i, j)`` of each triplet at ``M = L'L``; shape (T,)."""
        i, j, l = triplets.T
        V = self.centred @ L.T
        return squared_distances(V, i, l) - squared_distances(V, i, j)

    def graph(self, triplets: IntArray) -> TripletGraph:
        """The operators <A_t, D> and sum_t alpha_t A_t of a list of triplets."""
        return TripletGraph.of(self.centred, triplets)

    def keys(self, triplets: IntArray) -> npt.NDArray[np.int64]:
        """One integer ``(i n + j) n + l`` for each triplet, to sort, match and merge lists (n up to two million)."""
        i, j, l = triplets.T.astype(np.int64)
        return (i * self.n_points + j) * self.n_points + l

    def from_keys(self, keys: IntArray) -> IntArray:
        """The triplets (T, 3) of these `keys`."""
        n = self.n_points
        return np.column_stack([keys // n**2, keys // n % n, keys % n])

    def _transformed(self, L: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Points ``V = X L'`` and the squared distances (n, k) to the target neighbours there."""
        V = self.centred @ L.T
        return V, squared_distances(V, *self.target_pairs()).reshape(self.targets.shape)

    def _listed_hinges(self, V: FloatArray, pulls: FloatArray, triplets: IntArray) -> FloatArray:
        """Hinge value of each listed triplet."""
        i, j, l = triplets.T
        neighbor = np.argmax(self.targets[i] == j[:, None], axis=1)
        return 1 + pulls[i, neighbor] - squared_distances(V, i, l)

    def _pair_hinges(
        self, i: IntArray, l: IntArray, distance: FloatArray, pull_distances: FloatArray, slack: float
    ) -> Hinges:
        """Hinges above ``-slack`` of the pairs (i, l), each with every target neighbour of i."""
        values = pull_distances[i] + (1 - distance[:, None])
        pair, neighbor = np.nonzero(values > -slack)
        triplets = np.column_stack([i[pair], self.targets[i[pair], neighbor], l[pair]])
        return Hinges(triplets, values[pair, neighbor])
