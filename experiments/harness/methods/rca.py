"""Relevant components analysis: what varies within the classes is noise, and is whitened.

Source: Shental, Hertz, Weinshall & Pavel (2002), Adjustment learning and relevant component analysis. The chunklets
are the classes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.methods.linear_map import LinearMap, centred_by_class, whitener
from lmnn_sdp.numerics.types import FloatArray


class RCA(LinearMap):
    """The map under which the covariance within classes is the identity."""

    def fit(self, X: FloatArray, y: npt.ArrayLike) -> RCA:
        """Whiten the covariance within classes."""
        within = centred_by_class(X, np.asarray(y))
        self.components_ = whitener(within.T @ within / len(X))
        return self
