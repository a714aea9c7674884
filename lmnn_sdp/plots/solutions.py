"""What a solve did and found: convergence with proof, working sets, margins, spectrum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lmnn_sdp.analysis.summaries import ROUNDING, violated
from lmnn_sdp.plots.style import AFTER, BEFORE, KINK, LEGEND_STROKE, SMALLEST_GAP, look, scientific, styled
from lmnn_sdp.proof.certificate import relative_gap
from lmnn_sdp.solvers.solution import HistoryRow

MOST_MARKED = 40  # rows of a curve; longer ones are drawn without markers


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
        Two panels with the same vertical axis.
    """
    figure = Figure(figsize=(9.2, 4.0))
    values, gaps = figure.subplots(1, 2, sharey=True)
    lowest = {name: max(row.lower_bound for row in rows) for name, rows in histories.items()}
    highest = {name: min(row.objective for row in rows) for name, rows in histories.items()}
    for k, (name, rows) in enumerate(histories.items()):
        lower = max(lowest.values()) if one_problem else lowest[name]
        upper = min(highest.values()) if one_problem else highest[name]
        drawn = look(name, k)
        style: dict[str, Any] = {"color": drawn.color} | ({"marker": drawn.marker} if len(rows) < MOST_MARKED else {})
        _bounds(values, rows, lower, upper, style)
        label = drawn.label if len(rows) > 1 else f"{drawn.label}: known at its end only"
        gaps.plot([row.seconds for row in rows], [_drawn(row.relative_gap) for row in rows], label=label, **style)
    smallest = {name: min(row.relative_gap for row in rows) for name, rows in histories.items()}
    least = min(smallest, key=lambda name: smallest[name])
    whose = f", {'by' if one_problem else 'for'} {least}" if len(histories) > 1 else ""
    values.set_title("Objective and lower bound close in on the optimum")
    values.set_ylabel("relative distance to the optimum, at most")
    gaps.set_title(f"Proved gap: down to {scientific(smallest[least])}{whose}")
    gaps.set_ylabel("(objective - lower bound) / objective")
    gaps.tick_params(labelleft=True)
    times = [row.seconds for rows in histories.values() for row in rows]
    for axes in (values, gaps):
        axes.set(xscale="log" if max(times) > 20 * min(times) else "linear", yscale="log", xlabel="seconds")
    names = dict(zip(*reversed(gaps.get_legend_handles_labels()), strict=True))
    names |= dict(zip(*reversed(values.get_legend_handles_labels()), strict=True))
    figure.legend(list(names.values()), list(names), loc="outside lower center", ncols=4)
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure


def _drawn(gap: float) -> float:
    """A gap that a logarithmic axis can show."""
    return max(gap, SMALLEST_GAP)


def _bounds(axes: Axes, rows: Sequence[HistoryRow], lower: float, upper: float, style: Mapping[str, Any]) -> None:
    """Distances of objective (filled) and lower bound (dotted, hollow) to the optimum; joined where a row is alone."""
    seconds = [row.seconds for row in rows]
    above = [_drawn(relative_gap(row.objective, lower)) for row in rows]
    below = [_drawn(relative_gap(upper, row.lower_bound)) for row in rows]
    if len(rows) == 1:
        axes.plot(2 * seconds, above + below, color=style["color"], linewidth=0.9)
    axes.plot(seconds, above, **style)
    axes.plot(seconds, below, linestyle=":", markerfacecolor="white", **style)
    if not axes.get_legend_handles_labels()[1]:
        axes.plot([], [], color=LEGEND_STROKE, marker="o", label="objective")
        hollow: dict[str, Any] = {"linestyle": ":", "marker": "o", "markerfacecolor": "white"}
        axes.plot([], [], color=LEGEND_STROKE, label="lower bound", **hollow)


@styled
def working_set(histories: Mapping[str, Sequence[HistoryRow]], totals: Mapping[str, int], note: str = "") -> Figure:
    """Triplets that the solver works on (solid) and with a positive hinge (dashed) in each round.

    Parameters
    ----------
    histories : mapping
        For each name of a solve the rows of its history.
    totals : mapping
        For each name the number of all triplets, for the legend.
    note : str
        What a reader should know, below the axis.

    Returns
    -------
    Figure
        One panel.
    """
    figure = Figure(figsize=(7.4, 4.6 if note else 4.2))
    axes = figure.subplots()
    for k, (name, rows) in enumerate(histories.items()):
        solved = [row for row in rows if row.working_set]  # the start has none
        drawn = look(name, k)
        style: dict[str, Any] = {"color": drawn.color, "marker": drawn.marker}
        label = f"{name}, {totals[name]:,} triplets"
        axes.plot([row.iteration for row in solved], [row.working_set for row in solved], label=label, **style)
        violations = [row.active_triplets for row in rows]
        axes.plot([row.iteration for row in rows], violations, linestyle="--", color=drawn.color, alpha=0.7)
    axes.plot([], [], color=LEGEND_STROKE, label="the solver works on these")
    axes.plot([], [], color=LEGEND_STROKE, linestyle="--", label="violated: nearer than the margin")
    sizes = [
        size for rows in histories.values() for row in rows for size in (row.working_set, row.active_triplets) if size
    ]
    decades = np.log10([max(1, min(sizes)), max(sizes)])
    axes.set(
        yscale="log",
        xlabel="\n".join(["round", *filter(None, [note])]),
        ylabel="triplets",
        ylim=(10 ** np.floor(decades[0]), 10 ** np.ceil(decades[1])),
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    share = max(row.working_set / totals[name] for name, rows in histories.items() for row in rows)
    axes.set_title(f"The solver works on {100 * share:.2g} % of the triplets at most")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@styled
def margins(edges: Sequence[float], before: Sequence[int], after: Sequence[int], name: str = "") -> Figure:
    """Histograms of ``d(i, l) - d(i, j)`` over triplets before and after; the title tells how many are below 1.

    The margin 1 is an edge. Bins that are centred on the few margins of data on a grid are drawn to the right of
    these, so that triplets at the margin itself, which cost nothing, stand beyond it.

    Parameters
    ----------
    edges : sequence of float, length b + 1
        Bin edges.
    before, after : sequence of int, length b
        Triplets in each bin, under the Euclidean metric times its best factor and under the learned one, as
        `lmnn_sdp.analysis.summaries.margin_histogram` counts them.
    name : str
        Begins the title.

    Returns
    -------
    Figure
        One panel.
    """
    figure = Figure(figsize=(6.4, 4.0))
    axes = figure.subplots()
    shares = [100 * violated(edges, counts) / max(1, sum(counts)) for counts in (before, after)]
    own, ends = _at_the_margin(edges), np.asarray(edges)
    if own is not None:
        ends = ends + (ends[1] - ends[0]) / 2
    axes.stairs(before, ends, fill=True, color=BEFORE, alpha=0.55, label="Euclidean, times the factor that fits best")
    axes.stairs(after, ends, color=AFTER, linewidth=1.8, label="learned")
    axes.axvline(1, color=KINK, linewidth=1.2)
    axes.axvspan(ends[0], 1, color=KINK, alpha=0.06, linewidth=0, label="violated: impostor too near, it costs")
    axes.set(
        xlabel="squared distance to the impostor minus that to the target (the last bins hold all beyond)",
        ylabel="triplets",
        yscale="log",
        xlim=(ends[0], ends[-1]),
    )
    ticks = [tick for tick in axes.get_xticks() if ends[0] <= tick <= ends[-1]]
    axes.set_xticks(sorted({*ticks, 1}))
    if own is not None:
        note = f"{after[own]:,} at the margin itself\nafter learning: not violated"
        axes.annotate(note, (ends[own], after[own]), (6, -8), textcoords="offset points", va="top", fontsize=8.5)
    found = f"{shares[0]:.2f} % of {sum(before):,} triplets violated before, {shares[1]:.2f} % after"
    axes.set_title(f"{name}: {found}" if name else found)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _at_the_margin(edges: Sequence[float]) -> int | None:
    """The bin whose middle is the margin 1, where data on a grid have one."""
    middle = (np.asarray(edges[1:]) + edges[:-1]) / 2
    near = np.flatnonzero(np.abs(middle - 1) < ROUNDING)
    return int(near[0]) if len(near) else None


@styled
def spectrum(spectra: Mapping[str, Sequence[float]], features: Mapping[str, int] | None = None) -> Figure:
    """Eigenvalues of M by falling size, relative to the largest: how many directions a metric measures in.

    Parameters
    ----------
    spectra : mapping
        For each name the eigenvalues as `lmnn_sdp.analysis.summaries.spectrum` gives them, as many as the rank.
    features : mapping, optional
        For each name the number of features, which the rank is compared with.

    Returns
    -------
    Figure
        One panel.
    """
    figure = Figure()
    axes = figure.subplots()
    for k, (name, values) in enumerate(spectra.items()):
        relative = np.asarray(values) / max(values)
        drawn = look(name, k)
        rank = f"{len(relative)} of {features[name]}" if features else f"{len(relative)}"
        style: dict[str, Any] = {"color": drawn.color, "marker": drawn.marker, "label": f"{name}: {rank}"}
        axes.plot(np.arange(1, len(relative) + 1), relative, **style)
    axes.set(yscale="log", xlabel="eigenvalue of M, by falling size", ylabel="relative to the largest")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    ranks = {name: len(values) for name, values in spectra.items()}
    low, high = min(ranks.values()), max(ranks.values())
    many = f"{low} to {high}" if low < high else f"{low}"
    title = f"The metric measures in {many} direction{'s' * (high > 1)}"
    if features:
        fewer = sum(ranks[name] < features[name] for name in ranks)
        title = f"{fewer} of {len(ranks)} metrics measure in fewer directions than there are features"
    axes.set_title(title)
    axes.legend(title="rank of M, of the features" if features else "rank of M")
    return figure
