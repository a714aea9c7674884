"""What estimators check of the data and labels that they are given: scikit-learn's rules, then ours."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.validation import as_numbers, check_dense, check_features, check_labelled, check_unmasked


def numbers(estimator: BaseEstimator, X: npt.ArrayLike, reset: bool) -> FloatArray:
    """Finite float64 data; a missing value is named by its feature."""
    check_dense(X)
    check_unmasked(X, "X")
    fewest = 2 if reset else 1
    array: FloatArray = validate_data(
        estimator, X, reset=reset, dtype=np.float64, ensure_all_finite=False, ensure_min_samples=fewest
    )
    check_features(array, getattr(estimator, "feature_names_in_", None))
    return array


def labelled(
    estimator: BaseEstimator, X: npt.ArrayLike, y: npt.ArrayLike
) -> tuple[FloatArray, npt.NDArray[np.generic]]:
    """Training data as numbers and labels."""
    if y is None:
        validate_data(estimator, X, y)  # says that y is required
    check_unmasked(y, "y")
    labels: npt.NDArray[Any] = check_labelled(column_or_1d(y, warn=True))
    check_classification_targets(labels)
    X = numbers(estimator, X, reset=True)
    check_consistent_length(X, labels)
    return X, labels


def point_weights(
    sample_weight: npt.ArrayLike | None, class_weight: Any, y: npt.NDArray[np.generic]
) -> FloatArray | None:
    """Weights of points times those of their classes; None where neither is given."""
    if sample_weight is None and class_weight is None:
        return None
    own = np.ones(len(y)) if sample_weight is None else as_numbers(sample_weight, "sample_weight")
    if own.shape != (len(y),):
        raise ValueError(f"sample_weight has shape {own.shape}; it must be ({len(y)},): one weight for each point")
    weights: FloatArray = own if class_weight is None else own * compute_sample_weight(class_weight, y)
    return weights


def held_out_rows(
    y: npt.NDArray[np.generic], fraction: Any, random_state: int | np.random.RandomState | None
) -> tuple[IntArray, IntArray]:
    """Rows to learn from, and rows to hold out: that part of each class."""
    if not (isinstance(fraction, Real) and not isinstance(fraction, bool) and 0 < float(fraction) < 1):
        raise ValueError(f"validation_fraction={fraction!r} must lie between 0 and 1, or be None to hold out no points")
    rows = train_test_split(np.arange(len(y)), test_size=float(fraction), stratify=y, random_state=random_state)
    return rows[0], rows[1]
