"""Data sets by name, from scikit-learn's own copies or from their definition: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.types import FloatArray


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points and labels.

    Attributes
    ----------
    name : str
    X : array, shape (n, d)
    y : array, shape (n,)
    """

    name: str
    X: FloatArray
    y: npt.NDArray[np.generic]

    def standardized(self) -> Dataset:
        """Every feature with zero mean and unit population variance; constant features become zero."""
        spread = self.X.std(axis=0)
        centred = self.X - self.X.mean(axis=0)
        return replace(self, X=centred / np.where(spread > 0, spread, 1.0))

    def sample(self, n: int, seed: int = 0) -> Dataset:
        """At most n points drawn at random, as many of each class as its share (rounded up)."""
        if n >= len(self.X):
            return self
        rng = np.random.default_rng(seed)
        classes = [np.flatnonzero(self.y == label) for label in np.unique(self.y)]
        chosen = [rng.permutation(c)[: int(np.ceil(len(c) * n / len(self.X)))] for c in classes]
        keep = np.sort(np.concatenate(chosen))
        return replace(self, X=self.X[keep], y=self.y[keep])


def balance_scale() -> Dataset:
    """The UCI balance scale data from their defining formula: 625 x 4, classes B, L, R.

    Every combination of left weight, left distance, right weight and right distance in 1..5; the label is the side
    with the larger product of weight and distance, or B for balance.
    """
    grid = np.stack(np.meshgrid(*[np.arange(1, 6)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    torque = grid[:, 0] * grid[:, 1] - grid[:, 2] * grid[:, 3]
    return Dataset("balance_scale", grid.astype(np.float64), np.array(["B", "L", "R"])[np.sign(torque)])


def _from_sklearn(name: str) -> Callable[[], Dataset]:
    """Loader of one of scikit-learn's bundled data sets."""

    def load_bundled() -> Dataset:
        import sklearn.datasets  # slow, and of no use to those who bring their own data

        X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
        return Dataset(name, X, y)

    return load_bundled


#: Loaders by name.
DATASETS: dict[str, Callable[[], Dataset]] = {
    "balance_scale": balance_scale,
    **{name: _from_sklearn(name) for name in ("breast_cancer", "digits", "iris", "wine")},
}


def load(name: str) -> Dataset:
    """Data set by name (a hyphen counts as an underscore).

    Raises
    ------
    ValueError
        For an unknown name; the known ones are listed.
    """
    key = name.replace("-", "_")
    if key not in DATASETS:
        raise ValueError(f"data set {name!r} is unknown; built in are {', '.join(DATASETS)}")
    return DATASETS[key]()
