"""Problems that are out to break a proof, drawn by Hypothesis: every kind of data that was seen to fail, and more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lmnn_sdp import Problem

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]
Twist: TypeAlias = Callable[[FloatArray, Labels, np.random.Generator], FloatArray]

FEW_ROWS = 24  # points at most, so that the exact judge is quick
FILLS = (-999.0, 1e4, 1e9, 1e17, 9.97e36, 1e150, 1e300)


def _column(X: FloatArray, column: FloatArray) -> FloatArray:
    """One more feature."""
    return np.column_stack([X, column])


def _cells(X: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
    """A fill value in a share of the cells."""
    return np.where(rng.random(X.shape) < share, rng.choice(FILLS), X)


def _rows(X: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """A fill value in every feature of some rows."""
    filled = X.copy()
    filled[rng.permutation(len(X))[:count]] = rng.choice(FILLS)
    return filled


def _one_hot(rng: np.random.Generator, n: int, levels: int = 3) -> FloatArray:
    """Indicators of levels at random."""
    return np.eye(levels)[rng.integers(0, levels, n)]


def _standardised(X: FloatArray) -> FloatArray:
    """Zero mean and unit variance, but for constant features."""
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _one_class_a_point(X: FloatArray, y: Labels, rng: np.random.Generator) -> FloatArray:
    """All of class 0 at one point, often far away."""
    return np.where((y == 0)[:, None], rng.choice([0.0, 10.0 ** rng.integers(0, 154)]), X)


def _apart(X: FloatArray, y: Labels, rng: np.random.Generator) -> FloatArray:
    """Classes far from each other."""
    return X + 10.0 ** rng.integers(1, 15) * y[:, None]


def _duplicates(X: FloatArray, y: Labels, rng: np.random.Generator) -> FloatArray:
    """Few different points, some of them with several labels."""
    return X[rng.integers(0, 1 + len(X) // 3, len(X))]


def _relation(X: FloatArray, y: Labels, rng: np.random.Generator) -> FloatArray:
    """A column that is a combination of others with small rational coefficients, on a grid or not."""
    grid = np.round(X * 8) / 8 if rng.random() < 0.5 else X
    return _column(grid, grid @ rng.integers(-3, 4, X.shape[1]) / rng.choice([1.0, 2.0, 3.0, 10.0]))


KINDS: dict[str, Twist] = {
    "plain": lambda X, y, rng: X,
    "clusters": lambda X, y, rng: X + 3 * rng.normal(size=(y.max() + 1, X.shape[1]))[y],
    "ties": lambda X, y, rng: np.round(X),
    "grid": lambda X, y, rng: np.round(4 * X) / 10,
    "duplicates": _duplicates,
    "one class a point": _one_class_a_point,
    "collinear": lambda X, y, rng: X[:, :1] * rng.normal(size=X.shape[1]),
    "constant": lambda X, y, rng: _column(X, np.full(len(X), rng.choice([0.0, 0.1, 1e16, -1e-150]))),
    "nearly constant": lambda X, y, rng: _column(X, 1 + 10.0 ** -rng.integers(3, 17) * rng.normal(size=len(X))),
    "one feature in a far unit": lambda X, y, rng: X * np.r_[10.0 ** rng.integers(-16, 17), np.ones(X.shape[1] - 1)],
    "units": lambda X, y, rng: X * 10.0 ** rng.integers(-150, 151, X.shape[1]),
    "tiny or huge": lambda X, y, rng: X * 10.0 ** rng.integers(-152, 153),
    "offset": lambda X, y, rng: X + 10.0 ** rng.integers(0, 17) * rng.choice([0.0, 1.0], X.shape[1]),
    "fill row": lambda X, y, rng: _rows(X, 1, rng),
    "fill rows": lambda X, y, rng: _rows(X, int(rng.integers(2, 5)), rng),
    "fill cells": lambda X, y, rng: _cells(X, 0.05, rng),
    "one-hot": lambda X, y, rng: np.column_stack([X, _one_hot(rng, len(X))]),
    "one-hot standardised": lambda X, y, rng: _standardised(np.column_stack([X, _one_hot(rng, len(X))])),
    "binary": lambda X, y, rng: (X > 0).astype(float),
    "counts": lambda X, y, rng: rng.poisson(10.0 ** rng.integers(-1, 4, X.shape[1]), X.shape).astype(float),
    "heavy tails": lambda X, y, rng: X * rng.standard_cauchy(X.shape) ** rng.integers(1, 6),
    "classes far apart": _apart,
    "near copy": lambda X, y, rng: _column(X, X[:, 0] + 10.0 ** -rng.integers(5, 17) * rng.normal(size=len(X))),
    "copy": lambda X, y, rng: _column(X, X[:, 0] * rng.choice([1.0, -1.0, 2.0, 0.1, 1e-100])),
    "standardised copy": lambda X, y, rng: _standardised(_column(X, 3 * X[:, 0] + 7)),
    "relation": _relation,
    "rounded combination": lambda X, y, rng: _column(X, np.round(X.mean(axis=1), int(rng.integers(1, 15)))),
    "rounded": lambda X, y, rng: np.round(X, int(rng.integers(0, 8))),
    "label in a last bit": lambda X, y, rng: _column(X, X[:, 0] + 2.0 ** -rng.integers(20, 52) * y),
    "few points": lambda X, y, rng: rng.normal(size=(len(X), len(X) + 2)),
    "standardised": lambda X, y, rng: _standardised(X * 10.0 ** rng.integers(-8, 9, X.shape[1])),
}

#: Weights of the push term, those at the ends of the range among them.
MUS = (0.5, 0.5, 0.01, 0.99, 0.3, 1e-12, 1 - 1e-12, 1e-300, 1 - 2.0**-53)
#: Solvers by how often they are drawn: others than Newton's take seconds where it takes hundredths.
SOLVERS = ("newton",) * 20 + ("scs", "pgd", "cvxpy", "scs-full")


@dataclass(frozen=True)
class Recipe:
    """All that a problem is made from.

    Attributes
    ----------
    kind : str
        One of `KINDS`, applied to normal points.
    then : str
        Another of them, applied to what came out.
    points, features, classes, neighbors : int
        Sizes before the kinds are applied.
    unbalanced : bool
        Whether class 0 has as few points as it may.
    mu : float
        Weight of the push term.
    penalty : str
        ``"none"``, ``"number"``, ``"psd"`` or ``"low rank"``.
    size : int
        Power of ten of the penalty.
    custom_targets : bool
        Whether the target neighbours are drawn at random.
    solver : str
        One of `SOLVERS`.
    seed : int
        Of all random numbers.
    """

    kind: str
    then: str
    points: int
    features: int
    classes: int
    neighbors: int
    unbalanced: bool
    mu: float
    penalty: str
    size: int
    custom_targets: bool
    solver: str
    seed: int

    def problem(self) -> Problem:
        """The problem; the same for the same recipe."""
        rng = np.random.default_rng(self.seed)
        y = self._labels()
        X = rng.normal(size=(len(y), self.features))
        for kind in (self.kind, self.then):
            with np.errstate(over="ignore"):
                X = np.clip(KINDS[kind](X, y, rng), -1e300, 1e300)
        targets = _random_targets(y, self.neighbors, rng) if self.custom_targets else None
        return Problem.from_data(X, y, self.neighbors, self.mu, targets, self._penalty(X.shape[1], rng))

    def _labels(self) -> Labels:
        """Classes by turns, each with more points than neighbours."""
        least = self.neighbors + 1
        n = max(self.points, self.classes * least)
        if not self.unbalanced:
            return np.arange(n) % self.classes
        rest = np.arange(n - least) % (self.classes - 1) + 1
        short = [np.full(max(0, least - int(np.sum(rest == c))), c) for c in range(1, self.classes)]
        return np.concatenate([np.zeros(least, dtype=np.intp), rest, *short]).astype(np.intp)

    def _penalty(self, d: int, rng: np.random.Generator) -> float | FloatArray:
        """The number or matrix of the linear term."""
        if self.penalty == "none":
            return 0.0
        if self.penalty == "number":
            return 10.0**self.size
        root = np.round(8 * rng.normal(size=(max(1, d // 2) if self.penalty == "low rank" else d + 2, d)))
        return 2.0 ** (3 * self.size) * (root.T @ root)  # exactly PSD, since whole numbers are


def _random_targets(y: Labels, k: int, rng: np.random.Generator) -> Labels:
    """Any k others of the class."""
    members = [np.flatnonzero((y == y[i]) & (np.arange(len(y)) != i)) for i in range(len(y))]
    return np.array([rng.permutation(others)[:k] for others in members])


def recipes(kind: str | None = None) -> st.SearchStrategy[Recipe]:
    """Recipes of one kind, or of any."""
    often_not = st.sampled_from([False, False, False, True])
    return st.builds(
        Recipe,
        kind=st.sampled_from(sorted(KINDS)) if kind is None else st.just(kind),
        then=st.one_of(st.just("plain"), st.just("plain"), st.sampled_from(sorted(KINDS))),
        points=st.integers(6, FEW_ROWS),
        features=st.integers(1, 4),
        classes=st.integers(2, 3),
        neighbors=st.integers(1, 3),
        unbalanced=often_not,
        mu=st.sampled_from(MUS),
        penalty=st.sampled_from(["none", "none", "none", "number", "psd", "low rank"]),
        size=st.one_of(st.integers(-3, 3), st.integers(-35, 6)),
        custom_targets=often_not,
        solver=st.sampled_from(SOLVERS),
        seed=st.integers(0, 2**32 - 1),
    )


def drawn(number: int, count: int) -> list[Recipe]:
    """The recipes of one seed, kinds by turns; the same for the same version of Hypothesis."""
    share = -(-count // len(KINDS))
    by_kind = [_drawn(recipes(kind), len(KINDS) * number + at, share) for at, kind in enumerate(sorted(KINDS))]
    turns = [recipe for turn in zip_longest(*by_kind) for recipe in turn if recipe is not None]
    return turns[:count]


def _drawn(strategy: st.SearchStrategy[Recipe], number: int, count: int) -> list[Recipe]:
    """So many examples, or fewer where Hypothesis finds no more."""
    found: list[Recipe] = []

    @seed(number)
    @settings(
        max_examples=count + 1,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(recipe: Recipe) -> None:
        found.append(recipe)

    collect()
    return found[1:]  # the first is the simplest there is, whatever the seed
