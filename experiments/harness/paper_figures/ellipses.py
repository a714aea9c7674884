"""What a metric of the plane looks like: an ellipse."""

from __future__ import annotations

import numpy as np

from lmnn_sdp.numerics.types import FloatArray


def ellipse(M: FloatArray) -> tuple[float, float, float]:
    """What the map L does to the unit circle: both half axes, the longer first, and the degrees of that one.

    ``M = L'L`` leaves open how L turns its image; the symmetric L, the root of M, keeps it in the coordinates of the
    points. It takes the unit circle to an ellipse along the eigenvectors of M, whose half axes are the roots of the
    eigenvalues. The longer axis is the direction that the metric stretches most, from 0 to 180 degrees.
    """
    values, Q = np.linalg.eigh(M)
    short, long = np.sqrt(np.maximum(values, 0.0))
    return float(long), float(short), float(np.degrees(np.arctan2(Q[1, 1], Q[0, 1])) % 180)
