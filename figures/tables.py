"""Writes the measured tables into the pages from the committed results: ``python figures/tables.py``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experiments"))

from harness import markdown
from harness.engines import report as engines
from harness.optimum import report as optimum
from harness.paths import RESULTS, ROOT
from harness.reproduction import paper, report
from harness.reproduction import tables as reproduced
from lmnn_sdp.display.intervals import interval_text
from lmnn_sdp.numerics.files import write_text_atomically

PAGES = (
    "README.md",
    "coming_from.md",
    "paper_notes.md",
    "docs/reproduction.md",
    "docs/optimum.md",
    "docs/diagnose.md",
    "docs/scale_plan.md",
    "docs/family/index.md",
)


def main() -> None:
    """Replace what stands between the markers of every page."""
    for page in PAGES:
        redraw(page)


def redraw(page: str) -> None:
    """Replace the page by itself with every block drawn anew."""
    text = rendered(page)
    write_text_atomically(ROOT / page, lambda file: file.write(text))


def rendered(page: str) -> str:
    """The page with every block between ``<!-- name -->`` and ``<!-- end -->`` drawn anew."""
    text = (ROOT / page).read_text()
    for name, block in blocks(page).items():
        before, marker, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"{page} has no block <!-- {name} --> ... <!-- end -->; add one where it belongs")
        text = f"{before}{marker}{block}\n{end}{after}"
    return text


def blocks(page: str) -> dict[str, str]:
    """Every block of a page by the name of its marker."""
    if page == "coming_from.md":
        return {"first fit": first_fit(), "objectives": objectives()}
    if page == "paper_notes.md":
        return {"commits": commits()}
    if page == "docs/reproduction.md":
        return reproduction()
    if page == "docs/optimum.md":
        result = _read("optimum")
        return optimum.blocks(result) | {"origin": _origin(result)}
    if page == "docs/diagnose.md":
        return {"diagnosed": diagnosed(), "diagnosis times": diagnosis_times(), "sizes": sizes()}
    if page == "docs/family/index.md":
        return {"family": family(), "mnist": ten_metrics()}
    if page == "docs/scale_plan.md":
        return {"engines": engines.report(json.loads((RESULTS / "engines.json").read_text()))}
    return {
        "import": imports(),
        "newton": newton(),
        "warm": warm(),
        "solvers": solvers(),
        "small": small(),
        "external": external(),
        "impostors": impostors(),
        "peers": peers(),
        "scaling": scaling(),
        "hard": hard(),
        "search": search(),
        "estimator": estimator(),
        "reproduced": reproduced_rows(),
        "comparisons": comparisons(),
        "ball trees": ball_trees(),
    }


#: Methods of the reproduction that try several things each.
TRIED = ("gaps", "papers_solver", "settings", "others", "overfitting", "metrics_held_back")


def reproduction() -> dict[str, str]:
    """Tables of the paper's Table 1 again."""
    result = _read("reproduce")
    records = report.unpacked(result)
    cells = report.summary(records)
    keyed = {method: report.keyed(records, method) for method in TRIED}
    small = ("bal", "wine", "iris")
    return {
        "table 1": f"{reproduced.errors(cells).markdown()}\n\n{_run_origin(result)}",
        "proofs": reproduced.proofs(cells).markdown(),
        "training": reproduced.training(cells).markdown(),
        "flags": reproduced.flags(cells).markdown(),
        "gaps": reproduced.by_key(keyed["gaps"] | keyed["papers_solver"], paper.COLUMNS, "test error, %").markdown(),
        "choices": reproduced.by_key(keyed["settings"], small, "test error, %").markdown(),
        "others": reproduced.by_key(keyed["others"], paper.COLUMNS, "test error, %").markdown(),
        "held back": reproduced.by_key(keyed["overfitting"], paper.COLUMNS, "one metric, %").markdown()
        + "\n\n"
        + reproduced.by_key(keyed["metrics_held_back"], paper.COLUMNS, "a metric a class, %").markdown(),
        "nips": f"{reproduced.bars_of_2005(_read('nips2005')['data']).markdown()}\n\n{_origin(_read('nips2005'))}",
    }


def reproduced_rows() -> str:
    """The paper's own rows of its Table 1."""
    result = _read("reproduce")
    cells = report.summary(report.unpacked(result))
    return f"{reproduced.errors({row: cells[row] for row in paper.ERRORS}).markdown()}\n\n{_run_origin(result)}"


def _run_origin(result: dict[str, Any]) -> str:
    """The command, and the commits that made the runs one by one."""
    commits = sorted({run["commit"] for run in result["runs"]})
    return f"`{result['command']}`, {len(result['runs']):,} runs made by {', '.join(commits)}, 1 thread each."


def family() -> str:
    """Proved optima of members of the family, and seconds."""
    result = _read("family")
    names = ["member", "data", "lower bound", "objective", "gap", "s"]
    rows = [
        [
            case["kind"],
            case["data"],
            *interval_text(case["lower_bound"], case["objective"]),
            f"{case['relative_gap']:.0e}",
            f"{case['seconds']:.2f}",
        ]
        for case in result["cases"]
    ]
    return _table(names, "llrrrr", rows, result)


def ten_metrics() -> str:
    """MNIST under one metric and under one a class."""
    result = _read("ten_metrics")
    names = ["metrics", "gap", "fit, s", "GiB", "error of votes, %", "s", "error of energies, %", "s"]
    rows = [
        [
            model["metric"],
            f"{model['relative_gap']:.0e}",
            f"{model['seconds']:.0f}",
            f"{model['peak_gib']:.1f}",
            *(
                cell
                for rule in ("votes", "energies")
                for cell in (f"{model[rule]['errors_percent']:.2f}", f"{model[rule]['seconds']:.0f}")
            ),
        ]
        for model in result["models"]
    ]
    return _table(names, "lrrrrrrr", rows, result)


def imports() -> str:
    """Seconds of the import and of the first solve."""
    result = _read("bench_import")
    return (
        f"`import lmnn_sdp` takes {result['import_seconds']:.1f} s of the processor. The first solve after the "
        f"installation compiles the kernels and keeps them, {result['first_ever_solve_seconds']:.1f} s; the first of a "
        f"later process loads them, {result['first_solve_seconds']:.1f} s; the next takes "
        f"{result['second_solve_seconds']:.2f} s ({result['data']}).\n\n{_origin(result)}"
    )


def search() -> str:
    """Seconds of LMNNCV and of GridSearchCV over each grid."""
    result = _read("cross_validation")
    names = ["grid on digits", "settings", "GridSearchCV, s", "LMNNCV, s", "ratio", "best held-out scores"]
    rows = []
    for case in result["searches"]:
        slow, fast = case["grid_search"], case["lmnncv"]
        seconds = [f"{slow['seconds']:.0f}", f"{fast['seconds']:.0f}", f"{case['ratio']:.2f}"]
        scores = f"{slow['best_score']:.4f}, {fast['best_score']:.4f}"
        rows.append([case["grid"], f"{case['settings']}", *seconds, scores])
    return _table(names, "lrrrrl", rows, result)


def estimator() -> str:
    """What the estimator adds to the bare computation."""
    result = _read("bench_estimator")
    n, d, r = result["transform_size"]
    return (
        f"On {result['data']}, `LMNN().fit` takes {result['fit_over_solve']['ratio']:.2f} times the bare `solve`, a "
        f"pickle {result['pickle_bytes'] / 1024:.0f} KiB; `transform` of {n} x {d} to {r} columns takes "
        f"{result['transform_over_product']['ratio']:.2f} times the matrix product.\n\n{_origin(result)}"
    )


def newton() -> str:
    """Gap, seconds and memory of every case of bench_newton."""
    result = _read("bench_newton")
    bounds = ["lower bound", "objective", "gap", "rank"]
    names = ["data (k = 3, mu = 0.5)", "n x d", "triplets", *bounds, "s to 1e-4", "seconds", "peak GiB"]
    return _table(names, "lrrrrrrrrr", [case["text"] for case in result["cases"]], result)


def hard() -> str:
    """How the runs on each family of hard problems ended, and the solver's seconds."""
    result = _read("hard_problems")
    names = ["family", "runs", "solved", "told, with a remedy that works", "stuck", "false", "median s", "most s"]
    columns = ("runs", "optimal", "told", "stuck", "false", "median_seconds", "most_seconds")
    rows = [[family, *(f"{counts[name]}" for name in columns)] for family, counts in result["summary"].items()]
    return _table(names, "lrrrrrrr", rows, result)


def commits() -> str:
    """Seconds and memory before and after, side by side."""
    result = _read("bench_commits")
    names = ["data", "tol", "first certificate, s", "ratio", "whole, s", "ratio", "of the processor", "peak, GiB"]
    rows = []
    for case in result["cases"]:
        before, now, ratio = case["before"], case["now"], case["ratios"]
        pairs = [f"{before[key]:.1f} to {now[key]:.1f}" for key in ("seconds_to_first_certificate", "seconds")]
        rows.append(
            [
                case["data"],
                f"{case['tol']:.0e}",
                pairs[0],
                f"{ratio['seconds_to_first_certificate']:.2f}",
                pairs[1],
                f"{ratio['seconds']:.2f}",
                f"{ratio['processor_seconds']:.2f}",
                f"{now['peak_gib']:.2f}",
            ]
        )
    return _table(names, "lr" + "r" * 6, rows, result)


def warm() -> str:
    """Seconds of both ways along each path."""
    result = _read("warm_starts")
    names = ["data", "mu", "tol", "from nothing, s", "from the last mu, s", "ratio"]
    return _table(names, "llrrrr", [case["text"] for case in result["cases"]], result)


def solvers() -> str:
    """Gap and seconds of every case of bench_solvers."""
    result = _read("bench_solvers")
    names = ["data (k = 3, mu = 0.5)", "solver", "triplets", "lower bound", "objective", "gap", "seconds"]
    rows = []
    for case in result["cases"]:
        bounds = [f"{case[bound]:.9g}" for bound in ("solution_lower_bound", "solution_objective")]
        rows.append([case["data"], case["solver"], case["triplets"], *bounds, case["gap"], case["seconds_text"]])
    return _table(names, "llrrrrr", rows, result)


def small() -> str:
    """What verify_small found."""
    result = _read("verify_small")
    problems = result["problems"]
    exact = max(p["solvers"]["newton"]["relative_gap"] for p in problems)
    median = sorted(p["solvers"]["pgd"]["excess"] for p in problems)[len(problems) // 2]
    overlap = sum(p["overlap"] for p in problems)
    planted = sum(p["optimum"] is not None for p in problems)
    return (
        f"On {len(problems)} small problems (d = 2 to 8; {planted} with a planted optimum) the certified intervals of "
        f"all five solvers overlap in {overlap}; the largest gap of `newton` is {exact:.1e}; the projected gradient "
        f"ends a relative {median:.0e} above the optimum in the median.\n\n{_origin(result)}"
    )


def external() -> str:
    """How far other people's SDP solvers end from the certified interval, in both coordinates."""
    result = _read("external_solvers")
    kinds = ("called solved", "farthest of these", "of the others")
    names = [f"{place}: {kind}" for place in ("whitened", "raw") for kind in kinds]
    rows = []
    for solver in result["totals"]["whitened"]:
        cells = [solver]
        for place in ("whitened", "of the data"):
            told = [file["told"][place][solver] for file in result["files"]]
            cells.append(f"{sum(one['success'] for one in told)} of {len(told)}")
            cells += [_farthest([one["off"] for one in told if one["success"] == solved]) for solved in (True, False)]
        rows.append(cells)
    return _table(["solver", *names], "lrrrrrr", rows, result)


def _farthest(distances: Sequence[float | None]) -> str:
    """The largest distance from an interval; a dash where there is none."""
    known = [distance for distance in distances if distance is not None]
    return f"{max(known):.0e}" if known else "-"


def impostors() -> str:
    """Ratio of the pass to the bare product."""
    result = _read("bench_impostors")
    text = (
        f"The exact impostor pass over {result['n']} x {result['d']} takes {result['ratio']:.2f} times the bare "
        f"float32 matrix product ({min(result['pass_seconds']):.1f} s and {min(result['product_seconds']):.1f} s)"
    )
    if "learned" in result:
        learned = result["learned"]
        text += (
            f"; on MNIST, {learned['n']} x {learned['d']}, under a learned metric of rank {learned['rank']}, "
            f"{learned['ratio']:.2f} times"
        )
    return f"{text}.\n\n{_origin(result)}"


def peers() -> str:
    """Excess and seconds of each peer at its own settings and at the best of those tried."""
    result = _read("peers")
    labels = sorted(dict.fromkeys(_label(run) for data in result["data"] for run in data["runs"]), key=_rank)
    names = ["objective above the optimum, and seconds", *(data["data"] for data in result["data"])]
    rows = [[label, *(_end(data, label) for data in result["data"])] for label in labels]
    return _table(names, "l" + "r" * len(result["data"]), rows, result)


def scaling() -> str:
    """Exponent of every sweep, and where the seconds go at its largest size."""
    result = _read("scaling")
    rows = []
    for sweep in result["sweeps"]:
        first, last = sweep["solves"][0], sweep["solves"][-1]
        along, fixed = sweep["along"], "d" if sweep["along"] == "n" else "n"
        total = sum(last["parts"].values())
        shares = sorted(last["parts"].items(), key=lambda item: -item[1])
        rows.append(
            [
                f"{sweep['data']}, {fixed} = {last[fixed]}, gap {sweep['tol']:g}",
                f"{along} = {first[along]} to {last[along]}",
                f"{first['seconds']:.1f} to {last['seconds']:.1f}",
                f"{along}^{sweep['exponent']:.2f}",
                ", ".join(f"{part} {seconds / total:.0%}" for part, seconds in shares if seconds > 0.03 * total),
            ]
        )
    return _table(["data", "grown", "seconds", "exponent", "where they go at the largest"], "llrrl", rows, result)


def comparisons() -> str:
    """Test error of every method on every data set, and what the paper found there."""
    result = _read("comparisons")
    names = ["test error, %"]
    for case in result["data"]:
        names += [f"{case['data']}, standardised"] if case["standardised"] else [case["data"], "paper"]
    rows = []
    for method in result["data"][0]["methods"]:
        cells = [method]
        for case in result["data"]:
            found = case["methods"][method]
            cells.append(f"{100 * found['test_error']:.2f} +- {100 * found['sd']:.2f}")
            if not case["standardised"]:
                cells.append("-" if found["paper_percent"] is None else f"{found['paper_percent']:.2f}")
        rows.append(cells)
    return _table(names, "l" + "r" * (len(names) - 1), rows, result)


def ball_trees() -> str:
    """Seconds of ball tree and brute force in every space."""
    result = _read("ball_trees")
    names = ["data", "space", "dimensions", "tree, s", "brute force, s", "ratio", "same neighbours", "error"]
    rows = []
    for case in result["data"]:
        for row in case["rows"]:
            same = f"{row['same_neighbours']:.1%}" + ("" if row["same_distances"] else ", not as near")
            numbers = [f"{row['tree_seconds']:.4f}", f"{row['brute_seconds']:.4f}", f"{row['ratio']:.2f}"]
            rows.append([case["data"], row["space"], f"{row['dimensions']}", *numbers, same, f"{row['error']:.1%}"])
    return _table(names, "llrrrrrr", rows, result)


def diagnosed() -> str:
    """What was recommended beside a longer comparison."""
    result = _read("diagnose")
    rows = []
    for one in result["cases"]:
        errors = (_percents(one[key]) for key in ("raw_error", "error", "best_error"))
        method, is_sure = one["method"] or "-", "yes" if one["sure"] else "no"
        agrees = "yes" if one["agrees"] else "**no**"
        rows.append(
            [one["data"], one["advice"], method, is_sure, *errors, one["best"], agrees, f"{one['seconds']:.0f}"]
        )
    names = ("data", "advice", "method", "sure", "k-NN, raw, %", "recommended, %", "best, %", "which", "agrees", "s")
    wrong = [one for one in result["cases"] if not one["agrees"]]
    sure = sum(one["sure"] for one in wrong)
    noise = f"{result['false_alarms']} of {result['noises']} sets of pure noise were taken for a signal."
    told = f"{len(rows) - len(wrong)} of {len(rows)} agree; of the others {sure} were called sure. {noise}"
    return f"{told}\n\n{_table(names, 'llllrrrllr', rows, result)}"


def diagnosis_times() -> str:
    """Seconds of a diagnosis beside those that it was allowed."""
    result = _read("diagnose")
    rows = [
        [f"{60 * one['minutes']:g}", f"{one['seconds']:.1f}", str(one["used"]), ", ".join(one["left_out"]) or "none"]
        for one in result["budgets"]
    ]
    return _table(("allowed, s", "taken, s", "points used of 2000", "left out"), "rrrl", rows, result)


def sizes() -> str:
    """Seconds of members of the family at growing sizes."""
    result = _read("diagnose")
    kinds = ("full", "low_rank", "stochastic")
    rows = [
        [f"{one['n']:,} x {one['d']}", *(f"{one['seconds'][k]:.1f}" if k in one["seconds"] else "-" for k in kinds)]
        for one in result["sizes"]
    ]
    return _table(("points x features", "LMNN, s", "LowRankLMNN, s", "StochasticLMNN, s"), "lrrr", rows, result)


def _percents(error: float | None) -> str:
    """An error in percent, where there is one."""
    return "-" if error is None else f"{100 * error:.1f}"


def first_fit() -> str:
    """What ``pip install`` and the first fit do on the current stack."""
    result = _read("coming_from")
    versions = dict(requirement.split("==") for requirement in result["peers"])
    stack = ", ".join(result["current_stack"]).replace("==", " ")
    rows = []
    for install in result["installs"]:
        name = install["package"]
        fits = "; ".join(_attempt(attempt) for attempt in install["attempts"]) or "-"
        installed = f"`{install['install_error']}`" if install["install_error"] else "works"
        rows.append([f"{name} {versions.get(name, '')}".strip(), installed, fits])
    return _table([f"beside {stack}", "`pip install`", "first `fit`"], "lll", rows, result)


def objectives() -> str:
    """Objective, excess over the proved optimum and seconds of every package at its defaults."""
    result = _read("coming_from")
    packages = [run["package"] for run in result["data"][0]["runs"]]
    rows = []
    for data in result["data"]:
        optimum = f"{data['lower_bound']:.8g} to {data['objective']:.8g}"
        rows.append([data["data"], f"{data['n']} x {data['d']}", optimum, *map(_objective, data["runs"])])
    return _table(["data", "n x d", "optimum (proved)", *packages], "lrr" + "r" * len(packages), rows, result)


def _table(names: Sequence[str], sides: str, rows: Iterable[Sequence[str]], result: dict[str, Any]) -> str:
    """A table under the names of its columns, each set to the left (l) or right (r), and where its numbers are from."""
    return f"{markdown.table(names, rows, sides)}\n\n{_origin(result)}"


def _attempt(attempt: dict[str, Any]) -> str:
    """A first fit, with what was added and its error."""
    error = f"`{attempt['error']}`" if attempt["error"] else "works"
    return f"with {' and '.join(attempt['added'])}: {error}" if attempt["added"] else error


def _objective(run: dict[str, Any]) -> str:
    """Where a package ended on one data set."""
    if run["failure"]:
        return run["failure"].removeprefix(f"{run['package']} with {{}} ")
    return f"{run['objective']:.6g}, {_excess(run['excess'])}, {run['seconds']:.2f} s"


def _label(run: dict[str, Any]) -> str:
    """Row of the peers' table that a run belongs to."""
    if run["peer"] not in ("NCA", "metric-learn", "mlpack"):
        return f"`{run['peer']}`"
    return f"{run['peer']}, {'default' if run['setting'] == 'default' else 'best of all settings'}"


def _rank(label: str) -> int:
    """Order of the rows: ours, then the peers as they came."""
    return 0 if label.startswith("`") else 1


def _end(data: dict[str, Any], label: str) -> str:
    """Least excess of a row's runs and the seconds of that run; a dash where none was tried."""
    runs = [run for run in data["runs"] if _label(run) == label]
    ends = [run["points"][-1] for run in runs if run["points"]]
    if not ends:
        return "failed" if runs else "-"
    best = min(ends, key=lambda end: end["objective"])
    return f"{_excess(best['objective'] / data['lower_bound'] - 1)}, {best['seconds']:.2f} s"


def _excess(value: float) -> str:
    """A relative excess as it is best read."""
    return f"{value:.1e}" if value < 1e-4 else f"{100 * value:.2g} %" if value < 1 else f"x{1 + value:.2g}"


def _origin(result: dict[str, Any]) -> str:
    """Command, commit and machine under a block."""
    machine = result["machine"]
    return f"`{result['command']}` at {result['commit']}, {machine['processor']}, {machine['blas_threads']} threads."


def _read(name: str) -> dict[str, Any]:
    """One result file."""
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return result


if __name__ == "__main__":
    main()
