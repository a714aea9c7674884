"""Problems that are out to break a proof, through every solver, each judged in exact arithmetic.

Runs in pieces, two at a time. What is done is kept, so a run that was ended goes on where it was, and the result is
written anew after every piece.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import re
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import lmnn_sdp
from harness import bench, judge
from harness.nasty import Recipe, drawn
from harness.paths import OUT
from lmnn_sdp import Problem, Solution, certify, solve
from lmnn_sdp.numerics.files import write_text_atomically

PIECE, PIECES, QUICK_PIECE = 250, 40, 300  # problems of a piece; one piece for tests
PROCESSES = 2
PACKAGE = Path(lmnn_sdp.__file__).parent
HANG = 30.0  # seconds after which a solve counts as one that hangs
EXACT = 8  # largest entry of a random factor, so that a product of two is exact
Limits: TypeAlias = dict[str, dict[str, float]]
#: Limits of solvers that would take long to tighten what they cannot; where they stop, the interval is judged as well.
LIMITS: Limits = {
    "newton": {"time_limit": 3.0},
    "scs": {"max_iter": 15, "time_limit": 3.0},
    "scs-full": {"max_iter": 2000, "time_limit": 3.0},
    "pgd": {"max_iter": 300},
    "cvxpy": {},
}
#: For tests: no clock has a say in what they find.
QUICK_LIMITS = LIMITS | {name: {"max_iter": most} for name, most in (("newton", 6), ("scs", 3), ("scs-full", 500))}
#: Why problems of a kind are seldom solved to the tolerance; their intervals are true all the same.
NOTES = {
    "classes far apart": "where classes lie up to 1e14 apart the solver's products of points lose what is within a "
    "class: the interval stays wide, and the status says so",
    "few points": "with no more points than features the pull vanishes in some direction, which is refused; so is a "
    "matrix as penalty, since the data do not vary in all directions",
    "label in a last bit": "points of a class agree in the added feature, up to rounding: without a penalty the pull "
    "vanishes along it, which is refused",
    "one class a point": "where that point lies very far away no metric in float64 can measure both, which is refused "
    "or told as STALLED; with one class left few directions are pulled",
    "one-hot standardised": "indicators that add up to a constant do so only up to rounding once they are "
    "standardised: a matrix as penalty is refused",
    "standardised copy": "a copy that is standardised repeats the other up to rounding: a matrix as penalty is refused",
}
FALSE = ("false ob", "false lo", "measures", "M is", "lower bound")  # how untrue statements begin
WORST = {"crash", "hang"}


class HangError(BaseException):
    """A solve took too long; no handler of ordinary errors may hold it up."""


@dataclass
class Outcome:
    """What became of one problem.

    Attributes
    ----------
    status : str
        Name of the status, or the sentence that refused the problem, numbers and all that follows them left out.
    findings : list of str
        All that must not be.
    seconds : float
        Of the solve.
    """

    status: str
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    """Run what is not done yet, and count."""
    options = bench.options(__doc__)
    if options.quick:
        only = piece(0, QUICK_PIECE, QUICK_LIMITS)
        report(options, [only])
        sys.exit(f"{len(only['findings'])} findings" if only["findings"] else 0)
    folder = OUT / "fuzz" / bench.commit()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes below
    todo = [number for number in range(PIECES) if not _file(folder, number).exists()]
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(piece, number, PIECE): number for number in todo}
        for done in as_completed(running):
            _keep(_file(folder, running[done]), json.dumps(done.result()))
            report(options, [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))])


def _file(folder: Path, number: int) -> Path:
    """Where a piece is kept."""
    return folder / f"{number:03}.json"


def _keep(path: Path, text: str) -> None:
    """Write a piece."""
    write_text_atomically(path, lambda file: file.write(text))


def piece(number: int, count: int, limits: Limits = LIMITS) -> dict[str, Any]:
    """Outcomes of the problems of one seed, counted; those with findings in full."""
    counts: dict[str, Counter[str]] = {}
    findings = []
    slowest, solvers = 0.0, Counter[str]()
    for recipe in drawn(number, count):
        outcome = judged(recipe, limits)
        counts.setdefault(recipe.kind, Counter())[outcome.status] += 1
        solvers[recipe.solver] += 1
        slowest = max(slowest, outcome.seconds)
        if outcome.findings:
            findings.append({"findings": outcome.findings, "recipe": asdict(recipe)})
    return {"counts": counts, "solvers": solvers, "findings": findings, "slowest": round(slowest, 2)}


def judged(recipe: Recipe, limits: Limits = LIMITS) -> Outcome:
    """Solve and judge; every warning but that of an early stop is a finding."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = _judged(recipe, limits)
    seen = {_place(warning) for warning in caught if not issubclass(warning.category, ConvergenceWarning)}
    outcome.findings += sorted(seen)
    return outcome


def _judged(recipe: Recipe, limits: Limits) -> Outcome:
    """Solve and judge."""
    begin = time.perf_counter()
    try:
        problem = recipe.problem()
        with limited(HANG):
            solution = solve(problem, recipe.solver, **limits[recipe.solver])  # type: ignore[arg-type]
    except ValueError as error:
        if "\n" in str(error) or not raised_here(error):
            return Outcome("crash", [crash()])
        return Outcome(sentence(error), ["false refusal"] if "indefinite" in str(error) else [])  # every R here is PSD
    except HangError:
        return Outcome("hang", ["hang"], HANG)
    except Exception:
        return Outcome("crash", [crash()])
    outcome = Outcome(solution.status.name, judge.faults(problem, solution), time.perf_counter() - begin)
    try:
        outcome.findings += faults_of_a_metric(problem, solution, np.random.default_rng(recipe.seed))
    except ValueError as error:
        outcome.findings += [] if "overflow" in str(error) else [f"certify: {sentence(error)}"]
    except Exception:
        outcome.findings.append(f"certify: {crash()}")
    return outcome


def faults_of_a_metric(problem: Problem, solution: Solution, rng: np.random.Generator) -> list[str]:
    """Certify a metric that is exactly the product of a random factor with itself."""
    spread = np.max(np.abs(problem.X - np.median(problem.X, axis=0)), axis=0)
    unit = np.exp2(np.round(np.log2(np.where(spread > 0, spread, 1.0))))
    L = rng.integers(-EXACT, EXACT + 1, (int(rng.integers(1, problem.n_features + 2)), problem.n_features)) / unit
    with np.errstate(over="ignore"):
        M = L.T @ L
    exact = judge.factor(L)
    if not np.isfinite(M).all() or not judge.equal(judge.Dyadic.of(M), exact):
        return []
    found = certify(problem, M, solution.triplets, solution.alpha)
    return judge.certificate_faults(problem, exact, found)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """An error where the body takes longer."""

    def late(number: int, frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def sentence(error: Exception) -> str:
    """A message without its numbers and its remedy."""
    rule = re.split(r"[:;]| that | which |, where ", str(error), maxsplit=1)[0]
    return re.sub(r"[-+]?\d[\d.e+-]*", "#", rule)


def raised_here(error: Exception) -> bool:
    """Whether a line of the package says no, rather than a library that was given nonsense."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Path(last.filename).is_relative_to(PACKAGE) and (last.line or "").startswith("raise ")


def crash() -> str:
    """The error at hand and where it came from."""
    kind, error, trace = sys.exc_info()
    last = traceback.extract_tb(trace)[-1]
    return f"{kind.__name__ if kind else ''}: {error} ({Path(last.filename).name}:{last.lineno})"


def _place(warning: warnings.WarningMessage) -> str:
    """A warning and where it came from."""
    return f"{warning.category.__name__}: {warning.message} ({Path(warning.filename).name}:{warning.lineno})"


def report(options: bench.Options, pieces: list[dict[str, Any]]) -> None:
    """Join the pieces, print a table and write the result."""
    counts: dict[str, Counter[str]] = {}
    for done in pieces:
        for kind, found in done["counts"].items():
            counts.setdefault(kind, Counter()).update(found)
    solvers = sum((Counter(done["solvers"]) for done in pieces), Counter[str]())
    findings = [finding for done in pieces for finding in done["findings"]]
    seen = Counter(name for finding in findings for name in finding["findings"])
    result = {
        "problems": sum(solvers.values()),
        "solvers": dict(solvers.most_common()),
        "slowest": max(done["slowest"] for done in pieces),
        "false_statements": sum(count for name, count in seen.items() if name.startswith(FALSE)),
        "statuses": dict(sum(counts.values(), Counter[str]()).most_common()),
        "kinds": {kind: dict(found.most_common()) for kind, found in sorted(counts.items())},
        "notes": NOTES,
        "findings": dict(seen.most_common()),
        "seeds": findings,
    }
    header = ["", "problems", "OPTIMAL", "%", "ROUNDING", "STALLED", "other stops", "refused", "most often"]
    print(bench.table(header, [_row(kind, found) for kind, found in sorted(counts.items())]))
    print(bench.table(["finding", "times"], seen.most_common()))
    print(bench.write("fuzz", options, result))


def _row(kind: str, found: Counter[str]) -> list[object]:
    """A line of the table."""
    total = sum(found.values())
    refused = {status: count for status, count in found.items() if not status.isupper() and status not in WORST}
    named = [found[name] for name in ("OPTIMAL", "ROUNDING", "STALLED")]
    often = max(refused, key=lambda status: refused[status]) if refused else ""
    rest = total - sum(named) - sum(refused.values())
    return [kind, total, named[0], math.floor(100 * named[0] / total), *named[1:], rest, sum(refused.values()), often]


if __name__ == "__main__":
    main()
