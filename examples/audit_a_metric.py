"""Audit of a metric from elsewhere: how far is it from the optimum?

`audit` takes any symmetric matrix M, from any package, and gives an interval that holds its excess over the optimum.
Two metrics are had here without a further package:

- scikit-learn's `NeighborhoodComponentsAnalysis`, which has another loss, so its scale means nothing here: it is
  judged at its best multiple, and the excess tells how different the two losses are, not how good its solver is;
- LMNN's own loss, minimised as packages do it: subgradient descent on a map L, a step that is halved whenever the
  objective rises, and an end when that moves by less than a thousandth.

A metric of metric-learn comes the same way. Fit it to the same scaled data with the same number of neighbours, and
audit ``model.components_.T @ model.components_``; its ``regularization=0.5`` is the mu = 0.5 used here.

What you see. Both descents look finished, and their own rule says so, well above the optimum and not at the same place,
though they differ in nothing but the first step. Below the dashed line there is nothing to be found: no metric has a
smaller objective, and that is proved. (This descent is a sketch; how far real packages stop from the optimum is
measured in the README.) What a metric above the optimum is worth for prediction is another question:
see what_the_optimum_buys.py.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.preprocessing import StandardScaler

from _common import save_picture
from lmnn_sdp import Problem, audit

MU = 0.5


def objective_and_gradient(problem, L):
    """LMNN objective at a map L and its gradient, from all pairs of points."""
    X, (i, j) = problem.X, problem.target_pairs()
    V = X @ L.T
    square = np.sum(V**2, axis=1)
    distance = square[:, None] + square - 2 * V @ V.T
    hinges = np.where(problem.codes[i][:, None] != problem.codes, 1 + distance[i, j][:, None] - distance[i], 0)
    violated = hinges > 0

    weight = np.zeros_like(distance)  # of each pair's distance in the objective
    np.add.at(weight, (i, j), 1 - MU + MU * violated.sum(axis=1))
    np.add.at(weight, i, -MU * violated)
    weight = weight + weight.T
    laplacian = np.diag(weight.sum(axis=1)) - weight
    objective = (1 - MU) * distance[i, j].sum() + MU * hinges[violated].sum()
    return objective, 2 * L @ (X.T @ laplacian @ X)


def descend(problem, step):
    """Map L where descent stops by its own rule, and the objectives on the way."""
    L = np.eye(problem.n_features)
    value, gradient = objective_and_gradient(problem, L)
    path = [value]
    while len(path) < 2 or path[-2] - path[-1] >= 1e-3:
        candidate = L - step * gradient
        value, slope = objective_and_gradient(problem, candidate)
        if value > path[-1]:
            step /= 2
            continue
        L, gradient, step = candidate, slope, 1.01 * step
        path.append(value)
    return L, path


def at_best_scale(problem, M):
    """The multiple of M with the smallest objective, to a per cent of its scale."""
    return min((scale * M for scale in np.geomspace(1e-3, 1e2, 1000)), key=problem.objective)


X, y = load_breast_cancer(return_X_y=True)
X, y = StandardScaler().fit_transform(X)[::3], y[::3]  # every third point: the descent is slow
problem = Problem.from_data(X, y, n_neighbors=3, mu=MU)

nca = NeighborhoodComponentsAnalysis(random_state=0).fit(X, y).components_
paths = {}
metrics = {"NCA": at_best_scale(problem, nca.T @ nca), "Euclidean": at_best_scale(problem, np.eye(X.shape[1]))}
for step in (1e-2, 1e-3):
    L, paths[f"descent from step {step:g}"] = descend(problem, step)
    metrics[f"descent from step {step:g}"] = L.T @ L

audits = {name: audit(problem, M) for name, M in metrics.items()}
for name, found in audits.items():
    print(f"{name}: {found.excess[0]:.4%} to {found.excess[1]:.4%} above the optimum")
lower_bound, upper_bound = found.optimum
print(f"optimum: {lower_bound:.3f} to {upper_bound:.3f}")

figure, axes = plt.subplots(figsize=(7.6, 4.4))
longest = max(map(len, paths.values()))
for (name, path), color, lift in zip(paths.items(), ("C0", "C4"), (9, -13), strict=True):
    axes.plot(path, color=color, label=name)
    axes.plot(len(path) - 1, path[-1], color=color, marker="o", markersize=6)
    note = f"its rule says: finished, at +{audits[name].excess[0]:.1%}"
    axes.annotate(note, (longest, path[-1]), (0, lift), textcoords="offset points", color=color, ha="right")
for color, name in (("C2", "Euclidean"), ("C3", "NCA")):
    objective = audits[name].objective
    axes.axhline(objective, color=color, linewidth=1.4)
    note = f"{name}, times the factor that suits it best: +{audits[name].excess[0]:.0%}"
    axes.annotate(note, (longest, objective), (0, 3), textcoords="offset points", color=color, ha="right")
axes.axhline(lower_bound, color="black", linestyle="--", linewidth=1.2)
axes.axhspan(0, lower_bound, facecolor="#eeeeee", edgecolor="#cccccc", hatch="//", linewidth=0)
axes.annotate("proved: no metric is down here", (longest, 0.87 * lower_bound), ha="right", backgroundcolor="#eeeeee")
axes.set(xlim=(0, 1.02 * longest), ylim=(0.75 * lower_bound, 1.12 * audits["NCA"].objective))
axes.set(xlabel="steps of the descent", ylabel="LMNN objective over all triplets")
axes.set_title("Both descents say finished, well above the optimum")
axes.legend(loc="center right")
save_picture(figure)
