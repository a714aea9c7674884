"""Nearest rows: matrix products propose, differences decide, and of equally near rows the first comes first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lmnn_sdp.numerics.linalg import EPS, power_of_two
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.neighbors import comparable_squares, first_columns

BLOCK = 2**22  # distances at a time, 32 MiB
TINY = float(np.finfo(np.float64).tiny)  # more than squares lose where they underflow


def nearest(A: FloatArray, B: FloatArray | None, k: int) -> IntArray:
    """The k nearest rows of B to each row of A, nearest first and of equally near ones the first; shape (len(A), k).

    Without B those of the other rows of A. Distances that are equal in float64 are equal here. Each product has its
    own doubt: one far row makes no other pair doubtful.
    """
    others = A if B is None else B
    found = np.empty((len(A), k), dtype=np.intp)
    step = max(1, BLOCK // len(others))
    size = power_of_two(max(np.max(np.abs(A), initial=0.0), np.max(np.abs(others))))  # squares stay within range
    centre = np.median(others / size, axis=0)
    centred = others / size - centre
    lengths = np.sum(centred**2, axis=1)
    for start in range(0, len(A), step):
        part = A[start : start + step]
        V = part / size - centre
        D = squared_distances_between(V, centred)
        if B is None:
            D[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        # a product and the sum of squared differences err by less than 2 (d + 4) EPS of both squared lengths, doubled
        doubt = 4 * (A.shape[1] + 4) * EPS * (np.sum(V**2, axis=1)[:, None] + lengths) + TINY
        both = np.concatenate([part, others])
        found[start : start + step] = decided(
            D,
            doubt,
            k,
            lambda row, column: comparable_squares(both, row, len(part) + column),  # noqa: B023
        )
    return found


def decided(
    D: FloatArray, doubt: FloatArray, k: int, keys: Callable[[IntArray, IntArray], tuple[FloatArray | IntArray, ...]]
) -> IntArray:
    """Columns of the k smallest entries in each row of something that differs from D by the doubt at most.

    ``keys`` gives what is compared, as for `first_columns`, of the pairs of row and column that can be among them.
    """
    kth = np.partition(D + doubt, k - 1, axis=1)[:, k - 1]
    row, column = np.nonzero(D - doubt <= kth[:, None])
    return first_columns(row, column, keys(row, column), len(D), k)


def squared_distances_between(A: FloatArray, B: FloatArray) -> FloatArray:
    """From all rows of A to all of B, both near the origin, shape (len(A), len(B)), none below zero."""
    D = np.sum(A**2, axis=1)[:, None] + np.sum(B**2, axis=1) - 2 * (A @ B.T)
    return np.maximum(D, 0.0, out=D)
