"""What a solver hands back: the metric, the proof, and what happened."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from enum import Enum
from typing import Any

import numpy as np

from lmnn_sdp.display.cards import Badge, card
from lmnn_sdp.display.intervals import gap_text, interval_text
from lmnn_sdp.numerics.array_files import read_arrays
from lmnn_sdp.numerics.files import write_atomically
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.proof.certificate import Certificate, Residuals, bounds_rows, metric_rows, relative_gap
from lmnn_sdp.solvers.saved_arrays import Arrays, check_arrays


class Status(Enum):
    """Why the solver stopped; the value is written for the user."""

    OPTIMAL = "Optimal: the certified gap is below the tolerance."
    NO_TRIPLETS = "Optimal: no triplet counts, so nothing pushes and M = 0 is the optimum. Check the working set."
    MAX_ITER = "Stopped at max_iter before the gap reached the tolerance; raise max_iter or tol."
    TIME_LIMIT = "Stopped at time_limit before the gap reached the tolerance; raise time_limit or tol."
    INTERRUPTED = "Interrupted; this is the best certified iterate. Solve again with start= this solution to go on."
    OUT_OF_MEMORY = (
        "Memory ran out before the gap reached the tolerance; this is the best certified iterate. Allow the process "
        "more memory, take a random sample of the points (--points N), or raise tol."
    )
    ENGINE_LOST = (
        "The engine was lost before the gap reached the tolerance; this is the best certified iterate. Solve again "
        "with start= this solution to go on."
    )
    ROUNDING = (
        "Optimal up to rounding: the solver reached the tolerance, but float64 cannot hold the metric that well in the "
        "units of the data; leave out features that nearly repeat others, or raise tol."
    )
    STALLED = "The solver can improve neither bound any further; raise tol."

    @property
    def solved(self) -> bool:
        """Whether the gap reached the tolerance."""
        return self in (Status.OPTIMAL, Status.NO_TRIPLETS)

    @property
    def badge(self) -> Badge:
        """The status for a card."""
        return Badge(self.name, self.value, self.solved)


@dataclass(frozen=True)
class HistoryRow:
    """Best bounds after one iteration or round.

    Attributes
    ----------
    iteration : int
        Iteration (projected gradient) or round (working set).
    seconds : float
        Wall time since the solve began.
    objective, lower_bound : float
        Best certified interval so far.
    working_set : int
        Triplets that the solver worked on.
    active_triplets : int
        Triplets with a positive hinge at this iterate.
    rank : int
        Rank of this iterate.
    """

    iteration: int
    seconds: float
    objective: float
    lower_bound: float
    working_set: int
    active_triplets: int
    rank: int

    @property
    def relative_gap(self) -> float:
        """Gap of the best interval so far, relative to the objective."""
        return relative_gap(self.objective, self.lower_bound)


@dataclass(frozen=True, eq=False)
class LiveRow(HistoryRow):
    """What a callback sees: the row, equal to that of the history, and the metric that goes with it.

    Attributes
    ----------
    metric : callable
        ``metric()`` gives the factor L of the best certified metric so far, in the units of the data.
    """

    metric: Callable[[], FloatArray] = field(repr=False, kw_only=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HistoryRow) and self._numbers() == LiveRow._numbers(other)

    def __hash__(self) -> int:
        return hash(self._numbers())

    def _numbers(self: HistoryRow) -> tuple[float, ...]:
        """The row itself."""
        return tuple(getattr(self, one.name) for one in fields(HistoryRow))


@dataclass(frozen=True, eq=False)
class Solution:
    """A metric with proved bounds on the optimum.

    Attributes
    ----------
    M : array, shape (d, d)
        Metric in the units of the data, ``L'L`` rounded.
    L : array, shape (r, d)
        The metric as it was certified: orthogonal rows by falling eigenvalue, as many as its rank (one if M is 0),
        the largest entry of each positive.
    triplets : array, shape (T, 3)
        Triplets (i, j, l) with a positive multiplier.
    alpha : array, shape (T,)
        Their multipliers, dual feasible: in (0, mu], with a PSD dual slack.
    certificate : Certificate
        Proved interval and optimality residuals.
    status : Status
        Why the solver stopped.
    history : tuple of HistoryRow
        One row an iteration or round.
    solver : str
        Name under which `solve` was asked.
    problem : str
        `lmnn_sdp.problem.fingerprint` of what was solved; empty if unknown.
    advice : str
        What in the data kept the solver from its tolerance, and the remedies; not saved.
    """

    M: FloatArray
    L: FloatArray
    triplets: IntArray
    alpha: FloatArray
    certificate: Certificate
    status: Status
    history: tuple[HistoryRow, ...]
    solver: str
    problem: str = ""
    advice: str = ""

    @property
    def message(self) -> str:
        """Why the solver stopped, and what in these data is to blame and helps, where that is known."""
        return f"{self.status.value} {self.advice}".rstrip()

    @property
    def objective(self) -> float:
        """Objective over all triplets at M, the upper bound."""
        return self.certificate.objective

    @property
    def lower_bound(self) -> float:
        """Proved lower bound on the optimum."""
        return self.certificate.lower_bound

    @property
    def relative_gap(self) -> float:
        """``(objective - lower_bound) / objective``."""
        return self.certificate.relative_gap

    @property
    def seconds(self) -> float:
        """Wall time of the solve."""
        return self.history[-1].seconds if self.history else 0.0

    @property
    def rounds(self) -> int:
        """Rounds or iterations until the last certificate; a start that needed none counts as 0."""
        return self.history[-1].iteration if self.history else 0

    @property
    def effort(self) -> str:
        """Solver, rounds and seconds in words."""
        rounds = self.rounds
        return f"{self.solver}, {rounds:,} round{'s' * (rounds != 1)}, {self.seconds:.2f} s"

    @property
    def components(self) -> FloatArray:
        """L by scikit-learn's name: in the coordinates ``X @ components.T`` the learned distance is Euclidean."""
        return self.L

    def without_multipliers(self) -> Solution:
        """The same without triplets and multipliers, which fill most of its memory.

        What is left tells the proved interval, but can neither prove it again nor say where a warm start is near its
        margins.

        Returns
        -------
        Solution
            A copy of this one.
        """
        return replace(self, triplets=self.triplets[:0].copy(), alpha=self.alpha[:0].copy())

    def arrays(self) -> Arrays:
        """What `save` writes, by name."""
        bounds = self.certificate
        return {
            "M": self.M,
            "L": self.L,
            "triplets": self.triplets,
            "alpha": self.alpha,
            "history": np.array([astuple(row) for row in self.history], dtype=float).reshape(-1, 7),
            "certificate": np.array([bounds.objective, bounds.lower_bound, bounds.active_triplets, bounds.rank]),
            "residuals": np.array(astuple(bounds.residuals)),
            "left_out": np.array(bounds.left_out, dtype=np.int64),
            "status": np.array(self.status.name),
            "solver": np.array(self.solver),
            "problem": np.array(self.problem),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a NumPy ``.npz`` file (no pickle); it replaces an earlier one at once or not at all."""
        arrays: dict[str, Any] = self.arrays()  # NumPy's types take array names for its options
        write_atomically(path, lambda file: np.savez_compressed(file, **arrays))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Solution:
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.

        Returns
        -------
        Solution
            As it was saved.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is not one of ours, damaged, or no plain file.
        """
        try:
            return _of_arrays(read_arrays(path))
        except ValueError as error:
            if not os.path.exists(path):
                raise FileNotFoundError(f"{path} does not exist; write a solution with Solution.save first") from None
            reason = str(error).removeprefix(f"{path} ").partition(";")[0]
            raise ValueError(
                f"{path} is no saved Solution, or a damaged one: {reason}; write one with Solution.save"
            ) from error

    def summary(self) -> dict[str, Any]:
        """The numbers of the solution as a flat dictionary, for JSON."""
        return {
            "solver": self.solver,
            "status": self.status.name,
            "objective": self.objective,
            "lower_bound": self.lower_bound,
            "relative_gap": self.relative_gap,
            "rank": self.certificate.rank,
            "active_triplets": self.certificate.active_triplets,
            "left_out": list(self.certificate.left_out),
            "multipliers": len(self.alpha),
            "rounds": self.rounds,
            "seconds": self.seconds,
            "residuals": asdict(self.certificate.residuals),
        }

    def __repr__(self) -> str:
        lower, upper = interval_text(self.lower_bound, self.objective)
        return (
            f"Solution({self.status.name}, objective={upper}, lower_bound={lower}, "
            f"relative_gap={gap_text(self.relative_gap)}, rank={self.certificate.rank}, solver={self.solver!r})"
        )

    def _repr_html_(self) -> str:
        """A card with the proof and the convergence, for notebooks."""
        bounds = bounds_rows(self.lower_bound, self.objective)
        rows = [*bounds, *metric_rows(self.certificate, len(self.M)), ("solver", self.effort)]
        return card("LMNN solution", self.status.badge, rows, self.history)


def _of_arrays(arrays: Arrays) -> Solution:
    """The solution that the arrays of a file describe, after a check of each of them."""
    check_arrays(arrays)
    objective, lower_bound, active, rank = arrays["certificate"].tolist()
    residuals = Residuals(*arrays["residuals"].tolist())
    status = str(arrays["status"])
    if status not in Status.__members__:
        raise ValueError(f"its status {status!r} is none")
    return Solution(
        M=arrays["M"],
        L=arrays["L"],
        triplets=arrays["triplets"],
        alpha=arrays["alpha"],
        certificate=Certificate(
            objective, lower_bound, int(active), int(rank), residuals, tuple(arrays["left_out"].tolist())
        ),
        status=Status[status],
        history=tuple(_history_row(row) for row in arrays["history"].tolist()),
        solver=str(arrays["solver"]),
        problem=str(arrays["problem"]),
    )


def _history_row(values: list[float]) -> HistoryRow:
    """Row of numbers -> typed row."""
    iteration, seconds, objective, lower_bound, working_set, active, rank = values
    return HistoryRow(int(iteration), seconds, objective, lower_bound, int(working_set), int(active), int(rank))
