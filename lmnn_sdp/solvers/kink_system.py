"""A Newton system solved by its kinks, where they are few: ``(s A'A + 1/K) D = -G`` with one row of A a kink.

K is diagonal, the inverse of all but the hinges, and (Sherman, Morrison and Woodbury)

    D = -K (G - A' y)      (1 / s + A K A') y = A K G

so a matrix of the size of the kinks is factored, whatever the number of unknowns. A kink has entries in one or two
metrics only, so the sums over those are taken one metric at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import gram, smat, solve_definite, svec, svec_indices, svec_outer
from lmnn_sdp.numerics.types import FloatArray, IntArray

PRODUCTS = 9.0  # of conjugate gradients to a relative residual of 1, about
OVERHEAD = 5e6  # multiplications that take as long as a product of no size, of one metric
MOST = 6000  # kinks


@dataclass(frozen=True, eq=False)
class Share:
    """What a system has of one metric.

    Attributes
    ----------
    edges : array, shape (E, r)
        Differences of points, in the eigenbasis.
    push, pull : arrays, shape (J,)
        Rows of each kink in them, one of zeros where its edge is of another metric.
    kinks : array, shape (J,)
        Numbers of the kinks, among all of the system.
    diagonal : array, shape (r, r)
        The system without its hinges.
    """

    edges: npt.NDArray[Any]
    push: IntArray
    pull: IntArray
    kinks: IntArray
    diagonal: FloatArray


def few_enough(kinks: int, metrics: int, r: int, accuracy: float) -> bool:
    """Whether factoring a matrix of the size of the kinks takes less time than conjugate gradients to this accuracy.

    Of a single metric these have a better preconditioner, and it never does.
    """
    product = 8 * kinks * r**2 + metrics * OVERHEAD
    sums = (2 * kinks) ** 2 * r**2 / metrics
    return metrics > 1 and 0 < kinks <= MOST and 2 * (sums + kinks**3 / 3) <= PRODUCTS * accuracy**-0.5 * product


def solve_by_kinks(shares: list[Share], count: int, s: float, G: FloatArray) -> FloatArray:
    """The solution D, a stack of matrices as G is.

    Parameters
    ----------
    shares : list of Share
        One a metric.
    count : int
        Kinks.
    s : float
        Penalty of the hinges.
    G : array, shape (B, r, r)

    Raises
    ------
    numpy.linalg.LinAlgError
        If rounding leaves the matrix not definite.
    """
    row, col = svec_indices(G.shape[1])
    S, b = np.eye(count) / s, np.zeros(count)
    rows, scaled = [], []
    for share, own in zip(shares, G, strict=True):
        outer = svec_outer(share.edges)
        A = outer[share.push] - outer[share.pull]
        K = 1 / share.diagonal[row, col]
        root = A * np.sqrt(K)
        S[np.ix_(share.kinks, share.kinks)] += gram(root.T, root.T)
        b[share.kinks] += A @ (K * svec(own))
        rows.append(A)
        scaled.append(K)
    y = solve_definite(S, b)
    parts = zip(rows, scaled, shares, G, strict=True)
    return np.stack([-smat(K * (svec(own) - A.T @ y[share.kinks])) for A, K, share, own in parts])
