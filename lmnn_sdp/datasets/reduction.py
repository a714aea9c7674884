"""What the paper does to its larger data sets before a metric is learned: weights of words, principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer

from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.datasets.published import Published
from lmnn_sdp.numerics.types import FloatArray, IntArray


@dataclass(frozen=True)
class Reduction:
    """To the leading principal components of the training points, unscaled.

    Attributes
    ----------
    components : int
        How many, counted from the first.
    dropped : int
        How many of them are left out from the front: those of a face tell the light that falls on it.
    weighted : bool
        Whether features are counts of words: ``(1 + log count)`` times the inverse document frequency, documents of
        unit length. Plain counts err on as many documents after PCA as before, since few long documents make up most
        of their variance.
    """

    components: int
    dropped: int = 0
    weighted: bool = False

    def fit_transform(self, X: Any, train: IntArray, test: IntArray) -> tuple[FloatArray, FloatArray]:
        """Training and test points in the components of the training points.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, d)
            Features before reduction.
        train, test : arrays
            Rows of X.

        Returns
        -------
        training, test : arrays, shape (rows, components - dropped)
        """
        if self.weighted:
            words = TfidfTransformer(sublinear_tf=True).fit(X[train])
            X = words.transform(X).tocsr()
        pca = PCA(self.components, svd_solver="arpack" if self.weighted else "full", random_state=0).fit(X[train])
        parts = [np.asarray(pca.transform(X[rows])[:, self.dropped :], dtype=np.float64) for rows in (train, test)]
        return parts[0], parts[1]


#: By data set, as in the paper; letters stay as they are.
REDUCTIONS: dict[str, Reduction] = {
    "mnist": Reduction(164),
    "news20": Reduction(200, weighted=True),
    "isolet": Reduction(172),
    "yale_faces": Reduction(300, dropped=5),
    "olivetti_faces": Reduction(200),
}


def reduced(data: Published) -> Dataset:
    """A data set with the paper's reduction, made from its training part, or from all points where none is published.

    Parameters
    ----------
    data : Published
        Before reduction.

    Returns
    -------
    Dataset
        Float64 features, as many as the paper has.
    """
    if data.name not in REDUCTIONS:
        return Dataset(data.name, data.X, data.y, n_train=data.n_train)
    rows = np.arange(len(data.y))
    first = len(rows) if data.n_train is None else data.n_train
    parts = REDUCTIONS[data.name].fit_transform(data.X, rows[:first], rows[first:]) if first < len(rows) else None
    X = REDUCTIONS[data.name].fit_transform(data.X, rows, rows[:1])[0] if parts is None else np.concatenate(parts)
    return Dataset(data.name, X, data.y, n_train=data.n_train)
