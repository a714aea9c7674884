"""The interval of a small problem in rational arithmetic, rounded outwards once at the end. Needs python-flint.

    objective     f(M) for the rational numbers that the floats are, over all triplets
    lower bound   c sum_t alpha_t for the largest c <= 1 tried for which S = P - c sum_t alpha_t A_t is exactly PSD

A symmetric rational matrix is PSD exactly where the signs of its characteristic polynomial alternate (Descartes: all
roots are real, so that there are as many negative roots as the polynomial of the negated matrix changes its sign).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.checks import check_multipliers, check_symmetric
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.proof.certificate import Certificate
from lmnn_sdp.proof.lower import merged

try:
    import flint
except ImportError:  # an optional extra
    flint = None

LARGEST_SIZE = 15_000_000  # triplets and pairs of points, some microseconds each
LARGEST_DIMENSION = 100
DIGITS = 52  # scales 1 - 2^-k are tried for k = DIGITS and fewer


@dataclass(frozen=True)
class ExactInterval:
    """Bounds as floats, rounded outwards.

    Attributes
    ----------
    objective : float
        At least f, and no float between them.
    lower_bound : float
        At most the proved bound, and no float between them; minus infinity where even alpha = 0 proves nothing.
    scale : float
        The factor c of the multipliers.
    active_triplets : int
        Triplets with a positive hinge.
    """

    objective: float
    lower_bound: float
    scale: float
    active_triplets: int


def exact_certificate(
    problem: Problem, M: npt.ArrayLike, triplets: npt.ArrayLike, alpha: npt.ArrayLike, found: Certificate
) -> Certificate:
    """A certificate of M and multipliers with both bounds, and the number of hinges, replaced by exact ones.

    Raises
    ------
    ValueError
        If M is not exactly PSD, the problem too large, or python-flint missing.
    """
    check_exact(problem)
    M, listed = check_symmetric(M, problem.n_features), problem.own_triplets(triplets)
    multipliers = check_multipliers(alpha, len(listed))
    exact_M = _rational(M)
    if not is_psd(exact_M):
        raise ValueError(
            f"M is not exactly PSD: a direction v has v'Mv = {_lowest(M):.3g} |v|^2; add a little more than that to "
            "its diagonal, or take exact=False, which projects M"
        )
    exact = exact_interval(problem, exact_M, *merged(problem, listed, multipliers))
    return replace(
        found,
        objective=exact.objective,
        lower_bound=exact.lower_bound,
        active_triplets=exact.active_triplets,
        left_out=(),
    )


def exact_of_map(
    problem: Problem, L: FloatArray, triplets: IntArray, alpha: FloatArray, left_out: tuple[int, ...] = ()
) -> ExactInterval:
    """The interval of the metric ``L'L`` of a map, on the data without the features left out.

    Raises
    ------
    ValueError
        If the problem is too large, or python-flint missing.
    """
    check_exact(problem)
    rows = _rational(L)
    return exact_interval(problem, rows.transpose() * rows, triplets, alpha, left_out)


def check_exact(problem: Problem) -> None:
    """python-flint is there, the problem counts all triplets, and takes seconds rather than minutes.

    Raises
    ------
    ValueError
        Naming what is missing, or what is too large.
    """
    if flint is None:
        raise ValueError('exact arithmetic needs python-flint; install it with pip install "lmnn-sdp[exact]"')
    problem.check_plain("exact arithmetic")
    if problem.working_set is not None:
        raise ValueError("the problem is restricted to a working set, but exact arithmetic takes all triplets")
    n, d, triplets = problem.n_points, problem.n_features, problem.n_triplets
    if n**2 + triplets > LARGEST_SIZE or d > LARGEST_DIMENSION:
        raise ValueError(
            f"{n:,} points, {d} features and {triplets:,} triplets are too many for exact arithmetic (limits: "
            f"{LARGEST_SIZE:,} triplets and pairs of points, {LARGEST_DIMENSION} features); take a random sample, "
            "--points N"
        )


def exact_interval(
    problem: Problem, M: Any, triplets: IntArray, alpha: FloatArray, left_out: tuple[int, ...] = ()
) -> ExactInterval:
    """Both bounds for a rational matrix M; alpha in [0, mu], none of the triplets twice."""
    objective, active = _objective(problem, M)
    cost, pushed = _dual(problem, triplets, alpha, left_out)
    scale = next((c for c in _scales() if is_psd(cost - flint.fmpq(*c.as_integer_ratio()) * pushed)), -math.inf)
    total = sum(map(Fraction, alpha.tolist()), start=Fraction(0))
    lower = _rounded(Fraction(scale) * total, -math.inf) if scale >= 0 else -math.inf
    return ExactInterval(_rounded(objective, math.inf), lower, scale, active)


def is_psd(S: Any) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite."""
    coefficients = S.charpoly().coeffs()[::-1]
    return all(c >= 0 if power % 2 == 0 else c <= 0 for power, c in enumerate(coefficients))


def _scales() -> list[float]:
    """1, then factors further and further below it, and 0."""
    return [1.0, *(1 - 2.0**-k for k in range(DIGITS, -1, -2))]


def _rational(A: FloatArray) -> Any:
    """The rational numbers that floats are, as a matrix."""
    return flint.fmpq_mat(*A.shape, [flint.fmpq(*value.as_integer_ratio()) for value in A.ravel().tolist()])


def _objective(problem: Problem, M: Any) -> tuple[Fraction, int]:
    """F(M) and the number of positive hinges."""
    X, codes = _rational(problem.X), problem.codes.tolist()
    gram, unit = (X * M * X.transpose()).numer_denom()  # in integers, of this unit
    G, one = [[int(entry) for entry in row] for row in gram.tolist()], int(unit)
    norms, pull, push, active = [row[a] for a, row in enumerate(G)], 0, 0, 0
    for i, targets in enumerate(problem.targets.tolist()):
        row = G[i]
        others = [norms[i] + norms[l] - 2 * row[l] for l, code in enumerate(codes) if code != codes[i]]
        for j in targets:
            own = norms[i] + norms[j] - 2 * row[j]
            hinges = [own + one - other for other in others if other < own + one]
            pull, push, active = pull + own, push + sum(hinges), active + len(hinges)
    mu = Fraction(problem.mu)
    entries = zip(problem.R.ravel().tolist(), M.entries(), strict=True)
    linear = sum((Fraction(r) * Fraction(int(m.p), int(m.q)) for r, m in entries if r), start=Fraction(0))
    return (1 - mu) * Fraction(pull, one) + mu * Fraction(push, one) + linear, active


def _dual(problem: Problem, triplets: IntArray, alpha: FloatArray, left_out: tuple[int, ...]) -> tuple[Any, Any]:
    """The cost ``(1 - mu) C + R`` and ``sum_t alpha_t A_t`` on the features that are not left out."""
    kept = np.setdiff1d(np.arange(problem.n_features), np.array(left_out, dtype=np.intp))
    X = problem.X[:, kept]
    i, j = problem.target_pairs()
    weights: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for (a, b, c), multiplier in zip(triplets.tolist(), map(Fraction, alpha.tolist()), strict=True):
        weights[a, c] += multiplier
        weights[a, b] -= multiplier
    pull = _scatter(X, list(zip(i.tolist(), j.tolist(), strict=True)), [1 - Fraction(problem.mu)] * len(i))
    return pull + _rational(problem.R[np.ix_(kept, kept)]), _scatter(X, list(weights), list(weights.values()))


def _scatter(X: FloatArray, edges: list[tuple[int, int]], weights: list[Fraction]) -> Any:
    """``sum_e w_e (x_a - x_b)(x_a - x_b)'``."""
    points = _rational(X).tolist()
    differences = [s - t for a, b in edges for s, t in zip(points[a], points[b], strict=True)]
    D = flint.fmpq_mat(len(edges), X.shape[1], differences)
    rationals = [flint.fmpq(w.numerator, w.denominator) for w in weights]
    weighted = [w * entry for w, row in zip(rationals, D.tolist(), strict=True) for entry in row]
    return flint.fmpq_mat(len(edges), X.shape[1], weighted).transpose() * D


def _lowest(M: FloatArray) -> float:
    """``v'Mv / |v|^2`` for the direction v of the smallest eigenvalue, exactly but for its last rounding."""
    v = _rational(np.linalg.eigh(M)[1][:, :1])
    quotient = (v.transpose() * _rational(M) * v)[0, 0] / (v.transpose() * v)[0, 0]
    return float(Fraction(int(quotient.p), int(quotient.q)))


def _rounded(value: Fraction, towards: float) -> float:
    """The nearest float on that side."""
    try:
        near = float(value)
    except OverflowError:
        return towards if (value > 0) == (towards > 0) else math.copysign(np.finfo(np.float64).max, -towards)
    wrong = Fraction(near) < value if towards > 0 else Fraction(near) > value
    return math.nextafter(near, towards) if wrong else near
