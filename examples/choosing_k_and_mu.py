"""Choosing k and mu
=================

By cross-validation, and without reading more into it than it says.

k is the number of target neighbours that each point is pulled to, mu the weight of pushing impostors away against
pulling targets near. Each pair (k, mu) is another problem, and the proved optimum of one says nothing about that of
the other; only held-out points can judge between them. The features are standardised beforehand; that
sees no label.

Ties would decide it, if one let them. Both data sets lie on a grid, where x + v and x - v are equally far from x under
every metric; for k = 1 and mu = 0.98 the third neighbour of 380 of the 625 points of balance_scale is no nearer than
the fourth. Plain k-NN takes one of them by the last bits of the distances, which one processor rounds this way and
another that way: it errs on 9.1 to 10.2 % of the points with metrics whose gap is 1e-2 to 1e-8, in no order. So here
every point votes that is as far as the last neighbour, and a drawn vote is shared. What is left to depend on is the
optimum, once the gap is small enough to tell a tie from a difference: hence ``tol=1e-6``.

What you see. The held-out error of every pair with its standard error, and a band that reaches one standard error
above the best. The folds cannot tell pairs in the band from the best one, and hardly those just above it. On iris the
lines cross, the error bars overlap, and best and worst differ by three flowers of 150: little is there to choose, so
keep the defaults. On balance_scale it pays: k = 1 is below the others at every mu, the more so the nearer mu is to 1.
Look whether the table has a pattern before you believe its minimum.

The smallest error of a table is too good to be true, because it was chosen. An honest estimate needs an outer loop,
``cross_val_score(make_pipeline(LMNNCV(...), KNeighborsClassifier(3)), X, y)``.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold

from _common import save_picture
from lmnn_sdp import LMNNCV
from lmnn_sdp.datasets import load

NEIGHBORS, MUS, FOLDS = (1, 3, 5), (0.1, 0.5, 0.9, 0.98), 5
TIED = 1e-3  # squared distances so near to each other are equal: a thousandth of LMNN's margin


def score_with_ties(knn, X, y):
    """Share of right votes when all points vote that are as far as the last neighbour; a drawn vote is shared."""
    k = knn.n_neighbors
    square = knn.kneighbors(X, knn.n_samples_fit_)[0] ** 2  # of each point's distances, nearest first
    voters = np.count_nonzero(square <= square[:, [k - 1]] + TIED, axis=1)
    share = np.empty(len(X))
    for n in np.unique(voters):
        rows = voters == n
        votes = knn.set_params(n_neighbors=n).predict_proba(X[rows])
        first = np.isclose(votes, votes.max(axis=1, keepdims=True))
        share[rows] = np.mean(knn.classes_ == y[rows, None], axis=1, where=first)
    knn.set_params(n_neighbors=k)
    return share.mean()


def held_out_errors(X, y):
    """Held-out errors in per cent and their standard errors, a row for each k and a column for each mu."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    search = LMNNCV(n_neighbors=NEIGHBORS, mu=MUS, cv=folds, scoring=score_with_ties, tol=1e-6)
    results = search.fit(X, y).cv_results_
    shape = len(NEIGHBORS), len(MUS)  # of the grid: k changes slowest
    errors = 100 * (1 - results["mean_test_score"].reshape(shape))
    return errors, 100 * results["std_test_score"].reshape(shape) / np.sqrt(FOLDS - 1)


figure, panels = plt.subplots(1, 2, figsize=(9.2, 3.9))
for axes, name in zip(panels, ("iris", "balance_scale"), strict=True):
    data = load(name).standardized()
    errors, spreads = held_out_errors(data.X, data.y)
    best = np.unravel_index(np.argmin(errors), errors.shape)
    edge = errors[best] + spreads[best]
    alike = np.count_nonzero(errors <= edge)
    k, mu = NEIGHBORS[best[0]], MUS[best[1]]
    print(f"{name}: {errors[best]:.1f} +- {spreads[best]:.1f} % errors at k = {k}, mu = {mu}")
    print(f"  worst {errors.max():.1f} %; {alike} of {errors.size} pairs within one standard error of the best")

    axes.axhspan(
        errors[best], edge, color="#bbbbbb", alpha=0.5, linewidth=0, label="within one standard error of the best"
    )
    for row, neighbors in enumerate(NEIGHBORS):
        places = np.arange(len(MUS)) + 0.1 * (row - 1)
        style = {"marker": "osD"[row], "capsize": 2, "linewidth": 1.2, "label": f"k = {neighbors}"}
        axes.errorbar(places, errors[row], spreads[row], **style)
    axes.set_xticks(range(len(MUS)), MUS)
    axes.set(xlabel="mu", ylim=(0, None), title=f"{name}: {alike} of {errors.size} pairs are as good as the best")
panels[0].set_ylabel("held-out errors, %")
panels[-1].plot([], [], color="#555555", marker="|", markersize=12, linestyle="none", label="bar: standard error")
figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=5)
save_picture(figure)
