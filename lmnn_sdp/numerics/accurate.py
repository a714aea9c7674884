"""Products and sums whose rounding is known: double-double inside, rounded once at the end. Nothing here knows LMNN.

Model of rounding: IEEE 754 binary64, to nearest, ``fl(a op b) = (a op b)(1 + e)`` with ``|e| <= U = 2**-53`` unless the
result is subnormal. The kernels are compiled without any licence to reorder or fuse (no ``fastmath``), since the
error-free transformations of Knuth and Dekker would not survive it.

Source: T. Ogita, S. M. Rump and S. Oishi (2005). Accurate sum and dot product. SIAM J. Sci. Comput. 26, 1955-1988.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from lmnn_sdp.numerics.engine import product
from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.linalg import power_of_two
from lmnn_sdp.numerics.parallel import in_parts
from lmnn_sdp.numerics.types import FloatArray

N = TypeVar("N", float, FloatArray)

U = 2.0**-53
LONGEST = 2**24  # entries of a compensated sum
SPLITTER = 2.0**27 + 1  # Veltkamp's constant: halves of 26 bits, whose products are exact
TINY = 2.0**-1000  # far above all that underflow can lose, and far below all that counts


def gamma(n: N) -> N:
    """``n U / (1 - n U)``: the relative error of n roundings in a row, rounded up."""
    return n * U / (1 - n * U) * (1 + 4 * U)


def accurate_rows(X: FloatArray, centre: FloatArray, T: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``V = (X - centre) T`` as if computed in twice the precision and rounded once, and a bound on its error a row.

    Parameters
    ----------
    X : array, shape (n, d)
    centre : array, shape (d,)
    T : array, shape (d, q)

    Returns
    -------
    V : array, shape (n, q)
    error : array, shape (n,)
        Bound on ``||V_i - (X_i - centre) T||`` with the exact product: ``U ||V_i||`` for the last rounding, and
        ``4 (d + 8)^2 U^2 sum_f |x_if - centre_f| ||T_f||`` for those inside (Dot2 of Ogita, Rump and Oishi, with the
        difference ``x - centre`` as an exact sum of two floats).

    Notes
    -----
    Columns of X and rows of T are scaled by powers of two that cancel, so that nothing overflows where the product
    does not. Where it does, the error is infinite.
    """
    n, d = X.shape
    unit = power_of_two(np.max(np.abs(X), axis=0, initial=0.0) / 2 + np.abs(centre) / 2)
    scaled_X, scaled_centre = np.ascontiguousarray(X / unit), np.ascontiguousarray(centre / unit)
    V, reach = np.zeros((n, T.shape[1])), np.zeros(n)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled_T = np.ascontiguousarray(T * unit[:, None])
        weights = np.sqrt(np.sum(scaled_T**2, axis=1)) * (1 + gamma(T.shape[1] + 8)) + TINY
        in_parts(
            lambda begin, end: _rows(scaled_X, scaled_centre, scaled_T, weights, begin, end, V, reach), n, 8 * T.size
        )
        size = np.sqrt(np.sum(V**2, axis=1)) * (1 + gamma(T.shape[1] + 8))
        error = U * size + 4 * (d + 8) ** 2 * U**2 * reach + TINY * (1 + math.sqrt(T.shape[1]))
    return V, np.where(np.isfinite(error), error, np.inf)


@kernel()
def _rows(X, centre, T, weights, begin, end, V, reaches):  # type: ignore[no-untyped-def]
    """Rows ``begin`` to ``end`` of the product, and ``sum_f |x_f - centre_f| weights_f`` of each, rounded up."""
    d, q = T.shape
    high_T = np.empty((d, q))
    for f in range(d):
        for a in range(q):
            t = SPLITTER * T[f, a]
            high_T[f, a] = t - (t - T[f, a])
    low_T = T - high_T
    total, rest = np.empty(q), np.empty(q)
    for i in range(begin, end):
        total[:] = 0.0
        rest[:] = 0.0
        reach = 0.0
        for f in range(d):
            x, c = X[i, f], centre[f]
            hi = x - c  # TwoSum: x - c = hi + lo
            back = hi + c
            lo = (x - back) + ((back - hi) - c)
            t = SPLITTER * hi
            high = t - (t - hi)
            low = hi - high
            reach += abs(hi) * weights[f]
            for a in range(q):
                p = hi * T[f, a]  # TwoProduct: hi T = p + e
                e = low * low_T[f, a] - (((p - high * high_T[f, a]) - low * high_T[f, a]) - high * low_T[f, a])
                s = total[a] + p  # TwoSum: total + p = s + g
                b = s - total[a]
                g = (total[a] - (s - b)) + (p - b)
                total[a] = s
                rest[a] += (g + e) + lo * T[f, a]
        for a in range(q):
            V[i, a] = total[a] + rest[a]
        reaches[i] = reach * (1.0 + (2 * d + 8) * 2.0**-53)


def sum_up(values: FloatArray) -> float:
    """A float that is at least the exact sum of nonnegative ``values``, and hardly more unless the sum overflows."""
    try:
        return math.nextafter(math.fsum(values), math.inf)
    except OverflowError:
        return math.inf


def positive_sum(values: FloatArray) -> tuple[float, int]:
    """Sum and number of the positive entries of ``values``; the sum errs by a part of at most ``2 U``.

    However many there are: what every addition loses is kept, and these losses, which err by a part ``gamma_n`` of
    themselves and so by ``gamma_n^2 < U / 16`` of the sum, are summed up over no more than `LONGEST` entries.
    """
    flat = values.ravel()
    parts = [_positive_sum(flat[start : start + LONGEST]) for start in range(0, len(flat), LONGEST)]
    return math.fsum(x for total, lost, _ in parts for x in (total, lost)), sum(count for _, _, count in parts)


@kernel()
def _positive_sum(values):  # type: ignore[no-untyped-def]
    """One pass in order, with what each addition lost."""
    total, lost, count = 0.0, 0.0, 0
    for value in values:
        if value > 0:
            count += 1
            s = total + value
            b = s - total
            lost += (total - (s - b)) + (value - b)
            total = s
    return total, lost, count


def plain_rows(X: FloatArray, T: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``V = X T`` by an ordinary product, and a bound on the error of each row, in whatever order it is summed.

    Entries err by at most ``gamma_d sum_f |x_if| |t_fa|``, hence rows by ``gamma_d sum_f |x_if| ||T_f||``.
    """
    weights = np.sqrt(np.sum(T**2, axis=1))
    slack = gamma(len(T) + T.shape[1] + 16)  # that of the bound's own rounding included
    return product(X, T), slack * (np.abs(X) @ weights) + TINY * (1 + len(T))
