"""Fig. 7 of Weinberger & Saul (2009): two circles so near that every nearest neighbour is of the other class.

Every point of the inner circle has a twin of the other class straight outwards, at `ratio` times the distance to its
neighbours of the same circle; below 1 the Euclidean metric errs on every point. Weights a along the middle of a sector
and b across it make a twin seen from an angle t off the middle farther than the same-class neighbour where
``gap^2 (a cos^2 t + b sin^2 t) > spacing^2 (a sin^2 t + b cos^2 t)``, at best (b = 0) for tan t < ratio < 1. A sector
of k-means reaches to 90 degrees with two metrics, to 60 with three, and only from four on to at most 45.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.paper_figures.ellipses import ellipse
from lmnn_sdp import MultiMetricLMNN
from lmnn_sdp.numerics.types import FloatArray, IntArray

TOL = 1e-6
PAPER = {1: 100.0, 2: 21.0, 3: 0.0}  # percent, leave-one-out
COUNTS = (1, 2, 3, 4, 6, 8, 12)


@dataclass(frozen=True)
class Circles:
    """Two circles of equally many points.

    Attributes
    ----------
    points : int
        On each circle.
    ratio : float
        Gap between the circles over the distance of neighbours on the inner one.
    staggered : bool
        Whether the outer points stand between the inner ones, instead of at the same angles.
    mu : float
    n_neighbors : int
    """

    points: int = 96
    ratio: float = 0.95
    staggered: bool = False
    mu: float = 0.5
    n_neighbors: int = 1

    def draw(self) -> tuple[FloatArray, IntArray]:
        """Inner and outer points in turn, and their classes."""
        y = np.arange(2 * self.points) % 2
        step = np.arange(2 * self.points) // 2 + (0.5 * y if self.staggered else 0)
        angle = 2 * np.pi * step / self.points
        radius = 1 + y * self.ratio * 2 * np.sin(np.pi / self.points)
        return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


PLAIN = Circles()
VARIANTS = (
    Circles(ratio=0.5),
    Circles(ratio=0.8),
    Circles(ratio=0.99),
    Circles(mu=0.9),
    Circles(mu=0.99),
    Circles(n_neighbors=3),
    Circles(points=48),
    Circles(staggered=True, ratio=0.8),
)


def fit(kind: Circles, count: int) -> MultiMetricLMNN:
    """So many metrics, one a cluster of k-means."""
    model = MultiMetricLMNN(
        blocks=count, n_neighbors=kind.n_neighbors, mu=kind.mu, classifier_neighbors=1, tol=TOL, random_state=0
    )
    return model.fit(*kind.draw())


def wrong_left_one_out(model: MultiMetricLMNN, X: FloatArray, y: IntArray) -> npt.NDArray[np.bool_]:
    """Whether the nearest other training point of each is of another class."""
    _, nearest = model.kneighbors(X, 2)
    others = np.where(nearest[:, 0] == np.arange(len(X)), nearest[:, 1], nearest[:, 0])
    return np.asarray(y[others] != y)


def near_the_middle(kind: Circles, count: int) -> float:
    """Percent of points beyond the angle off the middle of their sector up to which a metric can serve; of twins."""
    reach = np.arctan(kind.ratio)
    return 100 * max(0.0, 1 - reach / (np.pi / count))


def lowest_on_grid(kind: Circles, count: int, blocks: IntArray) -> float:
    """The lowest error of metrics that are turned copies of each other: what the shape allows, whatever the objective.

    Each has weight 1 along a direction at a fixed angle from the middle of its cluster, and q across it. With q next
    to zero the nearest neighbour of a point can be its mirror image, of its own class and far away.
    """
    X, y = kind.draw()
    middles = np.array([np.arctan2(*X[blocks == b].mean(axis=0)[::-1]) if count > 1 else 0.0 for b in range(count)])
    turns, weights = np.linspace(0, np.pi, 13), 10.0 ** np.arange(-8, 1, 2)
    return min(_error_of_copies(X, y, blocks, middles + turn, q) for turn in turns for q in weights)


def _error_of_copies(X: FloatArray, y: IntArray, blocks: IntArray, angles: FloatArray, q: float) -> float:
    """Percent left one out, of weight 1 along the angle of each block and q across it."""
    difference = X[:, None] - X[None]
    c, s = np.cos(angles)[blocks], np.sin(angles)[blocks]
    along = difference[..., 0] * c + difference[..., 1] * s
    across = difference[..., 1] * c - difference[..., 0] * s
    distance = along**2 + q * across**2
    np.fill_diagonal(distance, np.inf)
    return 100 * float(np.mean(y[np.argmin(distance, axis=1)] != y))


def measure(kind: Circles, counts: Sequence[int], shapes: bool = False) -> dict[str, Any]:
    """Errors for each number of metrics; with ``shapes`` also what drawing needs, and what the shape would allow."""
    X, y = kind.draw()
    found = []
    for count in counts:
        model = fit(kind, count)
        wrong = wrong_left_one_out(model, X, y)
        row: dict[str, Any] = {
            "metrics": count,
            "percent": 100 * float(np.mean(wrong)),
            "gap": float(model.relative_gap_),
            "paper_percent": PAPER.get(count),
        }
        if shapes:
            row["near_the_middle_percent"] = near_the_middle(kind, count)
            row["lowest_on_grid_percent"] = lowest_on_grid(kind, count, model.block_of_)
            row["centres"] = [X[model.block_of_ == b].mean(axis=0).tolist() for b in range(count)]
            row["ellipses"] = [ellipse(M) for M in model.get_mahalanobis_matrices()]
            row["wrong"] = np.flatnonzero(wrong).tolist()
        found.append(row)
    return {"kind": asdict(kind), "counts": found}


def run(quick: bool) -> dict[str, Any]:
    """The plain circles with up to twelve metrics, and the variants with up to four."""
    X, y = PLAIN.draw()
    return {
        "plain": measure(PLAIN, COUNTS[: 3 if quick else None], shapes=True),
        "variants": [measure(kind, COUNTS[: 2 if quick else 4]) for kind in VARIANTS[: 1 if quick else None]],
        "X": np.round(X, 6).tolist(),
        "y": y.tolist(),
    }
