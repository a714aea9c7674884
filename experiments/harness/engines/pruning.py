"""How many pairs a pass could leave untouched at a learned metric: by balls about clusters, by leading coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import MiniBatchKMeans

from lmnn_sdp import Problem, solve
from lmnn_sdp.numerics.types import FloatArray, IntArray

BALL = 64  # points of a cluster, about
ANCHORS = 500  # points whose distances are looked at, coordinate by coordinate
PARTS = (8, 4, 2)  # of the coordinates, that a prefix has


def shares(X: FloatArray, y: Any, tol: float) -> dict[str, Any]:
    """Shares of the pairs of different classes that a bound shows to be too far apart for any hinge."""
    problem = Problem.from_data(X, y)
    found = solve(problem, tol=tol, warn=False)
    V = problem.X @ found.L.T
    pulls = np.sum((V[:, None] - V[problem.targets]) ** 2, axis=2)
    reach = 1 + pulls.max(axis=1)
    return {
        "n": problem.n_points,
        "d": problem.n_features,
        "rank": V.shape[1],
        "relative_gap": found.relative_gap,
        "out_of_reach_of_balls": by_balls(V, problem.codes, reach),
        "out_of_reach_by_prefix": by_prefix(V, problem.codes, reach),
    }


def by_balls(V: FloatArray, codes: IntArray, reach: FloatArray) -> float:
    """An anchor is further from the centre of a cluster than its radius and the anchor's reach together."""
    centres, radii, sizes, classes = [], [], [], []
    for code in np.unique(codes):
        own = V[codes == code]
        count = max(1, len(own) // BALL)
        clusters = MiniBatchKMeans(count, n_init=1, random_state=0, batch_size=4096).fit(own)
        away = np.linalg.norm(own - clusters.cluster_centers_[clusters.labels_], axis=1)
        for label in np.unique(clusters.labels_):
            members = clusters.labels_ == label
            centres.append(clusters.cluster_centers_[label])
            radii.append(away[members].max())
            sizes.append(int(members.sum()))
            classes.append(code)
    counts = np.array(sizes) * (codes[:, None] != np.array(classes))
    out = cdist(V, np.array(centres)) > np.array(radii) + np.sqrt(reach)[:, None]
    return float(np.sum(counts[out]) / np.sum(counts))


def by_prefix(V: FloatArray, codes: IntArray, reach: FloatArray) -> dict[str, float]:
    """The distance in the leading principal coordinates alone is beyond the reach of both points."""
    centred = V - V.mean(axis=0)
    turned = centred @ np.linalg.svd(centred, full_matrices=False)[2].T
    some = np.random.default_rng(0).choice(len(V), min(ANCHORS, len(V)), replace=False)
    other = codes[some, None] != codes
    longest = np.maximum(reach[some, None], reach)
    found = {}
    for part in PARTS:
        W = turned[:, : max(1, V.shape[1] // part)]
        found[f"1/{part}"] = float(np.mean((cdist(W[some], W, "sqeuclidean") >= longest)[other]))
    return found
