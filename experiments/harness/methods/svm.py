"""Support vector machines for several classes, with the kernel that errs least in cross-validation.

The paper's are Crammer & Singer's; scikit-learn has those for the linear kernel only, so this is one against one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

KERNELS: tuple[dict[str, list[Any]], ...] = (
    {"kernel": ["linear"]},
    {"kernel": ["poly"], "degree": [2, 4], "coef0": [1.0]},
    {"kernel": ["rbf"]},
)
COSTS = [1.0, 10.0, 100.0]
MOST_STEPS = 200_000  # of a fit: features in units of their own can take any number


def best_kernel(*, scaled: bool = True, names: Sequence[str] = ("linear", "poly", "rbf")) -> GridSearchCV:
    """A search over linear, polynomial and Gaussian kernels, behind features of unit variance or as they come."""
    grid = [
        {f"svm__{name}": values for name, values in (kernel | {"C": COSTS}).items()}
        for kernel in KERNELS
        if kernel["kernel"][0] in names
    ]
    model = Pipeline([("scale", StandardScaler() if scaled else "passthrough"), ("svm", SVC(max_iter=MOST_STEPS))])
    return GridSearchCV(model, grid, cv=StratifiedKFold(5, shuffle=True, random_state=0))
