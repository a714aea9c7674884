"""L-BFGS on factors of the metrics, over hinges that are smoothed: dF/dL = 2 L (P - sum_t alpha_t A_t) at M = L'L.

Several metrics have no coordinates in which steps on M suit all of them: within the classes distances are small, and
between them, which is what impostors are, a hundred times larger in some directions. Curvature on M then spans a factor
of 1e5, and projected steps that start at one metric for all end there. L-BFGS learns it, and on factors a metric that
must shrink does so at once. What is not convex in L did no harm where L has as many rows as the metric.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.optimize

from lmnn_sdp.numerics.linalg import eigh, metric_of, transpose
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.smoothing import Place, Smoothed, SmoothedProblem, union

STEPS = (6, 12, 25, 50, 50, 50, 50, 50)  # of L-BFGS on the lists of a width: a rough metric moves far
REACH = 0.25  # triplets this far beyond their smoothed part are listed
SETTLED = 1e-3  # part of the value that a list must bring, or the width is done
PAIRS = 20  # of steps and gradients that L-BFGS remembers
LEAST = 1e-5  # part of its largest eigenvalue that each direction of a metric has at first, to grow from


class FactorDescent:
    """Descent on the factors of several metrics, on one list of triplets after another.

    Parameters
    ----------
    problem : Problem
        With several metrics, each in its whitened coordinates.
    M : array, shape (B, r, r)
        Where to begin.
    monitor : Monitor
        Tells when time is up.
    """

    def __init__(self, problem: Problem, M: FloatArray, monitor: Monitor) -> None:
        self.problem = problem
        self.monitor = monitor
        self._L = _full_rank(M)
        self._last: IntArray = np.empty((0, 3), dtype=np.intp)

    def to(self, width: float, centre: float, accuracy: float) -> Smoothed:
        """Descend until the gap of the problem of this width is below the accuracy, or a new list brings no more."""
        smoothed = self._listed(width, centre)
        for steps in STEPS:
            before = smoothed.value(_place(smoothed, self._L))
            self._L = descended(smoothed, _full_rank(metric_of(self._L)), steps, lambda: self.monitor.out_of_time)
            after = smoothed.value(_place(smoothed, self._L))
            smoothed = self._listed(width, centre)  # what was reached is judged with the triplets near it
            here = _place(smoothed, self._L)
            settled = after >= (1 - SETTLED) * before and smoothed.value(here) <= (1 + SETTLED) * after
            if settled or smoothed.gap(here, here, smoothed.gradient(here)) <= accuracy or self.monitor.out_of_time:
                break
        gradient = smoothed.gradient(here)
        gap, error = (measure(here, here, gradient) for measure in (smoothed.gap, smoothed.error))
        return Smoothed(here.M, smoothed.graph, width, smoothed.alpha(here), gap, smoothed.left(here), error)

    def _listed(self, width: float, centre: float) -> SmoothedProblem:
        """The problem over the triplets near or beyond their margin at the present metrics, or at the last ones.

        On a list of the present ones alone metrics fall below the margins of those that went before.
        """
        near = self.problem.hinges(self._L, width * centre + REACH).triplets
        both, self._last = union(self.problem, self._last, near), near
        return SmoothedProblem(self.problem, self.problem.graph(both), width, centre)


def descended(
    smoothed: SmoothedProblem, L: FloatArray, steps: int, out_of_time: Callable[[], bool] = lambda: False
) -> FloatArray:
    """Some steps of L-BFGS on the smoothed objective of a list, from one factor or a stack of them."""

    def value(flat: FloatArray) -> tuple[float, FloatArray]:
        factor = flat.reshape(L.shape)
        place = _place(smoothed, factor)
        return smoothed.value(place), (2 * factor @ smoothed.gradient(place)).ravel()

    def stop(_: FloatArray) -> None:
        if out_of_time():
            raise StopIteration

    options = {"maxiter": steps, "maxcor": PAIRS}
    found = scipy.optimize.minimize(value, L.ravel(), jac=True, method="L-BFGS-B", callback=stop, options=options)
    return np.asarray(found.x, dtype=np.float64).reshape(L.shape)


def _full_rank(M: FloatArray) -> FloatArray:
    """Factors of about these metrics: from a direction without length L-BFGS never returns."""
    eigenvalues, Q = eigh(M)
    least = LEAST * np.maximum(eigenvalues[:, -1:], np.finfo(np.float64).tiny)
    return transpose(Q * np.sqrt(np.maximum(eigenvalues, least))[:, None, :])


def _place(smoothed: SmoothedProblem, L: FloatArray) -> Place:
    """The metrics of these factors, and the hinges of the listed triplets there."""
    return Place(metric_of(L), smoothed.graph.hinges(L))
