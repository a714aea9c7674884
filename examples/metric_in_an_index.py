"""The metric in an index of another library
=========================================

scikit-learn's trees, or faiss.

Libraries for nearest neighbours know the Euclidean distance, few of them a metric of your own. They need not: with
M = L'L, where L is ``components_``, the learned distance of x and z is the squared Euclidean distance of Lx and Lz. So
hand ``lmnn.transform(X)`` to any index, and transform every query alike. What comes back are squared distances under M
where the index squares (faiss), and their roots where it does not (scikit-learn).

Two traps. Approximate indices and those of single precision may return another neighbour: how many is measured below.
And L depends on the scaler before it: keep both, as a pipeline does.

faiss is optional here: ``pip install ".[index]"``. Without it the example says so and draws what scikit-learn does.

What you see. On the left, how many of the five neighbours that the definition gives (all distances (x - z)'M(x - z),
computed one by one) each index finds: exact ones find all of them, a graph of faiss (HNSW) nearly all, and an
index of points that were not transformed other ones. On the right, what that means for the errors of 5-NN.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors

from _common import save_picture
from lmnn_sdp import LMNN

NEIGHBORS = 5


def by_definition(M):
    """The neighbours of each query: all distances (x - z)'M(x - z), the smallest first."""
    distances = [np.sum((D @ M) * D, axis=1) for D in (query - X_train for query in X_test)]
    return np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBORS]


def by_tree(points, queries):
    """The neighbours by scikit-learn's ball tree."""
    tree = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="ball_tree").fit(points)
    return tree.kneighbors(queries, return_distance=False)


def by_faiss(index, points, queries):
    """The neighbours by an index of faiss, which takes single precision only."""
    index.add(np.ascontiguousarray(points, dtype=np.float32))
    return index.search(np.ascontiguousarray(queries, dtype=np.float32), NEIGHBORS)[1]


def error(neighbors):
    """Per cent of the queries that a vote of these neighbours gets wrong."""
    votes = np.array([np.bincount(labels, minlength=10) for labels in y_train[neighbors]])
    return 100 * np.mean(votes.argmax(axis=1) != y_test)


X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, train_size=700, test_size=700, stratify=y, random_state=0
)
lmnn = LMNN(tol=1e-3).fit(X_train, y_train)
points, queries = lmnn.transform(X_train), lmnn.transform(X_test)
print(f"transformed: {X.shape[1]} pixels to {points.shape[1]} coordinates")

found = {"ball tree of Lx": by_tree(points, queries), "ball tree of x, not transformed": by_tree(X_train, X_test)}
try:
    import faiss
except ImportError:
    print('faiss is not installed: pip install ".[index]"')
else:
    rows = points.shape[1]
    found["faiss, exact, of Lx"] = by_faiss(faiss.IndexFlatL2(rows), points, queries)
    found["faiss, HNSW graph, of Lx"] = by_faiss(faiss.IndexHNSWFlat(rows, 16), points, queries)

truth = by_definition(lmnn.get_mahalanobis_matrix())
shares = {
    name: 100 * np.mean([np.isin(*pair).mean() for pair in zip(rows, truth, strict=True)])
    for name, rows in found.items()
}
for name, share in shares.items():
    print(f"{name}: {share:.1f} % of the neighbours, {error(found[name]):.1f} % errors")

names = list(reversed(shares))
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 2.9), sharey=True)
for axes, values in ((left, [shares[name] for name in names]), (right, [error(found[name]) for name in names])):
    bars = axes.barh(names, values, color=["#999999" if "not" in name else "C0" for name in names])
    axes.bar_label(bars, [f"{value:.1f} %" for value in values], padding=3)
    axes.set_xlim(0, 1.2 * max(values))
    axes.grid(visible=False, axis="y")
left.set_xticks(range(0, 101, 20))
left.set(xlabel="found of the 5 nearest under M, %", title="Any index of Lx finds nearly all")
right.set(xlabel="5-NN errors on new digits, %", title="Neighbours of Lx vote alike")
save_picture(figure)
