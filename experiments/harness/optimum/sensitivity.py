"""What the optimum depends on: mu, k, the scale of the features, and single points; and what of it a vote notices.

The value of the optimum does not depend on the coordinates: with the same targets, x -> T'x takes M to T^-1 M T^-T and
leaves every distance as it is. Scale acts through the choice of the targets alone, which are the nearest in the
coordinates of the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import RepeatedStratifiedKFold

from harness.optimum import moves
from harness.optimum.parts import Parts, standardised
from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.datasets import Dataset
from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.singular import SingularPullError
from lmnn_sdp.problem.whitening import whiten

FOLDS = 5
SCALINGS = ("raw", "standardised", "whitened")


@dataclass(frozen=True)
class Setting:
    """What is changed.

    Attributes
    ----------
    kind : str
        ``"mu"``, ``"k"`` or ``"scaling"``.
    value : float, int or str
        To what.
    """

    kind: str
    value: float | int | str

    @property
    def mu(self) -> float:
        """Weight of the push."""
        return float(self.value) if self.kind == "mu" else 0.5

    @property
    def k(self) -> int:
        """Target neighbours."""
        return int(self.value) if self.kind == "k" else 3

    @property
    def scaling(self) -> str:
        """Of the features."""
        return str(self.value) if self.kind == "scaling" else "standardised"

    def problem(self, parts: Parts) -> Problem:
        """On the training points, in the coordinates of the scaling."""
        return Problem.from_data(parts.mapped(self.map(parts)).X, parts.codes, self.k, self.mu)

    def map(self, parts: Parts) -> FloatArray:
        """From standardised coordinates to those of the scaling, shape (d, d)."""
        if self.scaling == "raw":
            return np.diag(parts.spread)
        return parts.whitening if self.scaling == "whitened" else np.eye(len(parts.spread))

    def standard(self, parts: Parts, L: FloatArray) -> FloatArray:
        """A factor in the coordinates of the scaling, on standardised ones."""
        return np.asarray(L @ self.map(parts).T)


DEFAULT = Setting("mu", 0.5)


@dataclass(frozen=True)
class Change:
    """What a change does to the optimum and to the votes on test points.

    Attributes
    ----------
    gap : float
        Relative gap of the changed solution.
    move, turn : float
        Relative Frobenius distance of the metrics, and the same for the best factor.
    rank : int
        Of the changed metric.
    lost, turned : float
        Shares of test points with other neighbours, and with another vote.
    error : float
        Share of wrong votes.
    """

    gap: float
    move: float
    turn: float
    rank: int
    lost: float
    turned: float
    error: float


def change(parts: Parts, best: Solution, found: Solution, L: FloatArray) -> Change:
    """From one solution on the training points to another, whose factor on standardised coordinates is L."""
    before, after, M = parts.vote(best.L), parts.vote(L), metric_of(L)
    return Change(
        found.relative_gap,
        moves.distance(M, best.M),
        moves.turn(M, best.M),
        found.certificate.rank,
        before.lost(after),
        before.turned(after),
        after.error,
    )


def along(parts: Parts, best: Solution, setting: Setting, tol: float) -> dict[str, Any]:
    """The change from the default setting to another."""
    found = solve(setting.problem(parts), tol=tol, warn=False)
    return asdict(setting) | asdict(change(parts, best, found, setting.standard(parts, found.L)))


def cross_validated(data: Dataset, settings: list[Setting], repeats: int, tol: float) -> list[dict[str, float]]:
    """Error of the vote for each setting, and its difference from the default on the same folds.

    Standard errors are those of Nadeau and Bengio (2003): the variance over the folds, times one over their number
    plus the ratio of test to training points, because folds share training points.
    """
    splits = _folds(data, repeats)
    errors = np.array([[_error(parts, setting, tol) for parts in splits] for setting in [DEFAULT, *settings]])
    factor = math.sqrt(1 / len(splits) + 1 / (FOLDS - 1))
    apart = errors[1:] - errors[0]
    return [
        {
            "error": float(np.mean(own)),
            "se": factor * float(np.std(own, ddof=1)),
            "difference": float(np.mean(difference)),
            "difference_se": factor * float(np.std(difference, ddof=1)),
        }
        for own, difference in zip(errors[1:], apart, strict=True)
    ]


def is_determined(data: Dataset, setting: Setting, repeats: int) -> bool:
    """Whether the metric is, on every fold: a single target may leave a feature without a pull, as border pixels do."""
    try:
        for parts in _folds(data, repeats):
            whiten(setting.problem(parts))
    except SingularPullError:
        return False
    return True


def _folds(data: Dataset, repeats: int) -> list[Parts]:
    """Training and test points of each fold."""
    codes = np.unique(data.y, return_inverse=True)[1]
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=0)
    return [standardised(data.X, codes, *rows) for rows in folds.split(data.X, codes)]


def _error(parts: Parts, setting: Setting, tol: float) -> float:
    """Of the vote on the test points."""
    solution = solve(setting.problem(parts), tol=tol, warn=False)
    return parts.vote(setting.standard(parts, solution.L)).error


def invariance(parts: Parts, tol: float) -> list[dict[str, Any]]:
    """Intervals of the optimum under each scaling, with its own targets and with those of the standardised data."""
    shared = DEFAULT.problem(parts).targets
    found = []
    for scaling in SCALINGS:
        own = Setting("scaling", scaling).problem(parts)
        same = Problem.from_data(own.X, parts.codes, targets=shared)
        rows = {"own": solve(own, tol=tol, warn=False), "same": solve(same, tol=tol, warn=False)}
        differ = [len(np.setdiff1d(a, b)) for a, b in zip(own.targets, shared, strict=True)]
        found.append(
            {"scaling": scaling, "other_targets": float(np.sum(differ)) / shared.size}
            | {name: [one.lower_bound, one.objective] for name, one in rows.items()}
        )
    return found


def single_points(parts: Parts, best: Solution, trials: int, tol: float) -> dict[str, list[dict[str, Any]]]:
    """Changes by one training point left out, and by one whose label is another."""
    rng = np.random.default_rng(0)
    rows = rng.choice(len(parts.X), trials, replace=False)
    steps = rng.integers(1, int(np.max(parts.codes)) + 1, trials)
    left_out, flipped = [], []
    for X, codes in _without(parts, rows):
        left_out.append(_changed(parts, best, X, codes, tol))
    for X, codes in _relabelled(parts, rows, steps):
        flipped.append(_changed(parts, best, X, codes, tol))
    return {"left out": left_out, "relabelled": flipped}


def _without(parts: Parts, rows: IntArray) -> Iterator[tuple[FloatArray, IntArray]]:
    """The training points without each of the rows."""
    for row in rows:
        yield np.delete(parts.X, row, axis=0), np.delete(parts.codes, row)


def _relabelled(parts: Parts, rows: IntArray, steps: IntArray) -> Iterator[tuple[FloatArray, IntArray]]:
    """The training points with another label for each of the rows."""
    classes = int(np.max(parts.codes)) + 1
    for row, step in zip(rows, steps, strict=True):
        codes = parts.codes.copy()
        codes[row] = (codes[row] + step) % classes
        yield parts.X, codes


def _changed(parts: Parts, best: Solution, X: FloatArray, codes: IntArray, tol: float) -> dict[str, Any]:
    """The vote itself is that of all training points with their own labels: the metric alone changes."""
    found = solve(Problem.from_data(X, codes), tol=tol, warn=False)
    return asdict(change(parts, best, found, found.L))
