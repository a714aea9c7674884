"""Solves in passes: the targets are chosen again under the metric of the pass before (Weinberger & Saul 2009, 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lmnn_sdp.numerics.types import IntArray
from lmnn_sdp.problem.neighbors import target_neighbors
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.singular import SingularPullError
from lmnn_sdp.solvers.solution import Solution, Status


@dataclass(frozen=True, eq=False)
class SolvedPass:
    """The problem of a pass, with its targets, and its answer.

    Attributes
    ----------
    problem : Problem
    solution : Solution
    """

    problem: Problem
    solution: Solution

    @cached_property
    def next_targets(self) -> IntArray:
        """Nearest points of the same class under the metric; M = 0 tells none from another, so they stay."""
        if not self.solution.L.any():
            return self.problem.targets
        points = self.problem.centred @ self.solution.L.T
        return target_neighbors(points, self.problem.codes, self.problem.n_neighbors)


def in_passes(
    problem: Problem, solve_one: Callable[[Problem, Solution | None], Solution], n_passes: int
) -> list[SolvedPass]:
    """All passes, until the targets are those of an earlier one, the passes are used up or the user stops.

    Parameters
    ----------
    problem : Problem
        Of the first pass.
    solve_one : callable
        Takes the problem of a pass and the solution of the one before, None for the first, and returns its solution.
    n_passes : int
        At most so many.

    Raises
    ------
    ValueError
        Where the targets of a later pass leave a direction without a pull; the message names the pass.
    """
    found: list[SolvedPass] = []
    while True:
        try:
            solution = solve_one(problem, found[-1].solution if found else None)
        except SingularPullError as error:
            if not found:
                raise
            raise ValueError(f"with the targets of pass {len(found) + 1} {error}; or set n_passes lower") from error
        last = SolvedPass(problem, solution)
        found.append(last)
        if solution.status is Status.INTERRUPTED or len(found) == n_passes:
            return found
        if any(changed(one.problem.targets, last.next_targets) == 0 for one in found):
            return found
        problem = replace(problem, targets=last.next_targets)


def changed(before: IntArray, after: IntArray) -> float:
    """Share of the targets after that were none before, whatever their order."""
    return 1 - float(np.mean((after[:, :, None] == before[:, None, :]).any(axis=2)))
