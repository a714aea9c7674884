"""Hand-made problems with known answers, slow but obvious versions of what the package computes, and tolerances."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from lmnn_sdp import Problem
from lmnn_sdp.linalg import symmetrize

#: Every tolerance of the tests. All are relative to the size of what is compared unless a comment says otherwise.
TOL = {
    "rounding": 1e-12,  # one formula written in two ways
    "conditioned": 1e-8,  # the same after a change of coordinates with a condition number of up to 1e3
    "gradient": 1e-6,  # finite differences
    "gap": 1e-10,  # duality gap at a planted optimum, relative
    "kkt": 1e-10,  # residual of an optimality condition there, over the optimum
    "radius": 1e-12,  # pairs this near to the radius may fall on either side of it
}


@dataclass(frozen=True, eq=False)
class Planted:
    """A problem whose optimum is known because its optimality conditions were built in.

    M is PSD of low rank, alpha its multipliers (one for each of the triplets, which are all of the problem's),
    S the dual slack with S M = 0, and kinks the rows of triplets whose margin is exactly 1.
    """

    problem: Problem
    M: np.ndarray
    alpha: np.ndarray
    triplets: np.ndarray
    S: np.ndarray
    kinks: np.ndarray
    optimum: float


def blobs(n=30, d=3, classes=3, k=2, seed=0, mu=0.5, distance=2.0, **options):
    """Gaussian clouds of equal size around random centres, one a class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    X = distance * rng.normal(size=(classes, d))[y] + rng.normal(size=(n, d))
    return Problem.from_data(X, y, k, mu, **options)


def noise(n=30, d=3, classes=3, k=2, seed=0, mu=0.5, **options):
    """Data that say nothing about the classes; no two distances are equal."""
    return blobs(n, d, classes, k, seed, mu, distance=0.0, **options)


def planted(seed=0, n=24, d=4, k=2, mu=0.5, rank=2, n_kinks=2):
    """Choose M, alpha and S first, then the matrix R of the linear term that makes them optimal.

    Stationarity reads (1 - mu) C + R = S + sum_t alpha_t A_t. Kinks: the triplets whose margin is nearest to 1
    are moved onto it by a small change of M within its range. Draws are repeated until M and the cost are
    positive (semi)definite.
    """
    draws = (_plant(np.random.default_rng([seed, draw]), n, d, k, mu, rank, n_kinks) for draw in range(1000))
    return next(found for found in draws if found is not None)


def _plant(rng, n, d, k, mu, rank, n_kinks):
    y = np.arange(n) % 2
    base = Problem.from_data(3 * rng.normal(size=(2, d))[y] + rng.normal(size=(n, d)), y, k, mu)
    triplets = naive_triplets(base)
    A = naive_matrices(base.X, triplets)
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    B, N = Q[:, :rank], Q[:, rank:]
    inner = np.einsum("ap,tab,bq->tpq", B, A, B)  # B' A_t B
    core = np.diag(rng.uniform(0.5, 2, rank))
    margins = np.einsum("tpq,pq->t", inner, core)
    core = core / np.quantile(margins[margins > 0], 0.2)
    kinks = np.sort(np.argsort(np.abs(1 - np.einsum("tpq,pq->t", inner, core)))[:n_kinks])
    rows = inner[kinks].reshape(n_kinks, -1)
    for _ in range(3):  # the second and third step take off the rounding of the first
        core = core + np.linalg.lstsq(rows, 1 - rows @ core.ravel(), rcond=None)[0].reshape(rank, rank)
    alpha = np.where(np.einsum("tpq,pq->t", inner, core) < 1, mu, 0.0)
    alpha[kinks] = rng.uniform(0.2, 0.8, n_kinks) * mu
    weighted = np.einsum("t,tab->ab", alpha, A)
    if np.linalg.eigvalsh(core)[0] <= 0 or np.linalg.eigvalsh(B.T @ weighted @ B)[0] <= 5:
        return None
    S = N @ np.diag(rng.uniform(1, 2, d - rank)) @ N.T
    while np.linalg.eigvalsh(S + weighted)[0] < 2:  # the cost has to be positive definite
        S = 2 * S
    R = symmetrize(S + weighted - (1 - mu) * base.pull)
    problem = Problem.from_data(base.X, y, k, mu, reg=R)
    return Planted(problem, B @ symmetrize(core) @ B.T, alpha, triplets, S, kinks, float(alpha.sum()))


def random_psd(d, rng, rank=None, scale=1.0):
    """``L'L`` of a random L with ``rank`` rows (default: d)."""
    L = rng.normal(size=(d if rank is None else rank, d))
    return scale * (L.T @ L)


def random_invertible(d, rng, condition=100.0):
    """Random matrix with singular values from 1 to ``condition``."""
    U, V = (np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(2))
    return U @ np.diag(np.geomspace(1, condition, d)) @ V


def naive_triplets(problem):
    """Every (i, j, l) by three loops, in sorted order."""
    codes, n = problem.codes, problem.n_points
    found = [(i, j, l) for i in range(n) for j in sorted(problem.targets[i]) for l in range(n) if codes[l] != codes[i]]
    return np.array(found, dtype=np.intp).reshape(-1, 3)


def naive_matrices(X, triplets):
    """``A_t = (x_i - x_l)(x_i - x_l)' - (x_i - x_j)(x_i - x_j)'`` of each triplet, shape (T, d, d)."""
    i, j, l = triplets.T
    push, pull = X[i] - X[l], X[i] - X[j]
    return push[:, :, None] * push[:, None, :] - pull[:, :, None] * pull[:, None, :]


def naive_objective(problem, M, triplets=None):
    """The formula of the objective, term by term; ``triplets`` defaults to all."""
    X, mu = problem.X, problem.mu

    def distance(a, b):
        return (X[a] - X[b]) @ M @ (X[a] - X[b])

    pull = sum(distance(i, j) for i in range(problem.n_points) for j in problem.targets[i])
    rows = naive_triplets(problem) if triplets is None else triplets
    push = sum(max(0.0, 1 + distance(i, j) - distance(i, l)) for i, j, l in rows)
    return (1 - mu) * pull + mu * push + np.sum(problem.R * M)


def naive_lower_bound(problem, triplets, alpha):
    """Clip, then scale by the largest generalised eigenvalue: dense matrices in the coordinates of the data."""
    alpha = np.clip(alpha, 0, problem.mu)
    weighted = np.einsum("t,tab->ab", alpha, naive_matrices(problem.X, triplets))
    P = (1 - problem.mu) * problem.pull + problem.R
    top = scipy.linalg.eigh(weighted, P, eigvals_only=True)[-1]
    return alpha.sum() / max(1.0, top)
