"""All that a diagnosis found out, before anything is concluded from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lmnn_sdp.analysis.diagnosis.contenders import Setting
from lmnn_sdp.analysis.diagnosis.measures import Measures, Relevance
from lmnn_sdp.analysis.diagnosis.sizes import Fit
from lmnn_sdp.analysis.diagnosis.trials import Trial
from lmnn_sdp.numerics.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Plane:
    """Points that no fit has seen, in two coordinates.

    Attributes
    ----------
    title : str
        Which coordinates.
    points : array, shape (m, 2)
        Places.
    codes : array of int, shape (m,)
        Number of the class of each point.
    """

    title: str
    points: FloatArray
    codes: IntArray


@dataclass(frozen=True, eq=False)
class Evidence:
    """Facts about the data, and the errors of every method.

    Attributes
    ----------
    name : str
        What the data are called.
    n : int
        Points.
    used : int
        Points on which methods were compared.
    features : tuple of str
        Names of the features.
    labels : tuple of str
        Classes that were compared.
    sizes : tuple of int
        Points of each of these classes in all data.
    set_aside : tuple of str
        Classes of too few points to be split.
    guess : float
        Error of always naming the largest class.
    setting : Setting
        What all methods share.
    measures : Measures
        Spreads, directions and copies.
    relevance : Relevance
        Which features matter to k-NN.
    trials : tuple of Trial
        Every method, from the simplest on; empty where nothing was compared.
    fit : Fit
        Which solver fits this size.
    planes : tuple of Plane
        The points of the first test part before and after learning; empty where no time was left.
    """

    name: str
    n: int
    used: int
    features: tuple[str, ...]
    labels: tuple[str, ...]
    sizes: tuple[int, ...]
    set_aside: tuple[str, ...]
    guess: float
    setting: Setting
    measures: Measures
    relevance: Relevance
    trials: tuple[Trial, ...]
    fit: Fit
    planes: tuple[Plane, ...] = ()

    @property
    def d(self) -> int:
        """Features."""
        return len(self.features)

    def judged(self, key: str) -> Trial | None:
        """The trial of a method; None where it was left out."""
        return next((trial for trial in self.trials if trial.contender.key == key and trial.judged), None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known beside the numbers."""
        told = []
        if self.set_aside:
            told.append(f"Set aside, with too few points to be split: {', '.join(self.set_aside)}.")
        if self.used < self.n - sum(1 for _ in self.set_aside) and self.trials:
            told.append(f"Compared on a random sample of {self.used:,} of the {self.n:,} points.")
        if self.setting.dimensions is not None and self.trials:
            told.append(f"Learners saw {self.setting.dimensions} principal components of the {self.d} features.")
        judged = [trial for trial in self.trials if trial.judged]
        early = [f"{one.contender.title} ({one.stopped} of {len(one.wrong)})" for one in judged if one.stopped]
        if early:
            told.append(f"Fits that stopped before their tolerance: {', '.join(early)}.")
        reasons = dict.fromkeys(one.left_out for one in self.trials if not one.judged)
        for reason in reasons:
            titles = [one.contender.title for one in self.trials if one.left_out == reason]
            told.append(f"Left out: {', '.join(titles)}, as {reason.rstrip('.')}.")
        return tuple(told)

    def summary(self) -> dict[str, Any]:
        """For JSON."""
        measures, relevance = self.measures, self.relevance
        known = not relevance.left_out and len(relevance.means)
        pairs = [[self.features[a], self.features[b], size] for a, b, size in measures.correlated]
        return {
            "data": self.name,
            "n": self.n,
            "d": self.d,
            "used": self.used,
            "classes": dict(zip(self.labels, self.sizes, strict=True)),
            "set_aside": list(self.set_aside),
            "guess": self.guess,
            "standardize": self.setting.standardize,
            "spread_ratio": measures.ratio,
            "constant_features": measures.constant,
            "components_for_90_percent": measures.components,
            "correlated_pairs": pairs,
            "features_that_matter": [self.features[f] for f in relevance.matter] if known else None,
            "methods": [trial.summary() for trial in self.trials],
            "solver": self.fit.summary(),
            "notes": list(self.notes),
        }
