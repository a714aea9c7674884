"""More than one metric: an ellipse for each digit, and two circles that no single metric can part.

`MultiMetricLMNN` learns a metric for each class, for each cluster of k-means, or for each part that the caller names,
all together and to a proved gap. The distance to a point is measured by the metric of that point, so each class has a
shape of its own.

What you see. Above, digits 0, 1, 2 and 4 in the plane of most variance (Fig. 8 of Weinberger & Saul, 2009): around the
mean of each class the points that its metric sees at distance 1, blown up so that they show, and for comparison the
one ellipse of a single metric. Long axes are directions that a class does not care about. Below, two circles so near
each other that every point's nearest neighbour is on the other one (as in their Fig. 7). A single metric stretches the
plane alike everywhere, which helps nowhere; with a metric for each of several sectors, each stretches across its own
part of the circles, as the lines show, and hardly an error is left.
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
SIZE = 3.0  # of the ellipses, over distance 1
ROUND = 1.05  # ratio of eigenvalues up to which a metric has no direction of its own


def digits_in_the_plane():
    """Four digits in their first two principal components."""
    X, y = load_digits(return_X_y=True)
    chosen = np.isin(y, DIGITS)
    return PCA(2, svd_solver="full").fit_transform(X[chosen]), y[chosen]


def draw_ellipse(axes, M, centre, color):
    """The points at distance 1 from the centre, blown up."""
    values, vectors = np.linalg.eigh(M)
    width, height = 2 * SIZE / np.sqrt(np.maximum(values, 1e-6))
    angle = np.degrees(np.arctan2(*vectors[::-1, 0]))
    axes.add_patch(Ellipse(centre, width, height, angle=angle, fill=False, lw=2, color=color))


def draw_digits(axes, X, y, metrics, title):
    """Points, and the ellipse of each metric at the mean of its class, or at the mean of all."""
    for number, digit in enumerate(DIGITS):
        axes.scatter(*X[y == digit].T, s=5, marker=MARKERS[number], color=f"C{number}", alpha=0.4, linewidth=0)
        if len(metrics) > 1:
            draw_ellipse(axes, metrics[number], X[y == digit].mean(axis=0), f"C{number}")
        style = {"fontsize": 13, "weight": "bold", "ha": "center", "va": "center"}
        axes.annotate(str(digit), X[y == digit].mean(axis=0), **style)
    if len(metrics) == 1:
        draw_ellipse(axes, metrics[0], X.mean(axis=0), "0.2")
    axes.set(title=title, xticks=[], yticks=[], aspect="equal")
    axes.set_xlabel(f"ellipse: distance 1 from a mean, drawn {SIZE:g} times as large")
    axes.grid(False)


def two_circles():
    """Points in turn on two circles, each nearer to the other circle than to its own neighbours."""
    angle = 2 * np.pi * np.arange(2 * POINTS) / (2 * POINTS)
    y = np.arange(2 * POINTS) % 2
    radius = np.where(y == 0, 1.0, 1.12)
    return np.c_[radius * np.cos(angle), radius * np.sin(angle)], y


def errors_left_one_out(model, X, y):
    """Per cent of points whose nearest other point is of another class."""
    _, nearest = model.kneighbors(X, 2)
    others = np.where(nearest[:, 0] == np.arange(len(X)), nearest[:, 1], nearest[:, 0])
    return 100 * np.mean(y[others] != y)


def draw_circles(axes, X, y, model, title):
    """Points by class, and the direction that the metric of each cluster stretches most."""
    for code, (color, marker) in enumerate(zip(("C0", "C1"), "os", strict=True)):
        axes.scatter(*X[y == code].T, s=7, color=color, marker=marker)
    for block, M in enumerate(model.get_mahalanobis_matrices()):
        values, vectors = np.linalg.eigh(M)
        centre, reach = X[model.block_of_ == block].mean(axis=0), 0.3 * vectors[:, -1]
        if values[-1] > ROUND * values[0]:
            axes.plot(*np.stack([centre - reach, centre + reach]).T, color="0.2", lw=2)
            axes.set_xlabel("lines: the direction that a metric stretches most")
        else:
            axes.scatter(*centre, marker="+", s=80, color="0.2")
            axes.set_xlabel("cross: a metric that stretches all directions alike")
    axes.set(title=title, xticks=[], yticks=[], aspect="equal")
    axes.grid(False)


figure = plt.figure(figsize=(10, 7.2), layout="constrained")
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
    wrong = errors_left_one_out(model, X, y)
    name = f"{count} metric{'s' * (count > 1)}"
    print(f"circles, {name}: {wrong:.0f} % errors, left one out")
    draw_circles(panel, X, y, model, f"{name}: {wrong:.0f} % errors")

save_picture(figure)
