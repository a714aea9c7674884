"""Repeated stratified splits of labelled data into a training and a test part, with errors that name the class."""

from __future__ import annotations

import math
import numbers

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedShuffleSplit

from lmnn_sdp.numerics.types import IntArray
from lmnn_sdp.validation import is_integer


def stratified_splits(
    labels: npt.NDArray[np.generic],
    n_splits: int,
    test_size: float,
    random_state: int | np.random.RandomState | None,
    needed: int = 1,
) -> list[tuple[IntArray, IntArray]]:
    """Random splits in which every class keeps its share.

    Parameters
    ----------
    labels : array, shape (n,)
    n_splits : int
        At least 2: from one split nobody can tell how far the next would be from it.
    test_size : float
        Share of the points to test on, strictly between 0 and 1.
    random_state : int, RandomState or None
    needed : int
        Points of each class that every training part must keep.

    Returns
    -------
    list of (train, test)
        Row numbers.

    Raises
    ------
    ValueError
        For a number outside its range, and for a class with too few points; the message names it.
    """
    _check_numbers(n_splits, test_size)
    classes, sizes = np.unique(labels, return_counts=True)
    _check_sizes(classes, sizes, test_size)
    chooser = StratifiedShuffleSplit(n_splits=n_splits, test_size=test_size, random_state=random_state)
    splits = list(chooser.split(np.zeros((len(labels), 1)), labels))
    for train, _ in splits:
        _check_kept(classes, sizes, labels[train], needed, test_size)
    return splits


def _check_numbers(n_splits: int, test_size: float) -> None:
    """Number of splits and share of the test part."""
    if not is_integer(n_splits) or n_splits < 2:
        raise ValueError(f"n_splits={n_splits!r} must be an integer >= 2; the spread over splits needs two of them")
    if not isinstance(test_size, numbers.Real) or not 0 < test_size < 1:
        raise ValueError(
            f"test_size={test_size!r} must lie strictly between 0 and 1: the share of the points to test on, such as "
            "0.3"
        )


def _check_sizes(classes: npt.NDArray[np.generic], sizes: IntArray, test_size: float) -> None:
    """Two points in each class, and room for every class in both parts."""
    smallest = int(np.argmin(sizes))
    if sizes[smallest] < 2:
        raise ValueError(
            f"class {classes.tolist()[smallest]!r} has 1 point; a stratified split needs at least 2 in each class: "
            "leave the class out, or add points to it"
        )
    n, n_test = int(sizes.sum()), math.ceil(test_size * sizes.sum())
    for part, size, remedy in (("test", n_test, "raise"), ("train", n - n_test, "lower")):
        if size < len(classes):
            raise ValueError(
                f"test_size={test_size!r} leaves {size} of {n} points to {part} on, but there are {len(classes)} "
                f"classes; {remedy} test_size"
            )


def _check_kept(
    classes: npt.NDArray[np.generic],
    sizes: IntArray,
    kept_labels: npt.NDArray[np.generic],
    needed: int,
    test_size: float,
) -> None:
    """Enough points of each class in one training part."""
    kept = np.array([np.count_nonzero(kept_labels == label) for label in classes])
    fewest = int(np.argmin(kept))
    if kept[fewest] < needed:
        raise ValueError(
            f"class {classes.tolist()[fewest]!r} has {sizes[fewest]} points and keeps {kept[fewest]} of them in a "
            f"training part (test_size={test_size!r}), but n_neighbors={needed - 1} needs {needed}: lower n_neighbors "
            "or test_size, or leave the class out"
        )
