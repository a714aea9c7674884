"""Coordinates in which the cost matrix is the identity, so that units and conditioning do not matter.

With the target neighbours fixed, x -> Wx for an invertible W maps the optimum M to inv(W)' M inv(W) and leaves
the objective, the multipliers and every learned distance as they are. Every solver and the certificate work on
``z = W (x - mean)`` with W chosen so that ``W P W' = I`` for the cost ``P = (1 - mu) C + R``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg

from lmnn_sdp.numerics.linalg import EPS, power_of_two, symmetrize
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem

#: The pull counts as zero in a direction where pull over total scatter is below this fraction of its largest value.
SINGULAR = 1e-13
#: Largest entry of W for which the metric W'NW still fits into float64.
LARGEST = 1e152
#: Largest entry of a metric on z, which leaves room for sums of squares of distances.
LARGEST_METRIC = 1e145


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

    @staticmethod
    def none(problem: Problem) -> Whitening:
        """The problem as it is."""
        same = np.eye(problem.n_features)
        return Whitening(problem, same, same)

    def inward(self, M: FloatArray) -> FloatArray:
        """Metric ``V'MV (r, r)`` on z of a metric ``M (d, d)`` on x.

        Raises
        ------
        ValueError
            If learned distances on the data leave the range of float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            N = symmetrize(self.V.T @ M @ self.V)
        if not np.max(np.abs(N)) <= LARGEST_METRIC:
            raise ValueError(
                f"M, with entries of up to {np.max(np.abs(M)):.3g}, is so large that distances on these data overflow; "
                "divide it by a power of ten"
            )
        return N

    def outward(self, N: FloatArray) -> FloatArray:
        """Metric ``W'NW (d, d)`` on x of a metric ``N (r, r)`` on z."""
        return symmetrize(self.W.T @ N @ self.W)


@dataclass(frozen=True, eq=False)
class _Basis:
    """Centred data in coordinates with orthonormal columns: ``X - mean = (Y) unit``, ``U = Y S``."""

    Y: FloatArray  # centred data with features scaled by powers of two, shape (n, d)
    S: FloatArray  # shape (d, r), U = Y S has orthonormal columns
    A: FloatArray  # shape (r, d), u = A (x - mean)
    B: FloatArray  # shape (d, r), x - mean = B u


def whiten(problem: Problem) -> Whitening:
    """Whiten by the cost matrix; drop directions in which the data do not vary.

    Dropping is exact: no distance depends on such a direction, and with a trace penalty the metric that
    comes back has the least trace of all that agree on the data. Data count as not varying in a direction where
    they do so by a few units of rounding only, such as duplicated features that were rounded apart.

    Raises
    ------
    ValueError
        If the pull vanishes (and ``reg`` is 0) in a direction where the data vary. Triplets can then be met at
        no cost by letting M grow there, M is not determined, and the remedies are named. Also if ``R`` makes
        the cost indefinite, if R is a matrix on data that do not vary in all directions, if the data are so small
        that M would overflow, and if all points are equal, where every metric is optimal.
    """
    basis = _orthonormal_basis(problem.X)
    A = _left_inverse(basis, problem.R)
    in_U = replace(problem, X=basis.Y @ basis.S, R=symmetrize(A @ problem.R @ A.T))
    eigenvalues, Q = scipy.linalg.eigh(in_U.cost)
    _check_definite(eigenvalues, problem)
    to_z = Q / np.sqrt(eigenvalues)  # u -> z, transposed
    W, V = to_z.T @ A, basis.B @ (Q * np.sqrt(eigenvalues))
    if np.max(np.abs(W)) > LARGEST:
        feature = int(np.argmax(np.max(np.abs(W), axis=0)))
        raise ValueError(f"feature {feature} is so small that M overflows; multiply it by a power of ten")
    to_z = basis.S @ to_z  # Y -> z in one product, whose rounding is bounded row by row
    reach = float(np.max(np.linalg.norm(basis.Y, axis=1)))
    row_error = (len(to_z) + 4) * EPS * reach * float(np.linalg.norm(to_z))
    white = replace(problem, X=basis.Y @ to_z, R=symmetrize(W @ problem.R @ W.T), row_error=row_error)
    return Whitening(white, W, V)


def _orthonormal_basis(X: FloatArray) -> _Basis:
    """Drop what does not vary and orthogonalise the rest.

    Features are scaled by powers of two first, so that the rank is not a matter of their units.
    """
    scale = power_of_two(np.max(np.abs(X), axis=0))
    Y = X / scale
    Y = Y - Y[0]  # exactly zero for a constant feature, whatever its size
    Y -= Y.mean(axis=0)
    spread = power_of_two(np.max(np.abs(Y), axis=0))
    Y /= spread
    unit = scale * spread
    R = scipy.linalg.qr(Y, mode="r")[0][: min(Y.shape)]
    _, sigma, Vt = scipy.linalg.svd(R, full_matrices=False)
    rank = int(np.sum(sigma > 8 * np.sqrt(len(unit)) * EPS * sigma[0])) if sigma[0] > 0 else 0
    if rank == 0:
        raise ValueError(
            "all points are equal, so every metric is optimal, with mu times the number of triplets as the objective: "
            "check that X is the data"
        )
    sigma, Vt = sigma[:rank], Vt[:rank]
    return _Basis(Y, Vt.T / sigma, Vt / sigma[:, None] / unit, unit[:, None] * Vt.T * sigma)


def _left_inverse(basis: _Basis, R: FloatArray) -> FloatArray:
    """The map x -> u whose metrics ``A'NA`` are the cheapest for <R, M> among all that agree on the data."""
    d, r = basis.B.shape
    if r == d or not R.any():
        return basis.A
    if not np.array_equal(R, R[0, 0] * np.eye(d)):
        raise ValueError(
            f"reg is a matrix, but the data vary in {r} of {d} directions only; drop constant and dependent features, "
            "or pass a number"
        )
    return np.asarray(np.linalg.pinv(basis.B), dtype=np.float64)


def _check_definite(eigenvalues: FloatArray, problem: Problem) -> None:
    """The cost is positive definite wherever the data vary."""
    floor = SINGULAR * abs(eigenvalues[-1])
    if eigenvalues[0] < -floor:
        raise ValueError(
            "reg makes the cost (1 - mu) C + R indefinite, so the problem has no minimum; use a PSD matrix"
        )
    free = int(np.sum(eigenvalues <= floor))
    if free and problem.R.any():
        raise ValueError(
            "the cost (1 - mu) C + R spans more than 13 orders of magnitude over the directions in which the data "
            "vary; standardise the features, or change reg"
        )
    if free:
        varying, pulled = len(eigenvalues), len(eigenvalues) - free
        remedy = f"reduce the data with PCA to at most {pulled} dimensions" if pulled else "drop repeated points"
        raise ValueError(
            f"the pull vanishes in {free} of the {varying} directions in which the data vary: there impostors can be "
            f"pushed away at no cost and M is not determined; {remedy}, or set reg > 0, for example "
            f"reg={_suggested_reg(problem):.1g}"
        )


def _suggested_reg(problem: Problem) -> float:
    """A trace penalty of a thousandth of the mean pull, or of the mean scatter where there is no pull at all."""
    pull = np.trace(problem.pull)
    scatter = np.sum((problem.X - problem.X.mean(axis=0)) ** 2)
    return 1e-3 * float(pull if pull > 0 else scatter) / problem.n_features
