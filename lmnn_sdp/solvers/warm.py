"""A warm start from an earlier solution: of another mu, of other target neighbours, or of fewer or more points."""

from __future__ import annotations

import numpy as np

from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.problem.whitening import Whitening
from lmnn_sdp.solvers.monitor import Start
from lmnn_sdp.solvers.saved_arrays import check_arrays
from lmnn_sdp.solvers.solution import Solution


def check_start(start: object) -> None:
    """A solution, or None."""
    if start is not None and not isinstance(start, Solution):
        name = type(start).__name__
        raise ValueError(f"start is of the type {name}; it must be a Solution, or None: read one with Solution.load")
    if isinstance(start, Solution):
        try:
            check_arrays(start.arrays())
        except ValueError as error:
            raise ValueError(
                f"start is a damaged Solution: {error}; solve anew, or read one with Solution.load"
            ) from error


def warm_start(white: Whitening, solution: Solution) -> Start:
    """The solution in whitened coordinates, with the multipliers of those of its triplets that count here.

    Multipliers are scaled so that the largest is mu: those of violated triplets are.

    Raises
    ------
    ValueError
        If the solution is of data with other features, or overflows on these.
    """
    d = len(white.T)
    if solution.L.shape[-1] != d:
        raise ValueError(
            f"start is a metric on {solution.L.shape[-1]} features, but the data have {d}; start from a solution on "
            "the same features"
        )
    problem = white.problem
    wanted, given = (1 if problem.blocks is None else len(problem.blocks)), len(solution.M.reshape(-1, d, d))
    if given not in (1, wanted):
        raise ValueError(
            f"start has {given} metrics, but the problem {wanted}; start from a solution of as many, or of a single one"
        )
    counts = np.flatnonzero(problem.counts(solution.triplets))
    _, first = np.unique(problem.keys(solution.triplets[counts]), return_index=True)  # a triplet counts once
    counts = counts[first]
    alpha = solution.alpha[counts]
    scaled = alpha * (problem.mu * problem.mean_weight / np.max(alpha, initial=np.finfo(float).tiny))
    with np.errstate(over="ignore", invalid="ignore"):
        L = solution.L @ white.V
        M = metric_of(L)
        if problem.diagonal:
            M = np.diag(M).copy()
        if problem.blocks is not None:
            M = problem.blocks.inward(np.broadcast_to(M, problem.identity.shape))
    if not np.isfinite(M).all():
        raise ValueError("start is a metric so large that distances overflow; start from one of these data, or without")
    return Start(M, solution.triplets[counts], scaled)
