"""A warm start from an earlier solution: of another mu, of other target neighbours, or of fewer or more points."""

from __future__ import annotations

import numpy as np

from lmnn_sdp.problem.whitening import Whitening
from lmnn_sdp.solvers.monitor import Start
from lmnn_sdp.solvers.solution import Solution


def warm_start(white: Whitening, solution: Solution) -> Start:
    """The solution in whitened coordinates, with the multipliers of those of its triplets that count here.

    Multipliers are scaled so that the largest is mu: those of violated triplets are.

    Raises
    ------
    ValueError
        If the solution is of data with other features.
    """
    d = len(white.T)
    if solution.L.shape[1] != d:
        raise ValueError(
            f"start is a metric on {solution.L.shape[1]} features, but the data have {d}; start from a solution on "
            "the same features"
        )
    counts = white.problem.counts(solution.triplets)
    alpha = solution.alpha[counts]
    scaled = alpha * (white.problem.mu / np.max(alpha, initial=np.finfo(float).tiny))
    L = solution.L @ white.V
    return Start(L.T @ L, solution.triplets[counts], scaled)
