import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from lmnn_sdp.numerics import parallel
from lmnn_sdp.problem.impostors import MEMORY, scan
from problems import TOL


def found(V, codes, radii, memory=MEMORY):
    """All pairs of a scan as ``{(smaller, larger): distance}``; none may come twice."""
    pairs = {}
    for block in scan(V, codes, radii, lambda block: block, memory=memory):
        for a, b, distance in zip(block.a.tolist(), block.b.tolist(), block.distance.tolist(), strict=True):
            key = (min(a, b), max(a, b))
            assert key not in pairs
            pairs[key] = distance
    return pairs


def all_distances(V):
    """Float64 sums of squared differences, feature after feature."""
    distance = np.zeros((len(V), len(V)))
    for column in V.T:
        distance += (column[:, None] - column) ** 2
    return distance


def assert_exact(V, codes, radii, memory=MEMORY):
    """The scan finds the float64 pairs and their distances; returns how many there are."""
    distance, reach = all_distances(V), np.maximum(radii[:, None], radii)
    candidates = np.triu(codes[:, None] != codes, k=1)
    pairs = found(V, codes, radii, memory)
    hit = np.zeros_like(candidates)
    for (a, b), value in pairs.items():
        hit[a, b] = True
        assert value == pytest.approx(distance[a, b], rel=TOL["rounding"])
    expected = candidates & (distance < reach)
    tie = np.abs(distance - reach) <= TOL["radius"] * reach
    wrong = np.argwhere((hit != expected) & ~tie)
    assert wrong.tolist() == []
    return len(pairs)


@given(st.integers(2, 60), st.integers(1, 12), st.integers(2, 8), st.floats(0.01, 20), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_pairs_are_those_of_brute_force(n, d, classes, radius, seed):
    rng = np.random.default_rng(seed)
    V, codes = rng.normal(size=(n, d)), rng.integers(0, classes, n)
    assert assert_exact(V, codes, radius * rng.uniform(0, 2, n)) >= 0


@pytest.mark.parametrize("classes", [2, 10, 200])
@pytest.mark.parametrize("radius", [0.5, 2.0, 1e9])
def test_any_number_of_classes(classes, radius):
    rng = np.random.default_rng(classes)
    V, codes = rng.normal(size=(400, 3)), rng.integers(0, classes, 400)
    assert assert_exact(V, codes, np.full(400, radius)) > 0


def test_every_point_a_class_of_its_own():
    V = np.random.default_rng(0).normal(size=(50, 2))
    assert assert_exact(V, np.arange(50), np.full(50, 1e3)) == 50 * 49 // 2


def test_one_class_has_no_pairs():
    V = np.random.default_rng(0).normal(size=(50, 2))
    assert scan(V, np.zeros(50, dtype=int), np.full(50, 1e3), lambda block: block) == []


def test_a_pair_is_found_by_the_larger_of_its_radii():
    V, codes = np.array([[0.0], [2.0]]), np.array([0, 1])
    assert found(V, codes, np.array([0.0, 5])) == {(0, 1): 4.0}
    assert found(V, codes, np.array([5.0, 0])) == {(0, 1): 4.0}
    assert found(V, codes, np.array([3.0, 3])) == {}


def test_the_radius_itself_is_outside():
    V, codes = np.array([[-1.0], [1.0]]), np.array([0, 1])
    assert found(V, codes, np.full(2, 4.0)) == {}
    assert found(V, codes, np.full(2, np.nextafter(4, 5))) == {(0, 1): 4.0}


def test_metric_of_rank_zero():
    codes = np.arange(6) % 2
    assert len(found(np.zeros((6, 1)), codes, np.ones(6))) == 9
    assert len(found(np.zeros((6, 0)), codes, np.ones(6))) == 9


def near_ties(rng, d, n, offset):
    """Pairs of two classes whose squared distance is the radius of one times 1 -+ delta, delta = 1e-15 ... 1e-6.

    Half of the pairs sit at +offset, half at -offset, so norms are up to offset / radius times the distances.
    """
    delta = np.sign(rng.normal(size=n)) * 10 ** rng.uniform(-15, -6, n)
    radius = rng.uniform(0.5, 2, n)
    direction = rng.normal(size=(n, d))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    first = rng.normal(size=(n, d)) + offset * np.where(np.arange(n) % 2, 1, -1)[:, None]
    second = first + np.sqrt(radius * (1 + delta))[:, None] * direction
    order = rng.permutation(2 * n)
    reach = np.concatenate([radius, rng.uniform(0, 0.1, n)])
    return np.concatenate([first, second])[order], np.repeat([0, 1], n)[order], reach[order]


@pytest.mark.parametrize("offset", [0.0, 10.0, 1e4, 1e7])
@pytest.mark.parametrize("d", [1, 3, 40, 300])
def test_near_ties_are_decided_in_float64(offset, d):
    assert assert_exact(*near_ties(np.random.default_rng(d), d, 200, offset)) > 50


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e140])
def test_near_ties_at_tiny_and_huge_scales(scale):
    V, codes, radii = near_ties(np.random.default_rng(1), 4, 200, 100.0)
    assert assert_exact(scale * V, codes, scale**2 * radii) > 50


@pytest.mark.parametrize("offset", [1e3, 1e8, 1e12])
def test_points_far_from_the_origin(offset):
    V, codes, radii = near_ties(np.random.default_rng(2), 4, 200, 0.0)
    assert assert_exact(V + offset, codes, radii) > 50


@pytest.mark.parametrize("radius", [1e-300, 1e-20, 1.0])
def test_duplicated_points_are_pairs_however_small_the_radius(radius):
    rng = np.random.default_rng(3)
    V = np.repeat(1e3 * rng.normal(size=(40, 3)), 3, axis=0)
    codes = np.tile([0, 1, 2], 40)
    assert assert_exact(V, codes, np.full(120, radius)) >= 120


def test_radius_zero_finds_nothing():
    V = np.repeat(np.random.default_rng(4).normal(size=(20, 3)), 2, axis=0)
    assert found(V, np.arange(40) % 2, np.zeros(40)) == {}


def test_one_far_outlier_does_not_blur_the_others():
    V, codes, radii = near_ties(np.random.default_rng(5), 3, 200, 0.0)
    V[0] = 1e9
    assert assert_exact(V, codes, radii) > 50


@pytest.mark.parametrize("memory", [1, 1000, 30_000, 10**6])
def test_pairs_do_not_depend_on_memory(memory):
    rng = np.random.default_rng(6)
    V, codes = rng.normal(size=(120, 3)), rng.integers(0, 4, 120)
    assert found(V, codes, np.ones(120), memory) == found(V, codes, np.ones(120))


@pytest.mark.parametrize("radius", [1.0, 1e9])  # few pairs, and every pair
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("memory", [4 * 2**20, 16 * 2**20])
def test_working_memory_stays_under_its_bound(monkeypatch, memory, threads, radius):
    monkeypatch.setattr(parallel, "threads", lambda: threads)
    n, q = 6000, 8
    rng = np.random.default_rng(7)
    V, codes = rng.normal(size=(n, q)), rng.integers(0, 3, n)
    radii = np.full(n, radius)
    copies = 4 * n * q + 3 * V.nbytes + 20 * radii.nbytes  # float32 and float64 copies of V, vectors with n entries
    scan(V[:10], codes[:10], radii[:10], len_of_block)  # compiled, and libraries looked up
    tracemalloc.start()
    try:
        pairs = sum(scan(V, codes, radii, len_of_block, memory=memory))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert pairs > 1000
    assert peak < memory + copies


def len_of_block(block):
    return len(block.a)


def assert_same_blocks(one, two):
    assert len(one) == len(two) > 1
    for p, q in zip(one, two, strict=True):
        assert np.array_equal(p.a, q.a)
        assert np.array_equal(p.b, q.b)
        assert np.array_equal(p.distance, q.distance)


@pytest.mark.parametrize("radius", [0.5, 3.0])
def test_results_are_identical_for_one_and_two_workers(monkeypatch, radius):
    rng = np.random.default_rng(8)
    V, codes = rng.normal(size=(3000, 6)), rng.integers(0, 3, 3000)
    results = []
    for threads in (1, 2):
        monkeypatch.setattr(parallel, "threads", lambda threads=threads: threads)
        results.append(scan(V, codes, np.full(3000, radius), lambda block: block))
    assert_same_blocks(*results)


def test_results_are_identical_under_limits_of_threadpoolctl():
    rng = np.random.default_rng(9)
    V, codes = rng.normal(size=(3000, 6)), rng.integers(0, 3, 3000)
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            results.append(scan(V, codes, np.ones(3000), lambda block: block))
    assert_same_blocks(*results)


@pytest.mark.parametrize("threads", [1, 2])
def test_errors_in_the_reducer_reach_the_caller(monkeypatch, threads):
    monkeypatch.setattr(parallel, "threads", lambda: threads)
    V, codes = np.random.default_rng(10).normal(size=(2000, 2)), np.arange(2000) % 2

    def fail(block):
        raise LookupError("from the reducer")

    with pytest.raises(LookupError, match="from the reducer"):
        scan(V, codes, np.ones(2000), fail)


def test_blocks_hold_only_pairs_of_different_classes():
    V, codes = np.random.default_rng(11).normal(size=(200, 2)), np.arange(200) % 7
    assert all((codes[block.a] != codes[block.b]).all() for block in scan(V, codes, np.full(200, 9.0), lambda b: b))


@pytest.mark.parametrize("scale", [1e-160, 1e-25, 1e150])
def test_extreme_units_neither_lose_pairs_nor_warn(scale):
    rng = np.random.default_rng(11)
    V, codes = rng.normal(size=(40, 2)), np.arange(40) % 2
    everything = scan(scale * V, codes, np.full(40, np.inf), len_of_block)
    assert sum(everything) == 20 * 20
    assert sum(scan(scale * V, codes, np.ones(40), len_of_block)) == (400 if scale < 1 else 0)
