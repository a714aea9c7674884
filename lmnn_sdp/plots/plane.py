"""The metric in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from lmnn_sdp.numerics.linalg import principal_rows, psd_factor
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.plots.style import MARKERS, OTHERS, styled
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import euclidean_scale

RING: dict[str, Any] = {"s": 52, "facecolors": "none", "edgecolors": "black", "linewidth": 0.9}


@styled
def plane(problem: Problem, M: FloatArray, points: Sequence[int] | None = None) -> Figure:
    """Neighbourhoods of 2-D data before and after: target neighbours, impostors and the unit ball of the metric.

    The same points are drawn twice: in their own coordinates, times the factor that suits the Euclidean metric best
    (left), and mapped by L, where the learned metric is Euclidean (right). Circles reach one margin beyond the furthest
    target neighbour of their point; the titles count the impostors within.

    Parameters
    ----------
    problem : Problem
        Of two features.
    M : array, shape (2, 2)
        The learned metric.
    points : sequence of int, optional
        Rows whose neighbourhoods are drawn; by default of each class the point nearest its mean.

    Returns
    -------
    Figure
        Two panels.

    Raises
    ------
    ValueError
        If the data have more or fewer than two features.
    """
    if problem.n_features != 2:
        raise ValueError(f"the data have {problem.n_features} dimensions; this picture is for 2")
    figure = Figure(figsize=(9.2, 5.0))
    left, right = figure.subplots(1, 2)
    shown = _spread_points(problem) if points is None else list(points)
    euclidean = np.eye(2) * euclidean_scale(problem)
    counts = []
    for axes, metric in ((left, euclidean), (right, M)):
        L = principal_rows(psd_factor(metric))
        counts.append(_neighbourhoods(axes, problem, L, shown))
        _unit_ball(axes, M, L, problem)
        axes.set_aspect("equal", adjustable="datalim")
    left.set_title(f"Before, Euclidean: {counts[0]} impostors in {len(shown)} circles")
    right.set_title(f"After, coordinates Lx: {counts[1]} impostors")
    _explain(left)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def _spread_points(problem: Problem) -> list[int]:
    """Of each class the point nearest the class mean."""
    chosen = []
    for code in np.unique(problem.codes):
        members = np.flatnonzero(problem.codes == code)
        centred = problem.X[members] - problem.X[members].mean(axis=0)
        chosen.append(int(members[np.argmin(np.sum(centred**2, axis=1))]))
    return chosen


def _mapped(problem: Problem, L: FloatArray) -> FloatArray:
    """Points in coordinates Lx; a metric of rank one maps the plane to a line."""
    V = problem.X @ L.T
    return np.column_stack([V[:, 0], np.zeros(len(V))]) if V.shape[1] == 1 else V


def _neighbourhoods(axes: Axes, problem: Problem, L: FloatArray, shown: list[int]) -> int:
    """Points in coordinates Lx, and the perimeter of the shown ones; how many impostors these have."""
    V = _mapped(problem, L)
    for code, label in enumerate(np.unique(problem.y)):
        own = V[problem.codes == code]
        style: dict[str, Any] = {"color": f"C{code % 7}", "marker": MARKERS[code % len(MARKERS)]}
        axes.scatter(own[:, 0], own[:, 1], s=14, alpha=0.75, linewidth=0, label=f"class {label}", **style)
    count = 0
    for i in shown:
        reach = np.sum((V[problem.targets[i]] - V[i]) ** 2, axis=1).max()
        radius = float(np.sqrt(1 + reach))
        inside = (problem.codes != problem.codes[i]) & (np.sum((V - V[i]) ** 2, axis=1) < radius**2)
        count += int(np.count_nonzero(inside))
        axes.add_patch(Ellipse(tuple(V[i]), 2 * radius, 2 * radius, fill=False, color="black", linewidth=1))
        colour = f"C{problem.codes[i] % 7}"
        axes.plot(*V[i], marker="*", color=colour, markeredgecolor="black", markersize=11, zorder=3)
        for j in problem.targets[i]:
            axes.plot(*V[[i, j]].T, color="black", linewidth=0.8)
        axes.scatter(V[inside, 0], V[inside, 1], **RING)
    return count


def _explain(axes: Axes) -> None:
    """What stars, segments, circles and rings are, for the legend."""
    large: dict[str, Any] = {"marker": "o", "markersize": 13, "markerfacecolor": "none", "markeredgecolor": "black"}
    star: dict[str, Any] = {"marker": "*", "color": "white", "markeredgecolor": "black", "markersize": 11}
    axes.plot([], [], linestyle="none", label="point that is looked at, by class", **star)
    axes.plot([], [], color="black", linewidth=0.8, label="to its target neighbours")
    axes.plot([], [], linestyle="none", label="one margin beyond the furthest target", **large)
    axes.scatter([], [], label="impostor: of another class, in the circle", **RING)


def _unit_ball(axes: Axes, M: FloatArray, L: FloatArray, problem: Problem) -> None:
    """The ellipse d_M(x, centre) = 1 of the learned metric, drawn in the coordinates Lx."""
    inverse = np.linalg.pinv(L)
    eigenvalues, Q = np.linalg.eigh(inverse.T @ M @ inverse)
    floor = eigenvalues[-1] * 1e-4
    radii = 1 / np.sqrt(np.maximum(eigenvalues, floor))
    width, height = 2 * np.resize(radii, 2)
    angle = float(np.degrees(np.arctan2(Q[1, 0], Q[0, 0]))) if len(Q) == 2 else 0.0
    centre = tuple(_mapped(problem, L).mean(axis=0))
    axes.add_patch(Ellipse(centre, width, height, angle=angle, color=OTHERS, alpha=0.22, linewidth=0))
    axes.plot([], [], color=OTHERS, alpha=0.4, linewidth=7, label="at most 1 from the mean, as learned")
