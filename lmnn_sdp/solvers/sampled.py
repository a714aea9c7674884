"""The objective of a map from a sample of its points, where a pass over all pairs would take too long.

Losses are so skewed, a few points having most of them, that a uniform sample's interval is far too short far too often.
So every point's loss is guessed from some random others, and points are drawn in proportion to the guess, with a floor
under it; what is drawn is measured against all points and weighted by one over its probability. That is unbiased
whatever the guesses are. The linear term is exact.

Few of the random others violate a margin of 1, so guesses go by a wider one. A point with a far target neighbour may
have a large hinge that no guess sees: half of the floor goes by the largest that its hinges can be, 1 + D(i, j). With a
floor alike for all, intervals for a rough map of digits, one point of which has 15 % of the losses, covered 72 % of
the time. The other half is alike for all, since one far point may take all of the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.checks import check_factor
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.validation import is_integer

GUESSED_FROM = 400  # random points
WIDER = 1.5  # what guesses add to the margin
FLOOR = 0.2  # part of the probability that all points share alike, and as much that goes by the largest hinges
LEVEL = 0.95
BLOCK = 2**20  # distances at a time


@dataclass(frozen=True)
class ObjectiveInterval:
    """An estimate of the objective with its 95 % confidence interval: likely, not proved.

    Attributes
    ----------
    estimate : float
        Unbiased estimate of the objective.
    lower, upper : float
        Ends of the interval, by Student's distribution.
    n_anchors : int
        Points that were measured against all others.
    """

    estimate: float
    lower: float
    upper: float
    n_anchors: int


def objective_interval(
    problem: Problem,
    L: npt.ArrayLike,
    n_anchors: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> ObjectiveInterval:
    """Estimate the objective at ``M = L'L`` from random anchors, which are measured against all points.

    Parameters
    ----------
    problem : Problem
        Of a single full metric, over all triplets and without weights.
    L : array-like of shape (r, d)
        The map, on the data as given.
    n_anchors : int, default=1000
        Points to draw, at least 2; the interval narrows with the square root, and with some hundred it covers a little
        less often than it says. A point may be drawn again.
    random_state : int, RandomState instance or None, default=None
        For the draws.

    Returns
    -------
    ObjectiveInterval
        The estimate and its 95 % confidence interval. For a proved bound use `certify`, which takes a full pass.

    Raises
    ------
    ValueError
        For a map of the wrong shape, fewer than 2 anchors, or a problem of another kind.
    """
    from sklearn.utils import check_random_state  # scikit-learn is slow to import

    check_whole(problem, "objective_interval")
    factor = check_factor(L, problem.n_features)
    if not is_integer(n_anchors) or n_anchors < 2:
        raise ValueError(f"n_anchors={n_anchors!r} must be an integer >= 2; a thousand usually serve")
    rng = check_random_state(random_state)
    V = problem.centred @ factor.T
    pulls = problem.target_distances([V])
    everyone = np.arange(problem.n_points)
    guesses = losses(problem, V, pulls + WIDER, everyone, rng.permutation(everyone)[:GUESSED_FROM])
    largest = np.sum(1 + pulls, axis=1)
    chances = FLOOR * (1 / len(V) + largest / np.sum(largest))
    if guesses.any():
        chances += (1 - 2 * FLOOR) * guesses / np.sum(guesses)
    chances /= np.sum(chances)
    anchors, times = np.unique(rng.choice(len(V), n_anchors, p=chances), return_counts=True)
    measured = losses(problem, V, pulls, anchors, everyone) / chances[anchors]
    sample = problem.mu * np.repeat(measured, times)
    linear = (1 - problem.mu) * math.fsum(pulls.ravel()) + float(np.sum((factor @ problem.R) * factor))
    estimate = linear + float(np.mean(sample))
    reach = float(stdtrit(n_anchors - 1, (1 + LEVEL) / 2) * np.std(sample, ddof=1) / math.sqrt(n_anchors))
    return ObjectiveInterval(estimate, estimate - reach, estimate + reach, int(n_anchors))


def check_whole(problem: Problem, what: str) -> None:
    """A ValueError where random points do not stand for the others: several metrics, weights or a working set."""
    problem.check_plain(what)
    if problem.working_set is not None:
        raise ValueError(
            f"{what} is for problems over all triplets, but this one has a working set of {problem.n_triplets:,}; "
            "use Problem.objective, which is quick there"
        )


def losses(problem: Problem, V: FloatArray, pulls: FloatArray, points: IntArray, others: IntArray) -> FloatArray:
    """Sum of the hinges of each of the points with impostors among the others, for points V under the map."""
    sizes = np.einsum("ij,ij->i", V, V)
    out = np.empty(len(points))
    rows = max(1, BLOCK // len(others))
    for begin in range(0, len(points), rows):
        i = points[begin : begin + rows]
        distances = sizes[i, None] + sizes[others] - 2 * (V[i] @ V[others].T)
        distances[problem.codes[i, None] == problem.codes[others]] = np.inf
        hinges = (np.maximum(0, 1 + pull[:, None] - distances) for pull in pulls[i].T)
        out[begin : begin + rows] = sum(np.sum(hinge, axis=1) for hinge in hinges)
    return out
