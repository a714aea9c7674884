"""The paper's own solver (Appendix A) in its plainest form: projected sub-gradient steps from the Euclidean metric.

    M <- [M - step (P - mu sum over violated t of A_t)]_+      M = I at first

in the units of the data. A step is kept and the next made 1.01 times as long where the objective falls, else undone and
halved. The gradient is exact in every step, which only the small data sets afford.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lmnn_sdp import Problem
from lmnn_sdp.numerics.linalg import psd_factor, psd_part
from lmnn_sdp.numerics.types import FloatArray

GROWTH, SHRINKAGE = 1.01, 0.5
FIRST_STEP = 1e-9  # of the code that the authors released


def descent(problem: Problem, steps: int) -> Iterator[FloatArray]:
    """The metric after each step, shape (d, d)."""
    M = np.eye(problem.n_features)
    step = FIRST_STEP
    value, gradient = _value_and_gradient(problem, M)
    for _ in range(steps):
        trial = psd_part(M - step * gradient)
        reached, slope = _value_and_gradient(problem, trial)
        if reached < value:
            M, value, gradient, step = trial, reached, slope, GROWTH * step
        else:
            step *= SHRINKAGE
        yield M


def _value_and_gradient(problem: Problem, M: FloatArray) -> tuple[float, FloatArray]:
    """Objective over all triplets, and a sub-gradient."""
    violated = problem.hinges(psd_factor(M))
    graph = problem.graph(violated.triplets)
    gradient = problem.cost - graph.adjoint(problem.mu * np.ones(len(violated.triplets)))
    return float(np.sum(problem.cost * M)) + problem.mu * float(np.sum(violated.values)), gradient
