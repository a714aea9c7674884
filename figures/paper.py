"""Figures 2, 7, 8 and 13 of Weinberger & Saul (2009) from ``paper_figures.json``: nothing is computed here."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.plots.style import AFTER, BEFORE, MARKERS, OTHERS, styled

SHOWN = (1, 2, 3, 8)  # metrics of the circles
ROUND = 1.01  # ratio of half axes up to which a metric has no direction of its own


def pictures(result: dict[str, Any]) -> dict[str, Figure]:
    """Every figure by its name; those of MNIST only where the result has them."""
    drawn = {"paper_02": stripes(result["stripes"]), "paper_07": circles(result["circles"]["plain"], result["circles"])}
    if "digits_plane" in result:
        drawn |= {"paper_08": digits(result["digits_plane"]), "paper_13": reduction(result["reduction"])}
    return drawn


@styled
def stripes(result: dict[str, Any]) -> Figure:
    """The points with the axis that each method stretches most, and the errors beside the paper's."""
    figure = Figure(figsize=(8.4, 5.0))
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.25))
    X, y = np.array(result["X"]), np.array(result["y"])
    for code in (0, 1):
        above.scatter(*X[y == code].T, s=3, color=f"C{code}", marker=MARKERS[code], linewidth=0, label=f"class {code}")
    plain = result["plain"]
    methods = plain["methods"]
    arrows = [name for name in methods if name != "input space"]
    left, right = 1.0, plain["kind"]["offset"]
    for name, x in zip(arrows, np.linspace(left, right, len(arrows) + 2)[1:-1], strict=True):
        _double_arrow(above, np.array([x, 0.6]), methods[name]["axis_degrees"])
        above.text(x, 0.0, name, ha="center", va="bottom", fontsize=9.5)
    above.set_title("LMNN and NCA stretch across the stripes, RCA and MMC along them, LDA in no stable direction")
    above.set(xlabel="horizontal", ylabel="vertical", aspect="equal", yticks=[0, 1])
    above.grid(visible=False)
    _bars(below, methods, plain["draws"], result["n"])
    return figure


def _bars(axes: Axes, methods: dict[str, Any], draws: int, n: int) -> None:
    """Errors of the paper and ours."""
    place = np.arange(len(methods))
    ours, paper = ([found[key] for found in methods.values()] for key in ("percent", "paper_percent"))
    spread = [found["sd"] for found in methods.values()]
    axes.bar(place - 0.2, paper, 0.38, color=BEFORE, label="paper")
    axes.bar(
        place + 0.2, ours, 0.38, yerr=spread, color=AFTER, label=f"here, mean and sd of {draws} draws", ecolor="black"
    )
    bars = zip([*(place - 0.2), *(place + 0.2)], [*paper, *ours], [0.0] * len(paper) + spread, strict=True)
    for x, value, sd in bars:
        axes.annotate(f"{value:.1f}", (x, value + sd), (0, 3), textcoords="offset points", ha="center", fontsize=9)
    axes.set_title(f"Errors of 3-NN on new points, n = {n:,}: only LMNN and NCA err less than the input space")
    axes.set(xticks=place, xticklabels=list(methods), ylabel="test error, %", ylim=(0, 1.3 * max(paper + ours)))
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper left")


@styled
def circles(plain: dict[str, Any], result: dict[str, Any]) -> Figure:
    """Points by class, hollow where they are misclassified, and the direction that each local metric stretches most."""
    figure = Figure(figsize=(7.4, 7.9))
    X, y = np.array(result["X"]), np.array(result["y"])
    rows = {row["metrics"]: row for row in plain["counts"]}
    for axes, count in zip(figure.subplots(2, 2).flat, SHOWN, strict=True):
        row = rows[count]
        wrong = np.isin(np.arange(len(X)), row["wrong"])
        for code in (0, 1):
            for missed in (False, True):
                face = "white" if missed else f"C{code}"
                chosen = (y == code) & (wrong == missed)
                axes.scatter(X[chosen, 0], X[chosen, 1], s=11, facecolor=face, edgecolor=f"C{code}", linewidth=0.8)
        for centre, (long, short, degrees) in zip(row["centres"], row["ellipses"], strict=True):
            if long > ROUND * short:
                _double_arrow(axes, np.array(centre), degrees)
            else:
                axes.scatter([centre[0]], [centre[1]], s=70, marker="+", color="black")
        paper = "" if row["paper_percent"] is None else f" (paper {row['paper_percent']:.0f} %)"
        axes.set_title(f"{count} metric{'s' * (count > 1)}: {row['percent']:.0f} % wrong{paper}")
        axes.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        axes.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))
        axes.grid(visible=False)
    for code in (0, 1):
        axes.scatter([], [], s=22, color=f"C{code}", label=f"class {code}")
    axes.scatter([], [], s=22, facecolor="white", edgecolor=OTHERS, label="wrong by its nearest other point")
    axes.plot([], [], color="black", label="direction that a metric stretches most")
    axes.scatter([], [], s=40, marker="+", color="black", label="metric that stretches all directions alike")
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2)
    return figure


def _double_arrow(axes: Axes, centre: FloatArray, degrees: float, reach: float = 0.28) -> None:
    """A line with heads at both ends, through a centre."""
    angle = np.radians(degrees)
    ends = [centre + side * reach * np.array([np.cos(angle), np.sin(angle)]) for side in (1, -1)]
    style = {"arrowstyle": "<->", "color": "black", "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]), arrowprops=style)


@styled
def digits(result: dict[str, Any]) -> Figure:
    """Points by class, and the unit circle as the map of each class makes it, at the class mean."""
    figure = Figure(figsize=(7.4, 5.8))
    axes = figure.subplots()
    X, labels = np.array(result["X"]), np.array(result["y"])
    for number, row in enumerate(result["classes"]):
        own = X[labels == row["digit"]]
        axes.scatter(own[:, 0], own[:, 1], s=7, color=f"C{number}", marker=MARKERS[number], alpha=0.3, linewidth=0)
        axes.scatter([], [], s=30, color=f"C{number}", marker=MARKERS[number], label=f"digit {row['digit']}")
    for number, row in enumerate(result["classes"]):
        (x, y), angle = row["mean"], np.radians(row["degrees"])
        for width, color in ((4.5, "white"), (2.4, f"C{number}")):
            shape = Ellipse(
                (x, y), 2 * row["long"], 2 * row["short"], angle=row["degrees"], fill=False, lw=width, color=color
            )
            axes.add_patch(shape)
        across, up = row["long"] * np.cos(angle), row["long"] * np.sin(angle)
        axes.plot([x - across, x + across], [y - up, y + up], color="black", linewidth=2)
    axes.plot([], [], color="black", label="its longest axis")
    axes.plot([], [], color=OTHERS, linewidth=2.4, label="unit circle under its map L")
    axes.set_title(f"Each digit's metric has a shape of its own ({result['n']:,} of {result['of']:,} digits shown)")
    axes.set(xlabel="first principal component", ylabel="second principal component", aspect="equal")
    axes.legend(loc="upper left")
    return figure


@styled
def reduction(result: dict[str, Any]) -> Figure:
    """Errors by the number of directions: ours, and those of the paper on ten times as many digits."""
    figure = Figure(figsize=(8.8, 4.2))
    here, there = figure.subplots(1, 2)
    lines = {"PCA": BEFORE, "LMNN-S": "C1", "PCA after LMNN": "C2", "LMNN-R": AFTER}
    meaning = {"LMNN-S": "LMNN-S: square L, cut to its leading rows", "LMNN-R": "LMNN-R: L learned with few rows"}
    rows = [row["rows"] for row in result["rows"]]
    paper = result["paper"]
    for number, (name, color) in enumerate(lines.items()):
        style = {"color": color, "marker": MARKERS[number], "label": meaning.get(name, name)}
        here.plot(rows, [row[name] for row in result["rows"]], **style)
        if name in paper:
            there.plot(paper["rows"], paper[name], **style)
    here.axhline(result["input_space"], color="black", linewidth=1, linestyle="--", label="no reduction, no metric")
    there.axhline(paper["baseline"], color="black", linewidth=1, linestyle="--")
    here.set_title(f"{result['training_digits']:,} digits: LMNN-S is poor in few rows")
    there.set_title(f"The paper, {paper['training_digits']:,} digits: LMNN-R errs least")
    for axes in (here, there):
        axes.set(xlabel="directions kept", ylabel=f"3-NN error on {result['test_digits']:,} test digits, %")
        axes.set_ylim(bottom=0)
    handles, names = here.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure
