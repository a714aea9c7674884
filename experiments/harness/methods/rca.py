"""Relevant components analysis: what varies within the classes is noise, and is whitened.

Source: Shental, Hertz, Weinshall & Pavel (2002), Adjustment learning and relevant component analysis. The chunklets
are the classes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from harness.methods.linear_map import LinearMap, centred_by_class, whitener
from lmnn_sdp.numerics.types import FloatArray

FLAT = 1e-5  # spread within the classes, of the largest, below which a direction has none


class RCA(LinearMap):
    """The map under which the covariance within classes is the identity.

    Parameters
    ----------
    n_components : int or None
        So many directions of the whitened points are kept, and those in which no class varies are left out; None keeps
        all, and refuses points that have such ones. The means of c classes differ in c - 1 of them; in all others
        whitened points vary alike, and those are drawn.
    random_state : int
        For the draw.
    """

    def __init__(self, n_components: int | None = None, random_state: int = 0) -> None:
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X: FloatArray, y: npt.ArrayLike) -> RCA:
        """Whiten the covariance within classes."""
        within = centred_by_class(X, np.asarray(y))
        if self.n_components is None:
            self.components_ = whitener(within.T @ within / len(X))
            return self
        units = np.std(X, axis=0)
        units[units == 0] = 1.0
        _, spread, V = np.linalg.svd(within / units / np.sqrt(len(X)), full_matrices=False)
        kept = spread > FLAT * spread[0]
        W = V[kept] / spread[kept, None] / units
        self.components_ = self._leading(X @ W.T, len(np.unique(y)) - 1) @ W
        return self

    def _leading(self, white: FloatArray, telling: int) -> FloatArray:
        """Orthonormal rows: the principal components that tell classes apart, then drawn ones."""
        size = min(self.n_components or white.shape[1], white.shape[1])
        first = PCA(min(size, telling), svd_solver="full").fit(white).components_
        drawn = np.random.default_rng(self.random_state).normal(size=(white.shape[1], size))
        return np.linalg.qr(np.column_stack([first.T, drawn]))[0][:, :size].T
