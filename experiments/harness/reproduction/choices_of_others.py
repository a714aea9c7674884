"""What may lie behind a number of the methods beside LMNN: features, directions, kernels that the paper leaves open."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import scipy.sparse
from sklearn.base import TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedShuffleSplit

from harness.methods.mmc import MMC
from harness.methods.rca import RCA
from harness.methods.svm import best_kernel
from harness.reproduction.protocol import Case, Split
from lmnn_sdp import LMNN, ShrinkingKNN

VOTERS = 3
MOST_FOR_KERNELS = 2_000  # points
MOST_PAIRS = 2e8  # doubles that MMC holds
STEPS = (0, 1, 10)  # of the way of MMC
KEPT = 0.7  # share of the training points that a validation leaves


def open_choices(split: Split, case: Case) -> dict[str, float]:
    """Test errors of LDA, RCA, MMC and SVM with other choices than those of the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = _by_features(split) | _unit_lengths(split) | _held_out(split, case)
        return found | _on_the_way(split) | _kernels(split)


def _by_features(split: Split) -> dict[str, float]:
    """LDA and RCA on the features as they come and after PCA, and RCA in all its directions."""
    found = {"RCA, all directions": _error(RCA(), split)}
    if scipy.sparse.issparse(split.raw) or split.raw.shape[1] == split.X.shape[1]:
        return found
    unreduced = replace(split, X=split.raw, X_test=split.raw_test)
    for name, points in {"as they come": unreduced, "after PCA": split}.items():
        found[f"LDA, {name}"] = _error(LinearDiscriminantAnalysis(), points)
        found[f"RCA, {name}"] = _error(RCA(len(np.unique(split.y)), split.seed), points)
    return found


def _unit_lengths(split: Split) -> dict[str, float]:
    """LDA with directions of unit length, and LMNN on them: where it keeps all of them, lengths are all it changes."""
    if scipy.sparse.issparse(split.raw) or len(np.unique(split.y)) <= split.X.shape[1]:
        return {}
    directions = LinearDiscriminantAnalysis().fit(split.X, split.y).scalings_
    A, B = (points @ (directions / np.linalg.norm(directions, axis=0)) for points in (split.X, split.X_test))
    metric = LMNN(tol=1e-4).fit(A, split.y)
    return {
        "LDA, unit lengths": _vote(A, split.y, B, split),
        "LMNN after LDA, unit lengths": _vote(metric.transform(A), split.y, metric.transform(B), split),
    }


def _held_out(split: Split, case: Case) -> dict[str, float]:
    """LDA after PCA, and LMNN on its directions, learned on what a validation leaves of the training points."""
    if not case.validation:
        return {}
    draw = StratifiedShuffleSplit(1, train_size=KEPT, random_state=split.seed)
    rows, _ = next(draw.split(split.X, split.y))
    first = LinearDiscriminantAnalysis().fit(split.X[rows], split.y[rows])
    A, B, y = first.transform(split.X[rows]), first.transform(split.X_test), split.y[rows]
    metric = LMNN(tol=1e-4).fit(A, y)
    return {
        "LDA, after PCA, 70 % of the points": _vote(A, y, B, split),
        "LMNN after it": _vote(metric.transform(A), y, metric.transform(B), split),
    }


def _on_the_way(split: Split) -> dict[str, float]:
    """MMC on the way of its descent from M = I in the units of the data."""
    if len(split.y) ** 2 / 2 * split.X.shape[1] > MOST_PAIRS:
        return {}
    return {
        f"MMC, {steps} steps from M = I": _error(MMC(max_iter=steps + 1, whitened_start=False), split)
        for steps in STEPS
    }


def _kernels(split: Split) -> dict[str, float]:
    """SVM with one kind of kernel, and with features of unit variance."""
    if len(split.y) > MOST_FOR_KERNELS:
        return {}
    models = {f"SVM, {name}": best_kernel(scaled=False, names=[name]) for name in ("linear", "poly", "rbf")}
    models["SVM, unit variance"] = best_kernel()
    return {
        name: float(np.mean(model.fit(split.X, split.y).predict(split.X_test) != split.y_test))
        for name, model in models.items()
    }


def _error(first: TransformerMixin, split: Split) -> float:
    """Test error of the vote after a map learned on the reduced points."""
    A = first.fit(split.X, split.y).transform(split.X)
    return _vote(A, split.y, first.transform(split.X_test), split)


def _vote(A: np.ndarray, y: np.ndarray, B: np.ndarray, split: Split) -> float:
    """Test error of the vote."""
    return float(np.mean(ShrinkingKNN(VOTERS).fit(A, y).predict(B) != split.y_test))
