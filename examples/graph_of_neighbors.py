"""A graph of neighbours
=====================

Computed once under the learned metric, and used by many.

`sklearn.neighbors.KNeighborsTransformer` turns points into a sparse graph of distances to their neighbours, and what
of scikit-learn takes ``metric="precomputed"`` goes on from there: k-NN, Isomap, spectral clustering, DBSCAN, t-SNE.
Behind `LMNN` the graph is that of the learned metric, because its coordinates are those in which the learned distance
is Euclidean; and it is computed once for all numbers of neighbours, instead of once for each.

What you see. On the left the errors of k-NN on new digits for many k, each curve from a single graph: but for k = 1 the
learned metric errs less, the more so the more neighbours vote. On the right what Isomap makes of a graph of four of the
new digits, a dot each, which it is handed without the points: it never learns what M was, and needs not. What is near
in the graph is near in the plane: 5 and 8 stand apart from the others, while 3 and 9 lie over each other.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.manifold import Isomap
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import make_pipeline

from _common import MARKERS, save_picture
from lmnn_sdp import LMNN

COUNTS = (1, 2, 3, 5, 8, 12, 20, 30)
SHOWN = (3, 5, 8, 9)  # digits in the picture


def errors(graph_maker):
    """Errors in per cent for every number of neighbours, from one graph."""
    graph = graph_maker.fit_transform(X_train, y_train)
    queries = graph_maker.transform(X_test)
    wrong = []
    for count in COUNTS:
        knn = KNeighborsClassifier(count, metric="precomputed").fit(graph, y_train)
        wrong.append(100 * (1 - knn.score(queries, y_test)))
    return wrong


X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, train_size=700, test_size=700, stratify=y, random_state=0
)
graph = KNeighborsTransformer(n_neighbors=max(COUNTS), mode="distance")
learned = make_pipeline(LMNN(tol=1e-3), graph)
curves = {"Euclidean": errors(graph), "learned": errors(learned)}
for name, wrong in curves.items():
    print(f"{name}: {wrong[0]:.1f} % errors at k = 1, {wrong[3]:.1f} % at k = 5, {wrong[-1]:.1f} % at k = 30")

figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4.0))
for (name, wrong), color, marker in zip(curves.items(), ("#777777", "C0"), "os", strict=True):
    left.plot(COUNTS, wrong, color=color, marker=marker, label=name)
left.set(xscale="log", ylim=(0, None), xlabel="neighbours that vote, k", ylabel="errors on new digits, %")
left.set_xticks(COUNTS, [str(count) for count in COUNTS])
left.minorticks_off()
left.set_title("Learned: fewer errors from k = 2 on")
left.legend()

new = np.isin(y_test, SHOWN)
own_graph = KNeighborsTransformer(n_neighbors=12, mode="distance").fit_transform(learned[0].transform(X_test[new]))
V = Isomap(n_neighbors=12, n_components=2, metric="precomputed").fit_transform(own_graph)
for digit, marker in zip(SHOWN, MARKERS, strict=False):
    right.scatter(*V[y_test[new] == digit].T, s=14, marker=marker, alpha=0.7, linewidth=0, label=f"digit {digit}")
# the two digits that are most often the nearest of each other in the plane
nearest = KNeighborsClassifier(1).fit(V, y_test[new]).kneighbors(return_distance=False)[:, 0]
beside = np.array([[np.sum((y_test[new] == a) & (y_test[new][nearest] == b)) for b in SHOWN] for a in SHOWN])
mixed = np.unravel_index(np.argmax(np.triu(beside + beside.T, 1)), beside.shape)
one, other = (SHOWN[place] for place in mixed)
right.set(xticks=[], yticks=[], xlabel="first coordinate of Isomap", ylabel="second coordinate of Isomap")
right.set_title(f"Isomap, from the graph alone: {one} and {other} mix most")
right.legend()
save_picture(figure)
