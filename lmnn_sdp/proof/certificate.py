"""Proved bounds on the optimum of an LMNN problem. Nothing here knows a solver, so no solver grades itself.

    upper bound   f(M) over all triplets, at the PSD projection of M
    lower bound   c * sum_t alpha_t, alpha clipped to [0, mu] and c <= 1 such that P - c sum_t alpha_t A_t is PSD

The second is weak duality: for any PSD M and any such multipliers,
f(M) = <P, M> + mu sum_t [1 - <A_t, M>]_+  >=  <P, M> + sum_t c alpha_t (1 - <A_t, M>)  =  c sum_t alpha_t + <S, M>
with the dual slack S = P - c sum_t alpha_t A_t, and <S, M> >= 0 as both are PSD. Triplets that are not listed have
alpha = 0, so the multipliers of a working set bound the whole problem.

Both bounds are widened by what float64 rounding can have done to them, the change of coordinates included
(`_objective_rounding`, `_slack_rounding`), so they hold for the data as given, less directions in which those vary by
a few units of rounding only. The sums here are taken over differences of points and share no operator with a solver.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import CHUNK, EPS, eigvalsh, psd_factor, scatter, spectral_norm, squared_distances
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.checks import check_multipliers, check_symmetric
from lmnn_sdp.problem.problem import Hinges, Problem, Terms
from lmnn_sdp.problem.whitening import whiten

RANK = 1e-6  # eigenvalues below this part of the largest count as zero


@dataclass(frozen=True)
class Residuals:
    """Violation of each Karush-Kuhn-Tucker condition; all are zero at an exact solution.

    The first two measure what had to be repaired, relative to the largest eigenvalue of M and to the cost. The
    other three are in units of the objective, never negative beyond rounding, and add up to the absolute gap.

    Attributes
    ----------
    primal_psd : float
        Negative part of the spectrum of the M that was given, relative to its largest eigenvalue.
    dual_psd : float
        How far ``sum_t alpha_t A_t`` exceeds the cost before the multipliers are rescaled: max(0, lambda_max - 1).
    complementarity : float
        ``<S, M>``: zero when M lives in the null space of the dual slack S.
    push_slackness : float
        ``sum_t (mu - alpha_t) xi_t``: zero when violated triplets have alpha = mu.
    margin_slackness : float
        ``sum_t alpha_t [<A_t, M> - 1]_+``: zero when triplets met with room to spare have alpha = 0.
    """

    primal_psd: float
    dual_psd: float
    complementarity: float
    push_slackness: float
    margin_slackness: float


@dataclass(frozen=True)
class Certificate:
    """The proved interval ``[lower_bound, objective]`` that holds the optimum.

    Attributes
    ----------
    objective : float
        Upper bound: f over all triplets at the PSD projection of M, plus what rounding can have taken off.
    lower_bound : float
        Lower bound from the repaired multipliers, minus what rounding can have added.
    active_triplets : int
        Triplets with a positive hinge.
    rank : int
        Eigenvalues of M above 1e-6 of the largest, in whitened coordinates.
    residuals : Residuals
        Optimality conditions by name.
    """

    objective: float
    lower_bound: float
    active_triplets: int
    rank: int
    residuals: Residuals

    @property
    def absolute_gap(self) -> float:
        """``objective - lower_bound``, in units of the objective."""
        return self.objective - self.lower_bound

    @property
    def relative_gap(self) -> float:
        """Absolute gap over the objective; 0 when both are 0."""
        return relative_gap(self.objective, self.lower_bound)

    def overlaps(self, other: Certificate) -> bool:
        """Whether both intervals can hold the same optimum."""
        return max(self.lower_bound, other.lower_bound) <= min(self.objective, other.objective)


@dataclass(frozen=True)
class PrimalBound:
    """A PSD metric ``L'L`` on whitened data and its objective over all triplets."""

    L: FloatArray
    objective: float
    terms: Terms
    negative: float  # see Residuals.primal_psd
    near: Hinges | None = None  # the triplets within the slack that was asked for

    @property
    def rank(self) -> int:
        """Eigenvalues above `RANK` times the largest; smaller ones are what an interior iterate leaves."""
        eigenvalues = np.sum(self.L**2, axis=1)
        return int(np.sum(eigenvalues > RANK * np.max(eigenvalues, initial=0.0)))


@dataclass(frozen=True)
class DualBound:
    """Multipliers that are dual feasible and the lower bound that they prove."""

    triplets: IntArray
    alpha: FloatArray
    value: float
    excess: float  # see Residuals.dual_psd


def relative_gap(objective: float, lower_bound: float) -> float:
    """``(objective - lower_bound) / objective``; infinite when either bound is missing."""
    if not (math.isfinite(objective) and math.isfinite(lower_bound)):
        return math.inf
    return (objective - lower_bound) / objective if objective > 0 else 0.0


def certify_pair(problem: Problem, M: npt.ArrayLike, triplets: npt.ArrayLike, alpha: npt.ArrayLike) -> Certificate:
    """Proved bounds on the optimum of ``problem`` from a metric and multipliers, wherever they come from.

    Parameters
    ----------
    problem : Problem
    M : array-like, shape (d, d)
        Symmetric matrix in the units of the data; it is projected onto the PSD cone (in whitened coordinates).
    triplets : array-like, shape (T, 3)
        Triplets (i, j, l) that carry the multipliers.
    alpha : array-like, shape (T,)
        Multipliers; they are clipped to [0, mu] and rescaled.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        For arrays of the wrong shape or kind, triplets that are none of the problem's, or a singular pull.
    """
    N = check_symmetric(M, problem.n_features)
    listed = problem.own_triplets(triplets)
    multipliers = check_multipliers(alpha, len(listed))
    white = whiten(problem)
    primal = bound_above(white.problem, white.inward(N))
    return certificate(white.problem, primal, bound_below(white.problem, listed, multipliers))


def bounds_at_zero(problem: Problem) -> tuple[PrimalBound, DualBound]:
    """What M = 0 and no multipliers prove, in any coordinates: mu times the number of triplets, and 0."""
    L = np.empty((0, problem.n_features))
    terms = problem.terms(L)
    primal = PrimalBound(L, problem.mu * terms.push * (1 + 4 * EPS), terms, 0.0)
    return primal, DualBound(np.empty((0, 3), dtype=np.intp), np.empty(0), 0.0, 0.0)


def bound_above(problem: Problem, N: FloatArray, slack: float | None = None) -> PrimalBound:
    """Objective over all triplets at the PSD projection of ``N``, in the coordinates of ``problem``.

    With a ``slack`` the same pass lists the triplets whose hinge exceeds ``-slack``.
    """
    eigenvalues = eigvalsh(N)
    L = psd_factor(N)
    per_hinge = _hinge_rounding(problem, L)
    near = None if slack is None else problem.hinges(L, max(slack, per_hinge))
    terms = problem.terms(L, per_hinge, near)
    objective = problem.total(terms, L) + _objective_rounding(problem, L, terms, per_hinge)
    top = float(np.max(np.abs(eigenvalues), initial=0.0))
    negative = max(0.0, -float(eigenvalues[0])) / top if top > 0 else 0.0
    return PrimalBound(L, objective, terms, negative, near)


def bound_below(problem: Problem, triplets: IntArray, alpha: FloatArray) -> DualBound:
    """Clip the multipliers to [0, mu] and scale them until the dual slack is PSD.

    The scale is ``c = min(1, 1 / lambda_max)`` for the largest generalised eigenvalue of
    ``sum_t alpha_t A_t`` relative to the cost P.
    """
    alpha = np.clip(alpha, 0.0, problem.mu)
    i, j, l = triplets.T
    weighted = scatter(problem.X, i, l, alpha) - scatter(problem.X, i, j, alpha)
    top = float(eigvalsh(weighted, problem.cost)[-1])
    scale = 1 / max(1.0, top + _slack_rounding(problem, triplets, alpha, weighted))
    value = scale * math.fsum(alpha) * (1 - 4 * EPS)
    return DualBound(triplets, scale * alpha, value, max(0.0, top - 1))


def certificate(problem: Problem, primal: PrimalBound, dual: DualBound) -> Certificate:
    """Join an upper and a lower bound and measure each optimality condition."""
    margins = problem.margins(primal.L, dual.triplets)
    xi = np.maximum(0, 1 - margins)
    linear = problem.total(primal.terms, primal.L) - problem.mu * primal.terms.push
    residuals = Residuals(
        primal_psd=primal.negative,
        dual_psd=dual.excess,
        complementarity=linear - float(dual.alpha @ margins),
        push_slackness=problem.mu * primal.terms.push - float(dual.alpha @ xi),
        margin_slackness=float(dual.alpha @ np.maximum(0, margins - 1)),
    )
    return Certificate(primal.objective, dual.value, primal.terms.active, primal.rank, residuals)


def _row_rounding(problem: Problem, L: FloatArray) -> float:
    """Bound e on the norm of what rounding did to a row of V = Z L': the product, and the error of z itself."""
    product = L.shape[1] * EPS * float(np.max(np.linalg.norm(problem.X, axis=1)))
    return float(np.linalg.norm(L)) * (product + problem.row_error)


def _hinge_rounding(problem: Problem, L: FloatArray) -> float:
    """What rounding can do to a hinge whose two distances are below D = 1 + the furthest target distance.

    A squared distance D of rows that err by e is off by at most 4 sqrt(D) e + 4 e^2 + (r + 4) eps D.
    """
    e, D = _row_rounding(problem, L), 1 + problem.furthest_target(L)
    return 2 * (4 * math.sqrt(D) * e + 4 * e**2 + (L.shape[1] + 4) * EPS * D)


def _objective_rounding(problem: Problem, L: FloatArray, terms: Terms, per_hinge: float) -> float:
    """What rounding can have taken off the objective: pull distances, hinges near or beyond the kink, and sums."""
    e, count = _row_rounding(problem, L), problem.targets.size
    # the errors of the pull distances add up to this by Cauchy-Schwarz
    pull = 4 * e * math.sqrt(count * terms.pull) + 4 * count * e**2 + (L.shape[1] + 4) * EPS * terms.pull
    linear = float(np.sum(np.abs(problem.R))) * float(np.sum(L**2)) * 4 * (len(problem.R) + 16) * EPS
    sums = 64 * EPS * ((1 - problem.mu) * terms.pull + problem.mu * terms.push)
    return (1 - problem.mu) * pull + problem.mu * terms.near * per_hinge + linear + sums


def _slack_rounding(problem: Problem, triplets: IntArray, alpha: FloatArray, weighted: FloatArray) -> float:
    """What rounding can have taken off the largest generalised eigenvalue of ``weighted`` relative to the cost.

    A scatter sum over chunks errs by (chunk + number of chunks + 4) eps times the sum of its terms' norms, and a
    difference of two rows by twice their own error. The eigenvalue routine is backward stable: 10 r eps times the
    norms of both matrices. Everything is relative to the smallest eigenvalue of the cost, which is 1 but for rounding.
    """
    i, j, l = triplets.T
    top = max(1.0, spectral_norm(weighted))
    pull_weight = np.full(problem.targets.size, (1 - problem.mu) * top)
    scatters = [(i, l, alpha), (i, j, alpha), (*problem.target_pairs(), pull_weight)]
    moved = summed = 0.0
    for a, b, weights in scatters:
        squared = squared_distances(problem.X, a, b)
        moved += float(weights @ (4 * problem.row_error * np.sqrt(squared) + 4 * problem.row_error**2))
        summed += (min(CHUNK, len(a)) + len(a) / CHUNK + 4) * EPS * float(weights @ squared)
    penalty = 4 * len(problem.R) * EPS * float(np.linalg.norm(problem.R)) * top
    lowest = float(eigvalsh(problem.cost)[0])
    eigen = 10 * len(weighted) * EPS * top * (1 + spectral_norm(problem.cost))
    return (moved + summed + penalty + eigen) / lowest
