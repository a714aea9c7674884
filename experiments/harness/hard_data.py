"""Small data sets on which solvers stick: real ones and made ones, each a shape that users bring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmnn_sdp.datasets import load

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class HardData:
    """Points with labels, and how large a trace penalty they get.

    Attributes
    ----------
    family, name : str
        What is hard about them, and which they are.
    X : array, shape (n, d)
        As a user would have them: in units of all sizes where nothing forbids it.
    y : array, shape (n,)
        Classes 0, 1, ...
    share : float
        Trace penalty over a thousandth of the mean pull; 0 for none.
    """

    family: str
    name: str
    X: FloatArray
    y: Labels
    share: float = 0.0

    def scaled(self, scaling: str) -> FloatArray:
        """The points ``raw``, or ``standardised``: zero mean and unit variance, but for constant features."""
        if scaling == "raw":
            return self.X
        spread = self.X.std(axis=0)
        return (self.X - self.X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def all_data() -> Iterator[HardData]:
    """Every data set, family by family; the same each time."""
    for family, make in FAMILIES.items():
        for name, X, y, share in make():
            yield HardData(family, name, np.asarray(X, dtype=float), y, share)


Made = Iterator[tuple[str, FloatArray, Labels, float]]


def _real() -> Made:
    """What scikit-learn brings, whole or in part."""
    for name in ("iris", "wine", "breast_cancer"):
        data = load(name)
        yield name, data.X, np.unique(data.y, return_inverse=True)[1], 0.0
    digits = load("digits")
    X, y = digits.X, digits.y.astype(int)
    yield "digits, first 300", X[:300], y[:300], 0.0
    for pair in ((3, 8), (0, 1), (4, 9)):
        rows = np.flatnonzero(np.isin(y, pair))[:240]
        yield f"digits {pair[0]} and {pair[1]}", X[rows], (y[rows] == pair[1]).astype(int), 0.0
    halves = X[:300].reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
    yield "digits, 4 x 4", halves, y[:300], 0.0
    balance = load("balance_scale").sample(200)
    yield "balance scale, 200", balance.X, np.unique(balance.y, return_inverse=True)[1], 0.0


def _wide() -> Made:
    """More features than points, like genes: twenty features tell the classes."""
    for n, d, classes, shares in (
        (30, 60, 2, (1.0, 0.1)),
        (62, 300, 2, (1.0, 0.1, 0.025)),
        (40, 400, 4, (0.1,)),
        (100, 150, 5, (0.15,)),
        (120, 130, 12, (0.1,)),
        (60, 90, 3, (0.0,)),
        (62, 2000, 2, (0.1,)),
    ):
        y = np.arange(n) % classes
        rng = np.random.default_rng([n, d])
        X = rng.normal(size=(n, d))
        X[:, :20] += rng.normal(size=(classes, 20))[y]
        for share in shares:
            yield f"{n} x {d}, {classes} classes, {share:g}", X, y, share


def _mixtures() -> Made:
    """Clouds in correlated features of many units, some of them lognormal: what tables of measurements look like."""
    for seed, (n, d, classes, clouds, apart) in enumerate(
        (
            (150, 4, 3, 1, 2.0),
            (200, 6, 2, 3, 1.0),
            (210, 7, 3, 1, 1.5),
            (300, 8, 2, 2, 0.6),
            (214, 9, 6, 1, 1.0),
            (180, 10, 2, 4, 1.0),
            (250, 12, 4, 1, 1.0),
            (178, 13, 3, 1, 2.5),
            (300, 16, 8, 1, 1.5),
            (240, 20, 3, 2, 0.8),
            (200, 26, 2, 2, 1.2),
            (300, 34, 4, 2, 1.0),
        )
    ):
        rng = np.random.default_rng([7, seed])
        y = np.arange(n) % classes
        centres = apart * rng.normal(size=(classes, clouds, d))
        X = centres[y, rng.integers(0, clouds, n)] + rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / np.sqrt(d)
        skewed = rng.random(d) < 0.3
        X[:, skewed] = np.exp(X[:, skewed])
        yield f"{n} x {d}, {classes} classes", (X + 3) * 10.0 ** rng.integers(-2, 4, d), y, 0.0


def _grids() -> Made:
    """Whole numbers: distances tie by the thousand."""
    rng = np.random.default_rng(11)
    X = rng.integers(0, 4, (150, 4)).astype(float)
    yield "0 to 3, by sum", X, (X.sum(axis=1) > 6).astype(int), 0.0
    X = rng.integers(0, 2, (160, 10)).astype(float)
    yield "bits, by parity of three", X, (X[:, :3].sum(axis=1) % 2).astype(int), 0.0
    X = np.round(2 * rng.normal(size=(200, 6)))
    yield "rounded, by sign", X, (X[:, 0] + X[:, 1] > 0).astype(int), 0.0
    X = rng.integers(1, 6, (240, 5)).astype(float)
    yield "answers 1 to 5", X, rng.integers(0, 3, 240), 0.0
    X = np.repeat(rng.normal(size=(60, 5)), 3, axis=0)
    yield "every point three times", X, np.repeat(np.arange(60) % 3, 3), 0.0


def _near_copies() -> Made:
    """A column that others almost give."""
    rng = np.random.default_rng(13)
    wine = load("wine")
    y = np.unique(wine.y, return_inverse=True)[1]
    for power in (4, 8, 10, 12):
        copy = wine.X[:, 0] + wine.X[:, 0].std() * 10.0**-power * rng.normal(size=len(y))
        yield f"wine, a copy to 1e-{power}", np.column_stack([wine.X, copy]), y, 0.0
    colours = rng.integers(0, 256, (200, 3)) + rng.random((200, 3)).round(3)
    y = (colours[:, 0] > colours[:, 1]).astype(int) + (colours[:, 2] > 128)
    for digits in (1, 4, 8):
        mean = colours.mean(axis=1).round(digits)
        yield f"mean of three to {digits} digits", np.column_stack([colours, rng.normal(size=200), mean]), y, 0.0


def _offsets() -> Made:
    """Columns far from zero, such as years and identity numbers."""
    rng = np.random.default_rng(17)
    for power in (4, 8):
        y = np.arange(120) % 3
        X = rng.normal(size=(120, 5)) + 1.5 * rng.normal(size=(3, 5))[y]
        yield f"all at 1e{power}", X + 10.0**power, y, 0.0
    X = np.column_stack([X, 1.6e9 + np.cumsum(rng.exponential(3600, 120))])
    yield "a clock of seconds", X, y, 0.0
    X = np.column_stack([X[:, :5], np.arange(120.0)])
    yield "a row number", X, y, 0.0


def _one_hot() -> Made:
    """Indicators of categories beside measurements."""
    for seed, (n, levels) in enumerate(((150, (3, 4)), (240, (6, 2, 5)), (120, (12,)))):
        rng = np.random.default_rng([19, seed])
        y = np.arange(n) % 2
        hot = [np.eye(count)[(y + rng.integers(0, count, n)) % count] for count in levels]
        yield f"{n} points, levels {levels}", np.column_stack([100 * rng.normal(size=(n, 4)), *hot]), y, 0.0


def _counts() -> Made:
    """Counts and frequencies, mostly zero, beside large ones."""
    for seed, (n, d, classes) in enumerate(((200, 10, 2), (240, 30, 2), (150, 20, 3))):
        rng = np.random.default_rng([23, seed])
        y = np.arange(n) % classes
        rates = 10.0 ** rng.uniform(-1, 2, d) * np.exp(0.5 * rng.normal(size=(classes, d)))[y]
        X = rng.poisson(rates) * (rng.random((n, d)) < 0.6)
        yield f"{n} x {d}, {classes} classes", np.column_stack([X, rng.lognormal(4, 2, n)]), y, 0.0


def _heavy_tails() -> Made:
    """A few points hundreds of times as far out as the others."""
    rng = np.random.default_rng(29)
    y = np.arange(180) % 3
    shift = rng.normal(size=(3, 6))[y]
    yield "Cauchy", rng.standard_cauchy((180, 6)) + shift, y, 0.0
    yield "lognormal", rng.lognormal(0, 2, (180, 6)) * np.exp(shift), y, 0.0
    yield "Student, 2 degrees", rng.standard_t(2, (180, 6)) + shift, y, 0.0
    yield "cubes of Cauchy", rng.standard_cauchy((60, 3)) ** 3, y[:60], 0.0


def _separable() -> Made:
    """Classes apart: few triplets, or none, matter near the optimum."""
    rng = np.random.default_rng(31)
    for n, d, classes, apart in ((117, 33, 2, 1.0), (100, 8, 2, 6.0), (150, 12, 5, 8.0), (90, 40, 3, 1.0)):
        y = np.arange(n) % classes
        X = rng.normal(size=(n, d)) + apart * rng.normal(size=(classes, d))[y]
        yield f"{n} x {d}, {apart:g} apart", X * 10.0 ** rng.integers(-1, 3, d), y, 0.0
    angle, radius = rng.uniform(0, 2 * np.pi, 160), 1.0 + np.arange(160) % 2
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + 0.1 * rng.normal(size=(160, 2))
    yield "rings", X, (radius > 1).astype(int), 0.0
    yield "classes at 1000", rng.normal(size=(80, 5)) + 1000.0 * (np.arange(80) % 2)[:, None], np.arange(80) % 2, 0.0


def _unbalanced() -> Made:
    """One class of a dozen, or labels that are often wrong."""
    rng = np.random.default_rng(37)
    for sizes, d in (((12, 200), 6), ((12, 40, 150), 10), ((270, 14), 20)):
        y = np.repeat(np.arange(len(sizes)), sizes)
        yield f"{sizes} in {d}", rng.normal(size=(len(y), d)) + rng.normal(size=(len(sizes), d))[y], y, 0.0
    y = np.arange(200) % 2
    X = rng.normal(size=(200, 8)) + 4 * y[:, None]
    yield "a third of the labels wrong", X, np.where(rng.random(200) < 1 / 3, 1 - y, y), 0.0
    yield "labels at random", rng.normal(size=(120, 15)), rng.integers(0, 4, 120), 0.0


FAMILIES: dict[str, Callable[[], Made]] = {
    "real": _real,
    "wide": _wide,
    "mixtures": _mixtures,
    "grids": _grids,
    "near copies": _near_copies,
    "offsets": _offsets,
    "one-hot": _one_hot,
    "counts": _counts,
    "heavy tails": _heavy_tails,
    "separable": _separable,
    "unbalanced": _unbalanced,
}
