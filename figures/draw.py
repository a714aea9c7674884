"""Draws every figure of this folder from experiments/results: nothing is computed here."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experiments"))

import matplotlib.style
import numpy as np
import optimum_pictures
from matplotlib.figure import Figure

import paper
import paper_images
import paper_speed_ups
from harness.paths import FIGURES, RESULTS
from lmnn_sdp import Problem, plots
from lmnn_sdp.datasets import load
from lmnn_sdp.plots.style import look
from lmnn_sdp.solvers.solution import HistoryRow

#: The parts of a solve, as a stranger reads them.
PARTS = {
    "impostor passes": "all points are searched for impostors",
    "listed triplets": "sums over the triplets that were found",
    "eigenvalues": "eigenvalues, of M and of the dual slack",
    "Newton systems": "linear systems of the Newton steps",
    "certificates": "proof: both bounds with their rounding errors",
    "rest": "everything else",
}


def main() -> None:
    """Draw all."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else FIGURES
    convergence = _read(source, "convergence")
    iris = {solver: _history(curve) for solver, curve in convergence["iris"].items()}
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
    margins = _read(source, "margins")["data"]
    clear = {name: margins[name]["violated_after"] for name in sets}
    plots.save(plots.working_set(sets, totals, _counts(sets, clear)), target, "working_set")
    for name, m in margins.items():
        plots.save(plots.margins(m["edges"], m["before"], m["after"], name), target, f"margins_{name}")
    features = {name: load(name).X.shape[1] for name in margins}
    spectra = {name: m["eigenvalues"] for name, m in margins.items()}
    plots.save(plots.spectrum(spectra, features), target, "spectrum")
    plane = _read(source, "plane")
    problem = Problem.from_data(plane["X"], plane["y"])
    plots.save(plots.plane(problem, np.array(plane["M"])), target, "plane")
    peers = _read(source, "peers")["data"]
    panels = {data["data"]: _excess(data) for data in peers}
    plots.save(plots.excess(panels, _missing(peers)), target, "peers")
    plots.save(plots.scaling([_sweep(sweep) for sweep in _read(source, "scaling")["sweeps"]], PARTS), target, "scaling")
    plots.save(_solved(_read(source, "hard_problems")), target, "hard_problems")
    plots.save(_verify_small(_read(source, "verify_small")["problems"]), target, "verify_small")
    drawn = paper.pictures(_read(source, "paper_figures")) | paper_images.pictures(_read(source, "galleries"))
    drawn |= optimum_pictures.pictures(_read(source, "optimum"))
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
        looks = [look(solver, place) for place, solver in enumerate(solvers)]
        for axes, key in zip(panels, ("relative_gap", "excess"), strict=True):
            worst = {}
            for k, solver in enumerate(solvers):
                values = [max(p["solvers"][solver][key], plots.SMALLEST_GAP) for p in problems]
                worst[solver] = max(values)
                style = {"color": looks[k].color, "marker": looks[k].marker, "alpha": 0.6, "linewidth": 0}
                axes.scatter(values, k + jitter, s=9, **style)
            others = max(value for solver, value in worst.items() if solver != "pgd")
            ends = f"pgd up to {plots.scientific(worst['pgd'])}, all others {plots.scientific(others)}"
            axes.set_title(("Proved gap: " if key == "relative_gap" else "Above the optimum: ") + ends)
            axes.set(xscale="log", yticks=range(len(solvers)))
            axes.set_yticklabels([drawn.label.replace(" (", "\n(") for drawn in looks])
            axes.set_xlabel(f"relative; a dot for each of {len(problems)} problems")
            axes.grid(visible=False, axis="y")
        panels[0].invert_yaxis()
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
    median = {name: float(np.median(seconds)) for name, (seconds, _) in tried.items()}
    medians = ", ".join(f"{name} {median[name]:.2f} s" for name in sorted(median, key=median.__getitem__))
    solved, every = (sum(part) for part in zip(*((len(s), count) for s, count in newton.values()), strict=True))
    return {
        f"Medians on {len(both)}: {medians}": tried,
        f"newton solves {100 * solved / every:.0f} % of {every:,} hard problems": newton,
    }


def _excess(data: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """(seconds, excess) of every fit and round of each peer, all its settings together."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for run in data["runs"]:
        points = [(point["seconds"], point["objective"] / data["lower_bound"] - 1) for point in run["points"]]
        curves.setdefault(run["peer"], []).extend(points)
    return curves


def _missing(peers: list[dict[str, Any]]) -> dict[str, str]:
    """For each data set the peers that are not drawn: those that failed, and those that were not tried and why."""
    longest: dict[str, str] = {}  # of each peer, on the data set before
    notes = {}
    for data in peers:
        found = _excess(data)
        failed = [name for name, points in found.items() if not points]
        parts = [f"failed: {', '.join(failed)}"] if failed else []
        if untried := [f"{name} ({words})" for name, words in longest.items() if name not in found]:
            parts.append(f"not tried on {data['triplets']:,} triplets: {', '.join(untried)}")
        notes[data["data"]] = "\n".join(textwrap.fill(part, 62) for part in parts)
        for name, points in found.items():
            if points:
                longest[name] = f"{max(s for s, _ in points):.0f} s on {data['data']}"
    return notes


def _counts(sets: dict[str, list[HistoryRow]], clear: dict[str, int]) -> str:
    """Why the solver works on fewer triplets than are violated, and where rounding decides which are."""
    note = "Violated triplets far from their margin need no work: there the hinge is linear and the multiplier is mu."
    for name, rows in sets.items():
        positive = rows[-1].active_triplets
        if positive > 1.1 * clear[name]:
            note += (
                f"\nOf the {positive:,} that {name} ends with {clear[name]:,} are clear of the margin, as its figure\n"
                "of margins counts them. The others are at the margin but for the last digits of the metric."
            )
    return note


def _sweep(sweep: dict[str, Any]) -> dict[str, Any]:
    """A sweep as columns."""
    solves = sweep["solves"]
    fixed = f"{solves[0]['d']} features" if sweep["along"] == "n" else f"{solves[0]['n']:,} points"
    return {
        "data": sweep["data"],
        "fixed": f"{fixed}, to a proved gap of {plots.scientific(sweep['tol'])}",
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
