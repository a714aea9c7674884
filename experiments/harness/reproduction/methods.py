"""The rows of the paper's Table 1, each fitted and judged on one split."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.base import TransformerMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import NearestNeighbors, NeighborhoodComponentsAnalysis
from sklearn.svm import SVC, LinearSVC

from harness.methods.mmc import MMC
from harness.methods.rca import RCA
from harness.methods.svm import best_kernel
from harness.reproduction import choices, choices_of_others
from harness.reproduction.protocol import Case, Split
from lmnn_sdp import LMNN, EnergyClassifier, MultiMetricLMNN, MultiPassLMNN, ShrinkingKNN
from lmnn_sdp.estimators.proved import Proved
from lmnn_sdp.numerics.types import FloatArray

NEIGHBORS = 3  # that vote, and targets, as in the paper
SECONDS = 400.0  # that a fit may take; its gap is what is then proved
LONG = 7200.0  # and many metrics
FINEST, ENOUGH = 1e-6, 1e-3  # where a data set is not solved to the first gap, many metrics are to the second
PASSES = 3
#: Trace penalty of several metrics, in parts of the mean curvature of the pull: classes of few points leave directions
#: free in which no target differs.
RIDGE = 1e-3
#: Principal components that several metrics see, where a class has fewer points than there are features.
FEWER = {"yale_faces": 60, "olivetti_faces": 30}
MOST_PAIRS = 2e8  # doubles that MMC holds: pairs of points times features
MOST_FOR_NCA = 2_000  # points; each of its steps compares all pairs
MOST_FOR_TRAINING_ERROR = 20_000  # points
MANY = 5_000  # points from which on a search over kernels takes hours
EQUAL = 1e-3  # squared distances so near to each other are equal: a thousandth of the margin


@dataclass(frozen=True)
class Outcome:
    """What a method does on a split.

    Attributes
    ----------
    errors : dict
        Share of the test points that are misclassified, by rule: "vote" of three as in the paper, and others.
    training_error : float or None
        Leave-one-out error of the vote.
    cpu_seconds : float
        Processor seconds of the fit alone.
    proof : dict
        Of LMNN: objective, lower bound, gap, triplets with a positive hinge, rank.
    note : str
        Why there is no number, or what was done otherwise.
    """

    errors: dict[str, float] = field(default_factory=dict)
    training_error: float | None = None
    cpu_seconds: float | None = None
    proof: dict[str, float] = field(default_factory=dict)
    note: str = ""


def absent(note: str) -> Outcome:
    """No number, and why."""
    return Outcome(note=note)


def euclidean(split: Split, case: Case) -> Outcome:
    """The vote on the features as they come."""
    if case.data == "news20":  # sparse
        return _sparse_vote(split)
    return _voted(split.raw, split.raw_test, split, case)


def pca(split: Split, case: Case) -> Outcome:
    """The vote on principal components; with one neighbour and with unit lengths beside it."""
    others = {"1-NN": _error(split.X, split.X_test, split, 1)}
    if case.data == "news20":
        A, B = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (split.X, split.X_test))
        others["unit length"] = _error(A, B, split)
    return _voted(split.X, split.X_test, split, case, others=others)


def lda(split: Split, case: Case) -> Outcome:
    """At most as many directions as classes, less one; after PCA only where features outnumber the points."""
    return _mapped(LinearDiscriminantAnalysis(), _unreduced(split), case)


def rca(split: Split, case: Case) -> Outcome:
    """Relevant components of what LDA sees, and of these the leading ones, as many as there are classes."""
    return _mapped(RCA(len(np.unique(split.y)), split.seed), _unreduced(split), case)


def mmc(split: Split, case: Case) -> Outcome:
    """Xing et al.; the paper's column "MCC"."""
    pairs = len(split.y) ** 2 / 2 * split.X.shape[1]
    if pairs > MOST_PAIRS:
        return absent(f"would hold {pairs:.0e} numbers, differences of all pairs")
    return _mapped(MMC(), split, case)


def nca(split: Split, case: Case) -> Outcome:
    """Neighbourhood components, from the principal components."""
    if len(split.y) > MOST_FOR_NCA:
        return absent("compares all pairs in each of many steps")
    return _mapped(NeighborhoodComponentsAnalysis(random_state=split.seed), split, case)


def lmnn(split: Split, case: Case) -> Outcome:
    """One metric, certified; the vote, the vote with all ties, the energy as in the paper's text and in its code."""
    model, cpu = _fitted(LMNN(tol=case.tol, time_limit=SECONDS), split.X, split.y)
    A, B = model.transform(split.X), model.transform(split.X_test)
    others = {"all that tie": _error_with_ties(A, B, split)}
    for name, margin in {"energy": 1.0, "energy, margin 0": 0.0}.items():
        others[name] = _wrong(
            EnergyClassifier(FrozenEstimator(model), margin=margin).fit(split.X, split.y), split.X_test, split
        )
    return _voted(A, B, split, case, cpu, _proof(model), others)


def lmnn_lda(split: Split, case: Case) -> Outcome:
    """The same on the directions of LDA."""
    split = _unreduced(split)
    first = LinearDiscriminantAnalysis().fit(split.X, split.y)
    A, B = first.transform(split.X), first.transform(split.X_test)
    model, cpu = _fitted(LMNN(tol=case.tol, time_limit=SECONDS), A, split.y)
    return _voted(model.transform(A), model.transform(B), split, case, cpu, _proof(model))


def lmnn_stopped(split: Split, case: Case) -> Outcome:
    """A projected descent stopped where it errs least on a held-out 30 % of the training points."""
    if not case.validation:
        return absent("the paper holds out nothing")
    early = LMNN(tol=case.tol, solver="pgd", validation_fraction=0.3, random_state=split.seed, time_limit=SECONDS)
    model, cpu = _fitted(early, split.X, split.y)
    return _voted(model.transform(split.X), model.transform(split.X_test), split, case, cpu, _proof(model))


def passes(split: Split, case: Case) -> Outcome:
    """Targets chosen again; the last pass. The best one by the test points themselves is no result, and is not kept."""
    model, cpu = _fitted(MultiPassLMNN(tol=case.tol, n_passes=PASSES, time_limit=SECONDS), split.X, split.y)
    return _voted(model.transform(split.X), model.transform(split.X_test), split, case, cpu, _proof(model))


def metrics(split: Split, case: Case) -> Outcome:
    """One metric a class, learned together."""
    few = FEWER.get(case.data, split.X.shape[1])
    split = replace(split, X=split.X[:, :few], X_test=split.X_test[:, :few])
    if case.data in ("news20", "yale_faces", "olivetti_faces", "balance_scale"):
        reg = RIDGE * choices.pull_curvature(split)
    else:
        reg = 0.0
    tol = ENOUGH if case.tol > FINEST else case.tol
    model, cpu = _fitted(MultiMetricLMNN(tol=tol, reg=reg, time_limit=LONG), split.X, split.y)
    energy = EnergyClassifier(FrozenEstimator(model)).fit(split.X, split.y)
    errors = {"vote": _wrong(model, split.X_test, split), "energy": _wrong(energy, split.X_test, split)}
    note = ", ".join(
        [*([f"trace penalty {reg:.3g}"] if reg else []), *([f"{few} components"] if case.data in FEWER else [])]
    )
    return Outcome(errors, _left_out_error(model, split), cpu, _proof(model), note)


def svm(split: Split, case: Case) -> Outcome:
    """The kernel that errs least in cross-validation; on the largest sets the one that the paper names."""
    if case.data == "news20":
        words = TfidfTransformer(sublinear_tf=True).fit(split.raw)
        model, cpu = _fitted(LinearSVC(), words.transform(split.raw), split.y)
        return Outcome({"vote": _wrong(model, words.transform(split.raw_test), split)}, cpu_seconds=cpu, note="linear")
    if case.data == "mnist":
        kernel, note = SVC(kernel="poly", degree=4, coef0=1.0, cache_size=1000), "polynomial of degree 4"
    elif len(split.y) > MANY:
        kernel, note = SVC(kernel="rbf", C=10.0, gamma="scale", cache_size=1000), "RBF, C = 10"
    else:
        kernel, note = best_kernel(scaled=False), "kernel by cross-validation"
    model, cpu = _fitted(kernel, split.X, split.y)
    return Outcome({"vote": _wrong(model, split.X_test, split)}, cpu_seconds=cpu, note=note)


def gaps(split: Split, case: Case) -> Outcome:
    """Errors by how near the optimum the metric is."""
    return Outcome(choices.by_gap(split, case))


def papers_solver(split: Split, case: Case) -> Outcome:
    """Errors on the way of the paper's own descent."""
    return Outcome(choices.by_step(split, case))


def settings(split: Split, case: Case) -> Outcome:
    """Errors by what the paper leaves open."""
    return Outcome(choices.open_choices(split, case))


def others(split: Split, case: Case) -> Outcome:
    """Errors of the methods beside LMNN by what the paper leaves open of them."""
    return Outcome(choices_of_others.open_choices(split, case))


def overfitting(split: Split, case: Case) -> Outcome:
    """Errors where there are nearly as many dimensions as points, by what holds a metric back."""
    return Outcome(choices.held_back(split, case))


def metrics_held_back(split: Split, case: Case) -> Outcome:
    """The same of many metrics."""
    return Outcome(choices.metrics_held_back(split, case))


#: In the order of the paper's table; then what explains it.
METHODS: dict[str, Callable[[Split, Case], Outcome]] = {
    "euclidean": euclidean,
    "pca": pca,
    "lda": lda,
    "rca": rca,
    "mmc": mmc,
    "nca": nca,
    "lmnn": lmnn,
    "lmnn_lda": lmnn_lda,
    "lmnn_stopped": lmnn_stopped,
    "passes": passes,
    "metrics": metrics,
    "svm": svm,
    "gaps": gaps,
    "papers_solver": papers_solver,
    "settings": settings,
    "others": others,
    "overfitting": overfitting,
    "metrics_held_back": metrics_held_back,
}


def _fitted(model: Any, X: Any, y: npt.NDArray[np.generic]) -> tuple[Any, float]:
    """The model, and the processor seconds of its fit. What it warns of stands in its gap, or is a limit of a peer."""
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        model.fit(X, y)
    return model, time.process_time() - begin


def _unreduced(split: Split) -> Split:
    """The split with its features as they come, where there are more points than features; else in components."""
    few = split.raw.shape[1] < len(split.y) and not scipy.sparse.issparse(split.raw)
    return replace(split, X=split.raw, X_test=split.raw_test) if few else split


def _mapped(first: TransformerMixin, split: Split, case: Case) -> Outcome:
    """The vote after a learned map."""
    model, cpu = _fitted(first, split.X, split.y)
    return _voted(model.transform(split.X), model.transform(split.X_test), split, case, cpu)


def _voted(
    A: FloatArray,
    B: FloatArray,
    split: Split,
    case: Case,
    cpu: float | None = None,
    proof: dict[str, float] | None = None,
    others: dict[str, float] | None = None,
) -> Outcome:
    """Test error of the paper's vote, and the training error where it does not take minutes."""
    knn = ShrinkingKNN(NEIGHBORS).fit(A, split.y)
    training = knn.leave_one_out_error() if len(A) <= MOST_FOR_TRAINING_ERROR else None
    return Outcome({"vote": _wrong(knn, B, split)} | (others or {}), training, cpu, proof or {})


def _error(A: FloatArray, B: FloatArray, split: Split, k: int = NEIGHBORS) -> float:
    """Test error of a vote of k."""
    return _wrong(ShrinkingKNN(k).fit(A, split.y), B, split)


def _wrong(model: Any, X: Any, split: Split) -> float:
    """Share of the test points that a model misclassifies."""
    return float(np.mean(model.predict(X) != split.y_test))


def _sparse_vote(split: Split) -> Outcome:
    """The vote on sparse counts, without the training error."""
    found = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute").fit(split.raw).kneighbors(split.raw_test)
    labels = split.y[found[1]]
    agree = (labels[:, 1] == labels[:, 2]) & (labels[:, 0] != labels[:, 1])
    return Outcome({"vote": float(np.mean(np.where(agree, labels[:, 1], labels[:, 0]) != split.y_test))})


def _error_with_ties(A: FloatArray, B: FloatArray, split: Split) -> float:
    """Error where all points vote that are as near as the third, and a drawn vote goes to the class of the nearest."""
    if len(A) > MANY:
        return _error(A, B, split)
    near = NearestNeighbors(n_neighbors=min(len(A), 64)).fit(A)
    distances, found = near.kneighbors(B)
    square = distances**2
    voters = square <= square[:, [NEIGHBORS - 1]] + EQUAL
    labels, codes = np.unique(split.y, return_inverse=True)
    counts = np.zeros((len(B), len(labels)))
    for column in range(found.shape[1]):
        np.add.at(counts, (np.arange(len(B)), codes[found[:, column]]), voters[:, column])
    drawn = counts == counts.max(axis=1, keepdims=True)
    nearest = drawn[np.arange(len(B))[:, None], codes[found]]  # the class of the nearest voter among those drawn
    first = np.argmax(nearest & voters, axis=1)
    return float(np.mean(labels[codes[found[np.arange(len(B)), first]]] != split.y_test))


def _left_out_error(model: MultiMetricLMNN, split: Split) -> float | None:
    """Leave-one-out error of the vote under several metrics."""
    if len(split.y) > MOST_FOR_TRAINING_ERROR:
        return None
    _, found = model.kneighbors(split.X, NEIGHBORS + 1)
    own = found == np.arange(len(found))[:, None]
    own[~own.any(axis=1), -1] = True  # a duplicate took its place
    labels = split.y[found[~own].reshape(len(found), NEIGHBORS)]
    agree = (labels[:, 1] == labels[:, 2]) & (labels[:, 0] != labels[:, 1])
    return float(np.mean(np.where(agree, labels[:, 1], labels[:, 0]) != split.y))


def _proof(model: Proved) -> dict[str, float]:
    """What is proved of a fitted model."""
    solution = model.solution_
    return {
        "objective": model.objective_,
        "lower_bound": model.lower_bound_,
        "relative_gap": model.relative_gap_,
        "violated": solution.certificate.active_triplets,
        "rank": solution.certificate.rank,
    }
