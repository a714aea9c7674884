"""Data sets on which ``diagnose`` is judged: shipped ones, and made ones of which the right answer is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lmnn_sdp.datasets import Dataset, load
from lmnn_sdp.numerics.types import FloatArray, IntArray


def shipped(name: str) -> Callable[[], Dataset]:
    """A built-in data set in its units."""
    return lambda: load(name)


def irrelevant() -> Dataset:
    """Two features tell the classes, and only together; ten of the same spread tell nothing."""
    rng = np.random.default_rng(1)
    corner = rng.integers(0, 4, 400)
    X = rng.normal(size=(400, 12))
    X[:, :2] += 4.8 * (np.column_stack([corner // 2, corner % 2]) - 0.5)
    return _named("irrelevant features", X / X.std(axis=0), (corner // 2 + corner) % 2)


def clumps() -> Dataset:
    """Two clumps a class on a line, under seven directions of more variance, all rotated: no mean tells a class."""
    rng, n = np.random.default_rng(2), 400
    place = np.arange(n) % 4
    hidden = np.column_stack([2.0 * place + 0.4 * rng.normal(size=n), 1.5 * rng.normal(size=(n, 7))])
    rotation = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    return _named("clumps in noise", hidden @ rotation, place % 2)


def shapes() -> Dataset:
    """Classes around the same place, each narrow in three directions of its own."""
    rng, n, own = np.random.default_rng(3), 600, 3
    y = np.arange(n) % 3
    X = rng.normal(size=(n, 3 * own))
    for c in range(3):
        X[y == c, c * own : (c + 1) * own] *= 0.4
    return _named("classes of own shape", X, y)


def few() -> Dataset:
    """Too few points."""
    rng, y = np.random.default_rng(4), np.arange(24) % 2
    return _named("few points", rng.normal(size=(24, 5)) + 0.6 * y[:, None], y)


def noise(seed: int = 5) -> Dataset:
    """Nothing to learn."""
    rng = np.random.default_rng(seed)
    return _named("noise", rng.normal(size=(300, 6)), rng.integers(0, 2, 300))


def apart() -> Dataset:
    """Classes far from each other: nothing left to win."""
    rng, y = np.random.default_rng(6), np.arange(300) % 3
    return _named("classes far apart", rng.normal(size=(300, 5)) + 8 * rng.normal(size=(3, 5))[y], y)


def mixed_units() -> Dataset:
    """Two features in large units say nothing, four in small ones all."""
    rng, y = np.random.default_rng(7), np.arange(300) % 3
    X = rng.normal(size=(300, 6))
    X[:, :4] += 4.0 * rng.normal(size=(3, 4))[y]
    X[:, 4:] *= 1000.0
    return _named("mixed units", X, y)


def large() -> Dataset:
    """The size that a diagnosis should do in two minutes: 2000 points, 64 features, 10 classes."""
    rng, y = np.random.default_rng(8), np.arange(2000) % 10
    X = rng.normal(size=(2000, 64))
    X[:, :20] += 1.0 * rng.normal(size=(10, 20))[y]
    return _named("2000 x 64", X, y)


def sized(n: int, d: int) -> Dataset:
    """Five classes, half of the features without meaning."""
    rng, y = np.random.default_rng(9), np.arange(n) % 5
    X = rng.normal(size=(n, d))
    X[:, : d // 2] += 0.7 * rng.normal(size=(5, d // 2))[y]
    return _named(f"{n} x {d}", X, y)


def _named(name: str, X: FloatArray, y: npt.NDArray[np.integer] | IntArray) -> Dataset:
    """A data set."""
    return Dataset(name, X, y)


#: Twelve data sets, and what kind each is.
CASES: dict[str, Callable[[], Dataset]] = {
    **{name: shipped(name) for name in ("iris", "wine", "breast_cancer", "balance_scale", "digits")},
    "irrelevant features": irrelevant,
    "clumps in noise": clumps,
    "classes of own shape": shapes,
    "few points": few,
    "noise": noise,
    "classes far apart": apart,
    "mixed units": mixed_units,
}
