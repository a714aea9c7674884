"""Figures: convergence with proof, working sets, margins, spectrum, and the metric in the plane.

Every function takes plain numbers and returns a matplotlib Figure in the package's style; `save` writes it as SVG
and PNG.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter

from lmnn_sdp._typing import FloatArray
from lmnn_sdp.certificate import relative_gap
from lmnn_sdp.linalg import principal_rows, psd_factor
from lmnn_sdp.problem import Problem
from lmnn_sdp.scale import euclidean_scale
from lmnn_sdp.solution import HistoryRow

STYLE = Path(__file__).with_name("lmnn.mplstyle")
BEFORE, AFTER, KINK = "#999999", "#0072B2", "#D55E00"
SMALLEST_GAP = 1e-14  # drawn for gaps that rounding makes zero
SHORTEST = 1e-3  # seconds drawn for what took less

OTHERS = "#777777"  # beyond the colours of the style's cycle
MARKERS = "osD^vPX*"

P = ParamSpec("P")


def _styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the package's style, whatever the caller's own settings."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.style.context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def save(figure: Figure, directory: Path, name: str) -> list[Path]:
    """Write ``name.svg`` and ``name.png`` into ``directory``; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.{ending}" for ending in ("svg", "png")]
    with matplotlib.style.context(STYLE):
        for path in paths:
            # no date in the file: the same numbers give the same bytes
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    return paths


@_styled
def convergence(histories: Mapping[str, Sequence[HistoryRow]], title: str = "", one_problem: bool = True) -> Figure:
    """Objective and lower bound (left) and certified relative gap (right) against time, one curve a solve.

    The left panel measures from the best lower bound: of all curves, or of each its own when they belong to
    different problems (``one_problem=False``).
    """
    figure = Figure(figsize=(9.2, 3.7))
    values, gaps = figure.subplots(1, 2)
    best = {name: max(row.lower_bound for row in rows) for name, rows in histories.items()}
    floor = SMALLEST_GAP
    for k, (name, rows) in enumerate(histories.items()):
        reference = max(best.values()) if one_problem else best[name]
        seconds = [row.seconds for row in rows]
        style: dict[str, Any] = {"color": f"C{k}", "marker": "o" if len(rows) < 40 else None}
        above = [max(relative_gap(row.objective, reference), floor) for row in rows]
        below = [max((reference - row.lower_bound) / reference, floor) for row in rows]
        values.plot(seconds, above, label=name, **style)
        values.plot(seconds, below, linestyle=":", **style)
        gaps.plot(seconds, [max(row.relative_gap, floor) for row in rows], label=name, **style)
    values.set_title("Objective (solid) and lower bound (dotted)")
    values.set_ylabel("relative distance to the optimum")
    gaps.set_title("Certified gap")
    gaps.set_ylabel("(objective - lower bound) / objective")
    times = [row.seconds for rows in histories.values() for row in rows]
    for axes in (values, gaps):
        axes.set(xscale="log" if max(times) > 20 * min(times) else "linear", yscale="log", xlabel="seconds")
        axes.legend()
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure


@_styled
def working_set(histories: Mapping[str, Sequence[HistoryRow]], totals: Mapping[str, int]) -> Figure:
    """Triplets with a row (solid) and with a positive hinge (dashed) in each round; all triplets in the legend."""
    figure = Figure()
    axes = figure.subplots()
    for k, (name, rows) in enumerate(histories.items()):
        label = f"{name} ({totals[name]:,} triplets)"
        solved = [row for row in rows if row.working_set]  # the start has none
        rounds = [row.iteration for row in solved]
        axes.plot(rounds, [row.working_set for row in solved], marker="o", color=f"C{k}", label=label)
        axes.plot(
            [row.iteration for row in rows],
            [row.active_triplets for row in rows],
            linestyle="--",
            color=f"C{k}",
            alpha=0.7,
        )
    sizes = [
        size for rows in histories.values() for row in rows for size in (row.working_set, row.active_triplets) if size
    ]
    decades = np.log10([max(1, min(sizes)), max(sizes)])
    axes.set(
        yscale="log", xlabel="round", ylabel="triplets", ylim=(10 ** np.floor(decades[0]), 10 ** np.ceil(decades[1]))
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("Working set (solid) and violated triplets (dashed)")
    axes.legend()
    return figure


@_styled
def margins(edges: Sequence[float], before: Sequence[int], after: Sequence[int], title: str = "") -> Figure:
    """Histograms of ``d(i, l) - d(i, j)`` over triplets before and after, with the kink of the hinge at 1.

    Parameters
    ----------
    edges : sequence of float, length b + 1
        Bin edges.
    before, after : sequence of int, length b
        Triplets in each bin, under the Euclidean metric in its best scale and under the learned one.
    title : str
    """
    figure = Figure()
    axes = figure.subplots()
    axes.stairs(before, edges, fill=True, color=BEFORE, alpha=0.55, label="Euclidean, best scale")
    axes.stairs(after, edges, color=AFTER, linewidth=1.8, label="learned")
    axes.axvline(1, color=KINK, linewidth=1.2)
    top = max(max(before), max(after))
    axes.annotate("margin 1: kink", (1, top), (6, -4), textcoords="offset points", color=KINK, va="top")
    axes.axvspan(edges[0], 1, color=KINK, alpha=0.06, linewidth=0)
    axes.set(
        xlabel="margin of the triplet (shaded: violated; the last bins hold all beyond)",
        ylabel="triplets",
        yscale="log",
        xlim=(edges[0], edges[-1]),
    )
    axes.set_title(title or "Margins before and after")
    axes.legend(loc="lower right", frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)
    return figure


@_styled
def spectrum(spectra: Mapping[str, Sequence[float]]) -> Figure:
    """Eigenvalues of M by falling size, relative to the largest."""
    figure = Figure()
    axes = figure.subplots()
    for name, values in spectra.items():
        relative = np.asarray(values) / max(values)
        axes.plot(np.arange(1, len(relative) + 1), relative, marker="o", label=name)
    axes.set(yscale="log", xlabel="eigenvalue", ylabel="relative to the largest")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("Spectrum of M")
    axes.legend()
    return figure


@_styled
def excess(panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]) -> Figure:
    """Objective above the optimum against seconds: a panel a data set, a colour and marker a solver.

    Every dot is a fit, or a round of one; the line is the best that a solver has shown within that time.

    Parameters
    ----------
    panels : mapping
        For each data set and solver the pairs (seconds, objective / lower bound - 1).
    """
    solvers = list(dict.fromkeys(name for curves in panels.values() for name, points in curves.items() if points))
    figure = Figure(figsize=(9.2, 3.1 * ((len(panels) + 1) // 2)))
    grid = figure.subplots((len(panels) + 1) // 2, min(2, len(panels)), squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.remove()
    for axes, (title, curves) in zip(grid, panels.items(), strict=False):
        ends = [max(seconds for seconds, _ in points) for points in curves.values() if points]
        for k, name in enumerate(solvers):
            if points := sorted(curves.get(name, ())):
                _frontier(axes, points, max(ends) * 1.5, f"C{k}" if k < 7 else OTHERS, MARKERS[k % len(MARKERS)], name)
        axes.set(xscale="log", yscale="log", xlabel="seconds")
        axes.set_title(title)
    for axes in grid[: len(panels) : 2]:
        axes.set_ylabel("objective above the optimum, relative")
    handles = {n: h for axes in grid[: len(panels)] for h, n in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend([handles[name] for name in solvers], solvers, loc="outside lower center", ncols=len(solvers))
    return figure


def _frontier(
    axes: Axes, points: Sequence[tuple[float, float]], end: float, color: str, marker: str, label: str
) -> None:
    """All points, faint, and the best so far as steps with a marker wherever it improves by a third, and at the end."""
    seconds = np.array([max(point[0], SHORTEST) for point in points])
    values = np.array([max(point[1], SMALLEST_GAP) for point in points])
    best = np.minimum.accumulate(values)
    better = np.r_[True, best[1:] < best[:-1]]
    axes.scatter(seconds, values, s=9, color=color, marker=marker, alpha=0.3, linewidth=0)
    steps = np.r_[seconds[better], end], np.r_[best[better], best[-1]]
    axes.plot(*steps, drawstyle="steps-post", color=color, linewidth=1.2, alpha=0.85)
    marked = [0]
    for k in range(1, len(best)):
        if best[k] < best[marked[-1]] / 1.5:
            marked.append(k)
    marked.append(int(np.flatnonzero(better)[-1]))
    axes.plot(seconds[marked], best[marked], linestyle="none", marker=marker, color=color, label=label)


@_styled
def scaling(sweeps: Sequence[Mapping[str, Any]]) -> Figure:
    """Seconds against size with the fitted power (above), and the share of each part of the solve (below).

    Parameters
    ----------
    sweeps : sequence of mapping
        Each with ``title``, ``along`` (the name of the size), ``exponent``, ``sizes``, ``seconds``, and ``parts``: for
        each part of the solve its seconds at every size.
    """
    figure = Figure(figsize=(2.9 * len(sweeps), 5.4))
    panels = figure.subplots(2, len(sweeps), squeeze=False, sharex="col", sharey="row")
    for column, sweep in enumerate(sweeps):
        total, shares = panels[:, column]
        sizes, seconds = np.array(sweep["sizes"], dtype=float), np.array(sweep["seconds"])
        line = np.exp(np.mean(np.log(seconds)) + sweep["exponent"] * (np.log(sizes) - np.mean(np.log(sizes))))
        total.plot(sizes, line, color=OTHERS, linewidth=1, label=f"{sweep['along']}$^{{{sweep['exponent']:.2f}}}$")
        total.plot(sizes, seconds, marker="o", linestyle="none", color=AFTER, clip_on=False, zorder=3)
        total.set(xscale="log", yscale="log")
        total.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        total.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        total.yaxis.set_minor_formatter(NullFormatter())
        total.set_title(sweep["title"])
        total.legend(loc="upper left")
        stack = np.array(list(sweep["parts"].values()))
        colors = [f"C{k}" for k in range(len(stack) - 1)] + ["#dddddd"]
        shares.stackplot(sizes, 100 * stack / stack.sum(axis=0), labels=list(sweep["parts"]), colors=colors, alpha=0.85)
        shares.set(xscale="log", xlabel=sweep["along"], ylim=(0, 100), xlim=(sizes[0], sizes[-1]))
        shares.set_xticks(sizes, [f"{size:,.0f}" for size in sizes], rotation=45, ha="right")
        shares.minorticks_off()
    panels[0, 0].set_ylabel("seconds")
    panels[1, 0].set_ylabel("% of the seconds")
    handles, names = panels[1, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    return figure


@_styled
def plane(problem: Problem, M: FloatArray, points: Sequence[int] | None = None) -> Figure:
    """Neighbourhoods of 2-D data before and after: target neighbours, impostors and the unit ball of the metric.

    The same points are drawn twice: in their own coordinates with the Euclidean neighbourhood of a few points (left),
    and mapped by L, where the learned metric is Euclidean (right). Circles reach one margin beyond the furthest
    target neighbour of their point.
    """
    if problem.n_features != 2:
        raise ValueError(f"the data have {problem.n_features} dimensions; this picture is for 2")
    figure = Figure(figsize=(9.2, 4.4))
    left, right = figure.subplots(1, 2)
    shown = _spread_points(problem) if points is None else list(points)
    euclidean = np.eye(2) * euclidean_scale(problem)
    _neighbourhoods(left, problem, principal_rows(psd_factor(euclidean)), shown, M)
    _neighbourhoods(right, problem, principal_rows(psd_factor(M)), shown, None)
    left.set_title("Before: Euclidean metric, best scale")
    right.set_title("After: learned metric, in coordinates Lx")
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    return figure


def _spread_points(problem: Problem) -> list[int]:
    """Of each class the point nearest the class mean."""
    chosen = []
    for code in np.unique(problem.codes):
        members = np.flatnonzero(problem.codes == code)
        centred = problem.X[members] - problem.X[members].mean(axis=0)
        chosen.append(int(members[np.argmin(np.sum(centred**2, axis=1))]))
    return chosen


def _neighbourhoods(axes: Axes, problem: Problem, L: FloatArray, shown: list[int], M: FloatArray | None) -> None:
    """Points in coordinates Lx, and the perimeter of the shown ones."""
    V = problem.X @ L.T
    if V.shape[1] == 1:  # a metric of rank one maps the plane to a line
        V = np.column_stack([V[:, 0], np.zeros(len(V))])
    for code, label in enumerate(np.unique(problem.y)):
        members = problem.codes == code
        axes.scatter(
            V[members, 0], V[members, 1], s=14, color=f"C{code}", alpha=0.75, linewidth=0, label=f"class {label}"
        )
    for i in shown:
        reach = np.sum((V[problem.targets[i]] - V[i]) ** 2, axis=1).max()
        radius = float(np.sqrt(1 + reach))
        inside = (problem.codes != problem.codes[i]) & (np.sum((V - V[i]) ** 2, axis=1) < radius**2)
        axes.add_patch(Ellipse(tuple(V[i]), 2 * radius, 2 * radius, fill=False, color="black", linewidth=1))
        axes.plot(*V[i], marker="*", color="black", markersize=9)
        for j in problem.targets[i]:
            axes.plot(*V[[i, j]].T, color="black", linewidth=0.8)
        axes.scatter(V[inside, 0], V[inside, 1], s=40, facecolors="none", edgecolors="black", linewidth=0.9)
    axes.scatter([], [], s=40, facecolors="none", edgecolors="black", linewidth=0.9, label="impostor")
    if M is not None:
        _unit_ball(axes, M, L, V)
    axes.set_aspect("equal", adjustable="datalim")


def _unit_ball(axes: Axes, M: FloatArray, L: FloatArray, V: FloatArray) -> None:
    """The ellipse d_M(x, centre) = 1 of the learned metric, drawn in the coordinates Lx."""
    inverse = np.linalg.pinv(L)
    eigenvalues, Q = np.linalg.eigh(inverse.T @ M @ inverse)
    floor = eigenvalues[-1] * 1e-4
    width, height = 2 / np.sqrt(np.maximum(eigenvalues, floor))
    angle = float(np.degrees(np.arctan2(Q[1, 0], Q[0, 0])))
    centre = tuple(V.mean(axis=0))
    axes.add_patch(Ellipse(centre, width, height, angle=angle, color=AFTER, alpha=0.18, linewidth=0))
    axes.plot([], [], color=AFTER, alpha=0.4, linewidth=7, label="unit ball of the learned metric")
