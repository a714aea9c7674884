"""Is an interval a theorem about its floats? Judged in exact arithmetic, straight from the definitions.

Every float is an integer times a power of two, so with one power for an array all is arithmetic of integer matrices,
which FLINT does fast. Nothing here is shared with the package but the statement itself:

    objective    >=  f(L'L)  for the floats of L and of the data
    lower_bound  <=  sum_t alpha_t, alpha in [0, mu], S = (1 - mu) C + R - sum_t alpha_t A_t positive semidefinite
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from flint import fmpq, fmpz, fmpz_mat

from lmnn_sdp import Certificate, Problem, Solution

FloatArray = npt.NDArray[np.float64]
U = 2.0**-53


@dataclass(frozen=True)
class Dyadic:
    """The matrix ``whole * 2**exponent``."""

    whole: fmpz_mat
    exponent: int

    @staticmethod
    def of(A: npt.ArrayLike) -> Dyadic:
        """The exact value of a matrix of floats."""
        rows = np.asarray(A, dtype=float)
        mantissas, exponents = np.frexp(rows)
        lowest = int(np.min(exponents[rows != 0], initial=0)) - 53
        wholes = np.ldexp(mantissas, 53).astype(np.int64).tolist()
        entries = [
            [fmpz(m) << (e - 53 - lowest) if m else fmpz(0) for m, e in zip(*pair, strict=True)]
            for pair in zip(wholes, exponents.tolist(), strict=True)
        ]
        return Dyadic(fmpz_mat(entries), lowest)

    def __matmul__(self, other: Dyadic) -> Dyadic:
        return Dyadic(self.whole * other.whole, self.exponent + other.exponent)

    def __add__(self, other: Dyadic) -> Dyadic:
        low = min(self.exponent, other.exponent)
        return Dyadic(
            self.whole * (fmpz(1) << (self.exponent - low)) + other.whole * (fmpz(1) << (other.exponent - low)), low
        )

    @property
    def transposed(self) -> Dyadic:
        """The transpose."""
        return Dyadic(self.whole.transpose(), self.exponent)

    def __getitem__(self, at: tuple[int, int]) -> fmpq:
        return number(self.whole[at], self.exponent)


def number(whole: fmpz, exponent: int) -> fmpq:
    """``whole * 2**exponent``."""
    return fmpq(whole << exponent) if exponent >= 0 else fmpq(whole, fmpz(1) << -exponent)


def exact(value: float) -> fmpq:
    """The rational number that a float is."""
    return fmpq(*map(fmpz, float(value).as_integer_ratio()))


def factor(L: npt.ArrayLike) -> Dyadic:
    """The metric ``L'L``."""
    rows = Dyadic.of(L)
    return rows.transposed @ rows


def equal(A: Dyadic, B: Dyadic) -> bool:
    """Whether two matrices are the same numbers."""
    return (A + Dyadic(-B.whole, B.exponent)).whole == fmpz_mat(A.whole.nrows(), A.whole.ncols())


def objective(problem: Problem, M: Dyadic) -> fmpq:
    """``f(M)`` over all triplets, or those of the working set, for a metric that is PSD."""
    X = Dyadic.of(problem.X)
    G = X @ M @ X.transposed
    square, mu = G.whole.tolist(), exact(problem.mu)
    one = number(fmpz(1), -G.exponent)

    def distance(a: int, b: int) -> fmpz:
        return square[a][a] + square[b][b] - 2 * square[a][b]

    pull, push = fmpz(0), fmpq(0)
    for i, targets in enumerate(problem.targets.tolist()):
        others = np.flatnonzero(problem.codes != problem.codes[i]).tolist()
        away = [distance(i, l) for l in others]
        for j in targets:
            near = distance(i, j)
            pull += near
            hinges = [one + (near - far) for far in away]
            push += sum((hinge for hinge in hinges if hinge > 0), fmpq(0))
    linear = fmpq(0)
    if problem.R.any():
        product = Dyadic.of(problem.R) @ M
        linear = sum((product[f, f] for f in range(problem.n_features)), fmpq(0))
    return ((1 - mu) * pull + mu * push) * number(fmpz(1), G.exponent) + linear


def slack(problem: Problem, triplets: npt.NDArray[np.integer], alpha: FloatArray) -> fmpz_mat:
    """A positive multiple of ``S = (1 - mu) C + R - sum_t alpha_t A_t``, by the Laplacian of its weights."""
    n = problem.n_points
    parts = Dyadic.of([[problem.mu, 1.0, *alpha]])
    mu, one, *multipliers = parts.whole.tolist()[0]
    W = [[fmpz(0)] * n for _ in range(n)]

    def join(a: int, b: int, weight: fmpz) -> None:
        W[a][a] += weight
        W[b][b] += weight
        W[a][b] -= weight
        W[b][a] -= weight

    for i, targets in enumerate(problem.targets.tolist()):
        for j in targets:
            join(i, j, one - mu)
    for (i, j, l), multiplier in zip(triplets.tolist(), multipliers, strict=True):
        join(i, l, -multiplier)
        join(i, j, multiplier)
    X = Dyadic.of(problem.X)
    S = X.transposed @ Dyadic(fmpz_mat(W), parts.exponent) @ X
    return (S + Dyadic.of(problem.R)).whole


def is_psd(S: fmpz_mat) -> bool:
    """Whether a symmetric matrix of integers is positive semidefinite, by elimination without fractions."""
    rows = S.tolist()
    last = fmpz(1)
    for k in range(len(rows)):
        pivot = rows[k][k]
        if pivot < 0 or (pivot == 0 and any(rows[k][j] != 0 for j in range(k, len(rows)))):
            return False
        if pivot == 0:
            continue
        for i in range(k + 1, len(rows)):
            for j in range(i, len(rows)):
                rows[i][j] = rows[j][i] = (rows[i][j] * pivot - rows[k][i] * rows[k][j]) // last
        last = pivot
    return True


def without(S: fmpz_mat, left_out: tuple[int, ...]) -> fmpz_mat:
    """The rows and columns of the features that were kept."""
    rows = S.tolist()
    kept = [f for f in range(len(rows)) if f not in left_out]
    return fmpz_mat([[rows[a][b] for b in kept] for a in kept])


def faults(problem: Problem, solution: Solution) -> list[str]:
    """What a solution states that is not true; empty if all of it is."""
    found = solution.certificate
    checks = {
        "false objective": _holds_above(problem, solution),
        "false lower bound": _holds_below(problem, solution),
        "measures on a feature left out": not solution.L[:, list(found.left_out)].any(),
        "M is not L'L": _is_product(solution.M, solution.L),
        "lower bound above objective": not found.lower_bound > found.objective,
    }
    return [name for name, holds in checks.items() if not holds]


def _holds_above(problem: Problem, solution: Solution) -> bool:
    """Whether the objective is at least that of the components."""
    value = solution.certificate.objective
    return value == math.inf or (math.isfinite(value) and exact(value) >= objective(problem, factor(solution.L)))


def _holds_below(problem: Problem, solution: Solution) -> bool:
    """Whether the multipliers prove the lower bound. 0 needs no proof where the objective is never negative."""
    found, alpha = solution.certificate, solution.alpha
    value = found.lower_bound
    if value == -math.inf or (value <= 0 and problem.nonnegative):
        return True
    return (
        math.isfinite(value)
        and bool(np.all((alpha >= 0) & (alpha <= problem.mu)))
        and len(np.unique(solution.triplets, axis=0)) == len(alpha)
        and bool(problem.counts(solution.triplets).all())
        and exact(value) <= sum(map(exact, alpha), fmpq(0))
        and is_psd(without(slack(problem, solution.triplets, alpha), found.left_out))
    )


def _is_product(M: FloatArray, L: FloatArray) -> bool:
    """Whether M is ``L'L`` up to the rounding of a product in whatever order."""
    allowed = Dyadic.of((len(L) + 4) * U * (np.abs(L.T) @ np.abs(L)) + 2.0**-1070)
    away = Dyadic.of(M) + Dyadic.of(-L.T) @ Dyadic.of(L)
    return all(abs(away[at]) <= allowed[at] for at in np.ndindex(*M.shape))


def certificate_faults(problem: Problem, M: Dyadic, found: Certificate) -> list[str]:
    """What a certificate of a given PSD metric states that is not true of it; one that was projected is another."""
    value = objective(problem, M)
    projected = found.left_out or found.residuals.primal_psd > 1e-8
    above = projected or found.objective == math.inf or exact(found.objective) >= value
    measures = any(M.whole[f, f] != 0 for f in found.left_out)
    below = found.lower_bound == -math.inf or measures or exact(found.lower_bound) <= value
    return [
        name for name, holds in {"false objective of M": above, "lower bound above f(M)": below}.items() if not holds
    ]


def fraction(value: fmpq) -> Fraction:
    """The same number for the standard library."""
    return Fraction(int(value.p), int(value.q))
