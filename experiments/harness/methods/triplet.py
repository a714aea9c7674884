"""What is mostly done today: a linear layer, triplets drawn at random, the hinge of LMNN on them, and Adam.

The loss is that of FaceNet (Schroff, Kalenichenko & Philbin 2015), ``[1 + ||L(a - p)||^2 - ||L(a - q)||^2]_+`` for an
anchor a, a point p of its class and a point q of another. The steps are those of Kingma & Ba (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from harness.methods.linear_map import LinearMap
from lmnn_sdp.numerics.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Loss:
    """Mean loss of some triplets, and its gradient."""

    value: float
    gradient: FloatArray

    @staticmethod
    def of(L: FloatArray, to_same: FloatArray, to_other: FloatArray) -> Loss:
        """At the map L, of differences ``a - p`` and ``a - q``, both of shape (m, d)."""
        same, other = to_same @ L.T, to_other @ L.T
        hinges = np.maximum(1 + np.sum(same**2, axis=1) - np.sum(other**2, axis=1), 0.0)
        on = (hinges > 0)[:, None] / len(hinges)
        return Loss(float(np.mean(hinges)), 2 * ((on * same).T @ to_same - (on * other).T @ to_other))


class Adam:
    """Steps of about the same size in every entry, with the moments of Kingma & Ba."""

    def __init__(self, shape: tuple[int, ...], rate: float) -> None:
        self.rate, self.count = rate, 0
        self.first, self.second = np.zeros(shape), np.zeros(shape)

    def step(self, gradient: FloatArray) -> FloatArray:
        """What to add to the parameters."""
        self.count += 1
        self.first += 0.1 * (gradient - self.first)
        self.second += 0.001 * (gradient**2 - self.second)
        mean, square = self.first / (1 - 0.9**self.count), self.second / (1 - 0.999**self.count)
        return -self.rate * mean / (np.sqrt(square) + 1e-8)


@dataclass(frozen=True, eq=False)
class Draw:
    """Partners of anchors, all equally likely: points stand in the order of their classes, and a partner so far behind.

    Attributes
    ----------
    order : array, shape (n,)
        Points by class.
    place : array, shape (n,)
        Place of each point in that order.
    begin, size : arrays, shape (n,)
        Where the class of each point begins, and how many points it has.
    """

    order: IntArray
    place: IntArray
    begin: IntArray
    size: IntArray

    @staticmethod
    def of(y: npt.NDArray[np.generic]) -> Draw:
        """Sort the points."""
        _, codes, sizes = np.unique(y, return_inverse=True, return_counts=True)
        if sizes.min() < 2:
            raise ValueError("a class has 1 point, and no pair to draw; give every class at least 2")
        order = np.argsort(codes, kind="stable")
        return Draw(order, np.argsort(order), (np.cumsum(sizes) - sizes)[codes], sizes[codes])

    def same(self, anchor: IntArray, rng: np.random.RandomState) -> IntArray:
        """For each anchor another point of its class."""
        begin, size = self.begin[anchor], self.size[anchor]
        ahead = 1 + (rng.random_sample(len(anchor)) * (size - 1)).astype(np.intp)
        return self.order[begin + (self.place[anchor] - begin + ahead) % size]

    def other(self, anchor: IntArray, rng: np.random.RandomState) -> IntArray:
        """For each anchor a point of another class."""
        begin, size = self.begin[anchor], self.size[anchor]
        ahead = (rng.random_sample(len(anchor)) * (len(self.order) - size)).astype(np.intp)
        return self.order[(begin + size + ahead) % len(self.order)]


class TripletLoss(LinearMap):
    """A linear layer behind features of unit variance, without which Adam knows no step for raw wine."""

    def __init__(self, steps: int = 1000, batch: int = 256, rate: float = 0.01, random_state: int = 0) -> None:
        self.steps = steps
        self.batch = batch
        self.rate = rate
        self.random_state = random_state

    def fit(self, X: FloatArray, y: npt.ArrayLike) -> TripletLoss:
        """Descend from the identity."""
        rng = check_random_state(self.random_state)
        draw = Draw.of(np.asarray(y))
        scale = X.std(axis=0)
        scale[scale == 0] = 1
        Z = X / scale
        L, adam = np.eye(X.shape[1]), Adam((X.shape[1], X.shape[1]), self.rate)
        for _ in range(self.steps):
            anchor = rng.randint(len(Z), size=self.batch)
            to_same, to_other = Z[anchor] - Z[draw.same(anchor, rng)], Z[anchor] - Z[draw.other(anchor, rng)]
            L += adam.step(Loss.of(L, to_same, to_other).gradient)
        self.components_ = L / scale
        return self
