"""Early stopping: the metric of a solve that classifies points held out the best, and when to look no further."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.solvers.solution import LiveRow


class EarlyStopping:
    """A callback that counts the errors on held-out points after each round, and stops where they stay.

    What early stopping buys is time, and sometimes error: a metric short of the optimum may generalise better. The
    interval of the solve is still proved, and as wide as the stop left it.

    Parameters
    ----------
    held_out_error : callable
        Takes a map of shape (r, d), or the stack (B, r, d) of several metrics, and returns the share of the held-out
        points that are misclassified under it.
    patience : int
        Rounds without a lower error after which to stop.

    Attributes
    ----------
    errors : list of float
        Share of the held-out points that are misclassified after each round.
    best : ndarray of shape (r, d) or (B, r, d), or None
        The map of the first round of least error.
    """

    def __init__(self, held_out_error: Callable[[FloatArray], float], patience: int = 3) -> None:
        self.errors: list[float] = []
        self.best: FloatArray | None = None
        self._held_out_error, self._patience = held_out_error, patience

    def __call__(self, row: LiveRow) -> bool:
        """Count the errors of the metric of a row; true to stop."""
        L = row.metric()
        error = self._held_out_error(L)
        if error < min(self.errors, default=math.inf):
            self.best = L
        self.errors.append(error)
        return len(self.errors) - 1 - int(np.argmin(self.errors)) >= self._patience
