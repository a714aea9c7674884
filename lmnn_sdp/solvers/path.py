"""A path over the trace penalty, from the largest that leaves anything to learn down to a small one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lmnn_sdp.numerics.linalg import eigvalsh, scatter
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.solution import Solution
from lmnn_sdp.solvers.solve import solve
from lmnn_sdp.validation import is_integer

SMALLEST = 1e-3  # penalty at the end of a path, over the largest


@dataclass(frozen=True, eq=False)
class PathPoint:
    """One penalty of a path.

    Attributes
    ----------
    reg : float
        Weight of the trace penalty.
    solution : Solution
        With its proved interval.
    """

    reg: float
    solution: Solution


def largest_reg(problem: Problem) -> float:
    """The penalty from which on M = 0 is optimal: ``lambda_max(mu sum_t A_t - (1 - mu) C)`` over all triplets.

    There every multiplier is mu, so the dual slack at M = 0 is ``reg I`` less that matrix, and it is PSD exactly from
    this value on. Of a diagonal metric the largest entry counts, of several metrics the largest of all.

    Parameters
    ----------
    problem : Problem
        Its own penalty does not matter.

    Returns
    -------
    float
        In the units of f over those of the trace; 0 where M = 0 is optimal without a penalty.
    """
    pushed = _all_pushed(problem)
    free = problem.mu * pushed - (1 - problem.mu) * problem.pull
    return max(0.0, float(np.max(eigvalsh(free))))


def reg_path(
    problem: Problem,
    regs: Sequence[float] | None = None,
    n_regs: int = 10,
    tol: float = 1e-4,
    time_limit: float | None = None,
) -> Iterator[PathPoint]:
    """Solve for one penalty after the other, each begun at the solution of the last.

    Parameters
    ----------
    problem : Problem
        Its own penalty is replaced.
    regs : sequence of float, optional
        Penalties to take, in this order; by default ``n_regs`` in equal ratios from `largest_reg` down to a
        thousandth of it.
    n_regs : int
        How many, where ``regs`` is not given; at least 2.
    tol : float
        Relative gap of each solve.
    time_limit : float, optional
        Seconds of each solve.

    Returns
    -------
    iterator of PathPoint
        Each as soon as it is solved. At the first of the default penalties the metric is 0, up to rounding.

    Raises
    ------
    ValueError
        If ``n_regs`` is no integer of at least 2, or a penalty is negative or not finite.
    """
    if regs is None:
        if not (is_integer(n_regs) and n_regs >= 2):
            raise ValueError(f"n_regs={n_regs!r} must be an integer >= 2, or give regs yourself")
        top = largest_reg(problem)
        regs = np.geomspace(top, SMALLEST * top, n_regs).tolist() if top > 0 else [0.0]
    for reg in regs:
        if not (math.isfinite(reg) and reg >= 0):
            raise ValueError(f"regs holds {reg!r}; each must be a finite number >= 0")
    start: Solution | None = None
    for reg in regs:
        solution = solve(
            replace(problem, R=reg * np.eye(problem.n_features)), tol=tol, time_limit=time_limit, start=start
        )
        start = solution if solution.M.any() else None
        yield PathPoint(float(reg), solution)


def _all_pushed(problem: Problem) -> FloatArray:
    """``sum_t A_t`` over all triplets, in the shape of the pull."""
    if problem.working_set is not None or problem.blocks is not None or problem.diagonal:
        triplets = problem.all_triplets()
        weights = problem.weight_of(triplets[:, 0])
        return problem.graph(triplets).adjoint(weights)
    X, k = problem.centred, problem.n_neighbors
    i, j = problem.target_pairs()
    w = problem.weight_of(np.arange(problem.n_points))
    others = problem.n_points - np.bincount(problem.codes)[problem.codes]
    total = -scatter(problem.X, i, j, w[i] * others[i])
    whole, sums = X.T @ X, X.sum(axis=0)
    for code in range(int(problem.codes.max()) + 1):
        own = problem.codes == code
        own_X, own_w = X[own], w[own]
        S, m, count = whole - own_X.T @ own_X, sums - own_X.sum(axis=0), np.sum(~own)
        cross = np.outer(own_w @ own_X, m)
        total += k * (count * (own_X.T * own_w) @ own_X - cross - cross.T + own_w.sum() * S)
    return total
