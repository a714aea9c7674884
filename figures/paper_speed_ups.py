"""Figures 10 and 12 of Weinberger & Saul (2009) from ``speed_ups.json``: nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmnn_sdp.plots.style import AFTER, BEFORE, styled

#: What a way is called, its colour and its mark.
WAYS = {
    "tree": ("ball tree, early abort", AFTER, "o"),
    "scan": ("no tree, early abort", "#D55E00", "s"),
    "library": ("scikit-learn's ball tree", "#009E73", "D"),
    "products": ("matrix products", "#CC79A7", "^"),
}
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def pictures(result: dict[str, Any]) -> dict[str, Figure]:
    """Every figure by its name."""
    return {"paper_10": neighbours(result["neighbours"]), "paper_12": violations(result["violations"])}


@styled
def neighbours(result: dict[str, Any]) -> Figure:
    """How many times less each way costs than early abort in all dimensions."""
    dimensions = [row["dimensions"] for row in result["rows"]]
    figure, panels = _two_panels(dimensions)
    base, paper, every = result["all"]["scan"], result["paper"], result["all"]["dimensions"]
    for what, axes in panels.items():
        for way, (name, color, mark) in WAYS.items():
            times = [base[what] / row[way][what] for row in result["rows"]]
            axes.plot(dimensions, times, color=color, marker=mark, label=name)
        for way, values in paper.items():
            name, _, mark = WAYS[way]
            _papers(axes, dimensions, values, mark, f"paper, seconds: {name}")
    times, papers = [base["terms"] / row["tree"]["terms"] for row in result["rows"]], paper["tree"]
    _finish(
        figure,
        f"A ball tree in {dimensions[0]} dimensions divides the terms of early abort in all {every} by {times[0]:.0f}, "
        f"in {dimensions[-1]} by {times[-1]:.1f} (the paper's seconds: {papers[0]:.0f}, {papers[-1]:.1f})",
    )
    panels["terms"].set_ylabel(f"times cheaper than early abort\nin all {every} dimensions")
    return figure


@styled
def violations(result: dict[str, Any]) -> Figure:
    """How many times less a ball tree for each class costs than each other way."""
    fine, coarse = dict.fromkeys(row["units"] for row in result["rows"])
    rows = {unit: [row for row in result["rows"] if row["units"] == unit] for unit in (fine, coarse)}
    dimensions = [row["dimensions"] for row in rows[fine]]
    figure, panels = _two_panels(dimensions)
    paper = result["paper"]["tree"]
    for what, axes in panels.items():
        for way, unit in (("scan", fine), ("scan", coarse), ("library", fine), ("products", fine)):
            name, color, mark = WAYS[way]
            times = [row[way][what] / row["tree"][what] for row in rows[unit]]
            style = "-" if unit == fine else "--"
            axes.plot(dimensions, times, style, color=color, marker=mark, label=f"than {name}, {unit}")
        _papers(axes, dimensions, paper, "o", "paper, seconds: than no tree")
    times = [row["scan"]["terms"] / row["tree"]["terms"] for row in rows[fine]]
    _finish(
        figure,
        f"Ball trees in {dimensions[0]} dimensions divide the terms of a search for violations by {times[0]:.1f}, "
        f"in {dimensions[-1]} by {times[-1]:.1f} (the paper's seconds: {paper[0]:.1f}, {paper[-1]:.1f})",
    )
    panels["terms"].set_ylabel("times cheaper by a ball tree for each class")
    return figure


def _two_panels(dimensions: Sequence[int]) -> tuple[Figure, dict[str, Axes]]:
    """For terms and for seconds, with a line where nothing is spared."""
    figure = Figure(figsize=(10.4, 5.0))
    panels = dict(zip(("terms", "seconds"), figure.subplots(1, 2, sharey=True), strict=True))
    for axes in panels.values():
        axes.set_yscale("log")
        axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        axes.axhline(1, color="#333333", linewidth=0.8)
        axes.set_xticks(dimensions)
        axes.set_xlabel("leading principal components")
    panels["terms"].set_title("Coordinate terms that are added up")
    panels["seconds"].set_title("Seconds of the processor")
    return figure, panels


def _papers(axes: Axes, dimensions: Sequence[int], values: Sequence[float], mark: str, name: str) -> None:
    """A line of the paper."""
    axes.plot(dimensions, values, ":", color=BEFORE, marker=mark, markerfacecolor="white", linewidth=1.4, label=name)


def _finish(figure: Figure, title: str) -> None:
    """What is seen above both panels, and the legend below."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, handlelength=3.5)
