from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from lmnn_sdp.numerics import parallel
from lmnn_sdp.problem.graph import TripletGraph
from problems import TOL, naive_matrices, naive_triplets, noise

seeds = st.integers(0, 2**32 - 1)
property_test = settings(max_examples=40, deadline=None, derandomize=True)


def random_symmetric(d, rng):
    """Of both signs, so that no result relies on a PSD matrix."""
    D = rng.normal(size=(d, d))
    return D + D.T


def random_list(problem, count, rng):
    return rng.permutation(naive_triplets(problem))[:count]


@given(st.integers(1, 5), st.integers(0, 300), seeds)
@property_test
def test_margins_are_inner_products_with_the_matrices(d, count, seed):
    problem, rng = noise(20, d, seed=seed), np.random.default_rng(seed)
    triplets, D = random_list(problem, count, rng), random_symmetric(d, rng)
    A = naive_matrices(problem.X, triplets)
    size = np.abs(A).sum(axis=(1, 2)).max(initial=0) * np.abs(D).max()
    expected = np.einsum("tab,ab->t", A, D)
    np.testing.assert_allclose(problem.graph(triplets).margins(D), expected, rtol=0, atol=TOL["rounding"] * size)


@given(st.integers(1, 5), st.integers(0, 300), seeds)
@property_test
def test_adjoint_is_the_weighted_sum_of_the_matrices(d, count, seed):
    problem, rng = noise(20, d, seed=seed), np.random.default_rng(seed)
    triplets = random_list(problem, count, rng)
    alpha = rng.normal(size=len(triplets))
    A = naive_matrices(problem.X, triplets)
    size = np.sum(np.abs(alpha) * np.abs(A).max(axis=(1, 2))) if len(A) else 0.0
    expected = np.einsum("t,tab->ab", alpha, A)
    np.testing.assert_allclose(problem.graph(triplets).adjoint(alpha), expected, rtol=0, atol=TOL["rounding"] * size)


@given(st.integers(1, 5), seeds)
@property_test
def test_adjoint_is_the_adjoint_of_margins(d, seed):
    problem, rng = noise(20, d, seed=seed), np.random.default_rng(seed)
    graph = problem.graph(problem.all_triplets())
    alpha, D = rng.normal(size=len(graph.triplets)), random_symmetric(d, rng)
    margins = graph.margins(D)
    size = np.abs(alpha) @ np.abs(margins)
    assert abs(np.sum(graph.adjoint(alpha) * D) - alpha @ margins) <= TOL["rounding"] * size


def test_forms_are_those_of_differences():
    problem, rng = noise(n=40, d=4), np.random.default_rng(0)
    graph, D = problem.graph(problem.all_triplets()), random_symmetric(4, rng)
    differences = problem.X[graph.parts[0].a] - problem.X[graph.parts[0].b]
    expected = np.einsum("ef,fg,eg->e", differences, D, differences)
    size = np.abs(D).max() * np.sum(differences**2, axis=1).max()
    np.testing.assert_allclose(graph.forms(D), expected, rtol=0, atol=TOL["rounding"] * size)


def test_edges_come_once_and_sorted_and_join_the_triplets():
    problem = noise(n=30)
    graph = problem.graph(problem.all_triplets())
    assert np.all(graph.parts[0].a < graph.parts[0].b)
    assert np.all(np.diff(graph.parts[0].a * problem.n_points + graph.parts[0].b) > 0)
    ends = [set(pair) for pair in zip(graph.parts[0].a.tolist(), graph.parts[0].b.tolist(), strict=True)]
    rows = zip(graph.triplets.tolist(), graph.pull.tolist(), graph.push.tolist(), strict=True)
    assert all(ends[pull] == {i, j} and ends[push] == {i, l} for (i, j, l), pull, push in rows)


def test_triplets_that_share_edges_add_up_on_them():
    # (0, 1, 2) and (2, 3, 0) share the push {0, 2}; (0, 1, 3) and (1, 0, 2) share the pull {0, 1} with the first
    triplets = np.array([[0, 1, 2], [2, 3, 0], [0, 1, 3], [1, 0, 2]])
    graph = TripletGraph.of(np.array([[0.0], [1.0], [3.0], [7.0]]), triplets)
    edges = list(zip(graph.parts[0].a.tolist(), graph.parts[0].b.tolist(), strict=True))
    assert edges == [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)]
    assert graph.edge_weights(np.array([1.0, 10, 100, 1000])).tolist() == [-1101, 11, 100, 1000, -10]
    assert graph.margins(np.eye(1)).tolist() == [9 - 1, 9 - 16, 49 - 1, 4 - 1]
    assert graph.adjoint(np.array([1.0, 10, 100, 1000])).tolist() == [[8 - 70 + 4800 + 3000]]


def test_an_empty_list_has_no_edges_and_a_zero_adjoint():
    graph = noise(d=3).graph(np.empty((0, 3), dtype=np.intp))
    assert len(graph.parts[0].a) == 0
    assert graph.margins(np.eye(3)).shape == (0,)
    assert np.array_equal(graph.adjoint(np.empty(0)), np.zeros((3, 3)))


def test_adjoint_is_symmetric_to_the_last_bit_and_ignores_shifts():
    problem = noise()
    triplets = problem.all_triplets()
    alpha = np.random.default_rng(3).uniform(size=len(triplets))
    G = problem.graph(triplets).adjoint(alpha)
    assert np.array_equal(G, G.T)
    shifted = replace(problem, X=problem.X + 1e6).graph(triplets).adjoint(alpha)
    np.testing.assert_allclose(shifted, G, rtol=0, atol=TOL["conditioned"] * np.abs(G).max())


@pytest.fixture
def large():
    """Of sizes that no number of threads divides."""
    problem, rng = noise(n=1003, d=37, classes=2, k=3), np.random.default_rng(4)
    i = rng.integers(0, 1003, 50_021)
    l = (i + 1 + 2 * rng.integers(0, 400, len(i))) % 1003
    other = problem.codes[i] != problem.codes[l]
    triplets = np.unique(np.column_stack([i, problem.targets[i, rng.integers(0, 3, len(i))], l])[other], axis=0)
    return problem.graph(triplets)


def with_threads(monkeypatch, count, work):
    monkeypatch.setattr(parallel, "threads", lambda: count)
    monkeypatch.setattr(parallel, "SMALL", 0)  # so that every operator is shared
    with threadpool_limits(1, user_api="blas"):
        return work()


@pytest.mark.parametrize("count", [2, 3, 7])
def test_operators_do_not_depend_on_the_number_of_threads(monkeypatch, large, count):
    rng = np.random.default_rng(5)
    D, alpha = random_symmetric(37, rng), rng.normal(size=len(large.triplets))

    def work():
        return large.margins(D), large.adjoint(alpha)

    margins, G = with_threads(monkeypatch, 1, work)
    shared_margins, shared_G = with_threads(monkeypatch, count, work)
    size = np.abs(D).max() * np.sum(large.parts[0].X ** 2, axis=1).max()
    np.testing.assert_allclose(shared_margins, margins, rtol=0, atol=TOL["rounding"] * size)
    np.testing.assert_allclose(shared_G, G, rtol=0, atol=TOL["rounding"] * np.abs(G).max())
