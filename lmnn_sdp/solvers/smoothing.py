"""Accelerated projected gradient on the smoothed hinge: metric and multipliers within a percent, from nothing.

The hinge [h]_+ becomes  max over a in [0, 1] of  a h - (width / 2) (a - 1/2)^2 + width / 8,  a parabola of the given
width around the kink. Its slope gives multipliers alpha_t = mu clip(1/2 + h_t / width, 0, 1) that tend to dual
feasible ones as the width shrinks. In whitened coordinates a dozen of Nesterov's steps settle each width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lmnn_sdp._typing import FloatArray, IntArray
from lmnn_sdp.linalg import psd_factor, psd_part
from lmnn_sdp.neighbors import target_neighbors
from lmnn_sdp.problem import Problem
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.projected_gradient import best_scale, unit_scale

WIDTHS = (2.0, 1.0, 0.5, 0.25)
STEPS = 30  # at most, for each width
SETTLED = 1e-4  # relative fall of the smoothed objective over a step at which a width is done
SUBSET = 2500  # points of the first subset
GROWTH = 5  # each subset is larger by this factor


@dataclass(frozen=True, eq=False)
class Smoothed:
    """The smoothed objective at a metric: value, subgradient and the multipliers it comes from."""

    value: float
    gradient: FloatArray
    triplets: IntArray
    alpha: FloatArray


def approach(problem: Problem, monitor: Monitor) -> tuple[FloatArray, Smoothed]:
    """A metric near the optimum with its multipliers, through nested subsets when there are many points."""
    M = best_scale(problem) * np.eye(problem.n_features)
    widths: tuple[float, ...] = WIDTHS
    for subset in _subsets(problem):
        scale = best_scale_along(subset, M)
        M = descend(subset, scale * M, widths, monitor)
        widths = WIDTHS[1:]
    M = best_scale_along(problem, M) * M
    M = descend(problem, M, widths, monitor)
    return M, smoothed(problem, M, widths[-1])


def descend(problem: Problem, M: FloatArray, widths: tuple[float, ...], monitor: Monitor) -> FloatArray:
    """Nesterov's method with backtracking and restarts, for each width in turn."""
    curvature = 1 / max(float(np.linalg.norm(M, 2)), unit_scale(problem))
    for width in widths:
        last, ahead, momentum = math.inf, M, 1.0
        for _ in range(STEPS):
            if monitor.out_of_time:
                return M
            here = smoothed(problem, ahead, width)
            curvature *= 0.7
            while True:
                new = psd_part(ahead - here.gradient / curvature)
                step = new - ahead
                there = smoothed(problem, new, width)
                model = here.value + float(np.sum(here.gradient * step)) + curvature / 2 * float(np.sum(step**2))
                if there.value <= model + 1e-12 * abs(here.value):
                    break
                curvature *= 2
            if there.value > last:
                momentum = 1.0
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            ahead = psd_part(new + (momentum - 1) / following * (new - M))
            M, momentum, fall = new, following, last - there.value
            last = there.value
            if abs(fall) < SETTLED * last:
                break
    return M


def smoothed(problem: Problem, M: FloatArray, width: float) -> Smoothed:
    """Smoothed objective, gradient and multipliers at a PSD metric."""
    mu = problem.mu
    hinges = problem.hinges(psd_factor(M), slack=width / 2)
    share = np.clip(0.5 + hinges.values / width, 0, 1)
    push = float(np.sum(share * hinges.values - width / 2 * (share - 0.5) ** 2 + width / 8))
    gradient = problem.cost - problem.adjoint(hinges.triplets, mu * share)
    return Smoothed(float(np.sum(problem.cost * M)) + mu * push, gradient, hinges.triplets, mu * share)


def best_scale_along(problem: Problem, M: FloatArray) -> float:
    """Scale c at which ``f(c M)`` is least, to an eighth of an octave; f is convex in c."""
    L = psd_factor(M)
    scale, value = 1.0, problem.value(L)
    for factor in (2.0, 0.5, 2**0.25, 2**-0.25, 2**0.125, 2**-0.125):
        while (candidate := problem.value(math.sqrt(factor * scale) * L)) < value:
            scale, value = factor * scale, candidate
    return scale


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
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(problem.codes == code) for code in np.unique(problem.codes)]
    share = size / problem.n_points
    chosen = np.sort(np.concatenate([rng.permutation(m)[: math.ceil(share * len(m))] for m in members]))
    X, codes = problem.X[chosen], problem.codes[chosen]
    if np.min(np.unique(codes, return_counts=True)[1]) <= problem.n_neighbors:
        return None
    targets = target_neighbors(X, codes, problem.n_neighbors)
    R = problem.R * share
    return replace(problem, X=X, y=problem.y[chosen], codes=codes, targets=targets, R=R)
