"""The reference solver: projected subgradient descent on M, as in the paper. Read this file first.

    G = P - mu sum_{t : hinge_t > 0} A_t               a subgradient of f at M      (paper, appendix A)
    M <- projection of M - step * G onto the PSD cone

The step grows by 1.01 when the objective fell and is halved when it rose. Left alone, that rule lets the step die
out before the optimum; so once it has fallen tenfold it starts again from 0.95 of where it last started.
The multipliers of the lower bound are the averages of mu * [hinge_t > 0] over the iterations, late ones
weighing more: for a subgradient method they converge to a dual solution.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice

import numpy as np
import scipy.sparse

from lmnn_sdp.numerics.linalg import psd_factor, psd_part
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.hinges import Hinges
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import euclidean_scale, unit_scale
from lmnn_sdp.solvers.monitor import Monitor, Start
from lmnn_sdp.solvers.solution import Status

GROW, SHRINK = 1.01, 0.5  # the paper's step rule
DIED_OUT, RESTART = 0.1, 0.95  # ours, see above
CHECK_EVERY = 50  # iterations between certificates
SMALLEST_STEP = 1e-9  # relative to the first
MAX_ITER = 10_000


def solve(problem: Problem, monitor: Monitor) -> Status:
    """Descend until the monitor says stop or the steps have died out; at most `MAX_ITER` iterations by default."""
    n = problem.n_points
    average = scipy.sparse.csr_array((1, n**3))  # multipliers, one column a triplet (i, j, l)
    best, best_objective = np.zeros_like(problem.cost), math.inf
    max_iter = monitor.max_iter or MAX_ITER
    if (start := monitor.start) is not None:  # the averaged multipliers may take long to prove what its own do
        stop = monitor.record(start.M, start.triplets, start.alpha, iteration=0, working_set=len(start.triplets))
        if stop is not None:
            return stop
    for iteration, (M, objective, hinges) in enumerate(islice(descend(problem, start), max_iter), start=1):
        if objective < best_objective:
            best, best_objective = M, objective
        keys = problem.keys(hinges.triplets)
        alpha = scipy.sparse.csr_array((np.full(len(keys), problem.mu), (np.zeros_like(keys), keys)), (1, n**3))
        average = average + 4 / (iteration + 3) * (alpha - average)
        if iteration % CHECK_EVERY == 0 or iteration == max_iter or monitor.out_of_time:
            triplets = problem.from_keys(average.indices)
            stop = monitor.record(best, triplets, average.data, iteration=iteration, working_set=len(triplets))
            if stop is not None:
                return stop
    return Status.MAX_ITER if iteration == max_iter else Status.STALLED


def descend(problem: Problem, start: Start | None = None) -> Iterator[tuple[FloatArray, float, Hinges]]:
    """Iterates of the method: metric, objective, and the triplets with a positive hinge."""
    M = euclidean_scale(problem) * np.eye(problem.n_features) if start is None else start.M
    first = longest = step = max(float(np.max(np.diag(M))), unit_scale(problem))
    last = math.inf
    while longest > SMALLEST_STEP * first:
        hinges = problem.hinges(psd_factor(M))
        objective = float(np.sum(problem.cost * M)) + problem.mu * float(np.sum(hinges.values))
        yield M, objective, hinges
        step *= GROW if objective < last else SHRINK
        last = objective
        if step < DIED_OUT * longest:
            longest = step = RESTART * longest
        G = problem.cost - problem.graph(hinges.triplets).adjoint(np.full(len(hinges.values), problem.mu))
        M = psd_part(M - step * G)
