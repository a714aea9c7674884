"""A pull that vanishes in some directions: what is true then, and which remedies work on these data.

Where all target differences vanish along v, letting M grow along v costs nothing and meets every triplet whose
impostor lies elsewhere along v. If every impostor does, the optimum is 0: M need measure nothing but such directions.
That is what more features than points lead to: each class falls apart into groups of target neighbours, and M shrinks
each of them to a point.
"""

from __future__ import annotations

import math

import numpy as np

from lmnn_sdp.numerics.linalg import eigh
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.neighbors import target_neighbors
from lmnn_sdp.problem.problem import Problem

SINGULAR = 1e-10  # part of the largest eigenvalue of a pull below which it vanishes, well above rounding
SAME = 1e-7  # part of the largest distance along free directions that counts as none
MOST_POINTS = 3000  # up to which target neighbours are chosen anew to see whether PCA helps
TRIES = 6  # dimensions that are tried


class SingularPullError(ValueError):
    """Raised where M is not determined, so that who chose the coordinates can name a remedy of its own."""


def singular_pull(problem: Problem, free: int, varying: int) -> str:
    """The message for a pull that vanishes in ``free`` of the ``varying`` directions of the data."""
    size = _dimensions(problem, varying - free)
    remedies = [] if size is None else [f"reduce the data with PCA to at most {size} dimensions"]
    if free == varying:
        remedies.append("drop repeated points")
    remedies.append(penalty(problem))
    return (
        f"the pull vanishes in {free} of the {varying} directions in which the data vary: there impostors can be "
        f"pushed away at no cost{_consequence(problem, free)}; {', or '.join(remedies)}"
    )


def suggested_reg(problem: Problem) -> float:
    """A trace penalty of a thousandth of the mean pull, or of the mean scatter where there is no pull at all."""
    part, unit = _mean_square(problem)
    return 1e-3 * part * unit * unit


def penalty(problem: Problem) -> str:
    """The remedy of a penalty; of data whose squares leave the range of float64, in another unit."""
    reg = suggested_reg(problem)
    if 0 < reg < math.inf:
        return f"set reg > 0, for example reg={reg:.1g}"
    part, unit = _mean_square(problem)
    return f"divide X by {unit:.0e} and set reg > 0, for example reg={1e-3 * part:.1g}"


def _mean_square(problem: Problem) -> tuple[float, float]:
    """Of the differences to target neighbours, or to the median where these are none, a feature; and the unit of them.

    The unit is a power of ten, and what is returned first is in squares of it.
    """
    i, j = problem.target_pairs()
    differences = problem.X[i] - problem.X[j]
    if not differences.any():
        differences = problem.X - np.median(problem.X, axis=0)
    size = float(np.max(np.abs(differences)))
    unit = 10.0 ** math.floor(math.log10(size)) if size > 0 else 1.0
    return float(np.sum((differences / unit) ** 2)) / problem.n_features, unit


def _consequence(problem: Problem, free: int) -> str:
    """What follows for the optimum."""
    if _all_apart(problem, free):
        return (
            ", all of them: the optimum is 0, and is reached by every M that is large enough there and zero elsewhere, "
            "which says nothing about new points"
        )
    return " and M is not determined"


def _all_apart(problem: Problem, free: int) -> bool:
    """Whether points of different classes differ in the free directions, as far as float64 can tell."""
    centred = problem.X - np.median(problem.X, axis=0)
    spread = np.max(np.abs(centred), axis=0)
    scaled = centred / np.where(spread > 0, spread, 1.0)
    U, sigma, _ = np.linalg.svd(scaled, full_matrices=False)
    inside = U[:, sigma**2 > SINGULAR * sigma[0] ** 2]
    i, j = problem.target_pairs()
    difference = inside[i] - inside[j]
    along = inside @ eigh(difference.T @ difference)[1][:, :free]
    # far classes leave fewer directions than vanish, in float64
    order = np.argsort(along @ np.random.default_rng(0).normal(size=along.shape[1]))
    step = np.max(np.abs(np.diff(along[order], axis=0)), axis=1, initial=0.0)
    together = step <= SAME * np.max(np.abs(along), initial=0.0)
    return not bool(np.any(together & (np.diff(problem.codes[order]) != 0)))


def _dimensions(problem: Problem, most: int) -> int | None:
    """How many principal components leave a pull that vanishes nowhere; None where no number that is tried does."""
    if most < 1 or problem.n_points > MOST_POINTS:
        return None
    centred = problem.X - problem.X.mean(axis=0)
    _, _, Vt = np.linalg.svd(centred, full_matrices=False)
    scores = centred @ Vt.T
    for size in sorted({most * (TRIES - attempt) // TRIES for attempt in range(TRIES)} - {0}, reverse=True):
        part = scores[:, :size]
        chosen = (problem.targets, target_neighbors(part, problem.codes, problem.n_neighbors))
        if all(_pulled(part, targets) for targets in chosen):
            return size
    return None


def _pulled(X: FloatArray, targets: IntArray) -> bool:
    """Whether target differences vary in all directions."""
    difference = (X[:, None, :] - X[targets]).reshape(-1, X.shape[1])
    size = np.linalg.norm(difference, axis=0)
    if not size.all():
        return False
    eigenvalues = np.linalg.eigvalsh((difference / size).T @ (difference / size))
    return bool(eigenvalues[0] > SINGULAR * eigenvalues[-1])
