"""Random parts of labelled rows."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.types import IntArray


def stratified_rows(labels: npt.NDArray[np.generic], size: int, seed: int = 0) -> IntArray:
    """Rising numbers of about ``size`` random rows, as many of each label as its share, rounded up.

    Parameters
    ----------
    labels : array, shape (n,)
        Label of each row.
    size : int
        At most n.
    seed : int
        Chooses the rows.

    Returns
    -------
    rows : array, shape (size or up to one more for each label,)
        Row numbers.
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    chosen = [rng.permutation(rows)[: math.ceil(len(rows) * size / len(labels))] for rows in members]
    return np.sort(np.concatenate(chosen))
