"""Hand-made problems with known answers, slow but obvious versions of what the package computes, and tolerances."""

import numpy as np
import scipy.linalg

from lmnn_sdp import Problem
from lmnn_sdp.proof.upper import Image, pulls_above, raised

#: Every tolerance of the tests. All are relative to the size of what is compared unless a comment says otherwise.
TOL = {
    "rounding": 1e-12,  # one formula written in two ways
    "conditioned": 1e-8,  # the same after a change of coordinates with a condition number of up to 1e3
    "gradient": 1e-6,  # finite differences
    "gap": 1e-10,  # duality gap at a planted optimum, relative
    "kkt": 1e-10,  # residual of an optimality condition there, over the optimum
    "radius": 1e-12,  # pairs this near to the radius may fall on either side of it
}


def blobs(n=30, d=3, classes=3, k=2, seed=0, mu=0.5, distance=2.0, **options):
    """Gaussian clouds of equal size around random centres, one a class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    X = distance * rng.normal(size=(classes, d))[y] + rng.normal(size=(n, d))
    return Problem.from_data(X, y, k, mu, **options)


def noise(n=30, d=3, classes=3, k=2, seed=0, mu=0.5, **options):
    """Data that say nothing about the classes; no two distances are equal."""
    return blobs(n, d, classes, k, seed, mu, distance=0.0, **options)


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


def raised_pulls(V, errors, problem, departures=None):
    """Bounds on the squared distances to target neighbours of points that err so much, and those with the allowance."""
    image = Image(V, errors, np.zeros(len(V)) if departures is None else departures)
    pulls = pulls_above(image, problem, *problem.target_pairs()).reshape(problem.targets.shape)
    return pulls, raised(image, pulls)
