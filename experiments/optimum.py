"""What the optimum is like: how unique it is, what it depends on, and how many triplets lie exactly at its corner.

Data beside this repository are left out by name where they are absent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from harness import bench
from harness.optimum import sensitivity
from harness.optimum.corner import Corner
from harness.optimum.parts import TRAIN, VOTERS, is_there, split, whole
from harness.optimum.sensitivity import SCALINGS, Setting
from harness.optimum.unique import Study
from lmnn_sdp import Problem, solve
from lmnn_sdp.datasets import DATASETS

CONIC = 30  # dimensions beyond which SCS takes minutes


@dataclass(frozen=True)
class Asked:
    """Data whose optimum is moved and changed.

    Attributes
    ----------
    name : str
        Of the data.
    tol : float
        Gap to which the optimum is known.
    repeats : int
        Of the five folds.
    trials : int
        Points that are left out or relabelled.
    """

    name: str
    tol: float
    repeats: int
    trials: int


@dataclass(frozen=True)
class Sizes:
    """How much is asked.

    Attributes
    ----------
    asked : tuple of Asked
        Data whose optimum is moved and changed.
    counted : tuple of (str, float)
        Data at whose optimum triplets are counted.
    levels : tuple of float
        Excesses.
    shares : tuple of float
        Tilts of a walk.
    stops : tuple of (str, float)
        Solvers, and gaps at which they stop.
    mus, ks : tuple
        Settings beside the default.
    tol : float
        Gap of changed solutions.
    tol_folds : float
        Gap in cross-validation.
    """

    asked: tuple[Asked, ...]
    counted: tuple[tuple[str, float], ...]
    levels: tuple[float, ...]
    shares: tuple[float, ...]
    stops: tuple[tuple[str, float], ...]
    mus: tuple[float, ...]
    ks: tuple[int, ...]
    tol: float
    tol_folds: float


FULL = Sizes(
    asked=(
        Asked("iris", 1e-9, repeats=4, trials=20),
        Asked("wine", 1e-9, repeats=4, trials=20),
        Asked("balance_scale", 1e-9, repeats=2, trials=20),
        Asked("breast_cancer", 1e-9, repeats=2, trials=20),
        Asked("digits", 1e-8, repeats=1, trials=6),
        Asked("letters-part", 1e-8, repeats=1, trials=8),
    ),
    counted=(
        ("iris", 1e-9),
        ("wine", 1e-9),
        ("balance_scale", 1e-9),
        ("breast_cancer", 1e-9),
        ("digits", 1e-9),
        ("letters", 1e-8),
        ("isolet", 1e-6),
    ),
    levels=(1e-6, 1e-4, 1e-3, 1e-2, 1e-1),
    shares=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7, 0.95),
    stops=(("newton", 1e-1), ("newton", 1e-2), ("newton", 1e-3), ("newton", 1e-4), ("newton", 1e-6), ("scs", 1e-3)),
    mus=(0.05, 0.2, 0.35, 0.65, 0.8, 0.95),
    ks=(1, 2, 5, 10),
    tol=1e-6,
    tol_folds=1e-3,
)
QUICK = Sizes(
    asked=(Asked("iris", 1e-8, repeats=1, trials=2),),
    counted=(("iris", 1e-8), ("wine", 1e-8)),
    levels=(1e-4, 1e-2),
    shares=(0.03, 0.3),
    stops=(("newton", 1e-2), ("scs", 1e-3)),
    mus=(0.2,),
    ks=(1,),
    tol=1e-4,
    tol_folds=1e-3,
)


def main() -> None:
    """Ask all data, and write."""
    options = bench.options(__doc__)
    sizes = QUICK if options.quick else FULL
    bench.warm_up()
    asked = {one.name: ask(one, sizes) for one in sizes.asked if is_there(one.name)}
    counted = {name: count(name, tol) for name, tol in sizes.counted if is_there(name)}
    names = dict.fromkeys([*(one.name for one in sizes.asked), *dict(sizes.counted)])
    result = {
        "sizes": asdict(sizes),
        "voters": VOTERS,
        "train": TRAIN,
        "data": asked,
        "corners": counted,
        "left_out": [name for name in names if not is_there(name)],
    }
    print(bench.write("optimum", options, result))


def ask(one: Asked, sizes: Sizes) -> dict[str, Any]:
    """Move the optimum of one data set, and change what it depends on."""
    data = whole(one.name)
    study = Study(split(data), one.tol)
    parts, best = study.parts, study.best
    far = study.farthest(sizes.levels, sizes.shares)
    print(f"{one.name}: {farthest(far)}", flush=True)
    tried = [
        *(Setting("mu", mu) for mu in sizes.mus),
        *(Setting("k", k) for k in sizes.ks),
        *(Setting("scaling", scaling) for scaling in SCALINGS),
    ]
    settings = [setting for setting in tried if sensitivity.is_determined(data, setting, one.repeats)]
    folds = sensitivity.cross_validated(data, settings, one.repeats, sizes.tol_folds)
    changes = [sensitivity.along(parts, best, setting, sizes.tol) for setting in settings]
    return {
        "n_train": len(parts.X),
        "n_test": len(parts.X_test),
        "d": parts.X.shape[1],
        "lower_bound": best.lower_bound,
        "objective": best.objective,
        "error": parts.vote(best.L).error,
        "corner": asdict(study.corner.counts()),
        **far,
        "stopped": [
            study.stopped(*stop) for stop in sizes.stops if stop[0] != "scs" or study.parts.X.shape[1] <= CONIC
        ],
        "settings": [found | fold for found, fold in zip(changes, folds, strict=True)],
        "invariance": sensitivity.invariance(parts, sizes.tol),
        "single_points": sensitivity.single_points(parts, best, one.trials, sizes.tol),
    }


def farthest(far: dict[str, Any]) -> str:
    """The largest move within each excess, in a line."""
    rows = [(row["level"], max(one["move"] for one in row["found"])) for row in far["levels"]]
    return ", ".join(f"{move:.1e} within {level:.0e}" for level, move in rows)


def count(name: str, tol: float) -> dict[str, Any]:
    """Triplets at the corner of the optimum of one whole data set."""
    data = whole(name).standardized() if name in DATASETS else whole(name)
    problem = Problem.from_data(data.X, data.y)
    counts = asdict(Corner(problem, solve(problem, tol=tol, warn=False)).counts())
    print(f"{name}: {counts['kinks']} kinks for a face of {counts['face']} dimensions", flush=True)
    return counts


if __name__ == "__main__":
    main()
