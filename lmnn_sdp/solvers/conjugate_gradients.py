"""Preconditioned conjugate gradients on matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from lmnn_sdp.numerics.types import FloatArray

MAX_STEPS = 300

Operator: TypeAlias = Callable[[FloatArray], FloatArray]


def conjugate_gradients(
    apply: Operator,
    precondition: Operator,
    right: FloatArray,
    D: FloatArray,
    accuracy: float,
    stop: Callable[[], bool],
) -> FloatArray:
    """Solve ``apply(D) = right`` from D until the residual is ``accuracy`` times the right side.

    Parameters
    ----------
    apply, precondition : callables
        Positive semidefinite operators on arrays of the shape of ``right``; the second is near the first's inverse.
    right, D : arrays
        Right side, and where to begin.
    accuracy : float
        Relative residual in the Frobenius norm.
    stop : callable
        Asked after each step; true ends it there.

    Returns
    -------
    array
        The last iterate, after `MAX_STEPS` steps at most, or where rounding leaves no way down.
    """
    residual = right - apply(D) if D.any() else right
    target = accuracy * float(np.linalg.norm(right))
    if np.linalg.norm(residual) <= target:
        return D
    direction = scaled = precondition(residual)
    product = float(np.sum(residual * scaled))
    for _ in range(MAX_STEPS):
        image = apply(direction)
        curvature = float(np.sum(direction * image))
        if not (product > 0 and curvature > 0):  # rounding, or squares too small for float64: no way down from here
            break
        step = product / curvature
        D = D + step * direction
        residual = residual - step * image
        if np.linalg.norm(residual) <= target or stop():
            break
        scaled = precondition(residual)
        product, before = float(np.sum(residual * scaled)), product
        direction = scaled + product / before * direction
    return D
