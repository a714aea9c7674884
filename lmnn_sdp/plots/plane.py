"""The metric in the plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from lmnn_sdp.numerics.linalg import principal_rows, psd_factor
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.plots.style import AFTER, styled
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import euclidean_scale


@styled
def plane(problem: Problem, M: FloatArray, points: Sequence[int] | None = None) -> Figure:
    """Neighbourhoods of 2-D data before and after: target neighbours, impostors and the unit ball of the metric.

    The same points are drawn twice: in their own coordinates with the Euclidean neighbourhood of a few points (left),
    and mapped by L, where the learned metric is Euclidean (right). Circles reach one margin beyond the furthest
    target neighbour of their point.

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
