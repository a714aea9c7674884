"""Is what ``diagnose`` recommends right? Against a longer comparison of all methods on other splits of all points.

A recommendation agrees with the comparison where no method is seen to beat the recommended one there by a point or
more, and the recommended one is seen to beat k-NN on raw features, unless it is that itself. "No signal" and "too few
points" agree where nothing is seen to beat a guess or plain k-NN. Beside it: how often noise is taken for a signal, how
long a diagnosis takes of what it is allowed, and what members of the family take at growing sizes.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from harness import bench, diagnose_data
from lmnn_sdp import LMNN, Diagnosis, LowRankLMNN, StochasticLMNN, diagnose
from lmnn_sdp.analysis.diagnosis.budget import Budget
from lmnn_sdp.analysis.diagnosis.contenders import CONTENDERS, Advice
from lmnn_sdp.analysis.diagnosis.preparation import TEST_SIZE, splittable
from lmnn_sdp.analysis.diagnosis.race import Race
from lmnn_sdp.analysis.diagnosis.recommendation import SMALL, beaten_by
from lmnn_sdp.analysis.diagnosis.trials import Trial
from lmnn_sdp.analysis.splits import stratified_splits
from lmnn_sdp.datasets import Dataset

SEED = 1000  # splits of the comparison, which the diagnosis has not seen
FIT_LIMIT = 5.0  # seconds of one fit of LMNN in the comparison


@dataclass(frozen=True)
class Size:
    """How much is done."""

    cases: tuple[str, ...]
    splits: int
    noises: int
    budgets: tuple[float, ...]
    timed: tuple[tuple[int, int], ...]


FULL = Size(tuple(diagnose_data.CASES), 20, 20, (0.05, 0.2, 0.5, 2.0), ((1000, 50), (3000, 100), (10000, 100)))
QUICK = Size(("wine", "few points"), 5, 1, (0.05,), ((200, 10),))
MOST_LOW_RANK = 3000  # points, beyond which its descents take long


def main() -> None:
    """Diagnose every data set, compare, and time."""
    options = bench.options(__doc__)
    size = QUICK if options.quick else FULL
    bench.warm_up()
    cases = []
    for name in size.cases:
        cases.append(case(diagnose_data.CASES[name](), size.splits))
        print(cases[-1], flush=True)
    false = [diagnose(*points(diagnose_data.noise(100 + seed))).advice for seed in range(size.noises)]
    alarms = sum(advice is not Advice.NO_SIGNAL for advice in false)
    kept = [budget(minutes) for minutes in size.budgets]
    sizes = [timed(n, d) for n, d in size.timed]
    result = {"cases": cases, "noises": size.noises, "false_alarms": alarms, "budgets": kept, "sizes": sizes}
    print(table(cases), f"{alarms} false alarms of {size.noises}", kept, sizes, sep="\n")
    print(bench.write("diagnose", options, result))


def points(data: Dataset) -> tuple[Any, Any]:
    """Points and labels."""
    return data.X, data.y


def case(data: Dataset, n_splits: int) -> dict[str, Any]:
    """One data set: the recommendation beside the comparison."""
    found = diagnose(*points(data), name=data.name)
    trials = compared(data, found, n_splits)
    recommended = next((one for one in trials if one.contender.key == found.recommendation.method), None)
    best = min(trials, key=lambda one: one.error.mean)
    raw = trials[0]
    told = {one.contender.key: {"error": one.error.mean, "sd": one.error.sd} for one in trials}
    return {
        "data": data.name,
        "n": found.evidence.n,
        "d": found.evidence.d,
        "advice": found.advice.name,
        "method": found.recommendation.method,
        "sure": found.recommendation.sure,
        "seconds": found.seconds,
        "comparison": told,
        "best": best.contender.key,
        "raw_error": raw.error.mean,
        "error": None if recommended is None else recommended.error.mean,
        "best_error": best.error.mean,
        "agrees": agrees(found, recommended, trials),
    }


def compared(data: Dataset, found: Diagnosis, n_splits: int) -> list[Trial]:
    """All methods on other splits of all points, without a budget."""
    sample = splittable(data.X, np.unique(data.y, return_inverse=True)[1], 3)
    splits = stratified_splits(sample.codes, n_splits, TEST_SIZE, SEED)
    setting = replace(found.evidence.setting, fit_limit=FIT_LIMIT)
    none = {contender.key: 0.0 for contender in CONTENDERS}  # predicted seconds: every fit is begun
    race = Race(CONTENDERS, setting, Budget(math.inf), lambda text: None, none)
    race.run(CONTENDERS, sample.X, sample.codes, splits)
    return [trial for trial in race.trials(sample.codes, splits) if trial.judged]


def agrees(found: Diagnosis, recommended: Trial | None, trials: list[Trial]) -> bool:
    """Whether the comparison bears the recommendation out."""
    raw = trials[0]
    if found.advice is Advice.NO_SIGNAL:
        return not any(trial.above(found.evidence.guess).shown for trial in trials)
    if recommended is None:
        return beaten_by(raw, trials) is None
    better = beaten_by(recommended, trials)
    near = better is None or recommended.error.mean - better.error.mean < SMALL
    return near and (recommended is raw or recommended.minus(raw).shown)


def budget(minutes: float) -> dict[str, Any]:
    """Seconds of a diagnosis of a large data set, and how many methods were left out."""
    found = diagnose(*points(diagnose_data.large()), minutes=minutes)
    out = [trial.contender.key for trial in found.evidence.trials if not trial.judged]
    told = {"minutes": minutes, "seconds": found.seconds, "used": found.evidence.used, "left_out": out}
    return {**told, "advice": found.advice.name}


def timed(n: int, d: int) -> dict[str, Any]:
    """Seconds of members of the family."""
    data = diagnose_data.sized(n, d)
    models: dict[str, Any] = {"full": LMNN(tol=1e-3), "stochastic": StochasticLMNN(judge="sample", random_state=0)}
    if n <= MOST_LOW_RANK:
        models["low_rank"] = LowRankLMNN(10, n_random=0, tol=1e-3)
    seconds = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name, model in models.items():
            seconds[name] = bench.timed(partial(model.fit, *points(data)))[1]
            print(n, d, name, seconds[name], flush=True)
    return {"n": n, "d": d, "seconds": seconds}


def table(cases: list[dict[str, Any]]) -> str:
    """A row a data set."""
    body = [
        [
            one["data"],
            one["advice"],
            one["method"] or "-",
            "yes" if one["sure"] else "no",
            *(_percent(one[key]) for key in ("raw_error", "error", "best_error")),
            one["best"],
            "yes" if one["agrees"] else "NO",
            f"{one['seconds']:.0f}",
        ]
        for one in cases
    ]
    header = ["data", "advice", "method", "sure", "raw", "recommended", "best", "which", "agrees", "s"]
    return bench.table(header, body)


def _percent(value: float | None) -> str:
    """An error."""
    return "-" if value is None else f"{100 * value:.1f}"


if __name__ == "__main__":
    main()
