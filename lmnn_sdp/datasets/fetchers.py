"""The paper's data by scikit-learn's fetchers, from its cache or the network: only where the caller asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lmnn_sdp.datasets.images import deskewed, smaller


@dataclass(frozen=True, eq=False)
class Fetched:
    """Features, labels, and how many rows of them are published for training."""

    X: Any
    y: npt.NDArray[np.generic]
    n_train: int | None = None


def counts(texts: Sequence[str], words: dict[str, Any]) -> Any:
    """Sparse counts of words, shape (documents, words), float64."""
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(dtype=np.float64, **words).fit_transform(texts)


def mnist() -> Fetched:
    """OpenML's mnist_784: 60,000 training digits, then 10,000 test digits; deskewed, pixels in [0, 1]."""
    X, y = _openml("mnist_784")
    images = X.astype(np.uint8).reshape(-1, 28, 28)
    return Fetched(deskewed(images).reshape(len(images), -1), y.astype(int), 60_000)


def letters() -> Fetched:
    """OpenML's letter, in its own order."""
    return Fetched(*_openml("letter"))


def isolet() -> Fetched:
    """OpenML's isolet: parts 1 to 4, then part 5."""
    X, y = _openml("isolet")
    return Fetched(X, np.char.strip(y.astype(str), "'").astype(int), 6_238)


def olivetti_faces() -> Fetched:
    """scikit-learn's copy of the Olivetti faces, of 64 x 64 pixels, made smaller to 38 x 31."""
    from sklearn.datasets import fetch_olivetti_faces

    data = fetch_olivetti_faces(shuffle=False)
    images = np.round(255 * data.images).astype(np.uint8)
    return Fetched(smaller(images, 38, 31).reshape(len(images), -1) / 255.0, data.target + 1)


def _openml(name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.generic]]:
    """Features and labels of version 1 of a set, from scikit-learn's cache or from the network."""
    from sklearn.datasets import fetch_openml

    data = fetch_openml(name, version=1, as_frame=False)
    return np.asarray(data.data, dtype=np.float64), data.target
