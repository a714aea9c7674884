"""A learned map whose `fit` solves an LMNN problem with a single metric."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lmnn_sdp.display.cards import Row
from lmnn_sdp.display.intervals import gap_text
from lmnn_sdp.estimators.learned_map import LearnedMap
from lmnn_sdp.estimators.proved import Proved
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.solvers.cut import cut, leading_rows, rows_holding
from lmnn_sdp.solvers.solution import Solution


class SolvedMap(Proved, LearnedMap):
    """What the estimators share that learn one metric from one `Problem`: the leading rows of its map are kept."""

    def _rows(self) -> list[Row]:
        """What the card says of the metric."""
        rows = [("components_", "{} x {}".format(*self.components_.shape)), *super()._rows()]
        if self.objective_ != self.solution_.objective:  # the picture and the last rows are those of M
            rows.insert(1, ("gap before the cut", gap_text(self.solution_.relative_gap)))
        return rows

    def _problem(
        self,
        X: FloatArray,
        y: npt.NDArray[np.generic],
        n_neighbors: int | str,
        mu: float,
        weights: FloatArray | None = None,
    ) -> Problem:
        """The problem at one k and mu, with what else the parameters say of it."""
        return Problem.from_data(
            X,
            y,
            n_neighbors,
            mu,
            reg=self.reg,
            minus_one_is_class=self.minus_one_is_class,
            structure=getattr(self, "structure", "full"),
            weights=weights,
        )

    def _keep(self, problem: Problem, solution: Solution, rows: int | float | None) -> None:
        """Set what was learned: the leading rows of the map, as many as hold a share of the variance, or all."""
        if isinstance(rows, float):
            rows = rows_holding(problem, solution, rows)
        self.components_ = leading_rows(solution, rows)
        self._keep_proof(solution, cut(problem, solution, rows).objective)
