"""Choosing k and mu: by cross-validation, and without reading more into it than it says.

k is the number of target neighbours that each point is pulled to, mu the weight of pushing impostors away against
pulling targets near. Each pair (k, mu) is another problem, and the proved optimum of one says nothing about that of
the other; only held-out points can judge between them. The features are standardised beforehand; that
sees no label. A gap of 1 % is good enough for the search (see what_the_optimum_buys.py); solve the problem that was
chosen to the end.

What you see. The held-out error of every pair with its standard error, and a band that reaches one standard error
above the best. The folds cannot tell pairs in the band from the best one, and hardly those just above it. On iris the
lines cross, the error bars overlap, and best and worst differ by four flowers of 150: little is there to choose, so
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

NEIGHBORS, MUS, FOLDS = (1, 3, 5), (0.02, 0.1, 0.5, 0.9, 0.98), 5


def search(X, y):
    """Held-out errors in per cent and their standard errors, a row for each k and a column for each mu."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    results = LMNNCV(n_neighbors=NEIGHBORS, mu=MUS, cv=folds, tol=1e-2).fit(X, y).cv_results_
    shape = len(NEIGHBORS), len(MUS)  # of the grid: k changes slowest
    errors = 100 * (1 - results["mean_test_score"].reshape(shape))
    return errors, 100 * results["std_test_score"].reshape(shape) / np.sqrt(FOLDS - 1)


figure, panels = plt.subplots(1, 2, figsize=(9.2, 3.9))
for axes, name in zip(panels, ("iris", "balance_scale"), strict=True):
    data = load(name).standardized()
    errors, spreads = search(data.X, data.y)
    best = np.unravel_index(np.argmin(errors), errors.shape)
    edge = errors[best] + spreads[best]
    alike = np.count_nonzero(errors <= edge)
    k, mu = NEIGHBORS[best[0]], MUS[best[1]]
    print(f"{name}: {errors[best]:.1f} +- {spreads[best]:.1f} % errors at k = {k}, mu = {mu}")
    print(f"  worst {errors.max():.1f} %; {alike} of {errors.size} pairs within one standard error of the best")

    axes.axhspan(errors[best], edge, color="#bbbbbb", alpha=0.5, linewidth=0, label="one standard error")
    for row, neighbors in enumerate(NEIGHBORS):
        places = np.arange(len(MUS)) + 0.1 * (row - 1)
        style = {"marker": "osD"[row], "capsize": 2, "linewidth": 1.2, "label": f"k = {neighbors}"}
        axes.errorbar(places, errors[row], spreads[row], **style)
    axes.set_xticks(range(len(MUS)), MUS)
    axes.set(xlabel="mu", ylim=(0, None), title=f"{name}: {alike} of {errors.size} within one standard error")
panels[0].set_ylabel("held-out errors, %")
figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
save_picture(figure)
