"""Augmented Lagrangian with semismooth Newton steps: the structured solver, matrix-free in the triplets.

    L(M) = <P, M> + sum_t max over a in [0, mu] of { a h_t(M) - (a - alpha_t)^2 / (2 s) } + ||[Z - z M]_+||_F^2 / (2 z)

over free symmetric M, with hinges h_t = 1 - <A_t, M>, multipliers alpha of the hinges and Z of the PSD constraint.
Its gradient is P - sum_t a_t A_t - [Z - z M]_+ with a_t = clip(alpha_t + s h_t, 0, mu), and its generalised Hessian

    H = s sum_{t in J} A_t A_t' + z Omega

where J are the kinks, 0 < a_t < mu, and Omega is diagonal in the eigenbasis of Z - z M: 1 where both eigenvalues
are positive, 0 where both are negative, p / (p - q) for one positive p and one negative q. A round minimises L
roughly, then takes alpha <- a and Z <- [Z - z M]_+. Triplets near their margin are listed by impostor passes. Of
several metrics M and Z are stacks, one matrix each, which only the hinges join.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count

import numpy as np

from lmnn_sdp.numerics.linalg import assembled, eigh, eigvalsh, psd_factor, psd_part, spectral_norm, symmetrize
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.hinges import Hinges
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import best_listed_scale, best_scale_nearby, euclidean_scale, unit_scale
from lmnn_sdp.proof.certificate import relative_gap
from lmnn_sdp.solvers.diagonal_system import DiagonalSystem
from lmnn_sdp.solvers.first_metric import beats_euclidean, first_metric
from lmnn_sdp.solvers.monitor import Monitor, Start
from lmnn_sdp.solvers.newton_system import NewtonSystem, care
from lmnn_sdp.solvers.smoothing import Smoothed, capped
from lmnn_sdp.solvers.solution import Status
from lmnn_sdp.solvers.widths import OVERLAP, about_the_kink, by_trial

INNER = 0.2  # accuracy of a round, relative to the gap and to the norm of the cost
LOOSEST, TIGHTEST = 0.02, 1e-13  # accuracy of a round at most, gap below which it is not tightened
NARROWER = 0.25  # width that the first penalty stands for, over that of a trial
WIDTH = 0.06  # and where there is no smoothed problem
FURTHEST = 0.25  # hinge from which on a triplet that is new to a warm start has the multiplier mu
MAX_INNER = 30  # Newton steps of a round
LEFT_UNDONE, SOFTER = 2.0, 0.125  # accuracy missed by this factor, at which the penalties fall by that
SHORT, IN_A_ROW = 1e-3, 3  # so many steps below this length, over Newton's, tell that the hinges' penalty is too stiff
PSD_PENALTY = 128.0  # z at first, over that of a metric whose error of its own size moves Z by the cost
FAST, SLOW = 3, 8  # Newton steps of a round up to which the penalties grow much, and a little
MUCH, LITTLE = 2.0, 1.35
SLACK, LEAST_SLACK = 0.5, 0.05  # triplets this near their margin are listed at first, and at last
PASS = 0.4  # fall of the estimated gap, over the certified one, at which an impostor pass is worth its time
EVERY = 6  # rounds after which a pass is due, however little the listed gap fell
ARMIJO = 1e-4  # fall that a step must bring, over what the slope promises
SHORTEST, LONGEST = 1e-15, 1e15  # steps, over Newton's
MAX_FAILURES = 12  # passes in a row that narrow the interval by less than a hundredth
WARM = 1e-3  # gap of a warm start below which the penalties begin higher, by its third root
ASTRAY = 0.2  # certified gap of the first metric beyond which another is tried
MOST_TRIED = 10**7  # triplets of several metrics up to which a trial may list them all
FAR = 5e-3  # gap beyond which only the metric of a warm start is of use, and the smoothed problem finds multipliers


@dataclass(eq=False)
class Iterate:
    """State of the method: metric, listed triplets with hinges and multipliers, PSD multiplier, penalties."""

    M: FloatArray
    graph: TripletGraph
    hinges: FloatArray
    alpha: FloatArray
    Z: FloatArray
    s: float
    z: float


def solve(problem: Problem, monitor: Monitor) -> Status:
    """Rounds of the augmented Lagrangian until the certified gap is below the tolerance."""
    state, near = _begin(problem, monitor)
    estimate = _estimated_gap(problem, state)
    if problem.blocks is not None and estimate > ASTRAY:
        state.s, state.z = SOFTER * state.s, SOFTER * state.z
    # a first metric is certified at once; a near start is as good as certified, and soon better
    certified = estimate if near else math.inf
    slack, failures = SLACK, 0
    for iteration in count():
        due = iteration > 0 and iteration % EVERY == 0
        if due or estimate <= max(monitor.tol, PASS * certified) or monitor.out_of_time:
            if (stop := _record(monitor, state, iteration, slack)) is not None:
                return stop
            # without a lower bound both gaps are infinite, and nothing is gained
            failures = 0 if monitor.relative_gap < 0.99 * certified else failures + 1
            if failures == MAX_FAILURES:
                return Status.STALLED
            certified = monitor.relative_gap
            if monitor.near is None:  # distances have left the range of float64
                return Status.STALLED
            _relist(problem, state, monitor.near)
            if iteration == 0 and certified > ASTRAY and (problem.blocks is None or problem.n_triplets <= MOST_TRIED):
                state, estimate = _second(problem, state, monitor)
            slack = max(LEAST_SLACK, 0.8 * slack)
        steps = _minimise(problem, state, min(LOOSEST, INNER * max(estimate, TIGHTEST)), monitor)
        if not np.isfinite(state.M).all():  # the penalties have outgrown float64
            return Status.STALLED
        before, estimate = estimate, _estimated_gap(problem, state)
        growth = _growth(steps, estimate / before if before > 0 else 0.0)
        state.s *= growth
        state.z *= growth
    raise AssertionError("the loop never ends by itself")


def _growth(steps: int, fall: float) -> float:
    """Factor of the penalties after a round of so many steps that left this part of the estimated gap."""
    if steps >= MAX_INNER:
        return 1.0
    further = 1.0 if fall < 0.5 else 2.0 if fall < 0.8 else 4.0  # a round that gained little was too soft
    return (MUCH if steps <= FAST else LITTLE if steps <= SLOW else 1.0) * further


def _begin(problem: Problem, monitor: Monitor) -> tuple[Iterate, bool]:
    """The warm start, if it is near the optimum; else what the smoothed problem finds from its metric, or the first."""
    if monitor.start is None or not beats_euclidean(problem, monitor.start.M):
        return _from_nothing(problem, monitor), False
    M, graph, alpha = _adapted(problem, monitor.start)
    gap = _estimated_gap(problem, _iterate(problem, M, graph, alpha, WIDTH, 1.0))
    if gap > FAR:
        return _first(problem, M, monitor, OVERLAP[1:]), False  # it is learned already
    # the nearer the optimum, the further the penalties had come
    advance = max(1.0, math.cbrt(WARM / max(gap, TIGHTEST)))
    return _iterate(problem, M, graph, alpha, WIDTH, advance), True


def _from_nothing(problem: Problem, monitor: Monitor) -> Iterate:
    """From the first metric; several metrics begin at what is best for a single one."""
    if problem.blocks is None:
        return _first(problem, first_metric(problem, monitor), monitor, OVERLAP)
    single = about_the_kink(problem.alone, first_metric(problem.alone, monitor), monitor)
    M = problem.blocks.inward(np.stack([single.M] * len(problem.blocks)))
    return _first(problem, M, monitor, OVERLAP)


def _first(problem: Problem, M: FloatArray, monitor: Monitor, widths: tuple[float, ...]) -> Iterate:
    """Metric and both multipliers from the smoothed problem; the metric alone where time is up before."""
    if monitor.out_of_time:
        return _iterate(problem, M, problem.graph(np.empty((0, 3), dtype=np.intp)), np.empty(0), WIDTH, 1.0)
    # a descent that ended at a wide width has penalties that are too soft
    return _smoothed(problem, about_the_kink(problem, M, monitor, widths), OVERLAP[-1] / widths[-1])


def _second(problem: Problem, state: Iterate, monitor: Monitor) -> tuple[Iterate, float]:
    """Where the first metric is far from optimal: the better of it and of one by trial, with its estimated gap."""
    # several metrics begin where they are: the Euclidean one lists far too many triplets
    M = euclidean_scale(problem) * problem.identity if problem.blocks is None else psd_part(state.M)
    other = _smoothed(problem, by_trial(problem, M, monitor), NARROWER)
    gaps = [_estimated_gap(problem, each) for each in (state, other)]
    return (state, gaps[0]) if gaps[0] <= gaps[1] else (other, gaps[1])


def _smoothed(problem: Problem, found: Smoothed, narrower: float) -> Iterate:
    """Where descent on the smoothed problem ended, in its best scale; penalties of a width narrower by this factor."""
    M = (
        best_listed_scale(problem, found.M, found.graph.margins(found.M), problem.caps(found.graph.triplets)) or 1.0
    ) * found.M
    return _iterate(problem, M, found.graph, found.alpha, narrower * found.width, 1.0)


def _adapted(problem: Problem, start: Start) -> tuple[FloatArray, TripletGraph, FloatArray]:
    """The start's metric in its best scale, the triplets near their margin there, and their multipliers.

    Triplets that are new to the start get multipliers from their hinges.
    """
    M = start.M
    near = problem.hinges(psd_factor(M), SLACK)
    scale = best_listed_scale(problem, M, 1 - near.values, problem.caps(near.triplets))
    if scale is not None:
        M = scale * M
    elif M.any():  # far too large: no triplet is near its margin
        M = best_scale_nearby(problem, M) * M
        near = problem.hinges(psd_factor(M), SLACK)
    order = np.argsort(problem.keys(near.triplets))
    graph = problem.graph(near.triplets[order])
    keys, hinges = problem.keys(graph.triplets), 1 - graph.margins(M)
    alpha = problem.caps(graph.triplets) * np.clip(hinges / FURTHEST, 0, 1)
    known = np.isin(problem.keys(start.triplets), keys)
    alpha[np.searchsorted(keys, problem.keys(start.triplets[known]))] = start.alpha[known]
    return M, graph, alpha


def _iterate(
    problem: Problem, M: FloatArray, graph: TripletGraph, alpha: FloatArray, width: float, advance: float
) -> Iterate:
    """Multiplier Z and penalties that go with a metric and multipliers."""
    s = advance * problem.mu * problem.mean_weight / width
    z = advance * _psd_penalty(problem, M)
    return Iterate(M, graph, 1 - graph.margins(M), alpha, psd_part(problem.cost - graph.adjoint(alpha)), s, z)


def _psd_penalty(problem: Problem, M: FloatArray) -> float:
    """First penalty of the PSD constraint where the metric is of this size; it may be zero."""
    return PSD_PENALTY / max(spectral_norm(M), unit_scale(problem))


def _record(monitor: Monitor, state: Iterate, iteration: int, slack: float) -> Status | None:
    """Certify, in the best scale; the same pass lists the triplets near their margin."""
    triplets = state.graph.triplets
    M = _best_scale(monitor.problem, state, psd_part(state.M)) * state.M
    return monitor.record(M, triplets, state.alpha, iteration=iteration, working_set=len(triplets), slack=slack)


def _best_scale(problem: Problem, state: Iterate, M: FloatArray) -> float:
    """Scale at which the PSD metric M is best over the listed triplets.

    Where thousands of hinges are met up to rounding only, it lifts them all over their margin at no cost to speak of.
    """
    return best_listed_scale(problem, M, state.graph.margins(M), problem.caps(state.graph.triplets)) or 1.0


def _relist(problem: Problem, state: Iterate, near: Hinges) -> None:
    """List the triplets near or beyond their margin at the certified metric, and those with a multiplier."""
    used = state.alpha > 0
    kept, alpha = problem.keys(state.graph.triplets[used]), state.alpha[used]
    keys = np.union1d(problem.keys(near.triplets), kept)
    state.graph = problem.graph(problem.from_keys(keys))
    state.alpha = np.zeros(len(keys))
    state.alpha[np.searchsorted(keys, kept)] = alpha
    state.hinges = 1 - state.graph.margins(state.M)


def _estimated_gap(problem: Problem, state: Iterate) -> float:
    """Relative gap over the listed triplets, as if no other counted."""
    M = psd_part(state.M)
    margins = state.graph.margins(M)
    caps = problem.caps(state.graph.triplets)
    scale = best_listed_scale(problem, M, margins, caps) or 1.0
    hinges = 1 - scale * margins
    violated = hinges > 0
    push = capped(hinges[violated], caps if isinstance(caps, float) else caps[violated])
    objective = scale * float(np.sum(problem.cost * M)) + push
    top = float(np.max(eigvalsh(state.graph.adjoint(state.alpha), problem.cost)))
    return relative_gap(objective, float(np.sum(state.alpha)) / max(1.0, top))


def _minimise(problem: Problem, state: Iterate, accuracy: float, monitor: Monitor) -> int:
    """Newton steps until the gradient is below ``accuracy`` times the cost, then both multipliers; how many steps.

    A round that is far from done after the last step, or whose steps stay short, for kinks that Newton does not see
    stand in its way, has penalties too stiff for Newton. Its multipliers would be no better than those it began with:
    these stay, and the penalties fall; it counts as `MAX_INNER` steps.
    """
    caps = problem.caps(state.graph.triplets)
    short = 0
    for steps in range(MAX_INNER + 1):
        a = np.clip(state.alpha + state.s * state.hinges, 0, caps)
        W = symmetrize(state.Z - state.z * state.M)
        eigenvalues, Q = eigh(W)
        Z = assembled(np.maximum(eigenvalues, 0), Q)
        gradient = problem.cost - state.graph.adjoint(a) - Z
        error = _size(gradient) / _size(problem.cost)
        if error <= accuracy or steps == MAX_INNER or short == IN_A_ROW or monitor.out_of_time:
            break
        kinks = np.flatnonzero((a > 0) & (a < caps))
        careful = care(eigenvalues)
        # the damping fades with the gradient, and holds where there are too few kinks
        damping = max(1e-12, careful * min(1e-3, 0.1 * error))
        enough = careful * min(0.1, max(1e-3, error))
        kind = DiagonalSystem if problem.diagonal else NewtonSystem
        system = kind.of(state.graph, kinks, Q, eigenvalues, state.s, state.z, damping, enough)
        D = system.solve(gradient, lambda: monitor.out_of_time)
        change = -state.graph.margins(D)
        step = _line_search(problem, state, W, D, change, float(np.sum(gradient * D)), monitor)
        state.M = state.M + step * D
        state.hinges = state.hinges + step * change
        short = short + 1 if step < SHORT else 0
    if error <= LEFT_UNDONE * accuracy or monitor.out_of_time:
        state.alpha, state.Z = a, symmetrize(Z)
        return steps
    state.s *= SOFTER
    if short < IN_A_ROW:
        # a metric that grew a thousandfold since z was set has a z a thousand times too stiff
        state.z = min(SOFTER * state.z, _psd_penalty(problem, psd_part(state.M)))
    return MAX_INNER


def _size(A: FloatArray) -> float:
    """Frobenius norm; of several metrics the largest spectral norm, for the worst of them decides on the bound."""
    return spectral_norm(A) if A.ndim == 3 else float(np.linalg.norm(A))


def _line_search(
    problem: Problem, state: Iterate, W: FloatArray, D: FloatArray, change: FloatArray, slope: float, monitor: Monitor
) -> float:
    """The step along D, a power of two times 1, at which the augmented Lagrangian is least, or 1 where that is enough.

    Hinges are linear along D, so a trial is cheap. Where all hinges are far from their kinks, Newton's model knows no
    curvature but the damping, and the best step may be very short or very long.
    """
    caps = problem.caps(state.graph.triplets)

    def value(step: float) -> float:
        hinges = state.hinges + step * change
        a = np.clip(state.alpha + state.s * hinges, 0, caps)
        penalty = np.maximum(eigvalsh(W - step * state.z * D), 0)
        return float(
            step * np.sum(problem.cost * D)
            + np.sum(a * hinges - (a - state.alpha) ** 2 / (2 * state.s))
            + np.sum(penalty**2) / (2 * state.z)
        )

    begin = value(0.0)
    step, least = 1.0, value(1.0)
    factor = 2.0 if least <= begin + ARMIJO * slope else 0.5
    while SHORTEST < step < LONGEST and not monitor.out_of_time:
        trial = value(factor * step)
        if trial >= least and (factor > 1 or least <= begin + ARMIJO * step * slope + 1e-12 * abs(begin)):
            break
        step, least = factor * step, trial
    return step
