"""Newton systems against dense ones that are built from definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmnn_sdp.numerics.linalg import eigh, psd_part, symmetrize
from lmnn_sdp.solvers import newton_system
from lmnn_sdp.solvers.newton_system import NewtonSystem, projection_weights
from problems import TOL, naive_matrices, noise

#: Products of conjugate gradients are in float32, so its residual is known to that only.
SINGLE = 1e-5
PENALTIES = [(1.0, 1.0, 1e-3), (30.0, 2.0, 1e-6), (0.1, 50.0, 1e-3)]


def setting(d, seed=0, count=60):
    """A list of triplets, some of them kinks, a W = Z - z M with eigenvalues of both signs, and a gradient."""
    rng = np.random.default_rng(seed)
    problem = noise(n=30, d=d, seed=seed)
    graph = problem.graph(rng.permutation(problem.all_triplets())[: 3 * count])
    kinks = np.sort(rng.permutation(len(graph.triplets))[:count])
    W, G = (symmetrize(rng.normal(size=(d, d))) for _ in range(2))
    return graph, kinks, W, G


def dense_apply(graph, kinks, W, s, z, damping, D):
    """``s sum_t <A_t, D> A_t + z Omega(D) + z damping D`` by sums over matrices."""
    A = naive_matrices(graph.parts[0].X, graph.triplets[kinks])
    eigenvalues, Q = np.linalg.eigh(W)
    d = len(W)
    Omega = np.empty((d, d))
    for p in range(d):
        for q in range(d):
            high, low = max(eigenvalues[p], eigenvalues[q]), min(eigenvalues[p], eigenvalues[q])
            Omega[p, q] = 1.0 if low > 0 else 0.0 if high <= 0 else high / (high - low)
    push = np.einsum("t,tab->ab", np.einsum("tab,ab->t", A, D), A)
    return s * push + z * (Q @ (Omega * (Q.T @ D @ Q)) @ Q.T) + z * damping * D


def solved(monkeypatch, graph, kinks, W, G, penalties, accuracy, direct):
    monkeypatch.setattr(newton_system, "MAX_DIRECT", 10**6 if direct else 0)
    eigenvalues, Q = eigh(W)
    s, z, damping = penalties
    return NewtonSystem.of(graph, kinks, Q, eigenvalues, s, z, damping, accuracy).solve(G)


@pytest.mark.parametrize("penalties", PENALTIES)
@pytest.mark.parametrize("d", [1, 2, 5, 9])
def test_the_direct_solve_meets_the_dense_system(monkeypatch, d, penalties):
    graph, kinks, W, G = setting(d)
    D = solved(monkeypatch, graph, kinks, W, G, penalties, 0.0, direct=True)
    residual = dense_apply(graph, kinks, W, *penalties, D) + G
    assert np.linalg.norm(residual) <= TOL["conditioned"] * np.linalg.norm(G)
    assert np.array_equal(D, D.T)


@pytest.mark.parametrize("accuracy", [1e-1, 1e-3])
@pytest.mark.parametrize("penalties", PENALTIES)
@pytest.mark.parametrize("d", [1, 2, 5, 9])
def test_conjugate_gradients_meet_the_dense_system_as_far_as_asked(monkeypatch, d, penalties, accuracy):
    graph, kinks, W, G = setting(d)
    D = solved(monkeypatch, graph, kinks, W, G, penalties, accuracy, direct=False)
    residual = dense_apply(graph, kinks, W, *penalties, D) + G
    assert np.linalg.norm(residual) <= (accuracy + SINGLE) * np.linalg.norm(G)
    assert np.array_equal(D, D.T)


@pytest.mark.parametrize("seed", range(5))
def test_both_ways_agree(monkeypatch, seed):
    penalties = (1.0, 10.0, 1e-2)
    pieces = setting(6, seed)
    direct = solved(monkeypatch, *pieces, penalties, 0.0, direct=True)
    iterated = solved(monkeypatch, *pieces, penalties, 1e-6, direct=False)
    np.testing.assert_allclose(iterated, direct, rtol=0, atol=1e-3 * np.abs(direct).max())


@pytest.mark.parametrize("direct", [True, False])
def test_without_kinks_only_the_projection_is_left(monkeypatch, direct):
    graph, _, W, G = setting(4)
    none = np.empty(0, dtype=np.intp)
    D = solved(monkeypatch, graph, none, W, G, (1.0, 2.0, 1e-3), 1e-6, direct)
    residual = dense_apply(graph, none, W, 1.0, 2.0, 1e-3, D) + G
    assert np.linalg.norm(residual) <= TOL["conditioned"] * np.linalg.norm(G)


@pytest.mark.parametrize("direct", [True, False])
def test_the_direction_descends(monkeypatch, direct):
    graph, kinks, W, G = setting(7)
    D = solved(monkeypatch, graph, kinks, W, G, (10.0, 1.0, 1e-4), 1e-1, direct)
    assert np.sum(G * D) < 0


def test_a_system_that_cannot_be_factored_is_solved_by_conjugate_gradients(monkeypatch):
    def fail(H, b):
        raise np.linalg.LinAlgError

    pieces, penalties = setting(5), (1.0, 1.0, 1e-2)
    expected = solved(monkeypatch, *pieces, penalties, newton_system.SINGULAR_ACCURACY, direct=False)
    monkeypatch.setattr(newton_system, "solve_definite", fail)
    assert np.array_equal(solved(monkeypatch, *pieces, penalties, 0.0, direct=True), expected)


def test_the_preconditioner_is_the_diagonal_of_the_system():
    graph, kinks, W, _ = setting(4)
    s, z, damping = 3.0, 2.0, 1e-2
    eigenvalues, Q = eigh(W)
    system = NewtonSystem.of(graph, kinks, Q, eigenvalues, s, z, damping, 1e-3)
    A = Q.T @ naive_matrices(graph.parts[0].X, graph.triplets[kinks]) @ Q
    expected = z * (projection_weights(eigenvalues) + damping) + s * np.sum(A**2, axis=0)
    whole = system.kinks.range((0, len(kinks)), np.float64)
    np.testing.assert_allclose(system.diagonal[0] + s * whole.squares()[0], expected, rtol=TOL["conditioned"])
    np.testing.assert_allclose(system.diagonal[0] + s * system.kinks.squares()[0], expected, rtol=SINGLE)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_projection_weights_are_the_derivative_of_the_projection(d, seed):
    rng = np.random.default_rng(seed)
    W, D = (symmetrize(rng.normal(size=(d, d))) for _ in range(2))
    eigenvalues, Q = eigh(W)
    step = 1e-3 * np.abs(eigenvalues).min() / np.linalg.norm(D)  # no eigenvalue changes its sign
    slope = (psd_part(W + step * D) - psd_part(W - step * D)) / (2 * step)
    derivative = Q @ (projection_weights(eigenvalues) * (Q.T @ D @ Q)) @ Q.T
    blur = 64 * np.finfo(float).eps * np.linalg.norm(W) / step
    assert np.linalg.norm(slope - derivative) <= TOL["gradient"] * np.linalg.norm(D) + blur


def test_projection_weights_at_and_around_zero():
    weights = projection_weights(np.array([-1.0, 0, 0, 3]))
    assert weights.tolist() == [[0, 0, 0, 0.75], [0, 0, 0, 1], [0, 0, 0, 1], [0.75, 1, 1, 1]]
    assert np.array_equal(projection_weights(np.zeros(2)), np.zeros((2, 2)))
