"""Support vector machines for several classes, with the kernel that errs least in cross-validation.

The paper's are Crammer & Singer's; scikit-learn has those for the linear kernel only, so this is one against one.
"""

from __future__ import annotations

from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

KERNELS = ({"kernel": ["linear"]}, {"kernel": ["poly"], "degree": [2, 4], "coef0": [1.0]}, {"kernel": ["rbf"]})
COSTS = [1.0, 10.0, 100.0]


def best_kernel() -> GridSearchCV:
    """A search over linear, polynomial and Gaussian kernels, behind features of unit variance."""
    grid = [{f"svm__{name}": values for name, values in (kernel | {"C": COSTS}).items()} for kernel in KERNELS]
    model = Pipeline([("scale", StandardScaler()), ("svm", SVC())])
    return GridSearchCV(model, grid, cv=StratifiedKFold(5, shuffle=True, random_state=0))
