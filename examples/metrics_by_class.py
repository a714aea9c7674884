"""More than one metric
====================

An ellipse for each digit, and two circles that no single metric can part.

`MultiMetricLMNN` learns a metric for each class, for each cluster of k-means, or for each part that the caller names,
all together and to a proved gap. The distance to a point is measured by the metric of that point, so each class has a
shape of its own.

What you see. Above, digits 0, 1, 2 and 4 in the plane of most variance (Fig. 8 of Weinberger & Saul, 2009): at the
mean of each class what its map L makes of the unit circle, blown up so that it shows, and for comparison the one
ellipse of a single metric. The line is the longest axis, the direction that the metric stretches most. Below, two
circles so near each other that every point's nearest neighbour is on the other one (as in their Fig. 7); such points
are hollow. A single metric stretches the plane alike everywhere, which helps nowhere; with a metric for each of
several sectors, each stretches across its own part of the circles, and hardly an error is left.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from _common import MARKERS, interval, save_picture
from lmnn_sdp import LMNN, MultiMetricLMNN

DIGITS = (0, 1, 2, 4)
COUNTS = (1, 4, 8)
POINTS = 40  # on each circle
REACH = 11.0  # half of the longest axis in the picture
ROUND = 1.05  # ratio of eigenvalues up to which a metric has no direction of its own


def digits_in_the_plane():
    """Four digits in their first two principal components."""
    X, y = load_digits(return_X_y=True)
    chosen = np.isin(y, DIGITS)
    return PCA(2, svd_solver="full").fit_transform(X[chosen]), y[chosen]


def draw_ellipse(axes, M, centre, scale, color):
    """The unit circle under the root L of M, blown up, and its longest axis."""
    eigenvalues, Q = np.linalg.eigh(M)
    short, long = scale * np.sqrt(np.maximum(eigenvalues, 0))
    angle = np.degrees(np.arctan2(Q[1, 1], Q[0, 1]))
    axes.add_patch(Ellipse(centre, 2 * long, 2 * short, angle=angle, fill=False, lw=2, color=color))
    axes.plot(*np.stack([centre - long * Q[:, 1], centre + long * Q[:, 1]]).T, color="0.2", lw=1.5)


def draw_digits(axes, X, y, metrics, title):
    """Points, and the ellipse of each metric at the mean of its class, or at the mean of all."""
    scale = REACH / np.sqrt(max(np.linalg.eigvalsh(M)[-1] for M in metrics))
    for number, digit in enumerate(DIGITS):
        style = {"marker": MARKERS[number], "color": f"C{number}", "linewidth": 0}
        axes.scatter(*X[y == digit].T, s=5, alpha=0.4, **style)
        axes.scatter([], [], s=30, label=f"digit {digit}", **style)
        if len(metrics) > 1:
            draw_ellipse(axes, metrics[number], X[y == digit].mean(axis=0), scale, f"C{number}")
    if len(metrics) == 1:
        draw_ellipse(axes, metrics[0], X.mean(axis=0), scale, "0.2")
    axes.set(title=title, xticks=[], yticks=[], aspect="equal")
    axes.set(xlabel="first principal component", ylabel="second principal component")
    axes.grid(False)


def two_circles():
    """Points in turn on two circles, each nearer to the other circle than to its own neighbours."""
    angle = 2 * np.pi * np.arange(2 * POINTS) / (2 * POINTS)
    y = np.arange(2 * POINTS) % 2
    radius = np.where(y == 0, 1.0, 1.12)
    return np.c_[radius * np.cos(angle), radius * np.sin(angle)], y


def wrong_left_one_out(model, X, y):
    """Whether the nearest other point of each point is of another class."""
    _, nearest = model.kneighbors(X, 2)
    others = np.where(nearest[:, 0] == np.arange(len(X)), nearest[:, 1], nearest[:, 0])
    return y[others] != y


def draw_circles(axes, X, y, model, wrong, title):
    """Points by class, hollow where they are wrong, and the direction that the metric of each sector stretches most."""
    for code, marker in enumerate("os"):
        for missed in (False, True):
            chosen = (y == code) & (wrong == missed)
            face = "white" if missed else f"C{code}"
            axes.scatter(*X[chosen].T, s=12, marker=marker, facecolor=face, edgecolor=f"C{code}", linewidth=0.9)
    for block, M in enumerate(model.get_mahalanobis_matrices()):
        values, vectors = np.linalg.eigh(M)
        centre, reach = X[model.block_of_ == block].mean(axis=0), 0.3 * vectors[:, -1]
        if values[-1] > ROUND * values[0]:
            axes.plot(*np.stack([centre - reach, centre + reach]).T, color="0.2", lw=1.5)
        else:
            axes.scatter(*centre, marker="+", s=80, color="0.2")
    axes.set(title=title, xticks=[], yticks=[], aspect="equal")
    axes.grid(False)


def explain(above, below):
    """The legends of both rows, each below its panels."""
    axes = above.axes[0]
    axes.scatter(
        [], [], s=60, facecolor="none", edgecolor="0.2", linewidth=2, label="unit circle under a map L, blown up"
    )
    axes.plot([], [], color="0.2", lw=1.5, label="direction stretched most")
    above.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=6, columnspacing=1.2)
    axes = below.axes[0]
    for code, (marker, circle) in enumerate(zip("os", ("inner", "outer"), strict=True)):
        axes.scatter([], [], s=25, marker=marker, color=f"C{code}", label=f"{circle} circle, class {code}")
    axes.scatter(
        [], [], s=25, facecolor="white", edgecolor="0.2", label="hollow: its nearest other point is of the other class"
    )
    axes.plot([], [], color="0.2", lw=1.5, label="direction stretched most")
    axes.scatter([], [], marker="+", s=60, color="0.2", label="all directions stretched alike")
    below.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, columnspacing=1.2)


figure = plt.figure(figsize=(9.6, 8.0), layout="constrained")
above, below = figure.subfigures(2, 1)
left, right = above.subplots(1, 2)
X, y = digits_in_the_plane()
single = LMNN(tol=1e-5).fit(X, y)
several = MultiMetricLMNN(tol=1e-5).fit(X, y)
print(f"digits, one metric: {interval(single.lower_bound_, single.objective_, '1')}")
print(f"digits, a metric each: {interval(several.lower_bound_, several.objective_, '1')}")
draw_digits(left, X, y, [single.get_mahalanobis_matrix()], "One metric: one shape")
draw_digits(right, X, y, several.get_mahalanobis_matrices(), "A metric for each digit: four shapes")

X, y = two_circles()
for panel, count in zip(below.subplots(1, 3), COUNTS, strict=True):
    sectors = np.arange(len(X)) * count // len(X)
    model = MultiMetricLMNN(blocks=sectors, n_neighbors=1, tol=1e-6).fit(X, y)
    wrong = wrong_left_one_out(model, X, y)
    name = f"{count} metric{'s' * (count > 1)}"
    print(f"circles, {name}: {100 * wrong.mean():.0f} % errors, left one out")
    draw_circles(panel, X, y, model, wrong, f"{name}: {100 * wrong.mean():.0f} % errors")

explain(above, below)
save_picture(figure)
