"""One split: fit a metric to its training part, and count the errors of k-NN on its test part before and after."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _safe_indexing

from lmnn_sdp.numerics.types import IntArray
from lmnn_sdp.solvers.solution import Status


class Outcome(NamedTuple):
    """What one split gives; the warnings travel along because those of another process are not seen in this one."""

    wrong_before: int
    wrong_after: int
    gap: float
    status: Status | None
    seconds: float
    warnings: list[Warning]


def judge_split(
    estimator: Any,
    X: Any,
    y: npt.NDArray[np.generic],
    train: IntArray,
    test: IntArray,
    classifier_neighbors: int,
    standardize: bool,
) -> Outcome:
    """Fit on the training part, and count the errors on the test part before and after.

    A frame stays one, so that the steps of a pipeline can pick columns by name.
    """
    known, unseen = _safe_indexing(X, train), _safe_indexing(X, test)
    if standardize:
        scaler = _scaler_like(X).fit(known)
        known, unseen = scaler.transform(known), scaler.transform(unseen)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        begin = time.perf_counter()
        estimator.fit(known, y[train])
        seconds = time.perf_counter() - begin
    learner = learner_of(estimator)
    status = getattr(getattr(learner, "solution_", None), "status", None)
    if status is Status.INTERRUPTED and getattr(learner, "callback", None) is None:
        raise KeyboardInterrupt  # which the solver took as a wish to keep its best metric so far
    after = estimator.transform(known), estimator.transform(unseen)
    return Outcome(
        wrong_before=_errors(known, unseen, y[train], y[test], classifier_neighbors),
        wrong_after=_errors(*after, y[train], y[test], classifier_neighbors),
        gap=float(getattr(learner, "relative_gap_", math.nan)),
        status=status,
        seconds=seconds,
        warnings=[warning.message for warning in caught if isinstance(warning.message, Warning)],
    )


def _scaler_like(X: Any) -> StandardScaler:
    """A scaler that gives a pandas or polars frame if X is one."""
    library = type(X).__module__.partition(".")[0]
    return StandardScaler().set_output(transform=library if library in ("pandas", "polars") else "default")


def _errors(
    known: Any,
    unseen: Any,
    known_labels: npt.NDArray[np.generic],
    labels: npt.NDArray[np.generic],
    neighbors: int,
) -> int:
    """Test points that k-NN misclassifies."""
    predicted = KNeighborsClassifier(neighbors).fit(known, known_labels).predict(unseen)
    return int(np.count_nonzero(predicted != labels))


def learner_of(estimator: Any) -> Any:
    """The estimator itself, or the last step of a pipeline."""
    return estimator[-1] if hasattr(estimator, "steps") else estimator
