import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lmnn_sdp.problem import nearest, neighbors
from lmnn_sdp.problem.neighbors import target_neighbors


def brute_force(X, codes, k):
    """Sort all members of the class by (distance, index)."""
    X = X / 2.0 ** np.floor(np.log2(np.abs(X).max() or 1.0))  # free of rounding; squares stay in range
    targets = []
    for i in range(len(X)):
        others = [j for j in range(len(X)) if codes[j] == codes[i] and j != i]
        distance = np.sum((X[i] - X[others]) ** 2, axis=1)
        targets.append(np.array(others)[np.argsort(distance, kind="stable")[:k]])
    return np.array(targets)


@given(st.integers(8, 60), st.integers(1, 20), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_neighbors_are_those_of_brute_force(n, d, classes, k, seed):
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.resize(np.arange(classes), max(n, classes * (k + 1))))
    X = rng.normal(size=(len(codes), d))
    assert np.array_equal(target_neighbors(X, codes, k), brute_force(X, codes, k))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_ties_on_integer_grids_go_to_the_smaller_index(d, k, seed):
    rng = np.random.default_rng(seed)
    codes = np.arange(50) % 2
    X = rng.integers(-2, 3, size=(50, d)).astype(float)
    assert np.array_equal(target_neighbors(X, codes, k), brute_force(X, codes, k))


def test_a_line_by_hand():
    X = np.array([[0.0], [1], [2], [4], [1]])
    assert target_neighbors(X, np.zeros(5, dtype=int), 2).tolist() == [[1, 4], [4, 0], [1, 4], [2, 1], [1, 0]]


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e8])
def test_duplicated_points_come_first_and_by_index(offset):
    rng = np.random.default_rng(1)
    X = np.repeat(rng.normal(size=(8, 3)), 4, axis=0)[rng.permutation(32)] + offset
    codes = np.zeros(32, dtype=int)
    targets = target_neighbors(X, codes, 3)
    assert np.array_equal(targets, brute_force(X, codes, 3))
    assert (X[targets] == X[:, None]).all()
    assert (np.diff(targets, axis=1) > 0).all()


def test_all_points_equal_take_the_smallest_indices():
    targets = target_neighbors(np.full((5, 2), 0.1), np.zeros(5, dtype=int), 2)
    assert targets.tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]


def test_all_points_at_the_origin():
    assert target_neighbors(np.zeros((3, 2)), np.zeros(3, dtype=int), 1).tolist() == [[1], [0], [0]]


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1.0, 1e150, 1e300])
def test_tiny_and_huge_scales_are_ranked_without_overflow_or_underflow(scale):
    rng = np.random.default_rng(2)
    X, codes = scale * rng.normal(size=(40, 3)), np.arange(40) % 2
    assert np.array_equal(target_neighbors(X, codes, 3), brute_force(X, codes, 3))


def test_powers_of_two_change_nothing():
    rng = np.random.default_rng(3)
    X, codes = rng.integers(0, 4, size=(60, 3)).astype(float), np.arange(60) % 2
    expected = target_neighbors(X, codes, 4)
    for exponent in (-500, -1, 7, 500):
        assert np.array_equal(target_neighbors(np.ldexp(X, exponent), codes, 4), expected)


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e9])
def test_close_points_far_from_the_origin_are_told_apart(offset):
    rng = np.random.default_rng(4)
    X, codes = offset + rng.normal(size=(80, 5)), np.arange(80) % 2
    assert np.array_equal(target_neighbors(X, codes, 3), brute_force(X, codes, 3))


def test_one_far_point_does_not_blur_the_others():
    rng = np.random.default_rng(5)
    X, codes = rng.normal(size=(80, 5)), np.zeros(80, dtype=int)
    X[0] = 1e9
    assert np.array_equal(target_neighbors(X, codes, 3), brute_force(X, codes, 3))


@pytest.mark.parametrize("fill", 10.0 ** np.arange(20, 302, 40))
def test_a_fill_value_of_any_size_makes_no_distance_vanish(fill):
    X, codes = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2
    X[4, 1] = X[7, 2] = 1e6  # far from all others
    usual = target_neighbors(X, codes, 2)
    X[4, 1] = X[7, 2] = fill
    others = np.delete(np.arange(30), [4, 7])
    assert np.array_equal(target_neighbors(X, codes, 2)[others], usual[others])


@pytest.mark.parametrize("block", [1, 64, 1000])
def test_block_size_changes_nothing(monkeypatch, block):
    rng = np.random.default_rng(6)
    X, codes = rng.integers(-3, 4, size=(90, 2)).astype(float), np.arange(90) % 3
    expected = target_neighbors(X, codes, 4)
    monkeypatch.setattr(neighbors, "BLOCK", block)
    assert np.array_equal(target_neighbors(X, codes, 4), expected)


def test_all_other_members_can_be_asked_for():
    X, codes = np.random.default_rng(7).normal(size=(12, 2)), np.arange(12) % 3
    targets = target_neighbors(X, codes, 3)
    expected = [[j for j in range(12) if j != i and j % 3 == i % 3] for i in range(12)]
    assert np.sort(targets, axis=1).tolist() == expected


# Where float32 proposes.


@pytest.fixture
def proposing(monkeypatch):
    """Classes of any size are many, and take several blocks of a few candidates each."""
    monkeypatch.setattr(neighbors, "MANY", 1)
    monkeypatch.setattr(neighbors, "ROWS", 16)
    monkeypatch.setattr(nearest, "COLUMNS", 24)


def crowd(name, rng):
    """Points that float32 cannot tell apart, all or some."""
    X = rng.normal(size=(150, 4))
    if name == "two far clouds":
        X[::2] += 1e6
    elif name == "a far point":
        X[3] = 1e9
    elif name == "far from the origin":
        X += 1e7
    elif name == "a grid":
        X = rng.integers(-1, 2, size=X.shape).astype(float)
    elif name == "all equal":
        X = np.full(X.shape, 0.1)
    elif name == "origin":
        X = np.zeros(X.shape)
    elif name == "lines of close points":
        X = rng.normal(size=(15, 4))[rng.integers(15, size=150)] + 1e-9 * rng.normal(size=X.shape)
    elif name == "features of all sizes":
        X *= np.array([1e-12, 1e-4, 1.0, 1e4])
    return X


CROWDS = [
    "plain",
    "two far clouds",
    "a far point",
    "far from the origin",
    "a grid",
    "all equal",
    "origin",
    "lines of close points",
    "features of all sizes",
]


@pytest.mark.usefixtures("proposing")
@pytest.mark.parametrize("room", [1, 6, 64])
@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e290])
@pytest.mark.parametrize("name", CROWDS)
def test_float32_proposes_whoever_is_near(name, scale, room, monkeypatch):
    monkeypatch.setattr(nearest, "ROOM", room)
    monkeypatch.setattr(nearest, "MORE", 1)
    X, codes = scale * crowd(name, np.random.default_rng(8)), np.arange(150) % 2
    assert np.array_equal(target_neighbors(X, codes, 5), brute_force(X, codes, 5))


@given(st.integers(3, 80), st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_bounds_of_float32_hold(n, d, k, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * 10.0 ** rng.uniform(-6, 6, size=d) + 10.0 ** rng.uniform(-3, 6)
    k = min(k, n - 1)
    row, column, crowded = nearest.Proposals.of(X).of_rows(0, n, k)
    expected = brute_force(X, np.zeros(n, dtype=int), k)
    for i in np.setdiff1d(np.arange(n), crowded):
        assert set(expected[i]) <= set(column[row == i])
    assert (np.diff(row) >= 0).all()
    assert (row != column).all()


def test_a_huge_constant_hides_nobody():
    X = np.column_stack([np.full(2500, 1e300), 1e-21 * np.random.default_rng(3).normal(size=(2500, 2))])
    codes = np.zeros(2500, dtype=int)
    expected = target_neighbors(X[:, 1:], codes, 3)
    assert np.array_equal(target_neighbors(X, codes, 3), expected)


def test_few_are_proposed_and_none_is_crowded_in_a_cloud():
    X = np.random.default_rng(9).normal(size=(3000, 20))
    row, _, crowded = nearest.Proposals.of(X).of_rows(0, 500, 3)
    assert not len(crowded)
    assert len(row) < 3.1 * 500


def test_many_points_have_the_neighbours_that_float64_proposes(monkeypatch):
    rng = np.random.default_rng(10)
    X, codes = rng.normal(size=(5200, 8)).round(1), np.arange(5200) % 2
    X[:4] = 1e4
    found = target_neighbors(X, codes, 4)
    monkeypatch.setattr(neighbors, "MANY", 10**9)
    assert np.array_equal(found, target_neighbors(X, codes, 4))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(0, 9))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_value_takes_its_place_among_the_least(values, value):
    found = np.sort(np.array(values, dtype=np.float32))
    assume(value < found[-1])  # who is not is never put in
    nearest._insert(found, np.float32(value))
    assert found.tolist() == sorted([*values, value])[: len(values)]


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 9))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_who_is_still_near_moves_to_the_front_in_order(values, limit):
    bounds, chosen = np.array(values, dtype=np.float32), np.arange(len(values))
    kept = nearest._still_near(chosen, bounds, np.float32(limit))
    expected = [(place, value) for place, value in enumerate(values) if value <= limit]
    assert list(zip(chosen[:kept].tolist(), bounds[:kept].tolist(), strict=True)) == expected
