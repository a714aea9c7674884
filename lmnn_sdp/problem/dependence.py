"""Features that say nothing beyond the others: found in floating point, and dropped with a proof where there is one.

A feature f depends on kept features g exactly where ``x_f = b + sum_g c_g x_g`` holds for every point in exact
arithmetic, with rational c_g: constant, repeated and one-hot features do. Then every distance under a metric on all
features is one under a metric on the kept ones, so leaving f out changes nothing. Where the relation holds only up to
rounding, leaving f out is another problem, though one that nobody can tell apart by looking: it is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.linalg

from lmnn_sdp.numerics.linalg import EPS, power_of_two
from lmnn_sdp.numerics.types import FloatArray, IntArray

LARGEST_DENOMINATOR = 1024  # of the coefficients that are tried
NEGLIGIBLE = 8 * EPS  # variation, over the root of the number of features, that counts as rounding


@dataclass(frozen=True, eq=False)
class Dependence:
    """Which features to keep.

    Attributes
    ----------
    kept : integer array, shape (r,)
        Features that no linear relation joins, as far as float64 can tell; rising.
    coefficients : array, shape (d, r)
        Every feature as a combination of the kept ones: ``x - centre = coefficients (x - centre)_kept``.
    inexact : tuple of int
        Features left out whose relation holds up to rounding only.
    """

    kept: IntArray
    coefficients: FloatArray
    inexact: tuple[int, ...]


def dependence(X: FloatArray, centred: FloatArray) -> Dependence:
    """Split the features of ``X (n, d)`` into those to keep and those that depend on them.

    Every row of ``centred``, the data less a centre, counts by its direction alone, so that a far point hides none of
    the others; and every feature counts in units of its own spread.

    Raises
    ------
    ValueError
        If all points are equal, or a feature is smaller than one that depends on it by more than float64 can tell.
    """
    unit = power_of_two(np.max(np.abs(centred), axis=0))
    R, order = scipy.linalg.qr(directions(centred / unit), mode="r", pivoting=True)
    pivots = np.abs(np.diag(R[: min(R.shape)]))
    rank = int(np.sum(pivots > NEGLIGIBLE * np.sqrt(len(unit)) * pivots[0]))
    kept, others = order[:rank], order[rank:]
    relation = scipy.linalg.solve_triangular(R[:rank, :rank], R[:rank, rank:])
    coefficients = np.zeros((X.shape[1], rank))
    coefficients[kept, np.arange(rank)] = 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        coefficients[others] = (relation * (unit[others] / unit[kept][:, None])).T
    if not np.isfinite(coefficients).all():
        f, at = np.argwhere(~np.isfinite(coefficients))[0].tolist()
        raise ValueError(
            f"feature {kept[at]} is so small beside feature {f}, which depends on it, that their ratio overflows; "
            "multiply it by a power of ten"
        )
    inexact = [f for f in sorted(others.tolist()) if not _exactly_dependent(X, f, kept, coefficients[f])]
    rising = np.argsort(kept)
    return Dependence(kept[rising], coefficients[:, rising], tuple(inexact))


def directions(Y: FloatArray) -> FloatArray:
    """A matrix with few rows that vanishes in the same directions as ``Y (n, d)``, each row of Y counting alike.

    Raises
    ------
    ValueError
        If Y is zero: all points are equal.
    """
    sizes = np.max(np.abs(Y), axis=1)
    rows = Y[sizes > 0] / power_of_two(sizes[sizes > 0])[:, None]
    if not len(rows):
        raise ValueError(
            "all points are equal, so every metric is optimal, with mu times the number of triplets as the objective: "
            "check that X is the data"
        )
    return scipy.linalg.qr(rows, mode="r")[0][: min(rows.shape)]


def _exactly_dependent(X: FloatArray, f: int, kept: IntArray, coefficients: FloatArray) -> bool:
    """Whether the feature less a rational combination of kept ones is the same number for every point."""
    if np.all(X[:, f] == X[0, f]):
        return True
    reach = np.max(np.abs(X), axis=0)
    matters = np.abs(coefficients) * reach[kept] > 1e-9 * reach[f]
    terms = [
        (int(g), Fraction(float(c)).limit_denominator(LARGEST_DENOMINATOR))
        for g, c in zip(kept[matters], coefficients[matters], strict=True)
    ]
    approximate = X[:, f] - sum(float(c) * X[:, g] for g, c in terms)
    size = reach[f] + sum(abs(float(c)) * reach[g] for g, c in terms)
    if float(np.ptp(approximate)) > 16 * len(terms) * EPS * size:  # no need to be exact
        return False
    rows = np.unique(X[:, [f, *(g for g, _ in terms)]], axis=0).tolist()
    first = _remainder(rows[0], terms)
    return all(_remainder(row, terms) == first for row in rows)


def _remainder(row: list[float], terms: list[tuple[int, Fraction]]) -> Fraction:
    """``x_f - sum_g c_g x_g`` in exact arithmetic."""
    return Fraction(row[0]) - sum(c * Fraction(x) for x, (_, c) in zip(row[1:], terms, strict=True))
