"""Low rank for pictures: digits in the plane
==========================================

Four digits before and after, and what low rank costs.

`LMNN(n_components=2)` solves the full problem and keeps the first two rows of ``components_``, those of the largest
eigenvalues of M. It is a cut and no problem of its own: the best metric of rank 2 is a problem that is not convex,
so nobody can prove its optimum. ``objective_`` is that of what is kept; beside ``lower_bound_`` it tells the price.

Large eigenvalues are not where the data lie, though: they stretch directions in which the pixels hardly vary. For a
picture it is better to keep all rows and to let PCA choose the plane in the learned coordinates, where distance means
what was learned.

`LowRankLMNN(n_components=2)` descends on a map of two rows from several starts and keeps the best. Where it ends is no
proved optimum of rank 2, but the optimum of full rank is a bound from below, so ``relative_gap_`` is a proved bound on
what the rank costs.

What you see. Four digits that are easily confused, none of them seen in training: in the plane of most variance
before, in the first two rows of the learned map, in the plane of most variance after, and in the plane that a descent
on two rows finds. Its objective is a twentieth of that of the first two rows, and still twelve times the optimum: two
directions are few. The curves have all ten digits and say what low rank costs: ten classes do not fit into a plane,
whoever chooses it. From 10 directions of PCA after LMNN, or 20 of its own rows, little is lost. So take two for a
picture, and for anything else as many as cost nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from _common import save_picture
from lmnn_sdp import LMNN, LowRankLMNN, Problem

FOUR, TEN = (3, 5, 8, 9), tuple(range(10))
COLORS = ("C0", "C1", "C2", "C3")
BEFORE, CUT, AFTER = "PCA of the pixels", "first rows of LMNN", "PCA after LMNN"
DESCENT = "two rows learned"


def halves(digits, size):
    """Training and test points of these digits."""
    X, y = load_digits(return_X_y=True)
    chosen = np.isin(y, digits)
    X_train, X_test, y_train, y_test = train_test_split(
        X[chosen] / 16, y[chosen], train_size=size, test_size=size, stratify=y[chosen], random_state=0
    )
    return (X_train, y_train), (X_test, y_test)


def maps(X, y):
    """Linear maps whose leading rows are to be kept, and the fitted LMNN."""
    lmnn = LMNN(n_neighbors=3, tol=1e-3).fit(X, y)
    turn = PCA().fit(lmnn.transform(X)).components_
    return {BEFORE: PCA().fit(X).components_, CUT: lmnn.components_, AFTER: turn @ lmnn.components_}, lmnn


def error(L, train, test):
    """Per cent of the test points that 3-NN gets wrong in coordinates Lx."""
    knn = KNeighborsClassifier(3).fit(train[0] @ L.T, train[1])
    return 100 * (1 - knn.score(test[0] @ L.T, test[1]))


def draw_plane(axes, L, X, y):
    """Each point as its own digit."""
    V = X @ L[:2].T
    for digit, color in zip(FOUR, COLORS, strict=True):
        axes.scatter(*V[y == digit].T, s=26, marker=f"${digit}$", color=color, linewidth=0)
    axes.set_xticks([])
    axes.set_yticks([])


figure, panels = plt.subplot_mosaic("ABE;CDE", figsize=(10.8, 6.0))
curves = panels["E"]

train, test = halves(FOUR, 350)
found, lmnn = maps(*train)
two = lmnn.components_[:2]  # as of LMNN(n_components=2)
kept = Problem.from_data(*train, n_neighbors=3).objective(two.T @ two)
best = LowRankLMNN(n_components=2, tol=1e-3, random_state=0).fit(*train)
excess = best.objective_ / best.lower_bound_
print(f"objective: {lmnn.objective_:.0f} (gap {lmnn.relative_gap_:.0e}), {kept:.0f} with the first two rows only")
print(f"two rows learned: {best.objective_:.0f}, at most {excess:.0f} times the optimum of full rank")
for letter, (name, L) in zip("ABCD", {**found, DESCENT: best.components_}.items(), strict=True):
    axes = panels[letter]
    draw_plane(axes, L, *test)
    wrong = error(L[:2], train, test)
    axes.set_title(f"{name[0].upper() + name[1:]}: {wrong:.0f} % errors")
    print(f"four digits, {name}: {wrong:.0f} % errors in two directions")
panels["C"].set_xlabel("each digit: an image not seen in training")

train, test = halves(TEN, 700)
found, lmnn = maps(*train)
ranks = (1, 2, 3, 4, 5, 7, 10, 14, 20, 30)
for name, color, marker in zip(found, ("#777777", "C4", "C0"), "sDo", strict=True):
    errors = [error(found[name][:rank], train, test) for rank in ranks]
    print(f"ten digits, {name}: {errors[1]:.0f} % errors in two directions, {errors[-1]:.1f} % in {ranks[-1]}")
    curves.plot(ranks, errors, color=color, marker=marker, label=name)
curves.set(xscale="log", yscale="log", xlabel="directions kept", ylabel="3-NN errors, %")
curves.set_title("All ten digits: two directions are too few")
curves.set_xticks([1, 2, 5, 10, 20, 30], ["1", "2", "5", "10", "20", "30"])
curves.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
curves.minorticks_off()
curves.legend()
save_picture(figure)
