"""Loaders of the paper's larger data sets from local files, each with the preprocessing of the paper's section 4."""

from __future__ import annotations

import csv
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

from lmnn_sdp.datasets import Dataset
from paths import SHARED_DATA


def letters(folder: Path = SHARED_DATA) -> Dataset:
    """UCI letters, 16 features: the first 14000 rows, as many as the paper trains on."""
    with (folder / "letters" / "letter-recognition.data").open(newline="") as file:
        rows = list(csv.reader(file))[:14_000]
    return Dataset("letters", np.array([row[1:] for row in rows], dtype=np.float64), np.array([row[0] for row in rows]))


def isolet(folder: Path = SHARED_DATA) -> Dataset:
    """UCI isolet, parts 1 to 4 (the training part), 617 features to 172 principal components."""
    with lzma.open(folder / "isolet" / "isolet1+2+3+4.data.xz", "rt") as file:
        table = np.array([[float(cell) for cell in line.rstrip(" .\n").split(",")] for line in file])
    return Dataset("isolet", _principal(table[:, :-1], 172), table[:, -1].astype(int))


def mnist(folder: Path = SHARED_DATA) -> Dataset:
    """MNIST training digits, pixels / 255, 784 features to 164 principal components (not deskewed)."""
    images = _idx(folder / "mnist" / "train-images-idx3-ubyte.gz", 16).reshape(-1, 784) / 255
    return Dataset(
        "mnist", _principal(images, 164), _idx(folder / "mnist" / "train-labels-idx1-ubyte.gz", 8).astype(int)
    )


LOADERS: dict[str, Callable[[], Dataset]] = {"letters": letters, "isolet": isolet, "mnist": mnist}


def _principal(X: np.ndarray, components: int) -> np.ndarray:
    """Leading principal components, unscaled."""
    return np.asarray(PCA(components, svd_solver="full").fit_transform(X), dtype=np.float64)


def _idx(path: Path, header: int) -> np.ndarray:
    """Bytes of an IDX file after its header."""
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), dtype=np.uint8, offset=header)
