"""Which solver fits a number of points and features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lmnn_sdp.analysis.diagnosis.trials import Trial

GROWTH = 1.0  # seconds of a full fit grow with that power of the points or slower (experiments/scaling.py: 0.6 to 0.8)
PATIENCE = 600.0  # seconds that a fit may take before a descent on samples is named instead
MANY_FEATURES = 300  # from which d x d eigenvalues and systems take most of the time


@dataclass(frozen=True)
class Fit:
    """What a full fit on all points would take.

    Attributes
    ----------
    seconds : float or None
        Predicted from the fits of the race; None where none was timed.
    method : {"full", "reduced", "stochastic", "unknown"}
    """

    seconds: float | None
    method: str

    @property
    def sentence(self) -> str:
        """For the user."""
        if self.seconds is None:
            return "No full fit was timed, so its time on all points is unknown."
        told = f"A full fit on all points would take some {self.seconds:.2g} s"
        if self.method == "full":
            return f"{told}: use LMNN, which proves its optimum."
        if self.method == "reduced":  # not by LowRankLMNN, which solves the full problem first
            return f"{told}, most of it for the many features: PCA to a hundred of them first, then LMNN."
        return f"{told}: StochasticLMNN descends on samples instead, and objective_interval tells how far it came."

    def summary(self) -> dict[str, Any]:
        """For JSON."""
        return {"full_fit_seconds": self.seconds, "method": self.method}


def suited(n: int, d: int, full: Trial | None) -> Fit:
    """The solver for n points with d features, from the times of the full fits."""
    if full is None or not full.judged:
        return Fit(None, "unknown")
    seconds = float(np.mean(full.seconds)) * (n / full.n_train) ** GROWTH
    if seconds <= PATIENCE:
        return Fit(seconds, "full")
    return Fit(seconds, "reduced" if d > MANY_FEATURES and n <= 100_000 else "stochastic")
