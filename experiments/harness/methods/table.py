"""The table of all methods: a name, and a classifier that is not yet fitted."""

from __future__ import annotations

from collections.abc import Callable

from sklearn.base import ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline

from harness.methods.mmc import MMC
from harness.methods.rca import RCA
from harness.methods.svm import best_kernel
from harness.methods.triplet import TripletLoss
from lmnn_sdp import ShrinkingKNN

NEIGHBORS = 3  # that vote, as in the paper

#: How to make each. PCA keeps 95 % of the variance, as the paper's pictures do; its small data sets keep everything.
METHODS: dict[str, Callable[[], ClassifierMixin]] = {
    "Euclidean": lambda: ShrinkingKNN(NEIGHBORS),
    "PCA": lambda: make_pipeline(PCA(0.95, svd_solver="full"), ShrinkingKNN(NEIGHBORS)),
    "LDA": lambda: make_pipeline(LinearDiscriminantAnalysis(), ShrinkingKNN(NEIGHBORS)),
    "RCA": lambda: make_pipeline(RCA(), ShrinkingKNN(NEIGHBORS)),
    "MMC": lambda: make_pipeline(MMC(), ShrinkingKNN(NEIGHBORS)),
    "NCA": lambda: make_pipeline(NeighborhoodComponentsAnalysis(random_state=0), ShrinkingKNN(NEIGHBORS)),
    "triplet loss": lambda: make_pipeline(TripletLoss(), ShrinkingKNN(NEIGHBORS)),
    "SVM": best_kernel,
}
