"""The colours of the figures are told apart by readers with and without a colour vision deficiency.

How colours look to them is simulated with the matrices for a complete deficiency of G. M. Machado, M. M. Oliveira and
L. A. F. Fernandes, "A physiologically-based model for simulation of color vision deficiency", IEEE Transactions on
Visualization and Computer Graphics 15(6), 1291-1298, 2009, which act on linear RGB. Distances are those of CIELAB
(1976), where a difference of 2.3 is just noticeable side by side (M. Mahy, L. Van Eycken and A. Oosterlinck, 1994).
"""

from itertools import combinations

import matplotlib.style
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lmnn_sdp import plots
from lmnn_sdp.plots.style import AFTER, BEFORE, KINK, MARKERS

EYES = {
    "all three cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
NOTICED = 2.3
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def seen(color, eyes):
    """CIELAB of a colour as these eyes see it, under D65."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = XYZ @ np.clip(np.array(EYES[eyes]) @ linear, 0, 1) / XYZ.sum(axis=1)
    f = [np.cbrt(t) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, eyes):
    return float(np.linalg.norm(seen(one, eyes) - seen(other, eyes)))


def cycle():
    with matplotlib.style.context(plots.STYLE):
        return matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]


def test_the_simulation_knows_what_each_eye_confuses():
    np.testing.assert_allclose(seen("white", "all three cones"), [100, 0, 0], atol=1e-3)
    np.testing.assert_allclose(seen("#ff0000", "all three cones"), [53.24, 80.09, 67.20], atol=0.02)
    red_and_green = [distance("#c03000", "#507000", eyes) for eyes in EYES]
    assert red_and_green[0] > 2 * max(red_and_green[1:3])
    for eyes in EYES:  # grey is grey to all
        np.testing.assert_allclose(seen("#808080", eyes)[1:], 0, atol=0.5)


@pytest.mark.parametrize("eyes", EYES)
def test_the_colours_of_curves_are_told_apart(eyes):
    near = {pair: distance(*pair, eyes) for pair in combinations(cycle(), 2)}
    pair = min(near, key=near.get)
    assert near[pair] > 4 * NOTICED, (pair, near[pair])


@pytest.mark.parametrize("eyes", EYES)
def test_before_after_and_the_margin_are_told_apart(eyes):
    assert min(distance(*pair, eyes) for pair in combinations((BEFORE, AFTER, KINK), 2)) > 8 * NOTICED


@pytest.mark.parametrize("eyes", EYES)
def test_every_colour_stands_out_from_the_paper(eyes):
    assert min(distance(color, "white", eyes) for color in [*cycle(), BEFORE]) > 10 * NOTICED


def test_curves_differ_in_their_markers_too():
    assert len(set(MARKERS)) == len(MARKERS) >= len(cycle())
