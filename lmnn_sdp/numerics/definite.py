"""A proof in floating point that a symmetric matrix is positive definite. Nothing here knows LMNN."""

from __future__ import annotations

import numpy as np

from lmnn_sdp.numerics.accurate import TINY, U, gamma
from lmnn_sdp.numerics.kernels import kernel
from lmnn_sdp.numerics.types import FloatArray


def definite_beyond(A: FloatArray, error: float) -> bool:
    """Whether every symmetric matrix within ``error`` of ``A (d, d)`` in the spectral norm is proved positive definite.

    A vector is a diagonal matrix, and so are those near it.

    False proves nothing. A floating-point Cholesky factorisation of ``B = fl(A - s I)`` that runs to its end proves
    ``lambda_min(B) >= -g / (1 - g) tr(B)`` with ``g = gamma_{d + 1}``, since its backward error is at most g times the
    product of the factors' absolute values, whose diagonal B itself bounds. The shift s pays for that, for its own
    rounding and for ``error``.

    Source: S. M. Rump (2006). Verification of positive definiteness. BIT Numerical Mathematics 46, 433-452.
    """
    d = len(A)
    if A.ndim == 1:  # a diagonal matrix
        return bool(np.min(A) > error) and bool(np.isfinite(A).all())
    if not (np.isfinite(A).all() and np.isfinite(error)):
        return False
    diagonal = np.abs(np.diag(A))
    g = gamma(d + 4)
    of_factors = g / (1 - g) * float(np.sum(diagonal))
    of_shift = 4 * U * (float(np.max(diagonal, initial=0.0)) + error)
    shift = (error + of_factors + of_shift) * (1 + 8 * d * U) + TINY
    B = A.copy()
    B[np.diag_indices(d)] -= shift
    return bool(_factorises(B))


@kernel()
def _factorises(A):  # type: ignore[no-untyped-def]
    """Cholesky by rows, in place in the lower triangle; False at the first pivot that is not positive."""
    d = len(A)
    for j in range(d):
        for i in range(j):
            total = A[j, i]
            for f in range(i):
                total -= A[j, f] * A[i, f]
            A[j, i] = total / A[i, i]
        total = A[j, j]
        for f in range(j):
            total -= A[j, f] * A[j, f]
        if not total > 0:
            return False
        A[j, j] = np.sqrt(total)
    return True
