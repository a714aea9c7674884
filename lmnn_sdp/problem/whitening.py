"""Coordinates in which the cost matrix is the identity, so that units and conditioning do not matter.

With the target neighbours fixed, an invertible map x -> z = T'(x - centre) takes the optimum M to N with M = T N T' and
leaves the objective, the multipliers and every learned distance as they are. Every solver and the certificate work on
z, with T chosen so that ``T' P T = I`` for the cost ``P = (1 - mu) C + R``.

Which T is chosen is a matter of speed alone: whatever floats it holds, z is computed from the data in twice the
precision (`accurate_rows`) with a bound on the error of every row, and the cost is summed up again from z. So nothing
that is proved on z relies on T being accurate.

Of several metrics no one map whitens all costs. Data are mapped as for the sum of the costs, and then each metric is
represented by another, in its own whitened coordinates (`lmnn_sdp.problem.own_coordinates`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lmnn_sdp.numerics.accurate import U, accurate_rows, gamma, plain_rows
from lmnn_sdp.numerics.linalg import eigh, power_of_two, scatter, symmetrize
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.coordinates import Coordinates
from lmnn_sdp.problem.dependence import NEGLIGIBLE, dependence, directions
from lmnn_sdp.problem.own_coordinates import whiten_blocks
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.singular import SingularPullError, singular_pull
from lmnn_sdp.problem.weights import feature_units

#: Deviation of the whitened cost from the identity that needs no further step.
WHITE = 1e-9
#: Deviation that will do where the rounding of T itself leaves no less.
NEARLY = 0.1
#: Steps at most: each gains what float64 holds, and the pull is singular where so many do not suffice.
MAX_STEPS = 6
#: Part of the largest eigenvalue below which an eigenvalue is summed up along its own direction instead.
SMALL = 1e-7
#: Part of the largest eigenvalue of the cost that counts as its rounding.
SINGULAR = 1e-13
#: Distance of a point, in units of the usual one, that no metric in float64 can measure beside the usual ones.
FAR = 1e12
#: Largest entry of T for which the metric T N T' still fits into float64.
LARGEST = 1e152
#: Largest entry of z, which leaves room for squares of squared distances.
LARGEST_DISTANCE = 1e75
#: Largest entry of a metric on z, which leaves room for sums of squares of distances.
LARGEST_METRIC = 1e145


@dataclass(frozen=True, eq=False)
class Whitening:
    """A problem in whitened coordinates and the way back.

    Attributes
    ----------
    problem : Problem
        The same triplets on ``Z (n, r)``; its cost is the identity up to rounding.
    T : array, shape (d, r)
        ``z = T'(x - centre)``. A metric N on z is ``M = T N T'`` on x.
    V : array, shape (d, r)
        ``x - centre = V z`` on all data points, up to rounding. A metric M on x is ``N = V'MV`` on z.
    centre : array, shape (d,)
        The data point nearest to the median of every feature: no far point moves it, and affine relations between
        features become linear ones.
    left_out : tuple of int
        Features that depend on others up to rounding only: what is proved holds for the data without them.
    """

    problem: Problem
    T: FloatArray
    V: FloatArray
    centre: FloatArray
    left_out: tuple[int, ...]

    @staticmethod
    def none(problem: Problem) -> Whitening:
        """The problem as it is."""
        d = problem.n_features
        return Whitening(problem, np.eye(d), np.eye(d), np.zeros(d), ())

    def inward(self, M: FloatArray) -> FloatArray:
        """Metric ``V'MV (r, r)`` on z of a metric ``M (d, d)`` on x.

        Raises
        ------
        ValueError
            If learned distances on the data leave the range of float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            N = symmetrize(self.V.T @ M @ self.V)
            if self.problem.blocks is not None:
                N = symmetrize(self.problem.blocks.inward(N))
            if self.problem.diagonal:
                N = np.diag(N).copy()
        if not np.max(np.abs(N), initial=0.0) <= LARGEST_METRIC:
            raise ValueError(
                f"M, with entries of up to {np.max(np.abs(M)):.3g}, is so large that distances on these data overflow; "
                "divide it by a power of ten"
            )
        return N

    def outward(self, L: FloatArray) -> FloatArray:
        """Factor ``L T' (q, d)`` on x of a factor ``L (q, r)`` on z."""
        L = np.diag(L)[L != 0] if self.problem.diagonal else self.problem.outward(L)
        return L @ self.T.T


def whiten(problem: Problem) -> Whitening:
    """Whiten by the cost matrix; drop features or directions in which the data do not vary.

    Without a trace penalty, features that depend on others are left out (see `dependence`). With one, all metrics that
    agree on the data are not alike, and the metric that comes back has the least trace of them: z then spans the
    directions in which the data vary, and what of the data lies outside, by rounding, is part of the bounds.

    Raises
    ------
    ValueError
        If the pull vanishes (and ``reg`` is 0) in a direction where the data vary. Triplets can then be met at
        no cost by letting M grow there, M is not determined, and the remedies are named. Also if ``R`` makes
        the cost indefinite, if R is a matrix on data that do not vary in all directions, if the data are so small
        that M would overflow, and if all points are equal, where every metric is optimal.
    """
    centre = central_point(problem.X)
    centred = problem.X - centre
    d = problem.n_features
    if problem.diagonal:
        T = feature_units(problem)
        Z, errors = accurate_rows(problem.X, centre, T)
        _check_reach(Z)
        V = np.where(T > 0, 1 / np.where(T > 0, T, 1.0), 0.0)
        euclidean = np.sum(V**2, axis=0)
        coordinates = Coordinates(problem.X, errors, euclidean / np.max(euclidean))
        return Whitening(_inside(problem, T, Z, coordinates), T, V, centre, ())
    if problem.R.any():
        first = _row_space(centred)
        r = first.shape[1]
        if r < d:
            _check_multiple_of_identity(problem.R, d, r)
        T, Z, errors = _whitening_map(problem, centre, first)
        V = _way_back(T)
        coordinates = (
            Coordinates(problem.X, errors, _euclidean(V))
            if r == d
            else _with_outside(problem, centred, T, Z, V, errors)
        )
        return Whitening(_inside(problem, T, Z, coordinates), T, V, centre, ())
    found = dependence(problem.X, centred)
    T, Z, errors = _whitening_map(problem, centre, np.eye(d)[:, found.kept])
    V = found.coefficients @ _way_back(T[found.kept])
    return Whitening(_inside(problem, T, Z, Coordinates(problem.X, errors, _euclidean(V))), T, V, centre, found.inexact)


def central_point(X: FloatArray) -> FloatArray:
    """The row of ``X (n, d)`` nearest to the median, each feature in units of its own spread."""
    away = np.abs(X / 2 - np.median(X, axis=0) / 2)
    usual = np.median(away, axis=0)
    unit = np.where(usual > 0, usual, np.maximum(np.max(away, axis=0), np.finfo(float).tiny))
    return X[int(np.argmin(np.max(away / unit, axis=1)))]


def _way_back(T: FloatArray) -> FloatArray:
    """``T (T'T)^-1``, shape (d, r): where T is square, in units of each feature, so that none is lost to a far one."""
    d, r = T.shape
    if r < d:
        return np.asarray(np.linalg.pinv(T.T), dtype=np.float64)
    unit = power_of_two(np.max(np.abs(T), axis=1))[:, None]
    return np.asarray(np.linalg.inv(T / unit).T / unit, dtype=np.float64)


def _inside(problem: Problem, T: FloatArray, Z: FloatArray, coordinates: Coordinates) -> Problem:
    """The problem on z."""
    known = replace(coordinates, nonnegative=problem.nonnegative, penalty_error=_penalty_error(T, problem.R))
    inside = replace(problem, X=Z, R=symmetrize(T.T @ problem.R @ T), coordinates=known)
    return inside if problem.blocks is None else whiten_blocks(inside, problem)


def _euclidean(V: FloatArray) -> FloatArray:
    """``V'V`` over its largest entry."""
    unit = V / np.max(np.abs(V))
    M = symmetrize(unit.T @ unit)
    return M / np.max(M)


def _row_space(centred: FloatArray) -> FloatArray:
    """Columns that span the data, as far as they vary by more than rounding; all directions if they do everywhere."""
    d = centred.shape[1]
    unit = power_of_two(np.max(np.abs(centred), axis=0))
    _, sigma, Vt = np.linalg.svd(directions(centred / unit), full_matrices=False)
    rank = int(np.sum(sigma > NEGLIGIBLE * np.sqrt(d) * sigma[0]))
    return np.eye(d) if rank == d else unit[:, None] * Vt[:rank].T


@np.errstate(over="ignore", invalid="ignore")  # of points so far away that they are refused in the end
def _whitening_map(problem: Problem, centre: FloatArray, T: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """From a first map to one for which the cost is the identity: T, the points z and the error of each row."""
    T = T / _sizes(problem.X - centre, T)
    Z, errors = accurate_rows(problem.X, centre, T)
    free = 1
    for step in range(MAX_STEPS):
        i, j = problem.target_pairs()
        cost = (1 - problem.mu) * scatter(Z, i, j, problem.weight_of(i))
        cost = symmetrize(cost + T.T @ problem.R @ T)
        away = float(np.max(np.abs(cost - np.eye(len(cost)))))
        if step and (away <= WHITE or (step > 1 and away <= NEARLY)):
            _check_reach(Z)
            return T, Z, errors
        weights, Q = eigh(cost)
        _check_cost(weights, _penalty_error(T, problem.R))
        if not step:
            free = max(1, int(np.sum(weights <= SINGULAR * weights[-1])))
        small = weights < SMALL * weights[-1]
        weights[small] = _cost_along(problem, centre, T @ Q[:, small])
        if not weights.all():
            free = int(np.sum(weights == 0))
            break
        T = T @ (Q / np.sqrt(weights))
        if not np.max(np.abs(T)) <= LARGEST:
            feature = int(np.argmax(np.max(np.abs(T), axis=1)))
            raise ValueError(f"feature {feature} is so small that M overflows; multiply it by a power of ten")
        Z, errors = accurate_rows(problem.X, centre, T)
    _check_far_rows(problem.X - centre)
    raise SingularPullError(singular_pull(problem, free, Z.shape[1]))


def _sizes(centred: FloatArray, T: FloatArray) -> FloatArray:
    """The size of each column of z: the mean, on a logarithmic scale, of the largest entry and of the usual ones."""
    columns = np.abs(centred @ T)
    largest = np.max(columns, axis=0)
    usual = np.median(columns, axis=0)
    return power_of_two(np.sqrt(largest) * np.sqrt(np.where(usual > 0, usual, largest)))


def _cost_along(problem: Problem, centre: FloatArray, T: FloatArray) -> FloatArray:
    """Cost in each direction, too small for an eigenvalue of the whole to tell, shape (q,)."""
    i, j = problem.target_pairs()
    along = accurate_rows(problem.X, centre, T)[0]
    pull = problem.weight_of(i) @ (along[i] - along[j]) ** 2
    return (1 - problem.mu) * pull + np.maximum(0.0, np.sum(T * (problem.R @ T), axis=0))


def _penalty_error(T: FloatArray, R: FloatArray) -> float:
    """Bound on the spectral norm of the error of ``T'RT``, whose terms may be far larger than their sum."""
    sizes = np.abs(T.T) @ np.abs(R) @ np.abs(T)
    largest = float(np.max(sizes))
    return gamma(3 * len(T) + 16) * largest * float(np.linalg.norm(sizes / largest)) if largest > 0 else 0.0


def _check_cost(weights: FloatArray, error: float) -> None:
    """R leaves the cost positive semidefinite, as far as eigenvalues with an error can tell."""
    if weights[0] < -SINGULAR * abs(weights[-1]) - error:
        raise ValueError(
            "reg makes the cost (1 - mu) C + R indefinite, so the problem has no minimum; use a PSD matrix"
        )


def _check_far_rows(centred: FloatArray) -> None:
    """No point so far away that a metric in float64 cannot measure it and the others."""
    away = np.max(np.abs(centred), axis=1)
    row, usual = int(np.argmax(away)), float(np.median(away))
    if away[row] > FAR * usual > 0:
        raise ValueError(
            f"row {row} of X lies {away[row] / usual:.0e} times as far from the others as they lie from each other; no "
            "metric in float64 can measure both: leave the row out, or mend it if it is a fill value"
        )


def _check_reach(Z: FloatArray) -> None:
    """No point so far away, in units of the distances to target neighbours, that squared distances overflow."""
    away = np.max(np.abs(Z), axis=1)
    row = int(np.argmax(away))
    if not away[row] <= LARGEST_DISTANCE:
        raise ValueError(
            f"row {row} of X lies so far away that squared distances overflow where those to target neighbours are 1; "
            "leave the row out, or mend it if it is a fill value"
        )


def _check_multiple_of_identity(R: FloatArray, d: int, r: int) -> None:
    """A trace penalty, which alone is known to leave directions without data to themselves."""
    if not np.array_equal(R, R[0, 0] * np.eye(d)):
        raise ValueError(
            f"reg is a matrix, but the data vary in {r} of {d} directions only; drop constant and dependent features, "
            "or pass a number"
        )


def _with_outside(
    problem: Problem, centred: FloatArray, T: FloatArray, Z: FloatArray, V: FloatArray, errors: FloatArray
) -> Coordinates:
    """What of every row lies outside the range of T: at most its distance to any point T a of the range."""
    a = Z @ (V.T @ V)  # V = T (T'T)^-1, so that T a is near V z
    inside, inside_errors = plain_rows(a, T.T)
    size = np.linalg.norm(centred, axis=1)
    slack = 1 + gamma(len(T) + 8)
    outside = (np.linalg.norm(centred - inside, axis=1) + inside_errors + 2 * U * (size + inside_errors)) * slack
    stretch, floor = float(np.linalg.norm(T)) * slack, float(problem.R[0, 0])
    return Coordinates(problem.X, errors, _euclidean(V), outside, size * slack, stretch, floor)
