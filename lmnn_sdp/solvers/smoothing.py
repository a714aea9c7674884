"""Accelerated projected gradient on the smoothed hinge: metric and multipliers within a percent, from nothing.

The hinge [h]_+ becomes  max over a in [0, 1] of  a h - (width / 2) (a - 1/2)^2 + width / 8,  a parabola of the given
width around the kink. Its slope gives multipliers alpha_t = mu clip(1/2 + h_t / width, 0, 1) that tend to dual
feasible ones as the width shrinks. In whitened coordinates a dozen of Nesterov's steps settle each width.
Steps see the listed triplets only; an impostor pass now and then renews the list. Hinges are linear in the metric, so
Nesterov's extrapolated point costs no distances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lmnn_sdp.numerics.linalg import leading_factor, spectral_norm
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import best_listed_scale, first_metric, unit_scale
from lmnn_sdp.solvers.monitor import Monitor

WIDTHS = (1.0, 0.25, 0.06)
STEPS = 100  # at most, for each width
SETTLED = 2e-5  # relative fall of the smoothed objective over a step at which a width is done
REACH = 0.25  # triplets this far beyond the smoothed part are listed too
RELIST = (6, 18, 38, 58, 78)  # steps after which the list is renewed
NEGLIGIBLE = 1e-6  # part of the largest eigenvalue of the metric that is cut
RESOLVED = 1e-4  # error of a hinge at which float32 will do


@dataclass(frozen=True, eq=False)
class Listed:
    """The smoothed objective over listed triplets."""

    problem: Problem
    graph: TripletGraph
    full: TripletGraph
    width: float

    def at(self, M: FloatArray, L: FloatArray) -> Place:
        """The hinges of ``M = L'L``."""
        return Place(M, self.graph.hinges(L))

    def value(self, place: Place) -> float:
        """Smoothed objective."""
        share = self._share(place)
        push = float(np.sum(share * (place.hinges + self.width / 2 * (1 - share)), dtype=np.float64))
        return float(np.sum(self.problem.cost * place.M)) + self.problem.mu * push

    def alpha(self, place: Place) -> FloatArray:
        """Multipliers."""
        return self.problem.mu * self._share(place).astype(np.float64)

    def gradient(self, place: Place) -> FloatArray:
        """``P - sum_t alpha_t A_t``."""
        return self.problem.cost - self.graph.adjoint(self.alpha(place))

    def _share(self, place: Place) -> FloatArray:
        return np.clip(0.5 + place.hinges / self.width, 0, 1)


@dataclass(frozen=True, eq=False)
class Place:
    """A symmetric matrix and the hinges of listed triplets there."""

    M: FloatArray
    hinges: FloatArray

    def beyond(self, before: Place, share: float) -> Place:
        """Extrapolated from another place through this one."""
        return Place(
            self.M + share * (self.M - before.M),
            self.hinges + np.asarray(share, self.hinges.dtype) * (self.hinges - before.hinges),
        )


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Where a descent ended: the metric, the list and its multipliers."""

    M: FloatArray
    graph: TripletGraph
    alpha: FloatArray


def approach(problem: Problem, monitor: Monitor) -> Smoothed:
    """A metric near the optimum with its multipliers, from the better of a few Euclidean ones."""
    return descend(problem, first_metric(problem), WIDTHS, monitor)


def descend(problem: Problem, M: FloatArray, widths: tuple[float, ...], monitor: Monitor) -> Smoothed:
    """Nesterov's method with backtracking and restarts, for each width in turn."""
    curvature = 1 / max(spectral_norm(M), unit_scale(problem))
    for width in widths:
        last, momentum = math.inf, 1.0
        for step in range(STEPS):
            if step == 0 or step in RELIST:
                listed, here = _list(problem, M, width)
                before, last = here, math.inf
                momentum = 1.0
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            ahead = here.beyond(before, (momentum - 1) / following)
            value, gradient = listed.value(ahead), listed.gradient(ahead)
            curvature *= 0.7
            while True:
                L = leading_factor(ahead.M - gradient / curvature, NEGLIGIBLE)
                there = listed.at(L.T @ L, L)
                move = there.M - ahead.M
                model = value + float(np.sum(gradient * move)) + curvature / 2 * float(np.sum(move**2))
                reached = listed.value(there)
                if not reached > model + 1e-6 * abs(value):  # also where a value is no number any more
                    break
                curvature *= 2
            momentum = 1.0 if reached > last else following
            before, here = here, there
            M, fall, last = there.M, last - reached, reached
            if abs(fall) < SETTLED * last or monitor.out_of_time:
                break
    return Smoothed(M, listed.full, listed.alpha(here))


def _list(problem: Problem, M: FloatArray, width: float) -> tuple[Listed, Place]:
    """The triplets near or beyond their margin at M in its best scale, and their hinges there."""
    L = leading_factor(M, NEGLIGIBLE)
    slack = width / 2 + REACH
    near = problem.hinges(L, slack)
    scale = best_listed_scale(problem, M, 1 - near.values) or 1.0
    scale = max(scale, 1 / (1 + slack))
    graph = problem.graph(near.triplets)
    reach = float(np.max(np.sum(np.square(graph.X @ L.T), axis=1)))
    single = graph.single() if 2.0**-24 * scale * reach < RESOLVED else graph
    listed = Listed(problem, single, graph, width)
    L = math.sqrt(scale) * L
    return listed, listed.at(L.T @ L, L)
