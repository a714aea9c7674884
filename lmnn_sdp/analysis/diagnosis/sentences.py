"""Questions about data before a metric is learned, answered in words and numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lmnn_sdp.analysis.diagnosis.evidence import Evidence
from lmnn_sdp.analysis.diagnosis.recommendation import interval, percent
from lmnn_sdp.analysis.diagnosis.trials import Trial
from lmnn_sdp.numerics.types import IntArray

GOOD = 0.02  # an error below which there is little left to win
FEW = 10  # points a free number of a metric, below which it may fit noise
LOPSIDED = 10  # times the smallest class is in the largest
UNITS = 10  # times the smallest spread is in the largest
NAMED = 5  # features in one sentence


class Finding(NamedTuple):
    """A question and its answer."""

    question: str
    answer: str


def findings(found: Evidence) -> list[Finding]:
    """All that can be answered."""
    asked = {
        "Is k-NN good enough as it stands?": baseline(found),
        "Do the units of the features matter?": units(found),
        "The quick test: PCA, then k-NN?": quick_test(found),
        "Are there features that do not matter, or repeat others?": features(found),
        "Are there points enough for a full metric?": points(found),
        "Is a linear boundary near enough?": boundary(found),
        "Does one metric serve all classes?": metrics(found),
        "Which solver fits this size?": found.fit.sentence if found.trials else "",
    }
    return [Finding(question, answer) for question, answer in asked.items() if answer]


def baseline(found: Evidence) -> str:
    """Error of plain k-NN beside that of a guess."""
    raw = found.judged("raw")
    if raw is None:
        return ""
    told = f"It misclassifies {percent(raw)}; always naming the largest class {100 * found.guess:.1f} %."
    if raw.error.mean <= GOOD:
        return f"{told} Little is left to win."
    best = min((trial for trial in found.trials if trial.judged), key=lambda trial: trial.error.mean)
    return f"{told} The best that was tried is {best.contender.title} with {percent(best)}."


def units(found: Evidence) -> str:
    """Spreads, and what standardising does."""
    measures = found.measures
    told = f"The largest spread of a feature is {measures.ratio:.3g} times the smallest"
    told += f", and one feature has {100 * measures.largest_share:.0f} % of the variance."
    told += f" {measures.constant} do not vary at all." if measures.constant else ""
    raw, standard = found.judged("raw"), found.judged("standardised")
    if raw is None or standard is None:
        return told
    change = standard.minus(raw)
    verdict = "helps" if change.shown else "hurts" if raw.minus(standard).shown else "is not seen to change anything"
    return f"{told} Standardising {verdict}: {percent(standard)} ({interval(change)})."


def quick_test(found: Evidence) -> str:
    """PCA to 90 % of the variance."""
    pca, plain = found.judged("pca"), found.judged("standardised" if found.setting.standardize else "raw")
    if pca is None or plain is None:
        return ""
    change, kept = pca.minus(plain), found.measures.components
    told = f"{kept} of {found.d} directions hold 90 % of the variance of the standardised features." if kept else ""
    if change.shown:
        return f"{told} k-NN on them is better: {percent(pca)} ({interval(change)}); much of the rest is noise."
    if plain.minus(pca).shown:
        told += f" k-NN on them is worse: {percent(pca)} ({interval(change)})"
        return f"{told}; classes differ in directions of little variance."
    return f"{told} k-NN on them errs as often, as far as can be seen: {percent(pca)} ({interval(change)})."


def features(found: Evidence) -> str:
    """Permutation importance and copies."""
    told = []
    if found.relevance.left_out:
        told.append(f"Not looked at: {found.relevance.left_out}.")
    elif len(found.relevance.means):
        matter = found.relevance.matter
        told.append(
            f"Shuffling one feature at a time is seen to cost k-NN errors for {len(matter)} of {found.d}"
            + (f" ({named(found, matter[np.argsort(-found.relevance.means[matter])])})." if len(matter) else ".")
        )
    pairs = found.measures.correlated
    if pairs:
        a, b, size = pairs[0]
        count = "One pair is" if len(pairs) == 1 else f"{len(pairs)} pairs are"
        told.append(
            f"{count} correlated by 0.95 or more, most of all {found.features[a]} and {found.features[b]} "
            f"({size:+.3f}): of such a pair each can stand in for the other, so shuffling one shows little."
        )
    return " ".join(told)


def named(found: Evidence, which: IntArray) -> str:
    """Some features by name."""
    told = ", ".join(found.features[f] for f in which[:NAMED])
    return told + (" and others" if len(which) > NAMED else "")


def points(found: Evidence) -> str:
    """Points against free numbers of a metric, and class sizes."""
    if not found.labels:
        return ""
    free = found.d * (found.d + 1) // 2
    each = found.n / free
    enough = "enough" if each >= FEW else "few: a metric of low rank, a weight a feature or PCA first has fewer numbers"
    sizes = sorted(found.sizes)
    told = f"{found.n:,} points for the {free:,} free numbers of a {found.d} x {found.d} metric ({each:.2g} each)"
    told += f" are {enough}. Classes hold {sizes[0]} to {sizes[-1]} points"
    lopsided = sizes[-1] >= LOPSIDED * sizes[0]
    return f"{told}: weigh them, or judge by the error of each class." if lopsided else f"{told}."


def boundary(found: Evidence) -> str:
    """A linear SVM against one with an RBF kernel."""
    linear, curved = found.judged("linear_svm"), found.judged("rbf_svm")
    if linear is None or curved is None:
        return ""
    change = curved.minus(linear)
    told = f"linear SVM {percent(linear)}, RBF {percent(curved)} ({interval(change)})"
    if change.shown:
        return f"No, a curved one is better: {told}."
    return f"{'Yes, and better' if linear.minus(curved).shown else 'No curved one is seen to be better'}: {told}."


def metrics(found: Evidence) -> str:
    """One metric against one a class, with the classes on which they err most."""
    one, many = found.judged("lmnn"), found.judged("multi")
    if one is None or many is None:
        return ""
    change = many.minus(one)
    verdict = "No, one a class is better" if change.shown else "One a class is not seen to be better"
    return f"{verdict}: {percent(many)} ({interval(change)}). {worst_class(found, one)}"


def worst_class(found: Evidence, trial: Trial) -> str:
    """The class with the largest share of errors."""
    errors = trial.by_class
    worst = int(np.argmax(errors))
    if errors[worst] == 0:
        return f"{trial.contender.title} makes no error in any class."
    label = found.labels[worst]
    return f"{trial.contender.title} errs most on class {label} ({100 * errors[worst]:.1f} % of its points)."
