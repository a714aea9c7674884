"""Accelerated projected gradient on the smoothed hinge: metric and multipliers within some percent, from nothing.

The hinge [h]_+ becomes  max over a in [0, 1] of  a h - width a (a / 2 - c),  a parabola of the given width between
h = -c width and h = (1 - c) width. Its slope gives multipliers alpha_t = mu clip(c + h_t / width, 0, 1), and the
smoothed problem has a dual of its own,

    max  (1 + c width) sum_t alpha_t - width / (2 mu) sum_t alpha_t^2     0 <= alpha_t <= mu,  P - sum_t alpha_t A_t PSD

so that a gap tells how near its optimum is. The centre c is the part of mu that multipliers are drawn to: 1/2 suits
data of which many multipliers reach mu, 0 those of which all stay far below. In whitened coordinates some dozen of
Nesterov's steps close the gap, where multipliers of this size suit the data (see `lmnn_sdp.solvers.widths`). Steps see
the listed triplets only; an impostor pass now and then renews the list. Hinges are linear in the metric, so that
Nesterov's extrapolated point costs no distances and need not be projected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import eigvalsh, metric_of, psd_factor, spectral_norm
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import factors
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.hinges import Hinges
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import best_listed_scale, unit_scale
from lmnn_sdp.proof.certificate import relative_gap
from lmnn_sdp.solvers.anchors import reach_of
from lmnn_sdp.solvers.monitor import Monitor

STEPS = 100  # at most, for a width
HOPELESS, ENOUGH = 0.5, 40  # gap that so many steps must have closed, or descent is given up
CHECK = 10  # steps after which the gap is looked at
REACHES = (1.0, 0.5, 0.25)  # triplets this far beyond their margin are in the first lists, and then in every list
LIVES = (6, 12, 20)  # steps that these lists serve: a rough metric moves far
FEW, LISTED = 20_000, 30.0  # points up to which a first list may be long; of more, triplets a point that it has
NEGLIGIBLE = 1e-6  # part of the largest eigenvalue of a metric that is cut
MANY = 2**22  # numbers in the rows of the listed edges from which on float32 saves time
RESOLVED = 1e-4  # error of a hinge at which it will do


@dataclass(frozen=True, eq=False)
class Place:
    """A symmetric matrix and the hinges of the listed triplets there."""

    M: FloatArray
    hinges: npt.NDArray[np.floating[Any]]

    def beyond(self, before: Place, share: float) -> Place:
        """Extrapolated from another place through this one."""
        step = np.asarray(share, self.hinges.dtype)
        return Place(self.M + share * (self.M - before.M), self.hinges + step * (self.hinges - before.hinges))


@dataclass(frozen=True, eq=False)
class SmoothedProblem:
    """The problem over listed triplets with hinges smoothed over a width.

    Attributes
    ----------
    problem : Problem
        In whitened coordinates.
    graph : TripletGraph
        The list.
    width, centre : float
    """

    problem: Problem
    graph: TripletGraph
    width: float
    centre: float

    def at(self, L: FloatArray) -> Place:
        """The place ``L'L``."""
        return Place(metric_of(L), self.graph.hinges(L))

    def value(self, place: Place) -> float:
        """The smoothed objective."""
        return self.value_on(place, self.caps)

    def value_on(self, place: Place, caps: FloatArray | float) -> float:
        """The same for a place with another list, whose multipliers have these caps."""
        share = self._share(place)
        push = capped(share * (place.hinges + self.width * (self.centre - share / 2)), caps)
        return float(np.sum(self.problem.cost * place.M)) + push

    def alpha(self, place: Place) -> FloatArray:
        """Multipliers of the listed triplets, shape (T,)."""
        return self.caps * self._share(place).astype(np.float64)

    def gradient(self, place: Place) -> FloatArray:
        """``P - sum_t alpha_t A_t``, shape (r, r)."""
        return self.problem.cost - self.graph.adjoint(self.alpha(place))

    def gap(self, place: Place, ahead: Place, gradient: FloatArray) -> float:
        """Relative gap from the metric of a place to the multipliers of another, in their best feasible scale."""
        value = self.value(place)
        if not value > 0:
            return 0.0
        alpha = self.alpha(ahead)
        top = float(np.max(eigvalsh(self.problem.cost - gradient, self.problem.cost)))
        total = (1 + self.centre * self.width) * float(np.sum(alpha))
        if isinstance(self.caps, float):
            square = self.width / self.caps * float(alpha @ alpha)
        else:
            square = self.width * float(alpha @ self._share(ahead))
        scale = min(1 / max(1.0, top), total / square if square > 0 else 1.0)
        return 1 - scale * (total - scale * square / 2) / value

    def error(self, place: Place, ahead: Place, gradient: FloatArray) -> float:
        """Relative gap of the problem itself over the list, each side in its best scale."""
        margins = 1 - place.hinges.astype(np.float64)
        scale = best_listed_scale(self.problem, place.M, margins, self.caps) or 1.0
        hinges = np.maximum(0, 1 - scale * margins)
        objective = scale * float(np.sum(self.problem.cost * place.M)) + capped(hinges, self.caps)
        top = float(np.max(eigvalsh(self.problem.cost - gradient, self.problem.cost)))
        return relative_gap(objective, float(np.sum(self.alpha(ahead))) / max(1.0, top))

    def left(self, place: Place) -> float:
        """Mean violation of the triplets between both ends of the smoothed part, weighted by multipliers."""
        alpha = self.alpha(place)
        between, total = alpha < self.caps, float(np.sum(alpha))
        return float(alpha[between] @ place.hinges[between]) / total if total > 0 else 0.0

    @cached_property
    def caps(self) -> FloatArray | float:
        """Largest multiplier of each listed triplet."""
        return self.problem.caps(self.graph.triplets)

    def _share(self, place: Place) -> npt.NDArray[np.floating[Any]]:
        """Multipliers over their caps, which are mu without weights."""
        return np.clip(self.centre + place.hinges / np.asarray(self.width, place.hinges.dtype), 0, 1)


def capped(values: npt.NDArray[np.floating[Any]], caps: FloatArray | float) -> float:
    """Sum of values, each times the cap of its triplet."""
    if isinstance(caps, float):
        return caps * float(np.sum(values, dtype=np.float64))
    return float(caps @ values)


@dataclass(frozen=True, eq=False)
class Smoothed:
    """Where a descent ended.

    Attributes
    ----------
    M : array, shape (r, r)
        Metric.
    graph : TripletGraph
        The triplets near or beyond their margin.
    width : float
        Of the smoothed hinge.
    alpha : array, shape (T,)
        Their multipliers.
    gap : float
        Relative duality gap of the smoothed problem.
    left : float
        Mean violation of the triplets between both ends of the smoothed part, weighted by multipliers.
    error : float
        Relative gap of the problem itself over the list, at the metric and the multipliers in their best scales.
    """

    M: FloatArray
    graph: TripletGraph
    width: float
    alpha: FloatArray
    gap: float
    left: float
    error: float


@dataclass
class _Best:
    """The best metric at which a list was made for a width, by the smoothed objective over all triplets."""

    value: float = math.inf
    L: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))


class Descent:
    """Nesterov's method with backtracking and restarts, on one list of triplets after another.

    Parameters
    ----------
    problem : Problem
        In whitened coordinates.
    M : array, shape (r, r)
        Where to begin.
    monitor : Monitor
        Tells when time is up.
    """

    def __init__(self, problem: Problem, M: FloatArray, monitor: Monitor) -> None:
        self.problem = problem
        self.monitor = monitor
        self._curvature = 1 / max(spectral_norm(M), unit_scale(problem))
        self._lists = 0
        self._full: TripletGraph
        self._graph: TripletGraph
        self._here: Place
        self._served = 0
        L = psd_factor(M, NEGLIGIBLE)
        reach = REACHES[0] if problem.n_points <= FEW else reach_of(problem, L, LISTED, REACHES[0])
        near = problem.hinges(L, reach)
        # below the lowest scale the list does not tell
        scale = max(best_listed_scale(problem, M, 1 - near.values, problem.caps(near.triplets)) or 1.0, 1 / (1 + reach))
        self._take(math.sqrt(scale) * L, near.triplets)

    def to(self, width: float, centre: float, accuracy: float) -> Smoothed:
        """Descend until the gap of the problem of this width is below the accuracy, or stays."""
        smoothed = SmoothedProblem(self.problem, self._graph, width, centre)
        before, momentum, last = self._here, 1.0, math.inf
        best = _Best()
        for step in range(1, STEPS + 1):
            if self._served >= LIVES[min(self._lists, len(LIVES)) - 1]:
                self._relist(width, centre, best)
                smoothed = SmoothedProblem(self.problem, self._graph, width, centre)
                before, momentum, last = self._here, 1.0, math.inf
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            ahead = self._here.beyond(before, (momentum - 1) / following)
            gradient = smoothed.gradient(ahead)
            before, self._here = self._here, self._stepped(smoothed, ahead, gradient)
            self._served += 1
            reached = smoothed.value(self._here)
            momentum = 1.0 if reached > last else following
            last = reached
            if self.monitor.out_of_time or step == STEPS:
                break
            if step % CHECK == 0:
                gap = smoothed.gap(self._here, ahead, gradient)
                if gap <= accuracy or (step >= ENOUGH and gap > HOPELESS):
                    break
        here = self._here
        gap, error = (measure(here, ahead, gradient) for measure in (smoothed.gap, smoothed.error))
        return Smoothed(here.M, self._full, width, smoothed.alpha(here), gap, smoothed.left(here), error)

    def _relist(self, width: float, centre: float, best: _Best) -> None:
        """List anew at the present metric; where the last list led astray go back to the best one, with both lists."""
        L = psd_factor(self._here.M, NEGLIGIBLE)
        near = self._near(self._here.M, width * centre)
        smoothed = SmoothedProblem(self.problem, self._full, width, centre)
        value = smoothed.value_on(Place(self._here.M, near.values), self.problem.caps(near.triplets))
        if value < best.value:
            best.value, best.L = value, L
            self._take(L, near.triplets)
        else:
            self._take(best.L, union(self.problem, self._full.triplets, near.triplets))

    def _near(self, M: FloatArray, smoothed: float) -> Hinges:
        """The triplets beyond their margin at M, within the smoothed part before it, or near that."""
        reach = max(REACHES[min(self._lists, len(REACHES) - 1)], smoothed + REACHES[-1])
        return self.problem.hinges(psd_factor(M, NEGLIGIBLE), reach)

    def _take(self, L: FloatArray, triplets: IntArray) -> None:
        """Go on from ``L'L`` with this list."""
        self._full = self.problem.graph(triplets)
        self._graph = self._full.single() if _resolved(self._full, L) else self._full
        self._here = Place(metric_of(L), self._graph.hinges(L))
        self._served = 0
        self._lists += 1

    def _stepped(self, smoothed: SmoothedProblem, ahead: Place, gradient: FloatArray) -> Place:
        """A projected gradient step, no longer than the curvature on the way allows."""
        value = smoothed.value(ahead)
        rounding = (1e-12 if ahead.hinges.dtype == np.float64 else 1e-6) * abs(value)
        self._curvature *= 0.7
        while True:
            there = smoothed.at(psd_factor(ahead.M - gradient / self._curvature, NEGLIGIBLE))
            move = there.M - ahead.M
            model = value + float(np.sum(gradient * move)) + self._curvature / 2 * float(np.sum(move**2))
            # also where a value is no number any more
            if not smoothed.value(there) > model + rounding or self.monitor.out_of_time:
                return there
            self._curvature *= 2


def union(problem: Problem, first: IntArray, second: IntArray) -> IntArray:
    """The triplets of both lists."""
    return problem.from_keys(np.union1d(problem.keys(first), problem.keys(second)))


def _resolved(graph: TripletGraph, L: FloatArray) -> bool:
    """Whether float32 saves time, and tells the hinges at ``L'L`` well enough."""
    if graph.starts[-1] * max(map(len, factors(L))) < MANY:
        return False
    return 2.0**-24 * graph.largest(L) < RESOLVED
