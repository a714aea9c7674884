"""Checks of what users pass in. Every error names the value, the rule it breaks and the remedy."""

from __future__ import annotations

import math
import numbers
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import scipy.sparse

from lmnn_sdp.numerics.types import FloatArray, IntArray

#: Target neighbours of a point where the caller leaves the number open and every class has more points.
PAPER_NEIGHBORS = 3
#: Largest entry of X by magnitude: differences of points, and their sums, stay within the range of float64.
LARGEST = 2.0**1000


def check_data(X: npt.ArrayLike) -> FloatArray:
    """Data as float64 of shape (n, d), finite and within `LARGEST`: a copy, or a memory map that is only read."""
    check_dense(X)
    array = np.asarray(X) if _is_mapped(X) else as_numbers(X, "X")
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"X has shape {array.shape}; it must be (n, d) with d >= 1: one row a point")
    check_finite(array, "X")
    if max(np.max(array, initial=0.0), -np.min(array, initial=0.0)) > LARGEST:  # no copy of what may be a memory map
        i, f = np.argwhere(np.abs(array) > LARGEST)[0].tolist()
        raise ValueError(
            f"X[{i}, {f}] is {array[i, f]:.3g}; beyond {LARGEST:.2g} differences of points overflow: divide feature {f}"
            " by a power of ten, or mend the entry if it is a fill value"
        )
    return array


def _is_mapped(X: object) -> bool:
    """Whether data are a memory map of float64 that nobody writes to through it."""
    return isinstance(X, np.memmap) and X.dtype == np.float64 and X.flags.c_contiguous and not X.flags.writeable


def check_dense(X: Any) -> None:
    """No sparse matrix: the learned map is dense, and distances under it need dense points."""
    if scipy.sparse.issparse(X):
        raise ValueError("X is sparse; LMNN needs dense data: reduce it first, for example with TruncatedSVD")


def check_unmasked(values: Any, name: str) -> None:
    """No masked entry; NumPy drops the mask without a word, and uses what is under it."""
    if np.ma.is_masked(values):
        where = ", ".join(str(int(k)) for k in np.argwhere(np.ma.getmaskarray(values))[0])
        raise ValueError(f"{name}[{where}] is masked; every entry must be there: fill or drop masked entries first")


def check_features(X: FloatArray, names: npt.NDArray[np.generic] | None) -> None:
    """No NaN and no infinity in data of shape (n, d); the first one is named by its feature's name or number."""
    with np.errstate(over="ignore"):  # a sum that overflows is looked at again
        if math.isfinite(np.sum(X)):  # one pass without memory for nearly all data
            return
    bad = np.argwhere(~np.isfinite(X))
    if len(bad):
        i, feature = bad[0].tolist()
        what = "NaN, a missing value" if np.isnan(X[i, feature]) else "inf, an infinite value"
        name = f"feature {feature}" if names is None else f"feature {names[feature]!r}"
        raise ValueError(
            f"X has {what}, in {name} of row {i}; LMNN needs finite numbers: drop such rows or impute them first, for "
            "example with SimpleImputer"
        )


def check_labelled(y: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """No missing label, and labels of one kind: Python's or NumPy's strings, integers, floats or booleans."""
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError(f"y[{int(np.argmin(np.isfinite(y)))}] is not finite; every point needs a label")
    if y.dtype.kind in "mM" and np.isnat(y).any():
        raise ValueError(f"y[{int(np.argmax(np.isnat(y)))}] is not a time; every point needs a label")
    if y.dtype == object:
        missing = [i for i, label in enumerate(y) if _is_missing(label)]
        if missing:
            raise ValueError(f"y[{missing[0]}] is {y[missing[0]]!r}; every point needs a label")
        kinds = sorted({_kind(label) for label in y})
        if len(kinds) > 1 or (kinds and kinds[0] not in ("str", "int", "float", "bool")):
            raise ValueError(f"y holds labels of the types {', '.join(kinds)}; use strings only, or integers only")
    return y


def _kind(label: object) -> str:
    """Name of a label's type; NumPy's types count as the types of Python that they stand for."""
    return type(label.item() if isinstance(label, np.generic) else label).__name__


def _is_missing(label: object) -> bool:
    """None, NaN, or a missing value of pandas, which will not say whether it equals itself."""
    try:
        return label is None or bool(label != label)
    except TypeError:
        return True


def check_labels(y: npt.ArrayLike, n: int, minus_one_is_class: bool = True) -> tuple[npt.NDArray[np.generic], IntArray]:
    """Labels as given and as class indices 0, 1, ... in sorted order."""
    labels = _as_array(y, "y")
    if labels.shape != (n,):
        raise ValueError(f"y has shape {labels.shape}; it must be ({n},): one label for each row of X")
    check_labelled(labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y has only the class {classes[:1].tolist()}; a metric needs at least two classes to part")
    if not minus_one_is_class:
        _check_unlabelled(classes)
    return labels, codes


def _check_unlabelled(classes: npt.NDArray[np.generic]) -> None:
    """No class -1 beside two others: that is scikit-learn's mark for points without a label. -1 and 1 are classes."""
    marks = [label for label in classes.tolist() if str(label) in ("-1", "-1.0")]
    if marks and len(classes) > 2:
        raise ValueError(
            f"y holds {marks[0]!r} beside {len(classes) - 1} other labels, which is scikit-learn's mark for a point "
            "without a label: drop such points, or say that it is a class with minus_one_is_class=True "
            "(--minus-one-is-class)"
        )


def check_mu(mu: float) -> float:
    """Push weight strictly between 0 and 1, in float64 too."""
    if not isinstance(mu, numbers.Real) or not 0 < mu < 1:
        raise ValueError(f"mu={mu!r} must lie strictly between 0 and 1; it weighs the push term, 1 - mu the pull term")
    if not 0 < float(mu) < 1:
        raise ValueError(f"mu={mu!r} becomes {float(mu)!r} in float64; it must lie strictly between 0 and 1 there too")
    return float(mu)


def check_limits(tol: float, max_iter: int | None, time_limit: float | None) -> None:
    """Stopping rule of a solve."""
    if not isinstance(tol, numbers.Real) or not tol >= 0:
        raise ValueError(f"tol={tol!r} must be a number >= 0: the relative gap at which to stop")
    if max_iter is not None and (not is_integer(max_iter) or max_iter < 1):
        raise ValueError(f"max_iter={max_iter!r} must be an integer >= 1, or None for no limit")
    if time_limit is not None and (not isinstance(time_limit, numbers.Real) or not time_limit > 0):
        raise ValueError(f"time_limit={time_limit!r} must be a positive number of seconds, or None for no limit")


def check_callback(callback: object) -> None:
    """What is called with each history row of a solve."""
    if callback is not None and not callable(callback):
        raise ValueError(f"callback={callback!r} must be a function of a HistoryRow, or None")


def check_neighbors(n_neighbors: int | str | None, labels: npt.NDArray[np.generic], d: int) -> int:
    """Number of target neighbours: at least 1, and fewer than the points of any class.

    None and ``"auto"`` take the paper's 3, or as many as the smallest class allows. The error tells the shape of the
    data too: rows and columns that were swapped are a common reason.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    smallest = int(np.argmin(sizes))
    label, size = classes[smallest : smallest + 1].tolist()[0], int(sizes[smallest])
    if n_neighbors is None or (isinstance(n_neighbors, str) and n_neighbors == "auto"):
        n_neighbors = max(1, min(PAPER_NEIGHBORS, size - 1))
    if not is_integer(n_neighbors) or n_neighbors < 1:
        raise ValueError(f"n_neighbors={n_neighbors!r} must be an integer >= 1, or 'auto'; the paper uses 3")
    if size <= n_neighbors:
        remedy = "lower n_neighbors or leave the class out" if size > 1 else "leave the class out, or add points to it"
        raise ValueError(
            f"n_neighbors={n_neighbors} needs at least {n_neighbors + 1} points in each class; class {label!r} has "
            f"{size} (n_samples={len(labels)}, n_features={d}): {remedy}"
        )
    return int(n_neighbors)


def check_components(n_components: int | float | None, d: int, shares: bool = False) -> None:
    """Rows of the map: between 1 and the number of features, or None; where shares are known, one between 0 and 1."""
    if n_components is None or (shares and isinstance(n_components, float) and 0 < n_components < 1):
        return
    if not is_integer(n_components) or not 1 <= n_components <= d:
        raise ValueError(
            f"n_components={n_components!r} must be an integer from 1 to the number of features ({d}), or None for as "
            f"many as the rank of the metric{', or a share of the variance between 0 and 1' if shares else ''}"
        )


def is_integer(value: object) -> TypeGuard[int]:
    """Whether a number is whole by its type; True and False are none."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def check_grid(values: Any, name: str) -> tuple[Any, ...]:
    """Values to try: a sequence without repetitions, or a single one."""
    if values is None or isinstance(values, str | numbers.Number):
        return (values,)
    grid = tuple(values)
    if not grid or len(set(grid)) < len(grid):
        raise ValueError(f"{name}={values!r} must hold at least one value to try, and none twice")
    return grid


def check_pairs(pairs: npt.ArrayLike, d: int) -> FloatArray:
    """Pairs of points, shape (n_pairs, 2, d)."""
    array = as_numbers(pairs, "pairs")
    if array.ndim != 3 or array.shape[1:] != (2, d):
        raise ValueError(f"pairs has shape {array.shape}; it must be (n_pairs, 2, {d}): two points in each pair")
    check_finite(array, "pairs")
    return array


def check_point(point: npt.ArrayLike, name: str, d: int) -> FloatArray:
    """A single point, shape (d,), from that shape or from a row of shape (1, d)."""
    array = as_numbers(point, name)
    if array.shape not in ((d,), (1, d)):
        raise ValueError(f"{name} has shape {array.shape}; it must be ({d},): one point with {d} features")
    check_finite(array, name)
    return array.ravel()


def _as_array(values: Any, name: str) -> npt.NDArray[Any]:
    """An array; rows of different lengths are refused by name."""
    check_unmasked(values, name)
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} has rows of different lengths; give every row as many entries") from error


def as_numbers(values: Any, name: str) -> FloatArray:
    """A float64 copy; strings and other non-numbers are refused."""
    array = _as_array(values, name)
    if array.dtype.kind == "c":
        raise ValueError(f"{name} is complex; it must hold real numbers")
    if array.dtype.kind not in "buifO":
        raise ValueError(f"{name} has the type {array.dtype}; it must hold numbers: encode or drop other columns")
    try:
        return np.array(array, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} cannot be read as numbers ({error}); encode or drop other columns") from error


def as_indices(values: npt.ArrayLike, name: str, n: int) -> IntArray:
    """Integers in 0..n-1."""
    array = _as_array(values, name)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{name} has the type {array.dtype}; it must hold integer row numbers")
    array = array.astype(np.intp)
    if array.size and not (array.min() >= 0 and array.max() < n):
        raise ValueError(f"{name} names rows {array.min()}..{array.max()}; they must lie in 0..{n - 1}")
    return array


def check_finite(array: FloatArray, name: str) -> None:
    """No NaN and no infinity; the first one is named by its position."""
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(k) for k in np.argwhere(bad)[0])
        raise ValueError(
            f"{name}[{', '.join(map(str, where))}] is {array[where]}; every entry must be finite: drop or impute it"
        )
