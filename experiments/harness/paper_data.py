"""Loaders of the paper's larger data sets from local files, each with the preprocessing of the paper's section 4."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer

from harness.paths import SHARED_DATA
from lmnn_sdp.datasets import Dataset
from lmnn_sdp.datasets.images import idx
from lmnn_sdp.datasets.local_files import VARIABLE
from lmnn_sdp.datasets.published import SOURCES


def letters(folder: Path = SHARED_DATA) -> Dataset:
    """UCI letters, 16 features: the first 14000 rows, as many as the paper trains on."""
    data = SOURCES["letters"].read(folder)
    return Dataset("letters", data.X[:14_000], data.y[:14_000])


def isolet(folder: Path = SHARED_DATA) -> Dataset:
    """UCI isolet, parts 1 to 4 (the training part), 617 features to 172 principal components."""
    data = SOURCES["isolet"].read(folder)
    return Dataset("isolet", _principal(data.X[: data.n_train], 172), data.y[: data.n_train])


def mnist(folder: Path = SHARED_DATA) -> Dataset:
    """MNIST training digits, pixels / 255, 784 features to 164 principal components (not deskewed)."""
    images, labels = digits(folder / "mnist", "train")
    return Dataset("mnist", _principal(images, 164), labels)


def mnist_with_test(folder: Path = SHARED_DATA) -> tuple[Dataset, Dataset]:
    """The same, and the 10,000 test digits in the components of the training digits."""
    images, labels = digits(folder / "mnist", "train")
    new_images, new_labels = digits(folder / "mnist", "t10k")
    pca = PCA(164, svd_solver="full").fit(images)
    train, test = (np.asarray(pca.transform(part), dtype=np.float64) for part in (images, new_images))
    return Dataset("mnist", train, labels), Dataset("mnist, test", test, new_labels)


def news20(folder: Path = SHARED_DATA, training: int = 13_179, components: int = 200) -> Dataset:
    """20 newsgroups, version of 18828 documents: 13179 to train on, weighted counts to 200 principal components.

    Words are runs of letters in lower case without English stop words, as rainbow reads them; the 20,000 most common
    count. The paper speaks of counts, and plain counts have its Euclidean 3-NN error, 48.6 % (49.4 % here). But
    the longest documents make up 85 % of their variance, and after PCA they err as often (49.0 %, the paper 18.2 %).
    So weights are needed: as the authors' NIPS 2005 paper does we weigh the counts, here (1 + log count) times inverse
    document frequency with documents of unit length, the nearest of those tried (23.1 %).

    The training part is drawn with a fixed seed; 15 of its rows equal another one.
    """
    data = SOURCES["news20"].read(folder)
    weights = TfidfTransformer(sublinear_tf=True).fit_transform(data.X)
    train = np.sort(np.random.default_rng(0).permutation(len(data.y))[:training])
    X = PCA(components, svd_solver="arpack", random_state=0).fit_transform(weights[train])
    return Dataset("news20", np.asarray(X, dtype=np.float64), data.y[train])


def folder() -> str | None:
    """The folder that the loaders of the package read: where nobody named one, the data beside this repository."""
    if VARIABLE not in os.environ and SHARED_DATA.is_dir():
        os.environ[VARIABLE] = str(SHARED_DATA)
    return os.environ.get(VARIABLE)


LOADERS: dict[str, Callable[[], Dataset]] = {"letters": letters, "isolet": isolet, "mnist": mnist, "news20": news20}


def _principal(X: np.ndarray, components: int) -> np.ndarray:
    """Leading principal components, unscaled."""
    return np.asarray(PCA(components, svd_solver="full").fit_transform(X), dtype=np.float64)


def digits(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels / 255 of each image of a part of MNIST, ``train`` or ``t10k``, and labels."""
    images = idx(folder / f"{part}-images-idx3-ubyte.gz")
    return images.reshape(len(images), -1) / 255, idx(folder / f"{part}-labels-idx1-ubyte.gz").astype(int)
