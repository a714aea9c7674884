"""The metric of fewest dimensions asked for: the leading directions of a solution, certified anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.proof.certificate import certify_map
from lmnn_sdp.proof.lower import DualBound
from lmnn_sdp.solvers.solution import Solution


def leading_rows(solution: Solution, n_components: int | None) -> FloatArray:
    """The first rows of L, and rows of zeros where L has fewer; None stands for all rows, and for one if M is 0."""
    rank, d = solution.components.shape
    kept = n_components or max(rank, 1)
    L = np.zeros((kept, d))
    L[:rank] = solution.components[:kept]
    return L


def rows_holding(problem: Problem, solution: Solution, share: float) -> int:
    """How many leading rows hold this share of the variance of the points in the learned coordinates, at least one."""
    variance = np.var(problem.centred @ solution.components.T, axis=0)
    held = np.cumsum(variance) / max(float(np.sum(variance)), np.finfo(float).tiny)
    return min(int(np.searchsorted(held, share)) + 1, len(held))


def cut(problem: Problem, solution: Solution, n_components: int | None) -> Solution:
    """The solution with the metric of its leading directions, or as it is where it has no more of them.

    Parameters
    ----------
    problem : Problem
        Whose solution it is.
    solution : Solution
        With its multipliers: the lower bound stays that of all metrics.
    n_components : int or None
        Directions to keep, by falling eigenvalue of M; None keeps all.

    Returns
    -------
    Solution
        Its certificate is that of the cut metric, so that its gap holds the price of the cut as well; status and
        history are those of the solve.
    """
    if n_components is None or n_components >= solution.components.shape[-2]:
        return solution
    if problem.blocks is not None:
        raise ValueError(f"n_components={n_components} cuts a single metric, but the problem has {len(problem.blocks)}")
    return with_metric(problem, solution, leading_rows(solution, n_components))


def with_metric(problem: Problem, solution: Solution, L: FloatArray) -> Solution:
    """The solution with another metric, certified anew, beside the lower bound of its multipliers."""
    proved = solution.certificate
    dual = DualBound(solution.triplets, solution.alpha, solution.lower_bound, proved.residuals.dual_psd)
    return replace(solution, M=metric_of(L), L=L, certificate=certify_map(problem, L, dual, proved.left_out))
