"""What a solve did and found: convergence with proof, working sets, margins, spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lmnn_sdp.plots.style import AFTER, BEFORE, KINK, SMALLEST_GAP, styled
from lmnn_sdp.proof.certificate import relative_gap
from lmnn_sdp.solvers.solution import HistoryRow


@styled
def convergence(histories: Mapping[str, Sequence[HistoryRow]], title: str = "", one_problem: bool = True) -> Figure:
    """Objective and lower bound (left) and certified relative gap (right) against time, one curve a solve.

    Parameters
    ----------
    histories : mapping
        For each name of a solve the rows of its history.
    title : str
        Above both panels.
    one_problem : bool
        Whether all solves are of one problem. The left panel bounds the distance to the optimum, that of an objective
        by the best lower bound and that of a lower bound by the best objective: of all solves, or of each its own.

    Returns
    -------
    Figure
        Two panels.
    """
    figure = Figure(figsize=(9.2, 3.7))
    values, gaps = figure.subplots(1, 2)
    lowest = {name: max(row.lower_bound for row in rows) for name, rows in histories.items()}
    highest = {name: min(row.objective for row in rows) for name, rows in histories.items()}
    floor = SMALLEST_GAP
    for k, (name, rows) in enumerate(histories.items()):
        lower = max(lowest.values()) if one_problem else lowest[name]
        upper = min(highest.values()) if one_problem else highest[name]
        seconds = [row.seconds for row in rows]
        style: dict[str, Any] = {"color": f"C{k}", "marker": "o" if len(rows) < 40 else None}
        above = [max(relative_gap(row.objective, lower), floor) for row in rows]
        below = [max(relative_gap(upper, row.lower_bound), floor) for row in rows]
        values.plot(seconds, above, label=name, **style)
        values.plot(seconds, below, linestyle=":", **style)
        gaps.plot(seconds, [max(row.relative_gap, floor) for row in rows], label=name, **style)
    values.set_title("Objective (solid) and lower bound (dotted)")
    values.set_ylabel("relative distance to the optimum, at most")
    gaps.set_title("Certified gap")
    gaps.set_ylabel("(objective - lower bound) / objective")
    times = [row.seconds for rows in histories.values() for row in rows]
    for axes in (values, gaps):
        axes.set(xscale="log" if max(times) > 20 * min(times) else "linear", yscale="log", xlabel="seconds")
    handles, names = gaps.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure


@styled
def working_set(histories: Mapping[str, Sequence[HistoryRow]], totals: Mapping[str, int]) -> Figure:
    """Triplets with a row (solid) and with a positive hinge (dashed) in each round.

    Parameters
    ----------
    histories : mapping
        For each name of a solve the rows of its history.
    totals : mapping
        For each name the number of all triplets, for the legend.

    Returns
    -------
    Figure
        One panel.
    """
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


@styled
def margins(edges: Sequence[float], before: Sequence[int], after: Sequence[int], title: str = "") -> Figure:
    """Histograms of ``d(i, l) - d(i, j)`` over triplets before and after, with the kink of the hinge at 1.

    Parameters
    ----------
    edges : sequence of float, length b + 1
        Bin edges.
    before, after : sequence of int, length b
        Triplets in each bin, under the Euclidean metric in its best scale and under the learned one.
    title : str
        Above the panel.

    Returns
    -------
    Figure
        One panel.
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


@styled
def spectrum(spectra: Mapping[str, Sequence[float]]) -> Figure:
    """Eigenvalues of M by falling size, relative to the largest.

    Parameters
    ----------
    spectra : mapping
        For each name the positive eigenvalues, as `lmnn_sdp.analysis.summaries.spectrum` gives them.

    Returns
    -------
    Figure
        One panel.
    """
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
