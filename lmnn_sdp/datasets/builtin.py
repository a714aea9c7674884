"""Data sets by name, from scikit-learn's own copies or from their definition: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lmnn_sdp.datasets.dataset import Dataset


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
    """Data set by name.

    Parameters
    ----------
    name : str
        One of `DATASETS`; a hyphen counts as an underscore.

    Returns
    -------
    Dataset
        Features as they come, not standardised.

    Raises
    ------
    ValueError
        For an unknown name; the known ones are listed.
    """
    key = name.replace("-", "_")
    if key not in DATASETS:
        raise ValueError(f"data set {name!r} is unknown; built in are {', '.join(DATASETS)}")
    return DATASETS[key]()
