"""How far equally good metrics lie apart, what settings do, and the corner of the optimum, from ``optimum.json``."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from harness.optimum.report import ASKED, NOTICED, at, largest, percent
from lmnn_sdp.plots import scientific
from lmnn_sdp.plots.style import AFTER, BEFORE, KINK, LEGEND_STROKE, MARKERS, styled

KINDS = ("scaling", "k", "mu")  # from the bottom upwards
FARTHEST = 10.0  # a bound beyond this many times the norm of the optimum says nothing worth drawing


def pictures(result: dict[str, Any]) -> dict[str, Figure]:
    """Every figure by its name."""
    data = result["data"]
    return {
        "optimum_moves": moved(data),
        "optimum_settings": chosen(data),
        "optimum_corners": corners(result["corners"]),
    }


@styled
def moved(data: dict[str, Any]) -> Figure:
    """Largest move within each excess, with its bound, and what neighbours and votes notice."""
    figure = Figure(figsize=(9.2, 4.2))
    left, right = figure.subplots(1, 2)
    for number, (name, one) in enumerate(data.items()):
        style = {"color": f"C{number}", "marker": MARKERS[number], "label": name}
        levels = [row["level"] for row in one["levels"]]
        left.plot(levels, [largest(row, "seen") for row in one["levels"]], **style)
        bounds = [row["at_most"] if row["at_most"] <= FARTHEST else np.nan for row in one["levels"]]
        left.plot(levels, bounds, color=f"C{number}", linestyle=":", linewidth=1.4)
        right.plot(levels, [100 * largest(row, "turned") for row in one["levels"]], **style)
        shares = [100 * largest(row, "lost") for row in one["levels"]]
        right.plot(levels, shares, color=f"C{number}", linestyle="--", linewidth=1.0)
    ends = [largest(at(one, ASKED), "seen") for one in data.values()]
    left.set_title(f"Within {scientific(ASKED)}, M moves by {percent(min(ends))} to {percent(max(ends))}")
    lost, turned = (max(largest(at(one, ASKED), key) for one in data.values()) for key in ("lost", "turned"))
    right.set_title(f"There up to {percent(lost)} of points change neighbours, {percent(turned)} votes")
    left.set(xscale="log", yscale="log", ylabel="move over the norm of the optimum, whitened")
    right.set(xscale="log", ylabel="test points, %")
    _key(left, {"-": "farthest found", ":": "farthest possible"})
    _key(right, {"-": "another vote", "--": "another neighbour of three"})
    for axes in (left, right):
        axes.set_xlabel("proved excess of the objective over the optimum")
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(data))
    return figure


def _key(axes: Axes, kinds: dict[str, str]) -> None:
    """What the kinds of line mean, whatever their colour."""
    lines = [axes.plot([], [], color=LEGEND_STROKE, linestyle=kind)[0] for kind in kinds]
    axes.legend(lines, list(kinds.values()), loc="upper left")


@styled
def chosen(data: dict[str, Any]) -> Figure:
    """Votes that change by a gap, by a point, and by choices; and what choices do to the error."""
    figure = Figure(figsize=(9.6, 4.4))
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    changes = {name: _changes(one) for name, one in data.items()}
    sources = list(next(iter(changes.values())))[::-1]
    words = [_words(source, data) for source in sources]
    for number, (name, found) in enumerate(changes.items()):
        places = np.arange(len(sources)) + _offset(number, len(data))
        shares = [100 * found[source] for source in sources]
        left.plot(shares, places, color=f"C{number}", marker=MARKERS[number], linewidth=0, label=name)
    gap, choice = (max(found[source] for found in changes.values()) for source in (sources[-1], sources[0]))
    left.set_title(f"A gap of {scientific(ASKED)} turns up to {percent(gap)} of votes, scale {percent(choice)}")
    left.set(xlabel="votes on test points that change, %", yticks=range(len(sources)), yticklabels=words)
    left.grid(visible=False, axis="y")
    beyond = total = 0
    for number, one in enumerate(data.values()):
        for row in one["settings"]:
            if row["value"] == "standardised":
                continue
            differs = abs(row["difference"]) > NOTICED * row["difference_se"]
            beyond, total = beyond + differs, total + 1
            place = KINDS.index(row["kind"]) + _offset(number, len(data))
            face = f"C{number}" if differs else "white"
            style = {"color": f"C{number}", "marker": MARKERS[number], "markerfacecolor": face}
            right.plot([100 * row["difference"]], [place], markersize=5, linewidth=0, **style)
    right.axvline(0, color=LEGEND_STROKE, linewidth=0.8)
    right.set_title(f"{beyond} of {total} choices change the error")
    right.set(xlabel="cross-validated error less the default's, points")
    right.set(yticks=range(len(KINDS)), yticklabels=words[: len(KINDS)])
    right.grid(visible=False, axis="y")
    for face, how in ((LEGEND_STROKE, "by more than"), ("white", "within")):
        style = {"color": LEGEND_STROKE, "marker": "o", "markerfacecolor": face}
        right.plot([], [], markersize=5, linewidth=0, label=f"{how} {NOTICED} standard errors", **style)
    right.set_ylim(-1.1, len(KINDS) - 0.6)  # room for the legend
    right.legend(loc="lower left")
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(data))
    return figure


def _offset(number: int, count: int) -> float:
    """So that the marks of several data sets do not hide each other."""
    return 0.5 * (0.5 - number / max(1, count - 1))


def _changes(one: dict[str, Any]) -> dict[str, float]:
    """Largest share of votes that each source changes."""
    found = {"gap": largest(at(one, ASKED), "turned")}
    for kind, rows in one["single_points"].items():
        found[kind] = max(row["turned"] for row in rows)
    for kind in KINDS[::-1]:
        found[kind] = max(row["turned"] for row in one["settings"] if row["kind"] == kind)
    return found


def _words(source: str, data: dict[str, Any]) -> str:
    """What a source of changes is called; a choice by all its values on any data."""
    if source not in KINDS:
        return f"gap of {scientific(ASKED)}" if source == "gap" else f"one point {source}"
    rows = [row for one in data.values() for row in one["settings"] if row["kind"] == source]
    values = dict.fromkeys(row["value"] for row in rows if row["value"] != "standardised")
    return " or ".join(values) if source == "scaling" else f"{source} from {min(values):g} to {max(values):g}"


@styled
def corners(found: dict[str, dict[str, Any]]) -> Figure:
    """Kinks between the dimension of the face and that of the tangent space."""
    figure = Figure(figsize=(7.0, 3.6))
    axes = figure.subplots()
    names = list(found)[::-1]
    for place, name in enumerate(names):
        one = found[name]
        axes.plot([one["face"], one["tangent"]], [place, place], color=BEFORE, linewidth=6, solid_capstyle="butt")
        axes.plot([one["face"]] * 2, [place - 0.22, place + 0.22], color=AFTER, linewidth=2.5)
        axes.plot([one["kinks"]], [place], color=KINK, marker="o", markersize=7, linewidth=0)
    enough = sum(one["spanned"] == one["face"] for one in found.values())
    beyond = sum(one["kinks"] > one["tangent"] for one in found.values())
    axes.set_title(f"Kinks fix the optimum on {enough} of {len(found)} data sets; {beyond} have more than can differ")
    axes.set(xscale="log", xlabel="number of triplets, and dimension", yticks=range(len(names)))
    axes.set_yticklabels([f"{name} (rank {found[name]['rank']} of {found[name]['d']})" for name in names])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(visible=False, axis="y")
    axes.plot(
        [], [], color=KINK, marker="o", markersize=7, linewidth=0, label="kinks: triplets exactly at their margin"
    )
    axes.plot([], [], color=AFTER, linewidth=2.5, label="q (q + 1) / 2, q the rank: fewer could not fix the optimum")
    axes.plot(
        [], [], color=BEFORE, linewidth=6, label="up to d q - q (q - 1) / 2: beyond it, kinks depend on each other"
    )
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left")
    return figure
