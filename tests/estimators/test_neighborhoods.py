"""Nearest rows, and nearest points where each has its own metric, against exact distances: ties, far data, units."""

from fractions import Fraction

import numpy as np
import pytest

from lmnn_sdp import MultiMetricLMNN
from lmnn_sdp.datasets import load
from lmnn_sdp.estimators import neighborhoods, ranking
from lmnn_sdp.estimators.ranking import LocalMetrics
from lmnn_sdp.problem.blocks import Blocks
from lmnn_sdp.problem.neighbors import comparable_squares


@pytest.mark.parametrize("exponent", [22, 25, 26, 27, 28, 40])
def test_far_from_the_origin_neighbours_are_the_same(exponent):
    data = load("balance_scale")
    near = neighborhoods.nearest(data.X, None, 5)
    assert np.array_equal(neighborhoods.nearest(data.X + 2.0**exponent, None, 5), near)


def test_in_small_blocks_neighbours_are_the_same(monkeypatch):
    data = load("balance_scale")
    near = neighborhoods.nearest(data.X, None, 5)
    monkeypatch.setattr(neighborhoods, "BLOCK", 1000)
    assert np.array_equal(neighborhoods.nearest(data.X, None, 5), near)
    assert np.array_equal(neighborhoods.nearest(data.X + 0.25, data.X, 5)[:, 0], np.arange(625))


@pytest.mark.parametrize("unit", [2.0**-700, 2.0**500, 2.0**1020])
def test_neighbours_do_not_depend_on_the_unit(unit):
    # squares of such numbers are 0 or beyond float64
    rng = np.random.default_rng(0)
    points, new = rng.normal(size=(30, 3)), rng.normal(size=(10, 3))
    assert np.array_equal(neighborhoods.nearest(new * unit, points * unit, 3), neighborhoods.nearest(new, points, 3))
    assert np.array_equal(neighborhoods.nearest(points * unit, None, 3), neighborhoods.nearest(points, None, 3))


@pytest.mark.parametrize("far", [1e9, 1e160])
def test_a_far_row_leaves_the_others_as_they_are(monkeypatch, far):
    pairs = []

    def counted(X, a, b):
        pairs.append(len(a))
        return comparable_squares(X, a, b)

    monkeypatch.setattr(neighborhoods, "comparable_squares", counted)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(100, 3))
    near = neighborhoods.nearest(points[1:], None, 3)
    points[0] = far
    assert np.array_equal(neighborhoods.nearest(points, None, 3)[1:], near + 1)
    if far < 1e100:  # its pairs alone are beyond what products tell
        assert pairs[-1] <= pairs[0] + 3 * len(points)


def local_metrics(X, blocks, L):
    return LocalMetrics.of(X, np.zeros(len(X), dtype=np.intp), Blocks(blocks, np.arange(len(L))), L)


def exactly_nearest(points, blocks, L, x, k):
    """By rational arithmetic; of equal distances the first."""
    exact = np.vectorize(Fraction, otypes=[object])
    distance = [
        sum(e**2 for e in exact(L[b]) @ (exact(x) - exact(point))) for point, b in zip(points, blocks, strict=True)
    ]
    return sorted(range(len(points)), key=lambda i: (distance[i], i))[:k]


@pytest.mark.parametrize("offset", [0.0, 3.0, 2.0**20, 2.0**27, -(2.0**40)])
def test_under_local_metrics_a_grid_has_its_exact_neighbours(offset):
    # maps of small integers: the distances of differences are exact, those of products at 2^40 are noise
    rng = np.random.default_rng(0)
    points, new = rng.integers(0, 4, (40, 3)) + offset, rng.integers(0, 4, (10, 3)) + offset
    blocks, L = np.arange(40) % 3, rng.integers(-2, 3, (3, 2, 3)).astype(float)
    squares, found = local_metrics(points, blocks, L).nearest(new, 5)
    assert found.tolist() == [exactly_nearest(points, blocks, L, x, 5) for x in new]
    assert np.array_equal(squares, np.sort(squares, axis=1))


def test_local_metrics_rank_balance_scale_the_same_in_every_block_size_and_far_away(monkeypatch):
    data = load("balance_scale")
    model = MultiMetricLMNN(tol=1e-2).fit(data.X, data.y)
    metrics = local_metrics(data.X, model.block_of_, model.components_)
    near = metrics.nearest(data.X, 7)
    assert np.array_equal(near[1][:, 0], np.arange(625))  # each is at distance 0 from itself alone
    pairs = np.indices((625, 625)).reshape(2, -1)
    all_squares = metrics._by_differences(data.X, *pairs).reshape(625, 625)
    assert np.array_equal(near[1], np.argsort(all_squares, axis=1, kind="stable")[:, :7])
    by_products = np.argsort(metrics.squared(data.X), axis=1, kind="stable")[:, :7]
    assert not np.array_equal(near[1], by_products)  # ties that products break
    far = local_metrics(data.X + 2.0**30, model.block_of_, model.components_)
    monkeypatch.setattr(ranking, "BLOCK", 3 * 625)
    for again in (metrics.nearest(data.X, 7), far.nearest(data.X + 2.0**30, 7)):
        assert np.array_equal(again[0], near[0])
        assert np.array_equal(again[1], near[1])
