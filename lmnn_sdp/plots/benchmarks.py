"""Solvers beside each other, and how one grows with the size of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from lmnn_sdp.plots.style import AFTER, LEGEND_STROKE, OTHERS, SMALLEST_GAP, SOLVERS, Look, look, scientific, styled

SHORTEST = 1e-3  # seconds drawn for what took less
SIZES = {"n": "points, n", "d": "features, d"}
DASHES = ("-", "--", ":", "-.")
WITHIN = 1e-6  # of the optimum: who is there first


@styled
def excess(
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]], missing: Mapping[str, str] | None = None
) -> Figure:
    """Objective above the optimum against seconds: a panel a data set, a colour and marker a solver.

    Every dot is a fit, or a round of one; the line is the best that a solver has shown within that time. The titles
    tell who is first within a millionth of the optimum.

    Parameters
    ----------
    panels : mapping
        For each data set and solver the pairs (seconds, objective / lower bound - 1).
    missing : mapping, optional
        For a data set which solvers are not drawn, and why: below its panel.

    Returns
    -------
    Figure
        A panel for each data set.
    """
    solvers = list(dict.fromkeys(name for curves in panels.values() for name, points in curves.items() if points))
    figure = Figure(figsize=(9.2, 3.3 * ((len(panels) + 1) // 2)))
    grid = figure.subplots((len(panels) + 1) // 2, min(2, len(panels)), squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.remove()
    for axes, (title, curves) in zip(grid, panels.items(), strict=False):
        ends = [max(seconds for seconds, _ in points) for points in curves.values() if points]
        for k, name in enumerate(solvers):
            if points := sorted(curves.get(name, ())):
                _frontier(axes, points, max(ends) * 1.5, look(name, k))
        axes.set(xscale="log", yscale="log", xlabel="\n".join(["seconds", *filter(None, [(missing or {}).get(title)])]))
        axes.set_title(f"{title}: {_first(curves)}")
    for axes in grid[: len(panels) : 2]:
        axes.set_ylabel("objective above the optimum, relative")
    grid[0].scatter([], [], s=9, color=LEGEND_STROKE, alpha=0.5, label="faint: every fit")
    grid[0].plot([], [], color=LEGEND_STROKE, linewidth=1.2, label="the best within that time")
    handles = {n: h for axes in grid[: len(panels)] for h, n in zip(*axes.get_legend_handles_labels(), strict=True)}
    names = [look(name, k).label for k, name in enumerate(solvers)]
    names += [name for name in handles if name not in names]
    figure.legend([handles[name] for name in names], names, loc="outside lower center", ncols=4)
    return figure


def _first(curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Who is first within `WITHIN` of the optimum, and when."""
    there = [(s, name) for name, points in curves.items() for s, value in points if value <= WITHIN]
    if not there:
        return f"none within {scientific(WITHIN)}"
    seconds, name = min(there)
    return f"{name} first within {scientific(WITHIN)}, {seconds:.2g} s"


def _frontier(axes: Axes, points: Sequence[tuple[float, float]], end: float, drawn: Look) -> None:
    """All points, faint, and the best so far as steps with a marker wherever it improves by a third, and at the end."""
    seconds = np.array([max(point[0], SHORTEST) for point in points])
    values = np.array([max(point[1], SMALLEST_GAP) for point in points])
    best = np.minimum.accumulate(values)
    better = np.r_[True, best[1:] < best[:-1]]
    axes.scatter(seconds, values, s=9, color=drawn.color, marker=drawn.marker, alpha=0.3, linewidth=0)
    steps = np.r_[seconds[better], end], np.r_[best[better], best[-1]]
    axes.plot(*steps, drawstyle="steps-post", color=drawn.color, linewidth=1.2, alpha=0.85)
    marked = [0]
    for k in range(1, len(best)):
        if best[k] < best[marked[-1]] / 1.5:
            marked.append(k)
    marked.append(int(np.flatnonzero(better)[-1]))
    style: dict[str, Any] = {"marker": drawn.marker, "color": drawn.color, "label": drawn.label}
    axes.plot(seconds[marked], best[marked], linestyle="none", **style)


@styled
def solved(panels: Mapping[str, Mapping[str, tuple[Sequence[float], int]]]) -> Figure:
    """Share of the problems that are solved within so many seconds: a panel a set of them, a line a solver or a kind.

    Kinds of problems, all solved by one solver, differ in the style of their lines.

    Parameters
    ----------
    panels : mapping
        For each title and line the seconds of the solved problems, and how many problems there were.

    Returns
    -------
    Figure
        A panel for each title.
    """
    figure = Figure(figsize=(4.6 * len(panels), 3.4))
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (title, curves) in zip(grid, panels.items(), strict=True):
        every = [second for seconds, _ in curves.values() for second in seconds] or [1.0]
        begin, end = max(SHORTEST, min(every) / 1.5), max(every) * 1.5
        for k, (name, (seconds, count)) in enumerate(curves.items()):
            ordered = np.maximum(np.sort(np.array(seconds, dtype=float)), begin)
            share = 100 * np.arange(len(ordered) + 1) / max(1, count)
            ends = np.r_[begin, ordered, end], np.r_[share, share[-1]]
            label = f"{name}: {len(ordered):,} of {count:,} solved"
            style: dict[str, Any] = {"color": AFTER, "linestyle": DASHES[k % len(DASHES)]}
            if name in SOLVERS:
                style = {"color": SOLVERS[name].color}
            axes.plot(*ends, drawstyle="steps-post", linewidth=1.5, label=label, **style)
        axes.set(xscale="log", xlabel="seconds of one processor", ylim=(0, 102), xlim=(begin, end))
        axes.set_title(title)
        _plain_numbers(axes.xaxis)
        axes.legend(loc="lower right")
    grid[0].set_ylabel("solved, % of the problems")
    return figure


@styled
def scaling(sweeps: Sequence[Mapping[str, Any]], meaning: Mapping[str, str] | None = None) -> Figure:
    """Seconds against size with the fitted power (above), and the share of each part of the solve (below).

    Parameters
    ----------
    sweeps : sequence of mapping
        Each with ``data`` (its name), ``fixed`` (what is the same at all sizes), ``along`` (the name of the size),
        ``exponent``, ``sizes``, ``seconds``, and ``parts``: for each part of the solve its seconds at every size.
    meaning : mapping, optional
        What the legend calls a part.

    Returns
    -------
    Figure
        Two panels for each sweep, two sweeps beside each other.
    """
    rows = (len(sweeps) + 1) // 2
    figure = Figure(figsize=(7.6, 4.6 * rows + 0.8))
    heights = figure.subfigures(rows, 1, squeeze=False)[:, 0]
    for part, pair in zip(heights, (sweeps[2 * row : 2 * row + 2] for row in range(rows)), strict=True):
        panels = part.subplots(2, len(pair), squeeze=False, sharex="col", sharey="row")
        for column, sweep in enumerate(pair):
            _seconds(panels[0, column], sweep)
            _shares(panels[1, column], sweep, meaning or {})
        panels[0, 0].set_ylabel("seconds of a solve")
        panels[1, 0].set_ylabel("where they go, %")
    handles, names = figure.axes[1 if len(sweeps) == 1 else 2].get_legend_handles_labels()
    figure.legend(handles[::-1], names[::-1], loc="outside lower center", ncols=2)
    return figure


def _seconds(axes: Axes, sweep: Mapping[str, Any]) -> None:
    """Seconds at every size, and the power that fits them; the title tells what twice the size costs."""
    sizes, seconds = np.array(sweep["sizes"], dtype=float), np.array(sweep["seconds"])
    line = np.exp(np.mean(np.log(seconds)) + sweep["exponent"] * (np.log(sizes) - np.mean(np.log(sizes))))
    power = f"{sweep['along']}$^{{{sweep['exponent']:.2f}}}$"
    axes.plot(sizes, seconds, marker="o", linestyle="none", color=AFTER, clip_on=False, zorder=3, label=sweep["fixed"])
    axes.plot(sizes, line, color=OTHERS, linewidth=1, label=f"fitted: seconds go as {power}")
    axes.set(xscale="log", yscale="log")
    _plain_numbers(axes.yaxis)
    what = SIZES.get(sweep["along"], sweep["along"]).split(",")[0]
    axes.set_title(f"{sweep['data']}: {what} $\\times$ 2, seconds $\\times$ {2 ** sweep['exponent']:.1f}")
    axes.legend(loc="upper left")


def _shares(axes: Axes, sweep: Mapping[str, Any], meaning: Mapping[str, str]) -> None:
    """Where the seconds go at every size: dark to light, and grey for what has no name."""
    sizes = np.array(sweep["sizes"], dtype=float)
    stack = np.array(list(sweep["parts"].values()))
    shades = [*colormaps["viridis"](np.linspace(0.05, 0.95, len(stack) - 1)), "#dddddd"]
    labels = [meaning.get(name, name) for name in sweep["parts"]]
    axes.stackplot(sizes, 100 * stack / stack.sum(axis=0), labels=labels, colors=shades, alpha=0.85, linewidth=0)
    axes.set(xscale="log", xlabel=SIZES.get(sweep["along"], sweep["along"]), ylim=(0, 100), xlim=(sizes[0], sizes[-1]))
    axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes], rotation=45, ha="right")
    axes.minorticks_off()


def _plain_numbers(axis: Axis) -> None:
    """1, 2, 5, 10, 20 ... along a logarithmic axis."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())
