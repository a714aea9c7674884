"""Draws every figure of this folder from experiments/results: nothing is computed here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experiments"))

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

import paper
import paper_images
import paper_speed_ups
from harness.paths import FIGURES, RESULTS
from lmnn_sdp import Problem, plots
from lmnn_sdp.solvers.solution import HistoryRow

#: The solvers, as a stranger reads them.
NAMES = {
    "newton": "newton (the default)",
    "scs": "scs (working sets)",
    "scs-full": "scs-full (all triplets)",
    "cvxpy": "cvxpy (Clarabel)",
    "pgd": "pgd (descent)",
}
PEERS = {"cvxpy": "CVXPY, Clarabel", "cvxpy:SCS": "CVXPY, SCS"}


def main() -> None:
    """Draw all."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else FIGURES
    convergence = _read(source, "convergence")
    iris = {NAMES[solver]: _history(curve) for solver, curve in convergence["iris"].items()}
    sets = {name: _history(curve) for name, curve in convergence["working_sets"].items()}
    totals = {name: curve["triplets"] for name, curve in convergence["working_sets"].items()}
    plots.save(
        plots.convergence(iris, "iris, standardised: every solver on the same problem"), target, "convergence_iris"
    )
    plots.save(
        plots.convergence(sets, "SCS on working sets, four data sets", one_problem=False),
        target,
        "convergence_working_sets",
    )
    plots.save(plots.working_set(sets, totals), target, "working_set")
    margins = _read(source, "margins")["data"]
    for name, m in margins.items():
        plots.save(plots.margins(m["edges"], m["before"], m["after"], name), target, f"margins_{name}")
    plots.save(plots.spectrum({name: m["eigenvalues"] for name, m in margins.items()}), target, "spectrum")
    plane = _read(source, "plane")
    problem = Problem.from_data(plane["X"], plane["y"])
    plots.save(plots.plane(problem, np.array(plane["M"])), target, "plane")
    plots.save(plots.excess({data["data"]: _excess(data) for data in _read(source, "peers")["data"]}), target, "peers")
    plots.save(plots.scaling([_sweep(sweep) for sweep in _read(source, "scaling")["sweeps"]]), target, "scaling")
    plots.save(_solved(_read(source, "hard_problems")), target, "hard_problems")
    plots.save(_verify_small(_read(source, "verify_small")["problems"]), target, "verify_small")
    drawn = paper.pictures(_read(source, "paper_figures")) | paper_images.pictures(_read(source, "galleries"))
    drawn |= paper_speed_ups.pictures(_read(source, "speed_ups"))
    for name, figure in drawn.items():
        plots.save(figure, target, name)


def _verify_small(problems: list[dict[str, Any]]) -> Figure:
    """Every certified gap and every distance to the optimum, one dot a problem, by solver."""
    solvers = list(problems[0]["solvers"])
    with matplotlib.style.context(plots.STYLE):
        figure = Figure(figsize=(9.2, 4.0))
        panels = figure.subplots(1, 2, sharey=True)
        jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(problems))
        for axes, key in zip(panels, ("relative_gap", "excess"), strict=True):
            worst = {}
            for k, solver in enumerate(solvers):
                values = [max(p["solvers"][solver][key], plots.SMALLEST_GAP) for p in problems]
                worst[solver] = max(values)
                style = {"color": f"C{k}", "marker": plots.MARKERS[k], "alpha": 0.6, "linewidth": 0}
                axes.scatter(k + jitter, values, s=9, **style)
            others = max(value for solver, value in worst.items() if solver != "pgd")
            ends = f"pgd up to {plots.scientific(worst['pgd'])}, all others {plots.scientific(others)}"
            axes.set_title(("Proved gap: " if key == "relative_gap" else "Above the optimum: ") + ends)
            names = [NAMES[solver].replace(" (", "\n(") for solver in solvers]
            axes.set(yscale="log", xticks=range(len(solvers)))
            axes.set_xticklabels(names, fontsize=7.5)
            axes.grid(visible=False, axis="x")
        panels[0].set_ylabel(f"relative; a dot for each of {len(problems)} problems")
    return figure


def _solved(result: dict[str, Any]) -> Figure:
    """Share of the hard problems that are solved in so many seconds."""
    figure = plots.solved(_hard(result["runs"]))
    figure.axes[0].set_ylabel(f"solved: proved gap of {plots.scientific(result['tol'])}, %")
    return figure


def _hard(runs: list[dict[str, Any]]) -> dict[str, dict[str, tuple[list[float], int]]]:
    """Seconds of the solved runs, of both solvers where both were tried, and by the weight of the push, by title."""

    def line(chosen: list[dict[str, Any]]) -> tuple[list[float], int]:
        return [run["seconds"] for run in chosen if run["status"] == "OPTIMAL"], len(chosen)

    def key(run: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(run[name] for name in ("data", "scaling", "n_neighbors", "mu"))

    both = {key(run) for run in runs if run["solver"] == "scs"}
    solvers = dict.fromkeys(run["solver"] for run in runs)
    mus = sorted({run["mu"] for run in runs})
    tried = {name: line([run for run in runs if run["solver"] == name and key(run) in both]) for name in solvers}
    newton = {f"mu = {mu}": line([run for run in runs if run["solver"] == "newton" and run["mu"] == mu]) for mu in mus}
    medians = ", ".join(f"{name} {np.median(seconds):.2f} s" for name, (seconds, _) in tried.items())
    solved, every = (sum(part) for part in zip(*((len(s), count) for s, count in newton.values()), strict=True))
    return {
        f"{len(both)} by both, median {medians}": tried,
        f"newton solves {100 * solved / every:.0f} % of {every:,} hard problems": newton,
    }


def _excess(data: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """(seconds, excess) of every fit and round of each peer, all its settings together."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for run in data["runs"]:
        points = [(point["seconds"], point["objective"] / data["lower_bound"] - 1) for point in run["points"]]
        curves.setdefault(PEERS.get(run["peer"], run["peer"]), []).extend(points)
    return curves


def _sweep(sweep: dict[str, Any]) -> dict[str, Any]:
    """A sweep as columns."""
    solves = sweep["solves"]
    fixed = f"d = {solves[0]['d']}" if sweep["along"] == "n" else f"n = {solves[0]['n']:,}"
    return {
        "title": f"{sweep['data']}, {fixed}, gap {plots.scientific(sweep['tol'])}",
        "along": sweep["along"],
        "exponent": sweep["exponent"],
        "sizes": [solve[sweep["along"]] for solve in solves],
        "seconds": [solve["seconds"] for solve in solves],
        "parts": {part: [solve["parts"][part] for solve in solves] for part in solves[0]["parts"]},
    }


def _read(source: Path, name: str) -> dict[str, Any]:
    """One result file."""
    result: dict[str, Any] = json.loads((source / f"{name}.json").read_text())
    return result


def _history(curve: dict[str, Any]) -> list[HistoryRow]:
    """Rows of a stored history."""
    return [HistoryRow(**row) for row in curve["history"]]


if __name__ == "__main__":
    main()
