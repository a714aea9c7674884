"""The lower bound: multipliers, repaired until the dual slack is proved positive semidefinite.

For any PSD metric M, multipliers 0 <= alpha_t <= mu and a scale c,

    f(M) = <P, M> + mu sum_t [1 - <A_t, M>]_+  >=  <P, M> + sum_t c alpha_t (1 - <A_t, M>)  =  c sum_t alpha_t + <S, M>

with the dual slack ``S = P - c sum_t alpha_t A_t``, so ``c sum_t alpha_t`` bounds the optimum once S is PSD. Triplets
that are not listed have alpha = 0, so the multipliers of a working set bound the whole problem.

S is summed up over edges {a, b}: ``S = R + sum_e s_e d_e d_e'`` with ``d_e = x_a - x_b``. For the map T of the
coordinates, invertible or invertible on the features that the data need, S is PSD if ``T'ST`` is. There

    |z_a - z_b| is known to  g_e = e_a + e_b + U |Z_a - Z_b|    (row errors, and one rounding of each entry)
    the norm of the sum to   sum_e |s_e| (2 |Z_a - Z_b| g_e + g_e^2 + gamma |Z_a - Z_b|^2)

with gamma for the roundings of the sum in a row; a weight s_e, itself a sum, errs by as many roundings as it has terms.
`definite_beyond` then proves what is left.

Where T spans less than all directions (a trace penalty on data that do not vary everywhere), S is ``reg I`` outside of
the range of T but for what the rows have there: with outside parts o_a and norms r_a of the rows,
``eps_1 = sum_e |s_e| (o_a + o_b)(r_a + r_b)`` and ``eps_2 = sum_e |s_e| (o_a + o_b)^2``, S is PSD if ``T'ST`` exceeds
``eps_1^2 ||T||^2 / (reg - eps_2)`` (Schur complement).

A diagonal metric needs of S only that no entry of its diagonal is negative. Of several metrics S is block-diagonal:
every block is the sum over its own edges, and all have one scale c.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmnn_sdp.numerics.accurate import TINY, U, gamma
from lmnn_sdp.numerics.definite import definite_beyond
from lmnn_sdp.numerics.linalg import eigvalsh, scatter, scatter_roundings, squared_distances
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.problem import Problem

TRIES = 12  # scales tried, each twice as far below what the eigenvalue allows


@dataclass(frozen=True)
class DualBound:
    """Multipliers that are dual feasible and the lower bound that they prove.

    Attributes
    ----------
    triplets : array, shape (T, 3)
        None twice.
    alpha : array, shape (T,)
        In [0, mu], rescaled.
    value : float
        At most ``sum_t alpha_t``, proved; minus infinity where nothing is.
    excess : float
        See `Residuals.dual_psd`.
    """

    triplets: IntArray
    alpha: FloatArray
    value: float
    excess: float


@dataclass(frozen=True)
class Weighted:
    """``sum_e w_e d_e d_e'`` in floating point, and a bound on its error in the spectral norm."""

    matrix: FloatArray
    error: float
    coupling: float  # sum_e |w_e| (o_a + o_b)(r_a + r_b)
    outside: float  # sum_e |w_e| (o_a + o_b)^2


def bound_below(
    problem: Problem, triplets: IntArray, alpha: FloatArray, costs: tuple[Weighted, ...] | None = None
) -> DualBound:
    """Merge equal triplets, clip their multipliers to [0, mu], and scale them until the dual slack is proved PSD.

    The scale is ``c = min(1, (1 - eta) / lambda_max)`` for the largest generalised eigenvalue of ``sum_t alpha_t A_t``
    relative to the cost P, with eta as small as the errors allow. Whoever bounds the same problem again and again hands
    over its `weighted_costs`, which never change.
    """
    triplets, alpha = merged(problem, triplets, alpha)
    costs = weighted_costs(problem) if costs is None else costs
    total = math.fsum(alpha)
    slacks = [
        _Slack.of(problem, cost, pushed)
        for cost, pushed in zip(costs, pushed_of(problem, triplets, alpha), strict=True)
    ]
    top = max(0.0, *(slack.top for slack in slacks))
    share = max(slack.share for slack in slacks)
    for attempt in range(TRIES):
        eta = 2.0**attempt * share
        scale = 1.0 if attempt == 0 and top < 1 else (1 - eta) / max(1.0, top)
        if eta < 1 and scale > 0 and all(_proved(problem, slack.cost, slack.pushed, scale) for slack in slacks):
            scaled = scale * alpha  # its rounding is one of those that `pushed_of` allows for
            value = math.nextafter(math.fsum(scaled), -math.inf) if total else 0.0
            return DualBound(triplets, scaled, value, max(0.0, top - 1))
    value = 0.0 if problem.nonnegative else -math.inf
    return DualBound(triplets, 0.0 * alpha, value, max(0.0, top - 1))


@dataclass(frozen=True)
class _Slack:
    """The dual slack of one metric, ``P - c sum_t alpha_t A_t``, before the scale c is chosen.

    Attributes
    ----------
    cost, pushed : Weighted
        P and the sum.
    top : float
        Largest generalised eigenvalue of the sum relative to P.
    share : float
        Part eta of the scale that the first try has to pay for all errors and for the shift of the test; 1 for all.
    """

    cost: Weighted
    pushed: Weighted
    top: float
    share: float

    @staticmethod
    def of(problem: Problem, cost: Weighted, pushed: Weighted) -> _Slack:
        """Measure the eigenvalues; without a definite cost nothing is proved."""
        lowest = float(np.min(eigvalsh(cost.matrix)))
        if not lowest > 0:
            return _Slack(cost, pushed, 0.0, 1.0)
        top = float(np.max(eigvalsh(pushed.matrix, cost.matrix)))
        error = 1.1 * (cost.error + pushed.error + _outside(problem, cost, pushed))
        error += 2 * gamma(len(cost.matrix) + 8) * _trace(cost.matrix) + TINY
        return _Slack(cost, pushed, top, error / lowest)


def _trace(A: FloatArray) -> float:
    """Of a matrix, or of a diagonal one."""
    return float(np.sum(A) if A.ndim == 1 else np.trace(A))


def _proved(problem: Problem, cost: Weighted, pushed: Weighted, scale: float) -> bool:
    """Whether the dual slack at this scale is PSD, whatever rounding did."""
    S = cost.matrix - scale * pushed.matrix
    sizes = np.linalg.norm(cost.matrix) + 2 * scale * np.linalg.norm(pushed.matrix)
    error = (cost.error + scale * pushed.error + 2 * U * float(sizes)) * (1 + 16 * U)
    return definite_beyond(S, error + _outside(problem, cost, pushed))


def merged(problem: Problem, triplets: IntArray, alpha: FloatArray) -> tuple[IntArray, FloatArray]:
    """Each triplet once, with the sum of its multipliers clipped to [0, mu]."""
    keys = problem.keys(triplets)
    if np.all(keys[1:] > keys[:-1]):
        return triplets, np.clip(alpha, 0.0, problem.caps(triplets))
    keys, place = np.unique(keys, return_inverse=True)
    sums = np.bincount(place, alpha, len(keys))
    triplets = problem.from_keys(keys)
    return triplets, np.clip(sums, 0.0, problem.caps(triplets))


def _outside(problem: Problem, cost: Weighted, pushed: Weighted) -> float:
    """What the parts of the rows outside of the range of T cost, at any scale up to 1; infinite where too much."""
    coordinates = problem.coordinates
    if coordinates is None or coordinates.outside is None:
        return 0.0
    left = (coordinates.floor - (cost.outside + pushed.outside)) * (1 - 8 * U)
    coupling = (cost.coupling + pushed.coupling) * coordinates.stretch * (1 + 16 * U)
    return coupling / left * coupling if left > 0 else math.inf  # a square may leave the range of float64


def weighted_costs(problem: Problem) -> tuple[Weighted, ...]:
    """The cost ``P = (1 - mu) C + R`` of each metric."""
    i, j = problem.target_pairs()
    return tuple(_cost(problem, i[part], j[part]) for part in _of_blocks(problem, j))


def _of_blocks(problem: Problem, ends: IntArray) -> list[Any]:
    """Which edges each metric measures, by their second ends; all of them where there is but one."""
    return [slice(None)] if problem.blocks is None else [inside[ends] for inside in problem.blocks.members]


def _cost(problem: Problem, i: IntArray, j: IntArray) -> Weighted:
    """The cost of the metric that measures these target neighbours."""
    pull = _weighted(problem, i, j, problem.weight_of(i))
    size = float(np.linalg.norm(pull.matrix)) + pull.error
    penalty = 0.0 if problem.coordinates is None else problem.coordinates.penalty_error
    matrix = (1 - problem.mu) * pull.matrix + problem.penalty
    error = (1 - problem.mu) * pull.error + penalty + 4 * U * (size + float(np.linalg.norm(problem.R)))
    return Weighted(matrix, error * (1 + 16 * U), pull.coupling, pull.outside)


def pushed_of(problem: Problem, triplets: IntArray, alpha: FloatArray) -> Iterator[Weighted]:
    """``sum_t alpha_t A_t`` of each metric, its terms joined by edge: multipliers of pushes less those of pulls."""
    i, j, l = triplets.T
    n = problem.n_points
    a, b = np.concatenate([i, i]), np.concatenate([l, j])
    keys, signed = np.minimum(a, b) * n + np.maximum(a, b), np.concatenate([alpha, -alpha])
    for part in _of_blocks(problem, b):
        edges, place, counts = np.unique(keys[part], return_inverse=True, return_counts=True)
        weights: FloatArray = np.bincount(place, signed[part], len(edges)).astype(np.float64)
        sizes: FloatArray = np.bincount(place, np.abs(signed[part]), len(edges)).astype(np.float64)
        # a sum has as many roundings as terms, of which there are many on few edges only, and every term one more
        wrong = gamma(counts.astype(np.float64) + 4) * sizes
        yield _weighted(problem, edges // n, edges % n, weights, wrong)


def _weighted(
    problem: Problem, a: IntArray, b: IntArray, weights: FloatArray, wrong: FloatArray | float = 0.0
) -> Weighted:
    """The sum over edges, for weights that err by at most ``wrong``."""
    X, coordinates = problem.X, problem.coordinates
    squared = squared_distances(X, a, b) * (1 + gamma(X.shape[1] + 8))
    length = np.sqrt(squared) * (1 + 4 * U)
    moved = U * length if coordinates is None else coordinates.errors[a] + coordinates.errors[b] + U * length
    moved[problem.are_equal(squared, a, b)] = 0.0  # far away errors are large, but points that are equal stay so
    weight = np.abs(weights) + wrong  # at least that of the exact sum
    each = weight * (2 * length + moved) * moved + (wrong + gamma(scatter_roundings(len(a)) + 10) * weight) * squared
    error = float(np.sum(each)) * (1 + gamma(len(a) + 16)) + 1e-290
    coupling = outside = 0.0
    if coordinates is not None and coordinates.outside is not None and coordinates.reach is not None:
        beyond = coordinates.outside[a] + coordinates.outside[b]
        slack = 1 + gamma(len(a) + 16)
        coupling = float(weight @ (beyond * (coordinates.reach[a] + coordinates.reach[b]))) * slack
        outside = float(weight @ beyond**2) * slack
    total = scatter(X, a, b, weights)
    # of a diagonal metric the diagonal is all that counts; no entry errs by more than the whole
    return Weighted(np.diag(total).copy() if problem.diagonal else total, error, coupling, outside)
