"""What a message tells the user to do, done to the letter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from lmnn_sdp import Problem


@dataclass(frozen=True, eq=False)
class Asked:
    """What a user asked for."""

    X: npt.NDArray[np.float64]
    y: npt.NDArray[np.generic]
    n_neighbors: int
    mu: float
    reg: float
    tol: float

    def problem(self) -> Problem:
        """The problem as it is asked."""
        return Problem.from_data(self.X, self.y, self.n_neighbors, self.mu, reg=self.reg)


Remedy: TypeAlias = Callable[[Asked, str], Asked]


def _pca(asked: Asked, size: str) -> Asked:
    return replace(asked, X=PCA(int(size), svd_solver="full").fit_transform(asked.X))


def _features(asked: Asked, list_of_features: str) -> Asked:
    return replace(asked, X=np.delete(asked.X, [int(f) for f in re.findall(r"\d+", list_of_features)], axis=1))


def _rows(asked: Asked, list_of_rows: str) -> Asked:
    rows = [int(row) for row in re.findall(r"\d+", list_of_rows)]
    return replace(asked, X=np.delete(asked.X, rows, axis=0), y=np.delete(asked.y, rows))


def _distinct(asked: Asked, _: str) -> Asked:
    rows = np.sort(np.unique(np.column_stack([asked.X, np.unique(asked.y, return_inverse=True)[1]]), True, axis=0)[1])
    return replace(asked, X=asked.X[rows], y=asked.y[rows])


def _standardised(asked: Asked, _: str) -> Asked:
    spread = asked.X.std(axis=0)
    return replace(asked, X=(asked.X - asked.X.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


#: Remedies by the words that name them; what the words leave open is in the brackets.
REMEDIES: dict[str, Remedy] = {
    r"PCA to at most (\d+) dimensions": _pca,
    r"for example reg=(\d[\d.e+-]*\d|\d)": lambda asked, value: replace(asked, reg=float(value)),
    r"leave out features? (\d+(?:(?:, | and )\d+)*)": _features,
    r"leave out rows? (\d+(?:(?:, | and )\d+)*)": _rows,
    r"row (\d+) of X lies .* leave the row out": _rows,
    r"drop (repeated points)": _distinct,
    r"(standardise) them": _standardised,
    r"[Rr]aise tol to (\d[\d.e+-]*\d|\d)": lambda asked, value: replace(asked, tol=float(value)),
}


def remedies(message: str) -> dict[str, Callable[[Asked], Asked]]:
    """The remedies of a message by their own words."""
    found = {}
    for words, remedy in REMEDIES.items():
        if match := re.search(words, message):
            found[match[0]] = _bound(remedy, match[1])
    return found


def _bound(remedy: Remedy, value: str) -> Callable[[Asked], Asked]:
    """The remedy with what the message says."""
    return lambda asked: remedy(asked, value)
