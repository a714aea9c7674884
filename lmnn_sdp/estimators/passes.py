"""A pass of multi-pass LMNN: one proved problem, the targets that its metric would choose, and the errors of k-NN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import KNeighborsClassifier

from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.proof.certificate import relative_gap
from lmnn_sdp.solvers.cut import cut, leading_rows
from lmnn_sdp.solvers.passes import SolvedPass, changed


@dataclass(frozen=True, eq=False)
class Pass:
    """One problem of the sequence, proved, and what its metric does.

    Attributes
    ----------
    targets : ndarray of shape (n_samples, k)
        Target neighbours of this pass.
    objective : float
        The objective with these targets, after the cut to ``n_components``. Those of other passes are of other
        problems: a lower one need not be the better metric.
    lower_bound : float
        Proved lower bound on it.
    changed : float
        Share of the targets that are others under the metric of this pass; 0 where they repeat.
    training_error : float
        Leave-one-out error of k-NN on the training points, between 0 and 1.
    held_out_error : float or None
        Error of k-NN on points held out; None without any.
    """

    targets: IntArray
    objective: float
    lower_bound: float
    changed: float
    training_error: float
    held_out_error: float | None

    @property
    def relative_gap(self) -> float:
        """``(objective - lower_bound) / objective``."""
        return relative_gap(self.objective, self.lower_bound)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Points and their labels."""

    X: FloatArray
    y: npt.NDArray[np.generic]


def reported(one: SolvedPass, rows: int | None, held_out: Labelled | None) -> Pass:
    """What there is to say of a pass, after the cut to so many rows.

    Parameters
    ----------
    one : SolvedPass
        The problem and its answer.
    rows : int or None
        Rows of the map that are kept.
    held_out : Labelled or None
        Points that nothing was learned from.
    """
    problem, L = one.problem, leading_rows(one.solution, rows)
    return Pass(
        targets=problem.targets,
        objective=cut(problem, one.solution, rows).objective,
        lower_bound=one.solution.lower_bound,
        changed=changed(problem.targets, one.next_targets),
        training_error=_left_out_error(problem, L),
        held_out_error=None if held_out is None else _held_out_error(problem, L, held_out),
    )


def best(passes: Sequence[Pass]) -> int:
    """The last of those with the least error on the points held out, or the last of all."""
    errors = [0.0 if one.held_out_error is None else one.held_out_error for one in passes]
    return max(number for number, error in enumerate(errors) if error == min(errors))


def _left_out_error(problem: Problem, L: FloatArray) -> float:
    """Share of the points that their k nearest others outvote; of equal votes the first class wins."""
    knn = KNeighborsClassifier(problem.n_neighbors).fit(problem.X @ L.T, problem.codes)
    votes = problem.codes[knn.kneighbors(return_distance=False)]  # without points: none is a neighbour of its own
    counts = np.stack([np.sum(votes == code, axis=1) for code in knn.classes_], axis=1)
    return float(np.mean(np.argmax(counts, axis=1) != problem.codes))


def _held_out_error(problem: Problem, L: FloatArray, held_out: Labelled) -> float:
    """Share of other points that their k nearest points of the problem outvote."""
    knn = KNeighborsClassifier(problem.n_neighbors).fit(problem.X @ L.T, problem.y)
    return float(np.mean(knn.predict(held_out.X @ L.T) != held_out.y))
