"""Data sets by name: scikit-learn's own copies, one from its definition, and the paper's larger ones from local files.

Nothing is downloaded unless the caller says so.
"""

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


#: The paper's larger data sets, reduced as in the paper.
PUBLISHED = ("mnist", "letters", "news20", "isolet", "yale_faces", "olivetti_faces")


def load(name: str, fetch: bool = False) -> Dataset:
    """Data set by name.

    The paper's larger sets (`PUBLISHED`) are read from the folder that the environment variable ``LMNN_SDP_DATA``
    names, their checksums compared, and reduced as in the paper: mnist deskewed and to 164 principal components of its
    training part, isolet to 172, news20 weighted and to 200, yale_faces to 300 without the first 5, olivetti_faces to
    200.

    Parameters
    ----------
    name : str
        One of `DATASETS` or of `PUBLISHED`; a hyphen counts as an underscore.
    fetch : bool
        Whether scikit-learn may take one of `PUBLISHED` from its cache, or download it, where no local file has it.

    Returns
    -------
    Dataset
        Features not standardised. ``n_train`` tells how many points come first that are published for training.

    Raises
    ------
    ValueError
        For an unknown name; the known ones are listed. For files that are absent (which, and where to get them), cut
        short or altered.
    """
    key = name.replace("-", "_")
    if key in PUBLISHED:
        from lmnn_sdp.datasets.published import published  # scikit-learn is slow to import
        from lmnn_sdp.datasets.reduction import reduced

        return reduced(published(key, fetch))
    if key not in DATASETS:
        raise ValueError(
            f"data set {name!r} is unknown; built in are {', '.join(DATASETS)}; from local files {', '.join(PUBLISHED)}"
        )
    return DATASETS[key]()
