"""LMNN problems with a known optimum, to try any solver on: the optimality conditions are built in, not solved for.

Choose a low-rank metric M, multipliers alpha that fit its margins, and a dual slack S with S M = 0. Stationarity,
(1 - mu) C + R = S + sum_t alpha_t A_t, then defines the matrix R of the linear term, and M is optimal with value
sum_t alpha_t. The construction uses dense matrices A_t and none of the operators that solvers and certificates use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmnn_sdp.numerics.linalg import symmetrize
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.problem import Problem

MAX_DRAWS = 1000
ON_KINK = 1e-9  # distance of a margin from 1 that is rounding
LEAST_PULL, LEAST_COST = 5.0, 2.0  # smallest eigenvalues, in the range of M and in all: keeps problems well conditioned


@dataclass(frozen=True, eq=False)
class Planted:
    """A problem with its solution.

    Attributes
    ----------
    problem : Problem
    M : array, shape (d, d)
        Optimal metric.
    triplets : array, shape (T, 3)
        All triplets of the problem.
    alpha : array, shape (T,)
        Optimal multipliers: 0 beyond the margin, mu within, strictly between at the kinks.
    S : array, shape (d, d)
        Dual slack, PSD, with ``S M = 0``.
    kinks : array, shape (n_kinks,)
        Rows of triplets whose margin is exactly 1.
    optimum : float
        ``sum(alpha)``.
    """

    problem: Problem
    M: FloatArray
    triplets: IntArray
    alpha: FloatArray
    S: FloatArray
    kinks: IntArray
    optimum: float


def plant(
    seed: int = 0, n: int = 24, d: int = 4, k: int = 2, mu: float = 0.5, rank: int = 2, n_kinks: int = 2
) -> Planted:
    """A random problem of two classes, n points and d features whose optimal metric has the given rank.

    Draws are repeated, on a sequence that ``seed`` fixes, until the metric is PSD and meets its kinks, and the
    cost is positive definite.

    Raises
    ------
    ValueError
        If no draw fits: then n is too small or n_kinks too large for the rank.
    """
    for draw in range(MAX_DRAWS):
        found = _draw(np.random.default_rng([seed, draw]), n, d, k, mu, rank, n_kinks)
        if found is not None:
            return found
    raise ValueError(f"no problem with n={n}, d={d}, rank={rank}, n_kinks={n_kinks} found; raise n or lower n_kinks")


def _draw(rng: np.random.Generator, n: int, d: int, k: int, mu: float, rank: int, n_kinks: int) -> Planted | None:
    """One draw; None where it has no PSD metric, misses a kink or has no positive definite cost."""
    y = np.arange(n) % 2
    base = Problem.from_data(3 * rng.normal(size=(2, d))[y] + rng.normal(size=(n, d)), y, k, mu)
    triplets = base.all_triplets()
    A = triplet_matrices(base.X, triplets)
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    range_of_M, null_space = Q[:, :rank], Q[:, rank:]
    inner = np.einsum("ap,tab,bq->tpq", range_of_M, A, range_of_M)
    core, kinks = _core_with_kinks(rng, inner, rank, n_kinks)
    margins = np.einsum("tpq,pq->t", inner, core)
    if np.max(np.abs(margins[kinks] - 1), initial=0.0) > ON_KINK:  # more kinks than the core has entries
        return None
    alpha = np.where(margins < 1, mu, 0.0)
    alpha[kinks] = rng.uniform(0.2, 0.8, n_kinks) * mu
    weighted = np.einsum("t,tab->ab", alpha, A)
    if np.linalg.eigvalsh(core)[0] <= 0 or np.linalg.eigvalsh(range_of_M.T @ weighted @ range_of_M)[0] <= LEAST_PULL:
        return None
    S = null_space @ np.diag(rng.uniform(1, 2, d - rank)) @ null_space.T
    while np.linalg.eigvalsh(S + weighted)[0] < LEAST_COST:
        S = 2 * S
    R = symmetrize(S + weighted - (1 - mu) * base.pull)
    M = range_of_M @ core @ range_of_M.T
    problem = Problem.from_data(base.X, y, k, mu, reg=R)
    return Planted(problem, symmetrize(M), triplets, alpha, S, kinks, float(alpha.sum()))


def _core_with_kinks(
    rng: np.random.Generator, inner: FloatArray, rank: int, n_kinks: int
) -> tuple[FloatArray, IntArray]:
    """The metric within its range, scaled so that a fifth of the margins are violated, and moved onto a few kinks."""
    core = np.diag(rng.uniform(0.5, 2, rank))
    margins = np.einsum("tpq,pq->t", inner, core)
    core = core / np.quantile(margins[margins > 0], 0.2)
    kinks = np.sort(np.argsort(np.abs(1 - np.einsum("tpq,pq->t", inner, core)))[:n_kinks])
    rows = inner[kinks].reshape(n_kinks, -1)
    for _ in range(3):  # the later steps take off the rounding of the first
        core = core + np.linalg.lstsq(rows, 1 - rows @ core.ravel(), rcond=None)[0].reshape(rank, rank)
    return symmetrize(core), kinks


def triplet_matrices(X: FloatArray, triplets: IntArray) -> FloatArray:
    """``A_t = x_il x_il' - x_ij x_ij'`` of each triplet as dense matrices, shape (T, d, d); for small problems."""
    i, j, l = triplets.T
    push, pull = X[i] - X[l], X[i] - X[j]
    return push[:, :, None] * push[:, None, :] - pull[:, :, None] * pull[:, None, :]
