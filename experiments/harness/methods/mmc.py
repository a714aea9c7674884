"""The metric of Xing, Ng, Jordan & Russell (2002): different classes far apart, the points of a class together.

    maximise  sum_{y_i != y_j} sqrt(d_M(i, j))   subject to   sum_{y_i = y_j} d_M(i, j) <= 1,  M PSD

Whitened by W, which makes the sum over similar pairs the identity, ``M = W'L'LW`` has the constraint ``||L||_F <= 1``
and the objective ``h(L) = sum_p ||L v_p||``. That is convex in L, so a power method climbs: the linear function that
touches h from below at L is largest at its gradient, ``L <- grad h(L) / ||grad h(L)||_F``, and h never falls (Journee,
Nesterov, Richtarik & Sepulchre 2010).

In ``N = L'L`` the problem is concave. Its gradient ``G = 1/2 sum_p v_p v_p' / ||L v_p||`` bounds the optimum from above
by ``h + lambda_max(G) - <G, N>``, where ``<G, N> = h / 2``: that gap is the stopping rule.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from harness.methods.linear_map import LinearMap, centred_by_class, whitener
from lmnn_sdp.numerics.linalg import eigvalsh
from lmnn_sdp.numerics.types import FloatArray

TINY = 1e-300  # a length that is divided by


class MMC(LinearMap):
    """The metric of Xing et al. to a relative gap ``tol``, from the identity of whitened or of plain coordinates."""

    objective_: float
    upper_bound_: float

    def __init__(self, tol: float = 1e-6, max_iter: int = 1000, whitened_start: bool = True) -> None:
        self.tol = tol
        self.max_iter = max_iter
        self.whitened_start = whitened_start

    def fit(self, X: FloatArray, y: npt.ArrayLike) -> MMC:
        """Take steps of the power method until the gap is closed."""
        labels = np.asarray(y)
        W = whitener(similar_scatter(X, labels))
        i, j = np.nonzero(np.triu(labels[:, None] != labels))
        V = (X[i] - X[j]) @ W.T
        L = np.eye(V.shape[1]) if self.whitened_start else np.linalg.inv(W)
        L /= np.linalg.norm(L)
        for _ in range(self.max_iter):
            lengths = np.linalg.norm(V @ L.T, axis=1)
            G = V.T @ (V / np.maximum(lengths, TINY)[:, None]) / 2
            self.objective_ = float(np.sum(lengths))
            self.upper_bound_ = self.objective_ / 2 + float(eigvalsh(G)[-1])
            self.components_ = L @ W
            if self.upper_bound_ - self.objective_ <= self.tol * self.objective_:
                return self
            L = L @ G
            L /= np.linalg.norm(L)
        gap = self.upper_bound_ / self.objective_ - 1
        warnings.warn(f"gap {gap:.1e} > tol={self.tol} after {self.max_iter} steps", ConvergenceWarning, stacklevel=2)
        return self


def similar_scatter(X: FloatArray, labels: npt.NDArray[np.generic]) -> FloatArray:
    """``sum (x_i - x_j)(x_i - x_j)'`` over the pairs of one class: of n points it is n times their scatter."""
    within = centred_by_class(X, labels)
    sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return within.T @ (within * sizes[2][sizes[1]][:, None])
