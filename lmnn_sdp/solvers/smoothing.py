"""Accelerated projected gradient on the smoothed hinge: metric and multipliers within some percent, from nothing.

The hinge [h]_+ becomes  max over a in [0, 1] of  a h - (width / 2) a^2,  a parabola from 0 to the given width. Its
slope gives multipliers alpha_t = mu clip(h_t / width, 0, 1), and the smoothed problem has a dual of its own,

    max  sum_t alpha_t - width / (2 mu) sum_t alpha_t^2      0 <= alpha_t <= mu,  P - sum_t alpha_t A_t PSD

so that a gap tells how near its optimum is. In whitened coordinates some dozen of Nesterov's steps close it, where
multipliers of this size suit the data (see `lmnn_sdp.solvers.widths`). Steps see the listed triplets only; an impostor
pass now and then renews the list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lmnn_sdp.numerics.linalg import eigvalsh, psd_factor, psd_part, spectral_norm
from lmnn_sdp.numerics.sampling import stratified_rows
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.neighbors import target_neighbors
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import best_scale_nearby, euclidean_scale, unit_scale
from lmnn_sdp.solvers.monitor import Monitor

WIDTHS = (1.0, 0.25)  # on subsets
STEPS = 100  # at most
SETTLED = 0.1  # relative gap of the smoothed problem at which descent has settled
HOPELESS, ENOUGH = 0.5, 40  # gap that so many steps must have closed, or descent is given up
REACH = 0.25  # triplets this far beyond their margin are listed too
RELIST, CHECK = 20, 10  # steps that a list serves, and after which the gap is looked at
SUBSET = 2500  # points of the first subset
GROWTH = 5  # each subset is larger by this factor


@dataclass(frozen=True, eq=False)
class Smoothed:
    """The smoothed objective over listed triplets, at a metric."""

    problem: Problem
    graph: TripletGraph
    width: float
    value: float
    hinges: FloatArray
    alpha: FloatArray

    @staticmethod
    def at(problem: Problem, graph: TripletGraph, M: FloatArray, width: float) -> Smoothed:
        """Value and multipliers."""
        hinges = 1 - graph.margins(M)
        share = np.clip(hinges / width, 0, 1)
        push = float(np.sum(share * (hinges - width / 2 * share)))
        value = float(np.sum(problem.cost * M)) + problem.mu * push
        return Smoothed(problem, graph, width, value, hinges, problem.mu * share)

    def gradient(self) -> FloatArray:
        """``P - sum_t alpha_t A_t``."""
        return self.problem.cost - self.graph.adjoint(self.alpha)

    def gap(self) -> float:
        """Relative duality gap of the smoothed problem, at the multipliers in their best feasible scale."""
        if not self.value > 0:
            return 0.0
        top = float(eigvalsh(self.graph.adjoint(self.alpha), self.problem.cost)[-1])
        total, square = float(np.sum(self.alpha)), self.width / self.problem.mu * float(self.alpha @ self.alpha)
        scale = min(1 / max(1.0, top), total / square if square > 0 else 1.0)
        return 1 - scale * (total - scale * square / 2) / self.value

    def left(self) -> float:
        """Mean violation of the triplets between both ends of the smoothed part, weighted by multipliers."""
        between = self.alpha < self.problem.mu
        total = float(np.sum(self.alpha))
        return float(self.alpha[between] @ self.hinges[between]) / total if total > 0 else 0.0


def first_metric(problem: Problem, monitor: Monitor) -> FloatArray:
    """A metric to begin with: Euclidean, or learned on nested subsets where there are many points."""
    M = np.zeros_like(problem.cost)
    for part in _subsets(problem):
        M = _rescaled(part, M)
        for width in WIDTHS:
            M, _ = descend(part, M, width, monitor)
    return _rescaled(problem, M)


def _rescaled(problem: Problem, M: FloatArray) -> FloatArray:
    """The metric in its best scale; the Euclidean one for zero."""
    return best_scale_nearby(problem, M) * M if M.any() else euclidean_scale(problem) * np.eye(len(M))


def descend(problem: Problem, M: FloatArray, width: float, monitor: Monitor) -> tuple[FloatArray, Smoothed]:
    """Nesterov's method with backtracking and restarts, until the gap of the smoothed problem is small or stays."""
    curvature = 1 / max(spectral_norm(M), unit_scale(problem))
    ahead = M
    for step in range(1, STEPS + 1):
        if step % RELIST == 1:
            graph = problem.graph(problem.hinges(psd_factor(M), REACH).triplets)
            last, momentum = math.inf, 1.0
        here = Smoothed.at(problem, graph, ahead, width)
        gradient = here.gradient()
        curvature *= 0.7
        while True:
            new = psd_part(ahead - gradient / curvature)
            move = new - ahead
            there = Smoothed.at(problem, graph, new, width)
            model = here.value + float(np.sum(gradient * move)) + curvature / 2 * float(np.sum(move**2))
            # also where a value is no number any more
            if not there.value > model + 1e-12 * abs(here.value) or monitor.out_of_time:
                break
            curvature *= 2
        if there.value > last:
            momentum = 1.0
        following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = psd_part(new + (momentum - 1) / following * (new - M))
        M, momentum, last = new, following, there.value
        if step % CHECK == 0:
            gap = there.gap()
            if gap <= SETTLED or (step >= ENOUGH and gap > HOPELESS):
                break
        if monitor.out_of_time:
            break
    return M, there


def _subsets(problem: Problem) -> list[Problem]:
    """Nested random parts of the points, each with target neighbours of its own, smallest first."""
    sizes = []
    size = problem.n_points // GROWTH
    while problem.working_set is None and size >= SUBSET // GROWTH and problem.n_points > SUBSET:
        sizes.append(size)
        if size <= SUBSET:
            break
        size //= GROWTH
    return [part for size in reversed(sizes) if (part := _part(problem, size)) is not None]


def _part(problem: Problem, size: int) -> Problem | None:
    """A stratified part with as many points as asked for; None where a class would be too small."""
    chosen = stratified_rows(problem.codes, size)
    X, codes = problem.X[chosen], problem.codes[chosen]
    if np.min(np.unique(codes, return_counts=True)[1]) <= problem.n_neighbors:
        return None
    targets = target_neighbors(X, codes, problem.n_neighbors)
    R = problem.R * (size / problem.n_points)
    return replace(problem, X=X, y=problem.y[chosen], codes=codes, targets=targets, R=R)
