"""Neighbours after a low-rank LMNN from a ball tree and by brute force: seconds, whether they are the same, and errors.

As in the paper, the fewer dimensions, the more a tree spares. One solve on 70 % of the points serves every number
of components: the leading rows of the map, as `n_components` cuts it, or the principal components of the mapped points.
The other 30 % are asked for their 3 neighbours, on one thread, so that both ways have as much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import BallTree, NearestNeighbors
from threadpoolctl import threadpool_limits

from harness import bench, paper_data
from harness.methods.table import NEIGHBORS
from harness.paths import SHARED_DATA
from lmnn_sdp import LMNN
from lmnn_sdp.datasets import Dataset, load
from lmnn_sdp.estimators.votes import shrinking_votes
from lmnn_sdp.numerics.types import FloatArray, IntArray

COMPONENTS = (2, 5, 10, 20)
QUICK_POINTS = 400
REPEATS = 3


@dataclass(frozen=True, eq=False)
class Split:
    """Points with known classes, and points to classify."""

    known: FloatArray
    known_codes: IntArray
    new: FloatArray
    new_codes: IntArray

    def mapped(self, L: FloatArray) -> Split:
        """Under a linear map."""
        return Split(self.known @ L.T, self.known_codes, self.new @ L.T, self.new_codes)


@dataclass(frozen=True)
class Row:
    """Both ways at one number of dimensions.

    Attributes
    ----------
    space : str
    dimensions : int
    build_seconds : float
        Of the tree.
    tree_seconds, brute_seconds : float
        Of all questions, the best of some repeats.
    ratio : float
        How many times as fast the tree is.
    same_neighbours : float
        Share of the questions with the same answer, in the same order.
    same_distances : bool
        Whether all answers are as near: then others are ties.
    error : float
        Of the vote among the tree's neighbours.
    """

    space: str
    dimensions: int
    build_seconds: float
    tree_seconds: float
    brute_seconds: float
    ratio: float
    same_neighbours: float
    same_distances: bool
    error: float


def main() -> None:
    """Measure both data sets."""
    options = bench.options(__doc__)
    bench.warm_up()
    results, left_out = [], []
    for name in ("digits", "letters"):
        own = name in paper_data.LOADERS
        if own and (options.quick or not (SHARED_DATA / name).exists()):
            left_out.append(name)
            continue
        results.append(measured(paper_data.LOADERS[name]() if own else load(name), options.quick))
        print("\n" + summary(results[-1]), flush=True)
    if left_out:
        print(f"left out: {', '.join(left_out)} (full size only, from {SHARED_DATA.name} beside the repository)")
    print(bench.write("ball_trees", options, {"data": results, "left_out": left_out}))


def measured(data: Dataset, quick: bool) -> dict[str, Any]:
    """Learn a metric, cut it, and ask both ways."""
    _, codes = np.unique(data.y, return_inverse=True)
    chosen = slice(QUICK_POINTS if quick else None)
    known, new, known_codes, new_codes = train_test_split(
        data.X[chosen], codes[chosen], test_size=0.3, random_state=0, stratify=codes[chosen]
    )
    split = Split(known, known_codes, new, new_codes)
    model = LMNN().fit(known, known_codes)
    rows = [compared("data as given", split)]
    rank, d = model.components_.shape
    axes = PCA(svd_solver="full").fit(model.transform(known)).components_ @ model.components_
    for r in (r for r in COMPONENTS if r < rank):
        rows.append(compared("LMNN, leading rows", split.mapped(model.components_[:r])))
        rows.append(compared("LMNN, principal components", split.mapped(axes[:r])))
    rows.append(compared("LMNN, all rows", split.mapped(model.components_)))
    sizes = {"n_known": len(known), "n_new": len(new), "d": d, "rank": rank, "relative_gap": model.relative_gap_}
    return {"data": data.name, **sizes, "rows": [asdict(row) for row in rows]}


def compared(space: str, split: Split) -> Row:
    """Both ways in one space."""
    with threadpool_limits(1):
        tree, build = bench.timed(lambda: BallTree(split.known))
        brute = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute").fit(split.known)
        by_tree, tree_seconds = fastest(lambda: tree.query(split.new, NEIGHBORS, return_distance=False))
        by_brute, brute_seconds = fastest(lambda: brute.kneighbors(split.new, return_distance=False))
    near, also = (np.linalg.norm(split.new[:, None] - split.known[found], axis=2) for found in (by_tree, by_brute))
    return Row(
        space=space,
        dimensions=split.known.shape[1],
        build_seconds=build,
        tree_seconds=tree_seconds,
        brute_seconds=brute_seconds,
        ratio=brute_seconds / tree_seconds,
        same_neighbours=float(np.mean(np.all(by_tree == by_brute, axis=1))),
        same_distances=bool(np.allclose(near, also, rtol=1e-9, atol=1e-9 * float(np.max(near)))),
        error=float(np.mean(shrinking_votes(split.known_codes[by_tree]) != split.new_codes)),
    )


def fastest(ask: Callable[[], IntArray]) -> tuple[IntArray, float]:
    """The answer, and the seconds of the fastest of some repeats: what another program took is not the method's."""
    runs = [bench.timed(ask) for _ in range(REPEATS)]
    return runs[0][0], min(seconds for _, seconds in runs)


def summary(result: dict[str, Any]) -> str:
    """A row for each space."""
    header = ["space", "dimensions", "tree, s", "brute force, s", "ratio", "same neighbours", "as near", "error"]
    body = [
        [
            row["space"],
            row["dimensions"],
            f"{row['tree_seconds']:.4f}",
            f"{row['brute_seconds']:.4f}",
            f"{row['ratio']:.2f}",
            f"{row['same_neighbours']:.2%}",
            "yes" if row["same_distances"] else "no",
            f"{row['error']:.2%}",
        ]
        for row in result["rows"]
    ]
    return f"{result['data']}: {result['n_new']} points among {result['n_known']}\n{bench.table(header, body)}"


if __name__ == "__main__":
    main()
