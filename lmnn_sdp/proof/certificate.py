"""Proved bounds on the optimum of an LMNN problem. Nothing here knows a solver, so no solver grades itself.

    upper bound   f(L'L) over all triplets, from above (`upper`)
    lower bound   sum_t alpha_t, alpha in [0, mu] and such that P - sum_t alpha_t A_t is proved PSD (`lower`)

Both hold in exact arithmetic for the data, L and alpha as the numbers that their floats are; every rounding on the way
has its bound. The sums are taken over differences of points and share no operator with a solver.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmnn_sdp.display.cards import Badge, Row, card, interval_row
from lmnn_sdp.display.intervals import gap_text
from lmnn_sdp.numerics.linalg import eigvalsh, psd_factor
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.checks import check_diagonal, check_multipliers, check_stack
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.proof.lower import DualBound, bound_below
from lmnn_sdp.proof.upper import PrimalBound, bound_above

RANK = 1e-6  # eigenvalues below this part of the largest count as zero
PSD = 1e-8  # negative part of a spectrum, relative to its largest eigenvalue, that counts as rounding


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
        Upper bound: at least f over all triplets at the metric.
    lower_bound : float
        At most the optimum.
    active_triplets : int
        Triplets with a positive hinge.
    rank : int
        Rank of the metric: eigenvalues above 1e-6 of the largest, in whitened coordinates; of several metrics the sum.
    residuals : Residuals
        Optimality conditions by name.
    left_out : tuple of int
        Features that depend on others up to rounding only (see `lmnn_sdp.problem.dependence`): the interval is proved
        for the data without them, on which the metric does not measure.
    """

    objective: float
    lower_bound: float
    active_triplets: int
    rank: int
    residuals: Residuals
    left_out: tuple[int, ...] = ()

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

    def _repr_html_(self) -> str:
        """A card with the interval and what makes up the gap, for notebooks."""
        if math.isfinite(self.relative_gap):
            badge = Badge("PROVED", "No metric has an objective below this interval.", True)
        else:
            badge = Badge("NO BOUND", "Nothing is proved of the optimum on one side.", False)
        residuals = self.residuals
        parts = (residuals.complementarity, residuals.push_slackness, residuals.margin_slackness)
        names = ("complementarity", "push slackness", "margin slackness")
        gap = " + ".join(f"{name} {part:.1e}" for name, part in zip(names, parts, strict=True))
        repaired = f"M {residuals.primal_psd:.1e}, dual slack {residuals.dual_psd:.1e}"
        bounds = bounds_rows(self.lower_bound, self.objective)
        return card("Certificate", badge, [*bounds, ("gap from", gap), ("repaired", repaired), *metric_rows(self)])


def relative_gap(objective: float, lower_bound: float) -> float:
    """``(objective - lower_bound) / objective``; infinite when either bound is missing."""
    if not (math.isfinite(objective) and math.isfinite(lower_bound)):
        return math.inf
    return (objective - lower_bound) / objective if objective > 0 else 0.0


def bounds_rows(lower_bound: float, objective: float) -> list[Row]:
    """Interval and gap, for a card."""
    gap = relative_gap(objective, lower_bound)
    return [interval_row("optimum in", lower_bound, objective), ("relative gap", gap_text(gap))]


def metric_rows(certificate: Certificate, d: int | None = None) -> list[Row]:
    """Rank and violated triplets of a metric (on d features), and the features that it leaves out, for a card."""
    left_out = ", ".join(map(str, certificate.left_out))
    return [
        ("rank of M", f"{certificate.rank}" if d is None else f"{certificate.rank} of {d}"),
        ("violated triplets", f"{certificate.active_triplets:,}"),
        *([("proved without features", f"{left_out}, which repeat others up to rounding")] if left_out else []),
    ]


def certify_pair(problem: Problem, M: npt.ArrayLike, triplets: npt.ArrayLike, alpha: npt.ArrayLike) -> Certificate:
    """Proved bounds on the optimum of ``problem`` from a metric and multipliers, wherever they come from.

    Parameters
    ----------
    problem : Problem
    M : array-like, shape (d, d), or (B, d, d) of several metrics
        Symmetric matrix in the units of the data. Where it is PSD up to rounding, the objective is a bound on f(M);
        else M is projected onto the PSD cone (in whitened coordinates), and it is one on f of the projection.
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
    M = check_stack(M, problem.n_features, problem.blocks)
    listed = problem.own_triplets(triplets)
    multipliers = check_multipliers(alpha, len(listed))
    if problem.diagonal:
        check_diagonal(M)
    white = whiten(problem)
    N = white.inward(M)
    inside = psd_factor(N)
    L = white.outward(inside)
    negative = _negative_part(N)
    given = M if negative <= PSD and not white.left_out else None
    primal = bound_above(problem, L, accurate=True, given=given)
    dual = bound_below(white.problem, listed, multipliers)
    return certificate(problem, primal, dual, rank_of(inside), white.left_out, negative)


def bounds_at_zero(problem: Problem) -> tuple[PrimalBound, DualBound]:
    """What M = 0 and no multipliers prove, in any coordinates: mu times the number of triplets, and 0."""
    lowest = 0.0 if problem.nonnegative else -math.inf
    dual = DualBound(np.empty((0, 3), dtype=np.intp), np.empty(0), lowest, 0.0)
    return bound_above(problem, problem.zero), dual


def certify_map(problem: Problem, L: FloatArray, dual: DualBound, left_out: tuple[int, ...]) -> Certificate:
    """The same for the metric ``L'L`` of a map ``L (r, d)`` with independent rows, and multipliers already repaired."""
    primal = bound_above(problem, L, accurate=True)
    return certificate(problem, primal, dual, int(L.any(axis=-1).sum()), left_out)


def certificate(
    problem: Problem,
    primal: PrimalBound,
    dual: DualBound,
    rank: int,
    left_out: tuple[int, ...],
    negative: float = 0.0,
) -> Certificate:
    """Join an upper and a lower bound, on the data as given, and measure each optimality condition."""
    margins = problem.margins(primal.L, dual.triplets)
    xi = np.maximum(0, 1 - margins)
    linear = problem.total(primal.terms, primal.L) - problem.mu * primal.terms.push
    residuals = Residuals(
        primal_psd=negative,
        dual_psd=dual.excess,
        complementarity=linear - float(dual.alpha @ margins),
        push_slackness=problem.mu * primal.terms.push - float(dual.alpha @ xi),
        margin_slackness=float(dual.alpha @ np.maximum(0, margins - 1)),
    )
    return Certificate(primal.objective, dual.value, primal.terms.active, rank, residuals, left_out)


def rank_of(L: FloatArray) -> int:
    """Rank of ``L'L`` for orthogonal rows: eigenvalues above `RANK` times the largest; of a stack the sum."""
    eigenvalues = L**2 if L.ndim == 1 else np.sum(L**2, axis=-1)
    return int(np.sum(eigenvalues > RANK * np.max(eigenvalues, axis=-1, keepdims=True, initial=0.0)))


def _negative_part(N: FloatArray) -> float:
    """Negative part of the spectrum, relative to the largest eigenvalue by magnitude."""
    eigenvalues = eigvalsh(N)
    top = float(np.max(np.abs(eigenvalues), initial=0.0))
    return max(0.0, -float(np.min(eigenvalues))) / top if top > 0 else 0.0
