"""The learned distance as a function of two points, for whoever takes a metric as a function."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy.typing as npt

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.validation import check_point


@dataclass(frozen=True, eq=False)
class LearnedDistance:
    """The distance ``||L (a - b)||`` of two points.

    Attributes
    ----------
    components : ndarray of shape (r, d)
        The map L.
    """

    components: FloatArray

    def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike, squared: bool = False) -> float:
        """Distance of a and b, or its square.

        Parameters
        ----------
        a : array-like of shape (d,) or (1, d)
            A point.
        b : array-like of shape (d,) or (1, d)
            Another one.
        squared : bool, default=False
            Whether to give the square.

        Returns
        -------
        float
            The distance in the units of the learned metric, never negative.

        Raises
        ------
        ValueError
            If a or b is no single point of d finite numbers.
        """
        d = self.components.shape[1]
        difference = self.components @ (check_point(a, "a", d) - check_point(b, "b", d))
        square = float(difference @ difference)
        return square if squared else math.sqrt(square)
