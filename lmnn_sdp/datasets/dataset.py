"""Points with labels, and what is commonly done to them before a metric is learned."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.linalg import power_of_two
from lmnn_sdp.numerics.sampling import stratified_rows
from lmnn_sdp.numerics.types import FloatArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points and labels.

    Attributes
    ----------
    name : str
        What the data are called.
    X : array, shape (n, d)
        One row a point, float64.
    y : array, shape (n,)
        Class labels.
    n_train : int or None
        So many points come first that are published as the training part; None where no split is published.
    """

    name: str
    X: FloatArray
    y: npt.NDArray[np.generic]
    n_train: int | None = field(default=None, kw_only=True)

    def training(self) -> Dataset:
        """The published training part; all points where no split is published."""
        if self.n_train is None:
            return self
        return replace(self, X=self.X[: self.n_train], y=self.y[: self.n_train], n_train=None)

    def test(self) -> Dataset:
        """The published test part, which may be empty."""
        start = len(self.X) if self.n_train is None else self.n_train
        return replace(self, X=self.X[start:], y=self.y[start:], n_train=None)

    def standardized(self) -> Dataset:
        """Every feature with zero mean and unit population variance; constant features become zero."""
        scaled = self.X / power_of_two(np.max(np.abs(self.X), axis=0))  # exact, and squares stay within range
        spread = scaled.std(axis=0)
        centred = scaled - scaled.mean(axis=0)
        return replace(self, X=centred / np.where(spread > 0, spread, 1.0))

    def sample(self, n: int, seed: int = 0) -> Dataset:
        """At most n points drawn at random, as many of each class as its share (rounded up)."""
        if n >= len(self.X):
            return self
        keep = stratified_rows(self.y, n, seed)
        return replace(self, X=self.X[keep], y=self.y[keep], n_train=None)
