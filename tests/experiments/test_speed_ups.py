"""Ball trees and early abort: what they find against all pairs, what they count against plain loops."""

import json

import numpy as np
import pytest

import paper_speed_ups
import speed_ups
from harness.paper_figures import early_abort, neighbour_search, violation_search
from harness.paper_figures.ball_tree import LEAF, BallTree
from harness.paths import RESULTS


def cloud(n, d, n_queries=30, seed=0):
    """Points that vary less from coordinate to coordinate, and queries among them."""
    rng = np.random.default_rng(seed)
    scale = 1 / np.arange(1, d + 1)
    return rng.normal(size=(n, d)) * scale, rng.normal(size=(n_queries, d)) * scale


def squared_distances(queries, X):
    """All of them."""
    return np.sum((queries[:, None] - X) ** 2, axis=2)


def terms_of(query, X, bounds):
    """How many coordinates a plain loop adds up before a sum is above the bound of its point."""
    sums = np.cumsum((query - X) ** 2, axis=1)
    return sum(min(int(np.count_nonzero(row <= bound)) + 1, len(row)) for row, bound in zip(sums, bounds, strict=True))


@pytest.mark.parametrize(("n", "d"), [(3, 1), (7, 4), (LEAF + 1, 2), (500, 6), (1000, 20)])
def test_nearest_points_are_those_of_all_pairs(n, d):
    X, queries = cloud(n, d)
    distances = squared_distances(queries, X)
    near = np.argsort(distances, axis=1, kind="stable")[:, :3]
    scanned, _ = early_abort.nearest(queries, X, 3)
    np.testing.assert_array_equal(scanned, near)
    from_tree, _ = BallTree.of(X).nearest(queries, 3)
    np.testing.assert_array_equal(from_tree, near)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 4), (LEAF + 1, 2), (3000, 3)])
@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_points_within_a_bound_are_those_of_all_pairs(n, d, share):
    X, queries = cloud(n, d)
    distances = squared_distances(queries, X)
    bounds = np.quantile(distances, share, axis=1) * (1 + 1e-9)
    scanned, _ = early_abort.within(queries, X, bounds)
    from_tree, _ = BallTree.of(X).within(queries, bounds)
    for row, bound, found, also in zip(distances, bounds, scanned, from_tree, strict=True):
        np.testing.assert_array_equal(found, np.flatnonzero(row <= bound))
        np.testing.assert_array_equal(np.sort(also), found)


def test_of_equally_near_points_a_scan_takes_the_first_and_a_tree_others_as_near():
    X = np.repeat(np.arange(5.0), 50)[:, None]
    queries = np.array([[1.2], [4.0]])
    scanned, _ = early_abort.nearest(queries, X, 3)
    assert scanned.tolist() == [[50, 51, 52], [200, 201, 202]]
    from_tree, _ = BallTree.of(X).nearest(queries, 3)
    np.testing.assert_array_equal(X[from_tree], X[scanned])
    assert all(len(set(row)) == 3 for row in from_tree.tolist())


def test_terms_of_a_scan_are_those_of_a_plain_loop():
    X, queries = cloud(200, 8)
    bounds = np.quantile(squared_distances(queries, X), 0.05, axis=1)
    _, terms = early_abort.within(queries, X, bounds)
    assert terms == sum(terms_of(query, X, [bound] * 200) for query, bound in zip(queries, bounds, strict=True))
    _, terms = early_abort.nearest(queries, X, 3)
    expected = 0
    for query in queries:
        distances = squared_distances(query[None], X)[0]
        third = [np.sort(distances[:i])[2] if i >= 3 else np.inf for i in range(200)]
        expected += terms_of(query, X, third)
    assert terms == expected
    assert terms < 30 * 200 * 8


def test_balls_hold_their_points_and_halves_are_parted():
    X, _ = cloud(777, 5)
    tree = BallTree.of(X)
    np.testing.assert_array_equal(tree.points, X[tree.rows])
    assert sorted(tree.rows.tolist()) == list(range(777))
    for (first, end), halves, centre, radius in zip(tree.spans, tree.halves, tree.centres, tree.radii, strict=True):
        reach = np.linalg.norm(tree.points[first:end] - centre, axis=1)
        assert reach.max() == pytest.approx(radius)
        if halves[0] < 0:
            assert 0 < end - first <= LEAF
        else:
            (begin, middle), (again, last) = tree.spans[halves]
            assert (begin, middle, last) == (first, again, end)


def test_a_tree_adds_up_less_than_a_scan_where_points_are_apart():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(scale=100, size=(40, 10)), 100, axis=0) + rng.normal(size=(4000, 10))
    queries = X[::97] + 0.1
    _, scanned = early_abort.nearest(queries, X, 3)
    _, terms = BallTree.of(X).nearest(queries, 3)
    assert terms < scanned / 2


def test_impostors_are_those_of_all_triplets():
    X, _ = cloud(150, 6)
    codes = np.arange(150) % 3
    anchors = np.arange(0, 150, 4)
    rows = violation_search.run(X, codes, anchors, (2, 6))["rows"]
    for row in rows:
        distances = squared_distances(X[:, : row["dimensions"]], X[:, : row["dimensions"]])
        count = 0
        for i in anchors:
            own = np.sort(distances[i, (codes == codes[i]) & (np.arange(150) != i)])
            count += np.count_nonzero(
                distances[i, codes != codes[i]] <= own[2] + violation_search.MARGINS[row["units"]]
            )
        assert row["impostors"] == count
        assert row["same_counts"]
        assert row["products"]["terms"] == len(anchors) * 100 * row["dimensions"]


def test_costs_are_told_for_every_way_and_all_find_as_near_ones():
    X, queries = cloud(400, 12)
    result = neighbour_search.run(X, queries, (2, 12))
    whole, (_, last) = result["all"], result["rows"]
    assert last["scan"]["terms"] == whole["scan"]["terms"]
    assert last["products"]["terms"] == whole["products"]["terms"] == 30 * 400 * 12
    assert all(row["same_distances"] for row in result["rows"])


def test_without_mnist_nothing_is_measured(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(speed_ups, "SHARED_DATA", tmp_path / "nowhere")
    monkeypatch.setattr("sys.argv", ["speed_ups.py", "--out", str(tmp_path)])
    speed_ups.main()
    assert "MNIST is left out" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_all_ways_agree_in_the_committed_results_and_the_papers_numbers_are_beside_them():
    result = json.loads((RESULTS / "speed_ups.json").read_text())
    neighbours, violations = result["neighbours"], result["violations"]
    assert all(row["same_distances"] for row in neighbours["rows"])
    assert all(row["same_counts"] for row in violations["rows"])
    dimensions = [row["dimensions"] for row in neighbours["rows"]]
    assert all(len(values) == len(dimensions) for values in neighbours["paper"].values())
    assert len(violations["paper"]["tree"]) == len(dimensions)
    terms = [row["tree"]["terms"] for row in neighbours["rows"]]
    assert terms == sorted(terms)  # the fewer dimensions, the more is spared
    for figure in paper_speed_ups.pictures(result).values():
        for axes in figure.axes:
            assert axes.get_title(loc="left")
            assert axes.get_xlabel()
            for line in axes.lines[1:]:  # the first is drawn where nothing is spared
                assert list(line.get_xdata()) == dimensions
