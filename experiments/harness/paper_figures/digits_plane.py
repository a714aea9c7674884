"""Fig. 8 of Weinberger & Saul (2009): digits 0, 1, 2 and 4 in the plane of most variance, with a metric a class."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from harness.paper_figures.ellipses import ellipse
from lmnn_sdp import MultiMetricLMNN
from lmnn_sdp.numerics.types import FloatArray, IntArray

DIGITS = (0, 1, 2, 4)
TOL = 1e-6


def run(images: FloatArray, labels: IntArray, quick: bool) -> dict[str, Any]:
    """Metrics on a sample, and their ellipses."""
    n = 200 if quick else 2000
    chosen = np.flatnonzero(np.isin(labels, DIGITS))
    chosen = np.sort(np.random.default_rng(0).choice(chosen, n, replace=False))
    X, y = PCA(2, svd_solver="full").fit_transform(images[chosen]), labels[chosen]
    model = MultiMetricLMNN(tol=TOL).fit(X, y)
    classes = []
    for digit, M in zip(DIGITS, model.get_mahalanobis_matrices(), strict=True):
        long, short, degrees = ellipse(M)
        mean = X[y == digit].mean(axis=0)
        classes.append(
            {"digit": digit, "mean": mean.tolist(), "M": M.tolist(), "long": long, "short": short, "degrees": degrees}
        )
    return {
        "n": n,
        "of": int(np.sum(np.isin(labels, DIGITS))),
        "gap": float(model.relative_gap_),
        "objective": float(model.objective_),
        "classes": classes,
        "X": np.round(X, 3).tolist(),
        "y": y.tolist(),
    }
