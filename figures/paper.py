"""Figures 2, 7, 8 and 13 of Weinberger & Saul (2009) from ``paper_figures.json``: nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Wedge

from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.plots.style import AFTER, BEFORE, MARKERS, OTHERS, styled

SHOWN = (1, 2, 3, 8)  # metrics of the circles
COURSES = ("stretch across the stripes", "along them", "in no stable direction")
ROUND = 1.01  # ratio of half axes up to which a metric has no direction of its own


def pictures(result: dict[str, Any]) -> dict[str, Figure]:
    """Every figure by its name; those of MNIST only where the result has them."""
    drawn = {"paper_02": stripes(result["stripes"]), "paper_07": circles(result["circles"]["plain"], result["circles"])}
    if "digits_plane" in result:
        drawn |= {"paper_08": digits(result["digits_plane"]), "paper_13": reduction(result["reduction"])}
    return drawn


@styled
def stripes(result: dict[str, Any]) -> Figure:
    """The points, the direction that each method stretches most on every draw, and the errors beside the paper's."""
    figure = Figure(figsize=(8.4, 6.6))
    above, middle, below = figure.subplots(3, 1, height_ratios=(1, 1.1, 1.6))
    X, y = np.array(result["X"]), np.array(result["y"])
    for code in (0, 1):
        above.scatter(*X[y == code].T, s=3, color=f"C{code}", marker=MARKERS[code], linewidth=0)
        above.scatter([], [], s=25, color=f"C{code}", marker=MARKERS[code], label=f"class {code}")
    above.set_title(f"One draw of {result['n']:,} points: two blocks of stripes, far apart")
    above.set(xlabel="horizontal", ylabel="vertical", aspect="equal", yticks=[0, 1])
    above.grid(visible=False)
    above.legend(loc="center", ncols=2, markerscale=1.2)
    plain = result["plain"]
    _compasses(middle, plain["methods"], plain["draws"])
    _bars(below, plain["methods"], plain["draws"], result["n"])
    return figure


def _compasses(axes: Axes, methods: dict[str, Any], draws: int) -> None:
    """Of each method the axis on the draw that is shown, and the range of its angles over all draws."""
    names = []
    for place, (name, found) in enumerate(methods.items()):
        dial = axes.inset_axes((place - 0.45, 0.0, 0.9, 1.0), transform=axes.transData)
        dial.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
        dial.axis("off")
        low, high = found["from_horizontal_degrees"]
        if found["stretch"] == 1:
            dial.scatter([0], [0], s=90, marker="+", color="black")
            names.append("all directions alike")
            continue
        for begin, end in ((low, high), (-high, -low), (180 - high, 180 - low), (180 + low, 180 + high)):
            dial.add_patch(Wedge((0, 0), 1, begin, end, facecolor=BEFORE, edgecolor=BEFORE, alpha=0.55))
        _double_arrow(dial, np.zeros(2), found["axis_degrees"], 1.0)
        names.append(f"{name}: {' to '.join(dict.fromkeys(f'{degrees:.0f}' for degrees in (low, high)))}°")
    axes.set(xlim=(-0.6, len(methods) - 0.4), ylim=(0, 1), yticks=[], ylabel="axis stretched")
    axes.set_xticks(range(len(methods)), names)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    courses = {course: _listed([name for name in methods if _course(methods[name]) == course]) for course in COURSES}
    axes.set_title(", ".join(f"{whose} {course}" for course, whose in courses.items()) + "\n")
    told = (
        f"arrow: axis that is stretched most, on the draw above; grey: its angle to the horizontal over {draws} draws"
    )
    axes.text(-0.6, 1.05, told, fontsize=9)


def _course(found: dict[str, Any]) -> str:
    """Which way the axes of all draws lie, if a method has any."""
    low, high = found["from_horizontal_degrees"]
    across, along, turning = COURSES
    return "" if found["stretch"] == 1 else across if high < 45 else along if low > 45 else turning


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return " and ".join(names) or "none"


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
    better = [name for name, found in methods.items() if found["percent"] < methods["input space"]["percent"]]
    axes.set_title(f"Errors of 3-NN on new points, n = {n:,}: only {_listed(better)} err less than the input space")
    axes.set(xticks=place, xticklabels=list(methods), ylabel="test error, %", ylim=(0, 1.3 * max(paper + ours)))
    axes.set_xlim(-0.6, len(methods) - 0.4)
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
    axes.plot([], [], color="black", label="direction that it stretches most")
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
