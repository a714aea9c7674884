"""The linear system of a semismooth Newton step for a diagonal metric: ``(s A_J' A_J + z Omega + damping) D = -G``.

All are vectors or matrices over the features: a row of A is the diagonal of A_t, and Omega is 1 where ``Z - z M`` is
positive, else 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lmnn_sdp.numerics.linalg import gram, solve_definite
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.graph import TripletGraph

ROUNDING = 1e-14  # part of the largest diagonal entry that makes a matrix definite which is so but for rounding


@dataclass(frozen=True, eq=False)
class DiagonalSystem:
    """The system, of the size of the features.

    Attributes
    ----------
    rows : array, shape (J, d)
        Diagonal of A_t of each kink.
    diagonal : array, shape (d,)
        ``z Omega + damping``.
    s : float
        Penalty of the hinges.
    """

    rows: FloatArray
    diagonal: FloatArray
    s: float

    @staticmethod
    def of(
        graph: TripletGraph,
        kinks: IntArray,
        Q: FloatArray,
        eigenvalues: FloatArray,
        s: float,
        z: float,
        damping: float,
        accuracy: float,
    ) -> DiagonalSystem:
        """Set up for the kinks, given as positions in the graph's list; the rest is as for `NewtonSystem`."""
        return DiagonalSystem(graph.squares(kinks), z * (np.where(eigenvalues > 0, 1.0, 0.0) + damping), s)

    def solve(self, gradient: FloatArray, stop: Callable[[], bool] = lambda: False) -> FloatArray:
        """Newton direction, by factorisation."""
        H = self.s * gram(self.rows, self.rows)
        H[np.diag_indices_from(H)] += self.diagonal + ROUNDING * np.max(np.diag(H), initial=0.0)
        return solve_definite(H, -gradient)
