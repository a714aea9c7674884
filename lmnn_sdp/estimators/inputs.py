"""What estimators check of the data and labels that they are given: scikit-learn's rules, then ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.validation import check_dense, check_features, check_labelled, check_unmasked


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
