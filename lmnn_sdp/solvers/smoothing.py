"""Accelerated projected gradient on the smoothed hinge: metric and multipliers within a percent, from nothing.

The hinge [h]_+ becomes  max over a in [0, 1] of  a h - (width / 2) (a - 1/2)^2 + width / 8,  a parabola of the given
width around the kink. Its slope gives multipliers alpha_t = mu clip(1/2 + h_t / width, 0, 1) that tend to dual
feasible ones as the width shrinks. In whitened coordinates a dozen of Nesterov's steps settle each width.
Steps see the listed triplets only; an impostor pass now and then renews the list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lmnn_sdp.numerics.linalg import psd_factor, psd_part, spectral_norm
from lmnn_sdp.numerics.sampling import stratified_rows
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.neighbors import target_neighbors
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import best_scale_nearby, euclidean_scale, unit_scale
from lmnn_sdp.solvers.monitor import Monitor

WIDTHS = (1.0, 0.25, 0.06)
STEPS = 100  # at most, for each width
SETTLED = 2e-5  # relative fall of the smoothed objective over a step at which a width is done
REACH = 0.25  # triplets this far beyond the smoothed part are listed too
RELIST = 20  # steps that a list serves
SUBSET = 2500  # points of the first subset
GROWTH = 5  # each subset is larger by this factor


@dataclass(frozen=True, eq=False)
class Smoothed:
    """The smoothed objective over listed triplets, at a metric."""

    problem: Problem
    graph: TripletGraph
    value: float
    alpha: FloatArray

    @staticmethod
    def at(problem: Problem, graph: TripletGraph, M: FloatArray, width: float) -> Smoothed:
        """Value and multipliers."""
        hinges = 1 - graph.margins(M)
        share = np.clip(0.5 + hinges / width, 0, 1)
        push = float(np.sum(share * (hinges + width / 2 * (1 - share))))
        return Smoothed(problem, graph, float(np.sum(problem.cost * M)) + problem.mu * push, problem.mu * share)

    def gradient(self) -> FloatArray:
        """``P - sum_t alpha_t A_t``."""
        return self.problem.cost - self.graph.adjoint(self.alpha)


def approach(problem: Problem, monitor: Monitor) -> tuple[FloatArray, Smoothed]:
    """A metric near the optimum with its multipliers, through nested subsets when there are many points."""
    M = np.zeros_like(problem.cost)
    widths: tuple[float, ...] = WIDTHS
    for part in [*_subsets(problem), problem]:
        M = best_scale_nearby(part, M) * M if M.any() else euclidean_scale(part) * np.eye(len(M))
        M, near = descend(part, M, widths, monitor)
        widths = WIDTHS[1:]
    return M, near


def descend(
    problem: Problem, M: FloatArray, widths: tuple[float, ...], monitor: Monitor
) -> tuple[FloatArray, Smoothed]:
    """Nesterov's method with backtracking and restarts, for each width in turn."""
    curvature = 1 / max(spectral_norm(M), unit_scale(problem))
    for width in widths:
        last, ahead, momentum = math.inf, M, 1.0
        for step in range(STEPS):
            if step % RELIST == 0:
                graph = problem.graph(problem.hinges(psd_factor(M), width / 2 + REACH).triplets)
                last = math.inf
            here = Smoothed.at(problem, graph, ahead, width)
            gradient = here.gradient()
            curvature *= 0.7
            while True:
                new = psd_part(ahead - gradient / curvature)
                move = new - ahead
                there = Smoothed.at(problem, graph, new, width)
                model = here.value + float(np.sum(gradient * move)) + curvature / 2 * float(np.sum(move**2))
                if not there.value > model + 1e-12 * abs(here.value):  # also where a value is no number any more
                    break
                curvature *= 2
            if there.value > last:
                momentum = 1.0
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            ahead = psd_part(new + (momentum - 1) / following * (new - M))
            M, momentum, fall = new, following, last - there.value
            last = there.value
            if abs(fall) < SETTLED * last or monitor.out_of_time:
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
