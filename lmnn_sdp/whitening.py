"""Coordinates in which the cost matrix is the identity, so that units and conditioning do not matter.

With the target neighbours fixed, x -> Wx for an invertible W maps the optimum M to inv(W)' M inv(W) and leaves
the objective, the multipliers and every learned distance as they are. Every solver and the certificate work on
``z = W (x - mean)`` with W chosen so that ``W P W' = I`` for the cost ``P = (1 - mu) C + R``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg

from lmnn_sdp._typing import FloatArray
from lmnn_sdp.linalg import EPS, power_of_two, symmetrize
from lmnn_sdp.problem import Problem

#: The pull counts as zero in a direction where pull over total scatter is below this fraction of its largest value.
SINGULAR = 1e-13


@dataclass(frozen=True, eq=False)
class Whitening:
    """A problem in whitened coordinates and the way back.

    Attributes
    ----------
    problem : Problem
        The same triplets on ``Z (n, r)``; its cost is the identity up to rounding (and is recomputed from Z, so
        that nothing relies on W being accurate).
    W : array, shape (r, d)
        ``z = W (x - mean)``. A metric N on z is ``M = W'NW`` on x.
    V : array, shape (d, r)
        ``x = V z + mean`` on all data points. A metric M on x is ``N = V'MV`` on z.
    """

    problem: Problem
    W: FloatArray
    V: FloatArray

    def inward(self, M: FloatArray) -> FloatArray:
        """Metric ``V'MV (r, r)`` on z of a metric ``M (d, d)`` on x."""
        return symmetrize(self.V.T @ M @ self.V)

    def outward(self, N: FloatArray) -> FloatArray:
        """Metric ``W'NW (d, d)`` on x of a metric ``N (r, r)`` on z."""
        return symmetrize(self.W.T @ N @ self.W)


def whiten(problem: Problem) -> Whitening:
    """Whiten by the cost matrix; drop directions in which the data do not vary (exact: nothing depends on them).

    Raises
    ------
    ValueError
        If the pull vanishes (and ``reg`` is 0) in a direction where the data vary. Triplets can then be met at
        no cost by letting M grow there, M is not determined, and the remedies are named. Also if ``R`` makes
        the cost indefinite, when the problem has no lower bound.
    """
    B, A, U = _orthonormal_coordinates(problem.X)
    in_U = replace(problem, X=U, R=symmetrize(A @ problem.R @ A.T))
    eigenvalues, Q = scipy.linalg.eigh(in_U.cost)
    _check_definite(eigenvalues, problem)
    root = np.sqrt(eigenvalues)
    W, V = (Q / root).T @ A, B @ (Q * root)
    return Whitening(replace(in_U, X=U @ (Q / root), R=symmetrize(W @ problem.R @ W.T)), W, V)


def _orthonormal_coordinates(X: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``B (d, r)``, ``A (r, d)``, ``U (n, r)`` with ``X - mean = U B'``, orthonormal columns of U and ``A B = I``.

    Features are scaled by powers of two first, so that the rank is not a matter of their units.
    """
    scale = power_of_two(np.max(np.abs(X), axis=0))
    centred = X / scale
    centred -= centred.mean(axis=0)
    # A feature whose spread is rounding on top of a large mean is constant.
    spread = np.max(np.abs(centred), axis=0)
    varies = spread > 8 * EPS
    spread = np.where(varies, power_of_two(spread), 1.0)
    centred = np.where(varies, centred, 0.0) / spread
    R = scipy.linalg.qr(centred, mode="r")[0][: min(centred.shape)]
    _, sigma, Vt = scipy.linalg.svd(R, full_matrices=False)
    rank = int(np.sum(sigma > sigma[0] * max(X.shape) * EPS)) if sigma[0] > 0 else 0
    if rank == 0:
        raise ValueError("all points are equal; there is nothing to learn a metric from: check that X is the data")
    sigma, Vt = sigma[:rank], Vt[:rank]
    unit = scale * spread
    return unit[:, None] * Vt.T * sigma, Vt / sigma[:, None] / unit, centred @ (Vt.T / sigma)


def _check_definite(eigenvalues: FloatArray, problem: Problem) -> None:
    """The cost is positive definite wherever the data vary."""
    floor = SINGULAR * abs(eigenvalues[-1])
    if eigenvalues[0] < -floor:
        raise ValueError(
            "reg makes the cost (1 - mu) C + R indefinite, so the problem has no minimum; use a PSD matrix"
        )
    free = int(np.sum(eigenvalues <= floor))
    if free:
        varying = len(eigenvalues)
        raise ValueError(
            f"the pull vanishes in {free} of the {varying} directions in which the data vary: there impostors can be "
            f"pushed away at no cost and M is not determined; reduce the data with PCA to at most {varying - free} "
            f"dimensions, or set reg > 0, for example reg={_suggested_reg(problem):.1g}"
        )


def _suggested_reg(problem: Problem) -> float:
    """A trace penalty of a thousandth of the mean pull, or of the mean scatter where there is no pull at all."""
    pull = np.trace(problem.pull)
    scatter = np.sum((problem.X - problem.X.mean(axis=0)) ** 2)
    return 1e-3 * float(pull if pull > 0 else scatter) / problem.n_features
