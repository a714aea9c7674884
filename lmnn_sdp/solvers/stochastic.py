"""Descent on a map L by Adam, whose every step looks at some random points alone: no pass over all pairs is needed.

    f(L'L) = <P, L'L> + mu sum of hinges        gradient  2 L (P - mu sum_t w_t A_t)

The linear term costs nothing in any number of points, so it is exact in every step; the hinges are those that a
strategy picks for a random pool of points, with weights w_t that stand for the points outside. In whitened coordinates,
where P is the identity, one step length suits all directions, and a cosine lets it fade.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lmnn_sdp.numerics.linalg import scatter
from lmnn_sdp.numerics.parallel import team
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.hinges import HingePass, Hinges, View
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.proof.lower import DualBound, bound_below

MEMORY = (0.9, 0.99)  # of Adam: how much of the mean gradient and of its mean square is kept from step to step
TINY = np.finfo(np.float64).tiny
WIDTHS = (1.0, 0.3, 0.1, 0.03)  # of the smoothed hinges whose slopes are tried as multipliers
NEAREST = 0.5  # distance below which nearer points weigh no more in "distance-weighted"


@dataclass(frozen=True, eq=False)
class Batch:
    """The triplets that one step sees.

    Attributes
    ----------
    triplets : array, shape (t, 3)
        Rows (i, j, l), all beyond their margin.
    weights : array, shape (t,)
        For how many of all triplets each of them stands.
    """

    triplets: IntArray
    weights: FloatArray


@dataclass(frozen=True, eq=False)
class Pool:
    """Some points of a problem under a map.

    Attributes
    ----------
    problem : Problem
    L : array, shape (r, d)
    points : integer array, shape (m,)
        The pool; its points' target neighbours need not be in it.
    rng : RandomState
        For strategies that draw.
    """

    problem: Problem
    L: FloatArray
    points: IntArray
    rng: np.random.RandomState

    @property
    def share(self) -> float:
        """Of all pairs of points that a pool of this size holds."""
        n, m = self.problem.n_points, len(self.points)
        return m * (m - 1) / (n * (n - 1))

    def under_map(self, points: IntArray) -> FloatArray:
        """Points under the map."""
        return self.problem.centred[points] @ self.L.T

    def pulls(self) -> FloatArray:
        """Squared distance of each point of the pool to its target neighbours, shape (m, k)."""
        targets = self.problem.targets[self.points]
        apart = self.under_map(targets.ravel()).reshape(*targets.shape, -1) - self.under_map(self.points)[:, None]
        return np.sum(apart**2, axis=2)

    def hinges(self) -> Hinges:
        """Every positive hinge with point and impostor in the pool."""
        targets = self.problem.targets[self.points]
        view = View(self.under_map(self.points), self.pulls())
        # targets are numbered as in the problem, points and impostors as in the pool
        found = HingePass(self.problem.codes[self.points], targets, None).hinges([view], 0.0)
        i, j, l = found.triplets.T
        return Hinges(np.column_stack([self.points[i], j, self.points[l]]), found.values)

    def batch(self, hinges: Hinges, chosen: IntArray | slice = slice(None)) -> Batch:
        """Some hinges of the pool, each for as many as there are pairs outside for one inside."""
        triplets = hinges.triplets[chosen]
        return Batch(triplets, np.full(len(triplets), 1 / self.share))


def whole_pool(pool: Pool) -> Batch:
    """Every hinge inside the pool: unbiased."""
    return pool.batch(pool.hinges())


def random_impostor(pool: Pool) -> Batch:
    """One random impostor a point, for as many as there are: unbiased, but nearly all of them are far away."""
    codes, n = pool.problem.codes, pool.problem.n_points
    by_class = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    own = codes[pool.points]
    others = n - sizes[own]
    # in the circle of all points by class, those of other classes begin where the own class ends
    place = np.cumsum(sizes)[own] + pool.rng.randint(others)
    l = by_class[place % n]
    distance = np.sum((pool.under_map(pool.points) - pool.under_map(l)) ** 2, axis=1)
    point, neighbor = np.nonzero(1 + pool.pulls() - distance[:, None] > 0)
    i = pool.points[point]
    triplets = np.column_stack([i, pool.problem.targets[i, neighbor], l[point]])
    return Batch(triplets, np.asarray(n / len(pool.points) * others[point], dtype=np.float64))


def hardest(pool: Pool) -> Batch:
    """The nearest impostor in the pool of each target neighbour: too little push where several crowd in."""
    hinges = pool.hinges()
    return pool.batch(hinges, _first_of_each(pool, hinges.triplets, -hinges.values))


def semi_hard(pool: Pool) -> Batch:
    """The nearest that is not nearer than the target neighbour: none of the impostors that invade most is seen."""
    found = pool.hinges()
    beyond = found.values < 1
    hinges = Hinges(found.triplets[beyond], found.values[beyond])
    return pool.batch(hinges, _first_of_each(pool, hinges.triplets, -hinges.values))


def distance_weighted(pool: Pool) -> Batch:
    """One of those inside the margin, as if distances were spread evenly: like `hardest`, near ones still prevail."""
    hinges = pool.hinges()
    i, _, l = hinges.triplets.T
    distance = np.linalg.norm(pool.under_map(i) - pool.under_map(l), axis=1)
    # in r dimensions points at a distance number distance^(r - 1); weights are logarithms, and the largest of them plus
    # Gumbel's noise is a draw
    weight = -(len(pool.L) - 1) * np.log(np.maximum(distance, NEAREST))
    return pool.batch(hinges, _first_of_each(pool, hinges.triplets, -(weight + pool.rng.gumbel(size=len(weight)))))


#: How the triplets of a step are picked, by name.
STRATEGIES: dict[str, Callable[[Pool], Batch]] = {
    "pool": whole_pool,
    "random": random_impostor,
    "hard": hardest,
    "semi-hard": semi_hard,
    "distance-weighted": distance_weighted,
}


def _first_of_each(pool: Pool, triplets: IntArray, order: FloatArray) -> IntArray:
    """For each pair (i, j) the row that comes first in this order."""
    rising = np.argsort(order, kind="stable")
    pairs = triplets[rising, 0] * pool.problem.n_points + triplets[rising, 1]
    return rising[np.unique(pairs, return_index=True)[1]]


def gradient(problem: Problem, L: FloatArray, batch: Batch) -> FloatArray:
    """Gradient at L of the linear term and of the weighted hinges of the batch, shape (r, d)."""
    i, j, l = batch.triplets.T
    pushed = scatter(problem.centred, i, l, batch.weights) - scatter(problem.centred, i, j, batch.weights)
    return 2 * L @ (problem.cost - problem.mu * pushed)


@dataclass(frozen=True)
class Schedule:
    """How a descent goes.

    Attributes
    ----------
    strategy : str
        One of `STRATEGIES`.
    pool_size : int
        Points that a step looks at.
    steps : int
    rate : float
        Length of the first step, as a part of the usual size of an entry of L.
    """

    strategy: str
    pool_size: int
    steps: int
    rate: float


def descended(problem: Problem, L: FloatArray, schedule: Schedule, rng: np.random.RandomState) -> FloatArray:
    """The map after all steps of Adam from L, in whitened coordinates."""
    pick = STRATEGIES[schedule.strategy]
    length = schedule.rate * math.sqrt(float(np.mean(L**2)))
    mean, square = np.zeros_like(L), np.zeros_like(L)
    with team():
        for step in range(schedule.steps):
            points = rng.permutation(problem.n_points)[: schedule.pool_size]
            slope = gradient(problem, L, pick(Pool(problem, L, points, rng)))
            mean += (1 - MEMORY[0]) * (slope - mean)
            square += (1 - MEMORY[1]) * (slope**2 - square)
            direction = mean / (1 - MEMORY[0] ** (step + 1))
            unit = np.sqrt(square / (1 - MEMORY[1] ** (step + 1))) + TINY
            fading = (1 + math.cos(math.pi * step / schedule.steps)) / 2
            L = L - length * fading * direction / unit
    return L


def best_multipliers(problem: Problem, L: FloatArray) -> DualBound:
    """The best lower bound that one pass at L gives, in whitened coordinates.

    Multipliers are slopes of hinges smoothed about their kink. Those at the kink are no better than guesses, and what a
    solver balances is left: the bound may be a fifth below the optimum where L is at it.
    """
    near = problem.hinges(L, WIDTHS[0] / 2)
    slopes = (problem.mu * np.clip(0.5 + near.values / width, 0, 1) for width in WIDTHS)
    return max((bound_below(problem, near.triplets, alpha) for alpha in slopes), key=lambda dual: dual.value)
