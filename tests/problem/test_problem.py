from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmnn_sdp import Problem
from lmnn_sdp.numerics.linalg import psd_factor
from problems import (
    TOL,
    blobs,
    naive_matrices,
    naive_objective,
    naive_triplets,
    noise,
    random_invertible,
    random_psd,
)

seeds = st.integers(0, 2**32 - 1)
property_test = settings(max_examples=40, deadline=None, derandomize=True)


def rows(triplets):
    return set(map(tuple, np.asarray(triplets).tolist()))


def subgradient(problem, M):
    triplets = problem.hinges(psd_factor(M)).triplets
    return problem.cost - problem.graph(triplets).adjoint(np.full(len(triplets), problem.mu))


@given(st.integers(8, 24), st.integers(1, 5), st.integers(2, 4), st.integers(1, 2), st.floats(0.05, 0.95), seeds)
@property_test
def test_objective_is_the_formula(n, d, classes, k, mu, seed):
    problem = noise(max(n, classes * (k + 1)), d, classes, k, seed, mu)
    rng = np.random.default_rng(seed)
    for M in (random_psd(d, rng, scale=0.1), random_psd(d, rng, rank=1), np.zeros((d, d))):
        assert problem.objective(M) == pytest.approx(naive_objective(problem, M), rel=TOL["rounding"])


def test_objective_counts_the_linear_term():
    R = np.diag([1.0, -2, 3])
    problem, plain = blobs(reg=R), blobs()
    M = random_psd(3, np.random.default_rng(0))
    assert problem.objective(M) == pytest.approx(plain.objective(M) + np.sum(R * M), rel=TOL["rounding"])
    assert blobs(reg=2.0).objective(M) == pytest.approx(plain.objective(M) + 2 * np.trace(M), rel=TOL["rounding"])


def test_objective_by_hand():
    # pull: four distances of 1, weight 1/4; push at M = 1: hinges 1 + 1 - d of d = 9, 16, 4, 9 from each side
    problem = Problem.from_data([[0.0], [1], [3], [4]], [0, 0, 1, 1], n_neighbors=1, mu=0.75)
    assert problem.objective([[1.0]]) == 0.25 * 4
    # M = 1/4: hinges 1 + 1/4 - d/4: only the pair (1, 3) at d = 4 is near, 1/4 from each of its ends
    assert problem.objective([[0.25]]) == 0.25 * 1 + 0.75 * 2 * 0.25
    assert problem.objective([[0.0]]) == 0.75 * 8


def test_objective_of_the_zero_metric_is_mu_times_the_number_of_triplets():
    problem = blobs(mu=0.25)
    assert problem.objective(np.zeros((3, 3))) == 0.25 * problem.n_triplets


def test_radius_is_that_of_the_furthest_target_under_the_metric():
    # the last Euclidean target of point 0 is point 2, but under M the first one, point 1, is the furthest
    X = [[0, 0], [1, 0], [0, 2], [1, 2], [3, 0], [3, 1], [3, 2], [3, 3]]
    problem = Problem.from_data(X, [0, 0, 0, 0, 1, 1, 1, 1], n_neighbors=2)
    M = np.diag([2.0, 0.01])
    assert problem.objective(M) == pytest.approx(naive_objective(problem, M), rel=TOL["rounding"])


@pytest.mark.parametrize("slack", [0.0, 0.3, 5.0, -0.2])
def test_hinges_are_all_triplets_above_minus_slack(slack):
    problem = noise(d=2)
    M = random_psd(2, np.random.default_rng(1), scale=0.2)
    triplets = naive_triplets(problem)
    values = 1 - np.einsum("tab,ab->t", naive_matrices(problem.X, triplets), M)
    hinges = problem.hinges(psd_factor(M), slack)
    assert rows(hinges.triplets) == rows(triplets[values > -slack])
    assert len(rows(hinges.triplets)) == len(hinges.triplets)
    expected = dict(zip(map(tuple, triplets.tolist()), values, strict=True))
    listed = [expected[tuple(t)] for t in hinges.triplets.tolist()]
    np.testing.assert_allclose(hinges.values, listed, rtol=0, atol=TOL["rounding"] * (1 + np.abs(values).max()))


@pytest.mark.parametrize("restricted", [False, True])
def test_terms_are_sums_and_numbers_of_distances_and_hinges(restricted):
    problem = noise(n=60)
    problem = problem.restrict(problem.all_triplets()[::3]) if restricted else problem
    M = random_psd(3, np.random.default_rng(2), scale=0.3)
    L = psd_factor(M)
    terms, hinges = problem.terms(L), problem.hinges(L)
    assert terms.pull == pytest.approx(np.sum(problem.pull * M), rel=TOL["rounding"])
    assert terms.push == pytest.approx(hinges.values.sum(), rel=TOL["rounding"])
    assert terms.active == len(hinges.values) > 0


@pytest.mark.parametrize(("n", "classes", "k"), [(8, 2, 1), (30, 3, 2), (31, 4, 3), (13, 3, 1)])
def test_all_triplets_are_as_many_as_counted(n, classes, k):
    problem = noise(n, 2, classes, k)
    assert len(problem.all_triplets()) == problem.n_triplets
    assert rows(problem.all_triplets()) == rows(naive_triplets(problem))


@given(st.integers(1, 5), seeds)
@property_test
def test_margins_are_those_of_the_graph_of_the_triplets(d, seed):
    problem = noise(20, d, seed=seed)
    M = random_psd(d, np.random.default_rng(seed))
    triplets = problem.all_triplets()
    margins = problem.margins(psd_factor(M), triplets)
    expected = problem.graph(triplets).margins(M)
    np.testing.assert_allclose(margins, expected, rtol=0, atol=TOL["rounding"] * np.abs(margins).max())


def test_pull_and_cost_are_the_naive_sums():
    R = np.diag([1.0, 2, 3])
    problem = noise(mu=0.3, reg=R)
    pairs = [(i, j) for i in range(problem.n_points) for j in problem.targets[i]]
    C = sum(np.outer(problem.X[i] - problem.X[j], problem.X[i] - problem.X[j]) for i, j in pairs)
    np.testing.assert_allclose(problem.pull, C, rtol=TOL["rounding"], atol=TOL["rounding"] * np.trace(C))
    np.testing.assert_allclose(problem.cost, 0.7 * C + R, rtol=TOL["rounding"], atol=TOL["rounding"] * np.trace(C))


@given(st.integers(1, 5), seeds)
@property_test
def test_subgradient_inequality(d, seed):
    problem = noise(20, d, seed=seed)
    rng = np.random.default_rng(seed)
    M = random_psd(d, rng, scale=rng.choice([0.01, 0.1, 1]))
    f, G = problem.objective(M), subgradient(problem, M)
    for scale in (0.01, 0.1, 1.0):
        N = random_psd(d, rng, scale=scale)
        size = f + np.sum(np.abs(G) * np.abs(N - M))
        assert problem.objective(N) >= f + np.sum(G * (N - M)) - TOL["rounding"] * size


@given(st.integers(1, 4), seeds)
@property_test
def test_objective_is_convex_along_segments(d, seed):
    problem = noise(20, d, seed=seed)
    rng = np.random.default_rng(seed)
    M, N = (random_psd(d, rng, scale=0.2) for _ in range(2))
    t = rng.uniform()
    chord = (1 - t) * problem.objective(M) + t * problem.objective(N)
    assert problem.objective((1 - t) * M + t * N) <= chord * (1 + TOL["rounding"])


@pytest.mark.parametrize("seed", range(10))
def test_gradient_is_that_of_finite_differences(seed):
    problem = noise(20, 3, seed=seed)
    rng = np.random.default_rng(seed)
    M = random_psd(3, rng, scale=0.1) + 0.1 * np.eye(3)
    A = naive_matrices(problem.X, naive_triplets(problem))
    to_kink = np.abs(1 - np.einsum("tab,ab->t", A, M)).min()
    E = rng.normal(size=(3, 3))
    E = (E + E.T) / np.linalg.norm(E)
    step = min(1e-3, to_kink / np.linalg.norm(A, axis=(1, 2)).max() / 4)  # f is linear this near to M
    slope = (problem.objective(M + step * E) - problem.objective(M - step * E)) / (2 * step)
    exact = np.sum(subgradient(problem, M) * E)
    blur = 4 * np.finfo(float).eps * problem.objective(M) / step
    assert slope == pytest.approx(exact, abs=TOL["gradient"] * np.linalg.norm(subgradient(problem, M)) + blur)


def test_restriction_counts_only_its_triplets():
    problem = noise()
    rng = np.random.default_rng(4)
    chosen = rng.permutation(problem.all_triplets())[:40]
    part = problem.restrict(chosen)
    M = random_psd(3, rng, scale=0.2)
    hinges = part.hinges(psd_factor(M))
    assert part.n_triplets == 40
    assert rows(part.all_triplets()) == rows(chosen)
    assert part.objective(M) == pytest.approx(naive_objective(problem, M, chosen), rel=TOL["rounding"])
    assert part.terms(psd_factor(M)).active == len(hinges.triplets)
    assert rows(hinges.triplets) <= rows(chosen)


def test_restriction_is_a_relaxation_and_to_all_triplets_changes_nothing():
    problem = noise()
    M = random_psd(3, np.random.default_rng(5), scale=0.2)
    f = problem.objective(M)
    assert problem.restrict(problem.all_triplets()[::2]).objective(M) < f
    assert problem.restrict(problem.all_triplets()).objective(M) == pytest.approx(f, rel=TOL["rounding"])
    assert problem.working_set is None


@pytest.mark.parametrize("nothing", [[], np.empty((0, 3)), np.empty((0, 3), dtype=int)])
def test_restriction_to_nothing_leaves_the_linear_term(nothing):
    problem = noise().restrict(nothing)
    M = random_psd(3, np.random.default_rng(6))
    assert problem.n_triplets == 0
    assert problem.objective(M) == pytest.approx(np.sum(problem.cost * M), rel=TOL["rounding"])


def test_keys_are_distinct_and_give_the_triplets_back():
    problem = noise(n=40)
    triplets = problem.all_triplets()
    keys = problem.keys(triplets)
    assert len(np.unique(keys)) == len(triplets)
    assert np.array_equal(problem.from_keys(keys), triplets)


def test_keys_sort_like_rows():
    problem = noise(n=20)
    triplets = problem.all_triplets()
    by_key = triplets[np.argsort(problem.keys(triplets))]
    assert by_key.tolist() == sorted(triplets.tolist())


def test_keys_of_large_problems_do_not_overflow():
    n = 2_000_000
    problem = replace(noise(), X=np.broadcast_to(0.0, (n, 1)))
    triplets = np.array([[n - 1, n - 2, n - 3], [0, 1, n - 1]])
    assert np.array_equal(problem.from_keys(problem.keys(triplets)), triplets)


@given(st.integers(1, 5), seeds)
@property_test
def test_objective_is_unchanged_by_invertible_maps_with_fixed_targets(d, seed):
    problem = noise(20, d, seed=seed)
    rng = np.random.default_rng(seed)
    B, shift = random_invertible(d, rng), rng.normal(size=d)
    M = random_psd(d, rng, scale=0.2)
    mapped = Problem.from_data(problem.X @ B.T + shift, problem.y, targets=problem.targets)
    inverse = np.linalg.inv(B)
    N = inverse.T @ M @ inverse
    assert mapped.objective((N + N.T) / 2) == pytest.approx(problem.objective(M), rel=TOL["conditioned"])


@given(seeds)
@property_test
def test_objective_is_unchanged_by_the_order_of_points(seed):
    problem = noise(24, seed=seed)
    rng = np.random.default_rng(seed)
    order = rng.permutation(24)
    position = np.argsort(order)
    permuted = Problem.from_data(problem.X[order], problem.y[order], targets=position[problem.targets[order]])
    M = random_psd(3, rng, scale=0.2)
    assert permuted.objective(M) == pytest.approx(problem.objective(M), rel=TOL["rounding"])
    again = Problem.from_data(problem.X[order], problem.y[order], 2)  # no ties, so the choice moves along
    assert np.array_equal(again.targets, permuted.targets)


@pytest.mark.parametrize(
    "names", [["a", "b", "c"], [7, -1, 0], [2.5, 0.5, -3.0], ["z", "long name", ""], np.array(["x", "y", "z"], object)]
)
def test_names_of_classes_do_not_matter(names):
    problem = noise()
    renamed = Problem.from_data(problem.X, np.asarray(names)[problem.y], 2, minus_one_is_class=True)
    M = random_psd(3, np.random.default_rng(7), scale=0.2)
    assert np.array_equal(renamed.targets, problem.targets)
    assert renamed.objective(M) == pytest.approx(problem.objective(M), rel=TOL["rounding"])
    assert renamed.codes.tolist() == np.unique(np.asarray(names)[problem.y], return_inverse=True)[1].tolist()


def test_data_are_copied():
    X, targets = np.random.default_rng(8).normal(size=(8, 2)), np.array([2, 3, 4, 5, 6, 7, 0, 1])[:, None]
    problem = Problem.from_data(X, np.arange(8) % 2, targets=targets)
    X[:] = 0
    targets[:] = 0
    assert problem.X.any()
    assert problem.targets[0, 0] == 2


def test_sizes_have_names():
    problem = noise(n=30, d=3, k=2)
    assert (problem.n_points, problem.n_features, problem.n_neighbors) == (30, 3, 2)
