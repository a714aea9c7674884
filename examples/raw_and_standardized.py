"""Raw against standardised data
=============================

Two problems, both solved, and only one of them is yours.

Does scaling matter to a method that learns the metric? Not to the optimisation. With the target neighbours given, any
invertible change of coordinates x -> Bx leaves every objective value in reach as it was: the learned metric undoes B.
The first lines printed show it: raw and standardised wine have the same optimum once both use the raw data's targets.

It matters before that. The targets, the k nearest points of the same class that each point is pulled to, are chosen by
the Euclidean distance in the space that you hand over, and in raw wine that is little else than proline in mg/l. So
raw and standardised data pose two different problems. The solver proves both, and neither proof says which problem
to pose: their optima are sums over different pairs and must not be compared.

What you see. Above, two of the thirteen features of wine, with lines from two wines of each class (stars) to their
targets. In raw units the lines are vertical: targets have the same proline, whatever else they are. Below, what 3-NN
makes of the two problems in cross-validation: standardising helps wine and breast_cancer, learning repairs most of the
harm of raw units, and iris, four lengths in cm, has nothing to gain.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from _common import interval, save_picture
from lmnn_sdp import LMNN, Problem, solve

MODELS = {
    "Euclidean, raw": [],
    "Euclidean, standardised": [StandardScaler()],
    "LMNN, raw": [LMNN()],
    "LMNN, standardised": [StandardScaler(), LMNN()],
}


SHOWN = 2  # wines of each class whose targets are drawn
DATA = {"wine": load_wine, "breast_cancer": load_breast_cancer, "iris": load_iris}


def cross_validated_error(steps, X, y):
    """Mean error of 3-NN after these steps, in per cent, and its standard error."""
    folds = RepeatedStratifiedKFold(n_splits=4, n_repeats=2, random_state=0)
    errors = 100 * (1 - cross_val_score(make_pipeline(*steps, KNeighborsClassifier(3)), X, y, cv=folds))
    return errors.mean(), errors.std(ddof=1) / np.sqrt(len(errors))


def shared_targets(one, other):
    """Per cent of the target neighbours of one problem that the other has too."""
    return 100 * np.mean([np.isin(*rows).mean() for rows in zip(one.targets, other.targets, strict=True)])


def draw_targets(axes, problem, X, y):
    """Points in two features of the raw data, and the way from a few of each class to their target neighbours."""
    for label, marker in enumerate("osD"):
        own = np.flatnonzero(y == label)
        axes.scatter(*X[own].T, s=12, marker=marker, color=f"C{label}", alpha=0.45, linewidth=0, label=f"wine {label}")
        for i in own[:: len(own) // SHOWN][:SHOWN]:
            for j in problem.targets[i]:
                axes.plot(*X[[i, j]].T, color="black", linewidth=0.9)
                axes.scatter(*X[j], s=14, marker=marker, color=f"C{label}", zorder=3)
            axes.scatter(*X[i], s=130, marker="*", color=f"C{label}", edgecolor="black", linewidth=0.9, zorder=4)
    axes.scatter([], [], s=130, marker="*", color="white", edgecolor="black", label="a wine, by class")
    axes.plot([], [], color="black", linewidth=0.9, label="to its 3 targets")


X, y = load_wine(return_X_y=True)
Z = StandardScaler().fit_transform(X)
raw, standardized = Problem.from_data(X, y), Problem.from_data(Z, y)
borrowed = Problem.from_data(Z, y, targets=raw.targets)
for name, problem in {"raw": raw, "standardised": standardized, "standardised, targets of raw": borrowed}.items():
    solution = solve(problem, tol=1e-8)
    print(f"wine, {name}: {interval(solution.lower_bound, solution.objective)}")

figure, panels = plt.subplot_mosaic("AB;CC", figsize=(8.4, 7.0), height_ratios=(1.15, 1))
left, middle, right = panels.values()
names = load_wine().feature_names
for axes, problem in ((left, raw), (middle, standardized)):
    pair = [names.index("proline"), names.index("flavanoids")]
    draw_targets(axes, problem, X[:, pair], y)
    axes.set(xlabel="proline, mg/l", ylabel="flavanoids", ylim=(0, 6.8))
left.set_title("Raw: targets have the same proline")
middle.set_title(f"Standardised: {shared_targets(raw, standardized):.0f} % the same targets")
left.legend(loc="upper right", ncols=2)

for place, (name, load) in enumerate(DATA.items()):
    X, y = load(return_X_y=True)
    share = shared_targets(Problem.from_data(X, y), Problem.from_data(StandardScaler().fit_transform(X), y))
    print(f"{name}: {share:.0f} % of the targets are the same in both")
    for k, (model, steps) in enumerate(MODELS.items()):
        mean, spread = cross_validated_error(steps, X, y)
        style = {"color": "C0" if steps and isinstance(steps[-1], LMNN) else "#777777", "capsize": 2}
        style["markerfacecolor"] = "white" if "raw" in model else style["color"]
        label = model if place == 0 else None
        right.errorbar(place + 0.14 * (k - 1.5), mean, spread, marker="o", linestyle="none", label=label, **style)
right.set(yscale="log", ylim=(1, 60), ylabel="3-NN errors, %")
right.set_title("Learning repairs most of the harm of raw units (mean and standard error)")
right.set_xticks(range(len(DATA)), list(DATA))
right.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
right.minorticks_off()
right.legend(ncols=2, loc="upper right")
save_picture(figure)
