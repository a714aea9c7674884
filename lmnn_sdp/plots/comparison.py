"""Held-out errors before and after, split by split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.plots.style import AFTER, BEFORE, KINK, styled

if TYPE_CHECKING:  # it needs scikit-learn, which is slow to import
    from lmnn_sdp.analysis.comparison import Comparison, PerSplit

SWARM = 0.3  # room for dots of the same height, which would hide each other


@styled
def comparison(found: Comparison, name: str = "") -> Figure:
    """Errors of each split joined from before to after (left), and their differences with the interval (right).

    Blue where the metric makes fewer errors, orange where more, grey where as many. The left panel has the means with
    a standard deviation to either side, the right one the mean difference with its 95 % interval. The title is the
    verdict.

    Parameters
    ----------
    found : Comparison
        What `lmnn_sdp.compare` returned.
    name : str
        Begins the title.

    Returns
    -------
    Figure
        Two panels.
    """
    figure = Figure(figsize=(9.2, 4.0))
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
    changes = found.wrong_after - found.wrong_before
    _pairs(left, found, [_color(change) for change in changes])
    _differences(right, found, changes)
    verdict = found.verdict.value
    figure.suptitle(f"{name}: {verdict}" if name else verdict, x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def _pairs(axes: Axes, found: Comparison, colors: list[str]) -> None:
    """A line a split from its error before to its error after, and the means beside them."""
    before, after = 100 * found.before.values, 100 * found.after.values
    starts, ends = -_swarm(found.wrong_before), 1 + _swarm(found.wrong_after)
    for k, color in enumerate(colors):
        axes.plot([starts[k], ends[k]], [before[k], after[k]], color=color, linewidth=1, alpha=0.6)
    axes.scatter(starts, before, s=16, color=BEFORE, zorder=3)
    axes.scatter(ends, after, s=16, color=colors, zorder=3)
    _mean(axes, -0.5, found.before)
    _mean(axes, 1.5, found.after)
    axes.set(xlim=(-0.75, 1.75), xticks=[-0.25, 1.25], xticklabels=["before (Euclidean)", "after (learned)"])
    ends_of_bars = [100 * (errors.mean + errors.sd) for errors in (found.before, found.after)]
    top = max(before.max(), after.max(), *ends_of_bars, _few_errors(found))
    axes.set_ylim(-0.04 * top, 1.06 * top)
    axes.set_ylabel(f"held-out errors of {found.classifier_neighbors}-NN, %")
    axes.set_title("Each split, mean and standard deviation", fontweight="normal")
    axes.grid(visible=False, axis="x")


def _mean(axes: Axes, x: float, errors: PerSplit) -> None:
    """Mean with a standard deviation to either side."""
    axes.errorbar(x, 100 * errors.mean, 100 * errors.sd, color="black", marker="D", markersize=5, capsize=4)


def _differences(axes: Axes, found: Comparison, changes: IntArray) -> None:
    """The differences as stacked dots, and under them the mean with its interval."""
    points = 100 * found.difference.values
    heights = 1 + _rank_among_equals(changes)
    axes.scatter(points, heights, s=22, color=[_color(change) for change in changes], zorder=3)
    axes.axvline(0, color="black", linewidth=1)
    mean = 100 * found.difference.mean
    axes.plot(mean, 0, marker="D", color="black", markersize=5)
    if found.interval is None:
        title = f"Difference: {mean:+.1f} on every split, so no interval"
        ends = [mean]
    else:
        ends = [100 * end for end in found.interval]
        axes.plot(ends, [0, 0], color="black", marker="|", markersize=9)
        title = "Difference: mean {:+.1f}, 95 % interval {:+.1f} to {:+.1f}".format(mean, *ends)
    reach = 1.15 * max(*np.abs(points), *map(abs, ends), _few_errors(found))
    axes.axvspan(-reach, 0, color=AFTER, alpha=0.06, linewidth=0)
    axes.axvspan(0, reach, color=KINK, alpha=0.06, linewidth=0)
    axes.set(xlim=(-reach, reach), ylim=(-1, 1.15 * max(heights.max(), 6) + 0.5), yticks=[])
    axes.annotate("fewer errors after", (0.02, 0.97), xycoords="axes fraction", va="top", color=AFTER)
    axes.annotate("more errors after", (0.98, 0.97), xycoords="axes fraction", va="top", ha="right", color=KINK)
    axes.set_xlabel("errors after minus before, percentage points (a dot for each split)")
    axes.set_title(title, fontweight="normal")
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))


def _few_errors(found: Comparison) -> float:
    """Two errors in %: no axis is shorter than that."""
    return 200 / found.n_test


def _color(change: int) -> str:
    """Blue for fewer errors, orange for more."""
    return AFTER if change < 0 else KINK if change > 0 else BEFORE


def _swarm(counts: IntArray) -> FloatArray:
    """How far aside each dot goes, so that dots of the same count stand in a row."""
    rank = _rank_among_equals(counts)
    return SWARM * rank / max(8, rank.max())


def _rank_among_equals(values: IntArray) -> FloatArray:
    """0 for the first of each value, 1 for the second, and so on, shape (n,)."""
    return np.array([np.count_nonzero(values[:k] == value) for k, value in enumerate(values)], dtype=np.float64)
