"""Seconds of the structured solver against points and dimensions, and where they go (k = 3, mu = 0.5).

Subsets keep the share of each class; dimensions are leading principal components. An exponent is the slope of the
least-squares line through the logarithms. Data sets whose files are not at hand are left out, by name.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning

from harness import bench, paper_data
from harness.clocks import clocked
from harness.paths import SHARED_DATA
from lmnn_sdp import Problem, solve
from lmnn_sdp.datasets import Dataset

TIME_LIMIT = 200.0  # seconds of one solve; one that takes longer is shown with the gap it reached


@dataclass(frozen=True)
class Sweep:
    """Sizes of one data set, along points or along dimensions.

    Attributes
    ----------
    data : str
    along : str
        ``"n"`` or ``"d"``.
    sizes : tuple of int
    tol : float
    n : int, optional
        Points of a sweep along d.
    """

    data: str
    along: str
    sizes: tuple[int, ...]
    tol: float
    n: int | None = None

    def part(self, size: int) -> Dataset:
        """The data of one size."""
        whole = _load(self.data)
        if self.along == "n":
            return whole.sample(size)
        few = whole.sample(self.n or len(whole.X))
        return replace(few, X=PCA(size, svd_solver="full").fit_transform(few.X))


@dataclass(frozen=True)
class Measured:
    """One solve."""

    n: int
    d: int
    triplets: int
    status: str
    gap: float
    rounds: int
    seconds: float
    parts: dict[str, float]


QUICK = [Sweep("letters", "n", (300, 600), 1e-6), Sweep("letters", "d", (4, 8), 1e-6, n=300)]
STAND_IN = [Sweep("digits", "n", (300, 600), 1e-3), Sweep("digits", "d", (4, 8), 1e-6, n=300)]
FULL = [
    Sweep("letters", "n", (1000, 2000, 4000, 8000, 14_000), 1e-6),
    Sweep("mnist", "n", (1000, 2000, 4000, 8000, 16_000, 32_000, 60_000), 1e-4),
    Sweep("letters", "d", (4, 8, 16), 1e-6, n=4000),
    Sweep("mnist", "d", (10, 20, 40, 80, 164), 1e-4, n=4000),
]


def main() -> None:
    """Run all sweeps."""
    options = bench.options(__doc__)
    begin = time.perf_counter()
    bench.warm_up()
    results, missing = [], []
    for sweep in sweeps(options.quick):
        if not _at_hand(sweep.data):
            missing.append(sweep.data)
            print(f"{sweep.data}: left out, no {SHARED_DATA.name}/{sweep.data} beside the repository")
            continue
        measured = []
        for size in sweep.sizes:
            measured.append(measure(sweep.part(size), sweep.tol))
            print(line(sweep, measured[-1]), flush=True)
        slope = exponent([getattr(m, sweep.along) for m in measured], [m.seconds for m in measured])
        print(f"{sweep.data}: seconds grow like {sweep.along}^{slope:.2f}\n")
        results.append(asdict(sweep) | {"exponent": slope, "solves": [asdict(m) for m in measured]})
    record = {"sweeps": results, "left_out": missing, "seconds": time.perf_counter() - begin}
    print(bench.write("scaling", options, record))


def sweeps(quick: bool) -> Sequence[Sweep]:
    """What to run; a stand-in for the quick size where the paper's data are not at hand."""
    if not quick:
        return FULL
    return QUICK if _at_hand("letters") else STAND_IN


def measure(data: Dataset, tol: float) -> Measured:
    """Solve with clocks around every part."""
    problem = Problem.from_data(data.X, data.y)
    with warnings.catch_warnings(), clocked() as clocks:
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution, seconds = bench.timed(lambda: solve(problem, "newton", tol, time_limit=TIME_LIMIT))
    return Measured(
        problem.n_points,
        problem.n_features,
        problem.n_triplets,
        solution.status.name,
        solution.relative_gap,
        len(solution.history),
        seconds,
        clocks.seconds,
    )


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of the least-squares line through the logarithms of both."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def line(sweep: Sweep, m: Measured) -> str:
    """One solve in words."""
    shares = ", ".join(f"{part} {seconds / m.seconds:.0%}" for part, seconds in m.parts.items())
    return f"{sweep.data:<8} {m.n:6d} x {m.d:<4d} {m.seconds:8.2f} s  gap {m.gap:.1e}  {m.status}  {shares}"


@cache
def _load(name: str) -> Dataset:
    """A data set of the paper's as its loader gives it, else a built-in one, standardised."""
    return paper_data.LOADERS[name]() if name in paper_data.LOADERS else bench.dataset(name, "standardised")


def _at_hand(name: str) -> bool:
    """Whether the data set is built in or its files are there."""
    return name not in paper_data.LOADERS or (SHARED_DATA / name).exists()


if __name__ == "__main__":
    main()
