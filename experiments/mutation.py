"""Mutation testing: how many small faults in the problem, the proof and its checker the tests notice.

Every mutant of the files that bounds rest on most, and of the others a sample, the same part of each function.
A mutant that survives has a reason in mutants.toml, found by hand, or is told without one. A run that was ended goes on
where it was; a verdict is kept while the package and the tests that it rests on are the same.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness import bench
from harness.kept_verdicts import Kept
from harness.mutant_tests import BUDGET, PACKAGE, Collected, Verdict, judged, that_matter, watched, with_tests
from harness.mutants import Mutant, mutants_of
from harness.paths import OUT, ROOT

FOLDERS = ("tests/proof", "tests/problem", "tests/test_validation.py")
WINGS = ("proof", "problem")
WHOLE = ("proof/certificate.py", "proof/checker.py", "proof/lower.py", "proof/upper.py")
PART, SEED = 0.3, 0  # of the mutants of each function elsewhere
QUICK_FOLDERS, QUICK_MODULE = ("tests/problem/test_fingerprint.py",), "problem/fingerprint.py"
REASONS = ROOT / "experiments" / "mutants.toml"
FATES = ("killed", "timed out", "survived")


def main() -> None:
    """Judge every mutant that was chosen, and count."""
    options = bench.options(__doc__)
    found: dict[str, list[Mutant]] = {}
    for path in (path for wing in WINGS for path in sorted((PACKAGE / wing).glob("*.py"))):
        module = str(path.relative_to(PACKAGE))
        if module == QUICK_MODULE or not options.quick:
            found[module] = mutants_of(PACKAGE, module)
    mutants = [mutant for module, all_ in found.items() for mutant in chosen(module, all_)]
    verdicts: list[Verdict] = []
    folder = (OUT / "quick" if options.quick else OUT) / "mutation"
    tests = QUICK_FOLDERS if options.quick else FOLDERS
    with_tests(tests, lambda collected: verdicts.extend(run(collected, mutants, folder)))
    report(options, {module: len(all_) for module, all_ in found.items()}, mutants, verdicts)


def chosen(module: str, mutants: Sequence[Mutant]) -> list[Mutant]:
    """All of some files and a part of each function of the others."""
    rng = np.random.default_rng([SEED, *module.encode()])
    functions: defaultdict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        functions[mutant.function].append(mutant)
    found = []
    for own in functions.values():
        count = len(own) if module in WHOLE else math.ceil(PART * len(own))
        found += [own[place] for place in sorted(rng.choice(len(own), count, replace=False).tolist())]
    return found


def run(tests: Collected, mutants: Sequence[Mutant], folder: Path) -> list[Verdict]:
    """A verdict for each mutant, from an earlier run where nothing has changed that it rests on."""
    kept = Kept.load(folder)
    seen = watched(tests, kept.watched())
    kept.keep_watched(seen)
    recent: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    verdicts = []
    for number, mutant in enumerate(mutants, start=1):
        last = recent[mutant.module, mutant.function]
        verdict = kept.verdict(mutant)
        if verdict is None:
            order = that_matter(mutant, seen, [*last[-2:], kept.killer(mutant)])
            verdict = judged(tests, mutant, order, seen, kept.folder / Path(mutant.module).name)
            kept.keep_verdict(mutant, verdict)
        verdicts.append(verdict)
        if verdict.fate == "killed":
            last[:] = [test for test in last if test != verdict.test] + [verdict.test]
        if number % 100 == 0 or number == len(mutants):
            kept.save()
            print(number, "of", len(mutants), dict(Counter(verdict.fate for verdict in verdicts)), flush=True)
    return verdicts


def report(
    options: bench.Options, made: dict[str, int], mutants: Sequence[Mutant], verdicts: Sequence[Verdict]
) -> None:
    """Print a table and write the result."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for mutant, verdict in zip(mutants, verdicts, strict=True):
        counts[mutant.module][verdict.fate] += 1
    reasons = known_reasons()
    survivors = [
        {
            "module": mutant.module,
            "function": mutant.function,
            "line": mutant.lines.start,
            "old": mutant.old,
            "new": mutant.new,
            "tests": verdict.tests,
            "reason": reasons.get((mutant.module, mutant.function, mutant.new), ""),
        }
        for mutant, verdict in zip(mutants, verdicts, strict=True)
        if verdict.fate == "survived"
    ]
    total = sum(counts.values(), Counter[str]())
    modules: dict[str, Any] = {
        module: {"mutants": made[module], "judged": sum(found.values()), **{fate: found[fate] for fate in FATES}}
        for module, found in counts.items()
    }
    result = {
        "tests": list(FOLDERS),
        "chosen": f"all mutants of {', '.join(WHOLE)}; {PART:.0%} of those of each function elsewhere, seed {SEED}",
        "processor_seconds_a_mutant": BUDGET,
        "total": {"judged": len(verdicts), **{fate: total[fate] for fate in FATES}},
        "noticed": 1 - total["survived"] / len(verdicts),
        "modules": modules,
        "survivors": survivors,
    }
    body = [[module, *found.values()] for module, found in modules.items()]
    print(bench.table(["", "mutants", "judged", *FATES], body))
    print(f"{result['noticed']:.1%} noticed; {sum(not s['reason'] for s in survivors)} survivors without a reason")
    print(bench.write("mutation", options, result))


def known_reasons() -> dict[tuple[str, str, str], str]:
    """Why a mutant survives, by its module, its function and its line."""
    with REASONS.open("rb") as file:
        entries = tomllib.load(file)["survivors"]
    return {(entry["module"], entry["function"], new): entry["reason"] for entry in entries for new in entry["mutants"]}


if __name__ == "__main__":
    main()
