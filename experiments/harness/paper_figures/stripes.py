"""Fig. 2 of Weinberger & Saul (2009): two classes in alternating vertical stripes, in two modes far apart.

The paper gives n and a picture. It does not give the number of stripes, the shape of a mode, the offset, nor whether
there is a gap between stripes: `PLAIN` is the plain reading, and `VARIANTS` change one or two things of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NeighborhoodComponentsAnalysis

from harness.methods.mmc import MMC
from harness.methods.rca import RCA
from harness.methods.table import NEIGHBORS
from harness.paper_figures.ellipses import ellipse
from lmnn_sdp import LMNN, ShrinkingKNN
from lmnn_sdp.numerics.types import FloatArray, IntArray

TOL = 1e-6

#: Percent, of the paper's Fig. 2; MMC is called MCC there.
PAPER = {"input space": 6.9, "LMNN": 3.7, "RCA": 27.6, "NCA": 3.3, "MMC": 18.3, "LDA": 49.0}


@dataclass(frozen=True)
class Stripes:
    """A distribution: modes of unit width, a stripe of class 0 first.

    Attributes
    ----------
    stripes : int
        In each mode.
    height : float
        Of a mode.
    offset : float
        Between the left sides of both modes.
    gap : float
        Part of the width of a stripe that is left empty, half of it at each side.
    """

    stripes: int = 8
    height: float = 1.0
    offset: float = 5.0
    gap: float = 0.0

    def draw(self, n: int, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
        """Points in turn in both modes, and their classes."""
        stripe = rng.integers(self.stripes, size=n)
        across = (stripe + self.gap / 2 + (1 - self.gap) * rng.random(n)) / self.stripes
        X = np.column_stack([across + self.offset * (np.arange(n) % 2), self.height * rng.random(n)])
        return X, stripe % 2


PLAIN = Stripes()
VARIANTS = (
    Stripes(stripes=6),
    Stripes(stripes=10),
    Stripes(height=2),
    Stripes(offset=2),
    Stripes(offset=10),
    Stripes(gap=0.1),
    Stripes(height=2, gap=0.1),
    Stripes(height=4, gap=0.2, offset=7),
)


def learned(name: str, X: FloatArray, y: IntArray) -> tuple[FloatArray, float | None]:
    """The map of a method, and the proved gap where there is one."""
    if name == "input space":
        return np.eye(2), None
    if name == "LMNN":
        model = LMNN(tol=TOL).fit(X, y)
        return model.components_, float(model.relative_gap_)
    if name == "LDA":
        return LinearDiscriminantAnalysis().fit(X, y).scalings_[:, :1].T, None
    makers: dict[str, Callable[[], Any]] = {
        "RCA": RCA,
        "MMC": MMC,
        "NCA": lambda: NeighborhoodComponentsAnalysis(random_state=0),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # NCA's, which has a limit of 50 iterations
        return makers[name]().fit(X, y).components_, None


def measure(kind: Stripes, n: int, seeds: Sequence[int], methods: Sequence[str]) -> dict[str, Any]:
    """Test errors of the methods over draws, with as many fresh test points as training points."""
    found: dict[str, list[_Outcome]] = {name: [] for name in methods}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        (X, y), (new_X, new_y) = kind.draw(n, rng), kind.draw(n, rng)
        for name in methods:
            L, gap = learned(name, X, y)
            predicted = ShrinkingKNN(NEIGHBORS).fit(X @ L.T, y).predict(new_X @ L.T)
            found[name].append(_Outcome(100 * float(np.mean(predicted != new_y)), *ellipse(L.T @ L), gap))
    return {
        "kind": asdict(kind),
        "draws": len(seeds),
        "methods": {name: _summary(name, rows) for name, rows in found.items()},
    }


@dataclass(frozen=True)
class _Outcome:
    """Of a method on a draw: the error, the ellipse of its metric, and the proved gap where there is one."""

    percent: float
    long: float
    short: float
    degrees: float
    gap: float | None


def _summary(name: str, found: Sequence[_Outcome]) -> dict[str, Any]:
    """Mean and standard deviation over the draws; axis and stretch are those of the first."""
    errors = np.array([one.percent for one in found])
    gaps = [one.gap for one in found if one.gap is not None]
    tilts = [min(one.degrees, 180 - one.degrees) for one in found]
    first = found[0]
    return {
        "percent": float(errors.mean()),
        "sd": float(errors.std(ddof=1)),
        "axis_degrees": first.degrees,
        "from_horizontal_degrees": [min(tilts), max(tilts)],
        "stretch": first.long / first.short if first.short > 1e-7 * first.long else None,
        "largest_gap": max(gaps) if gaps else None,
        "paper_percent": PAPER[name],
    }


def run(quick: bool) -> dict[str, Any]:
    """The plain reading with every method, the variants with every method but NCA, and the points of the first draw."""
    n, draws = (200, 2) if quick else (2000, 10)
    fast = [name for name in PAPER if name != "NCA"]
    X, y = PLAIN.draw(n, np.random.default_rng(0))
    return {
        "n": n,
        "plain": measure(PLAIN, n, range(draws), list(PAPER)),
        "variants": [measure(kind, n, range(2), fast) for kind in VARIANTS[: 2 if quick else None]],
        "X": np.round(X, 3).tolist(),
        "y": y.tolist(),
    }
