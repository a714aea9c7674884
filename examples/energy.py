"""Energy classification
=====================

The label that the LMNN objective minds least.

Three neighbours vote, and nothing else of what was learned is asked. `EnergyClassifier` asks all of it: it adds the
point to the training points with each label in turn, and takes the label for which the objective grows least (eq. 15
of Weinberger & Saul, 2009). The growth has three parts: the pull of the point to its friends, which are the nearest
training points of that label; the push of the impostors inside the point's own perimeters; and the push of the point
where it is itself an impostor, inside the perimeters of others.

What you see. On the left a scale that the vote takes for balanced: the energy of each label, and what it is made of.
Friends are near whatever the label, so the pull decides nothing; but with a wrong label there would be more impostors.
On the right the errors of both rules under the same metrics, with standard errors. On balance_scale, a grid full of
ties, the energy takes a third off the errors of the vote; on the other data sets the two cannot be told apart. So it is
worth a try where votes are narrow, and no more than that: it compares with every training point, and gives no
probabilities.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import ShuffleSplit
from sklearn.preprocessing import StandardScaler

from _common import save_picture
from lmnn_sdp import LMNN, EnergyClassifier, Problem, ShrinkingKNN
from lmnn_sdp.datasets import load

SPLITS, TEST = 6, 150
PARTS = {"pull to friends": "C0", "push of impostors": "C1", "push as an impostor": "C2"}
MEANINGS = {"L": "left", "B": "balanced", "R": "right"}


def data_sets():
    """Points, labels and the number of training points."""
    balance, wine, cancer, digits = load("balance_scale"), load_wine(), load_breast_cancer(), load_digits()
    scaled = StandardScaler().fit_transform
    return {
        "balance_scale": (balance.X, balance.y, 375),
        "wine": (scaled(wine.data), wine.target, 100),
        "breast_cancer": (scaled(cancer.data), cancer.target, 300),
        "digits, 15 of PCA": (PCA(15, svd_solver="full").fit_transform(digits.data / 16), digits.target, 400),
    }


def fitted(X, y):
    """A vote of three under the learned metric, and the energy with the same metric."""
    lmnn = LMNN(tol=1e-6).fit(X, y)
    return lmnn, ShrinkingKNN(3).fit(lmnn.transform(X), y), EnergyClassifier(FrozenEstimator(lmnn)).fit(X, y)


def errors(X, y, size):
    """Per cent of held-out points that the vote and the energy get wrong, a row for each split."""
    found = []
    splits = ShuffleSplit(SPLITS, train_size=size, test_size=min(TEST, len(X) - size), random_state=0)
    for train, test in splits.split(X):
        lmnn, vote, energy = fitted(X[train], y[train])
        found.append([1 - vote.score(lmnn.transform(X[test]), y[test]), 1 - energy.score(X[test], y[test])])
    return 100 * np.array(found)


def parts_of(lmnn, X, y, x, label):
    """The three parts of the energy of a point under a label, from the definition."""
    L, problem = lmnn.components_, Problem.from_data(X, y, lmnn.n_neighbors)
    to_all = np.sum(((X - x) @ L.T) ** 2, axis=1)
    own = np.flatnonzero(y == label)
    friends = own[np.argsort(np.sum((X[own] - x) ** 2, axis=1), kind="stable")[: lmnn.n_neighbors]]
    push = np.maximum(0, 1 + to_all[friends][:, None] - to_all[y != label]).sum()
    i, j = problem.target_pairs()
    others = y[i] != label
    to_targets = np.sum(((X[i] - X[j]) @ L.T) ** 2, axis=1)
    invaded = np.maximum(0, 1 + to_targets - to_all[i])[others].sum()
    return (1 - lmnn.mu) * to_all[friends].sum(), lmnn.mu * push, lmnn.mu * invaded


def a_scale_the_vote_gets_wrong(X, y, size):
    """Training points, a metric, a point that only the energy gets right, and its energies."""
    train, test = next(ShuffleSplit(1, train_size=size, random_state=0).split(X))
    lmnn, vote, energy = fitted(X[train], y[train])
    voted, least = vote.predict(lmnn.transform(X[test])), energy.predict(X[test])
    chosen = test[np.flatnonzero((voted == "B") & (least == y[test]) & (y[test] != "B"))[0]]
    shares = np.array([parts_of(lmnn, X[train], y[train], X[chosen], label) for label in MEANINGS])
    whole = energy.energies(X[[chosen]])[0][np.searchsorted(energy.classes_, list(MEANINGS))]
    return chosen, shares, whole


figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.2))
found = data_sets()
X, y, size = found["balance_scale"]
chosen, shares, whole = a_scale_the_vote_gets_wrong(X, y, size)
print(f"a scale that tips to the {MEANINGS[y[chosen]]}; its energies:")
for row, meaning in enumerate(MEANINGS.values()):
    print(f"  {meaning}: {shares[row].sum():.0f} by the definition, {whole[row]:.0f} by EnergyClassifier")
    for column, (part, color) in enumerate(PARTS.items()):
        height, base = shares[row, column], shares[row, :column].sum()
        left.bar(row, height, 0.6, base, color=color, label=part if row == 0 else None)
left.set_xticks(range(3), [f"{m}\n(true)" if label == y[chosen] else m for label, m in MEANINGS.items()])
left.set(xlabel="label that one scale is given", ylabel="energy", title="The true label costs the objective least")
left.legend()

for place, (name, (X, y, size)) in enumerate(found.items()):
    wrong = errors(X, y, size)
    mean, spread = wrong.mean(axis=0), wrong.std(axis=0) / np.sqrt(SPLITS - 1)
    print(f"{name}: {mean[0]:.1f} % errors of the vote, {mean[1]:.1f} % of the energy")
    for side, (rule, color) in enumerate({"vote of three": "#777777", "energy": "C0"}.items()):
        style = {"yerr": spread[side], "capsize": 3, "color": color, "label": rule if place == 0 else None}
        right.bar(place + 0.36 * side - 0.18, mean[side], 0.32, **style)
right.set_xticks(range(len(found)), [name.replace(", ", ",\n") for name in found])
right.set(ylabel="held-out errors, %", title="Energy helps on a grid full of ties")
right.legend()
save_picture(figure)
