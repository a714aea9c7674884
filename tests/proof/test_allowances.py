"""Every allowance for rounding, number by number: whoever changes one changes the proof, and has to say so here.

Numbers are whole and the unit roundoff is raised, so that each allowance shows in the digits of the result.
"""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from test_bounds_parts import grid
from test_checker_parts import REG, L, T, read
from test_checker_parts import grid as grid_with_arrays

from lmnn_sdp import Problem
from lmnn_sdp.numerics import accurate
from lmnn_sdp.numerics.linalg import scatter_roundings
from lmnn_sdp.problem.coordinates import Coordinates
from lmnn_sdp.proof import checker, lower, upper
from lmnn_sdp.proof.checker import SLACK
from lmnn_sdp.proof.lower import Weighted

ROUGH = 2.0**-20
EQUAL = {"rtol": 1e-11, "atol": 0}
r, d = L.shape


@pytest.fixture(autouse=True)
def rough(monkeypatch):
    for module in (accurate, checker, lower, upper):
        monkeypatch.setattr(module, "U", ROUGH)


def gamma(n):
    return n * ROUGH / (1 - n * ROUGH) * (1 + 4 * ROUGH)


def apart(V):
    return np.sqrt(np.sum((V[:, None] - V) ** 2, axis=2))


# The checker.


def test_the_checkers_upper_bound():
    problem, arrays = grid_with_arrays()
    p = read(problem, arrays)
    V, e = checker._image(p.X, L.T)
    u, g, away = ROUGH, (r + 8) * ROUGH * SLACK, apart(V)
    np.testing.assert_allclose(
        e, u * np.linalg.norm(V, axis=1) * SLACK + 4 * (d + 8) ** 2 * u**2 * SLACK * np.sum(
            np.abs(p.X - np.median(p.X, axis=0)) @ np.abs(L.T), axis=1), **EQUAL)  # fmt: skip
    pulls = {(i, j): (away[i, j] * (1 + g) + e[i] + e[j]) ** 2 * (1 + 16 * u)
             for i, row in enumerate(problem.targets.tolist()) for j in row}  # fmt: skip
    push = 0.0
    for (i, _), pull in pulls.items():
        for l in np.flatnonzero(problem.codes != problem.codes[i]):
            below = max(away[i, l] * (1 - g) - (e[i] + e[l]) * (1 + 4 * u), 0.0) ** 2
            push += max(0.0, (1 + pull) * (1 + 4 * u) - below * (1 - 16 * u))
    size = float(np.sum(np.abs(L) @ REG * np.abs(L)))
    linear = float(np.sum(L @ REG * L)) + 2 * (2 * d + L.size + 16) * u * SLACK * size
    bound = (0.75 * sum(pulls.values()) + 0.25 * push) * (1 + 16 * u) + linear
    np.testing.assert_allclose(checker._upper(p), bound, **EQUAL)


def test_the_checkers_shift(monkeypatch):
    problem, arrays = grid_with_arrays()
    p = read(problem, arrays)
    seen, cholesky = [], np.linalg.cholesky

    def kept(S):
        seen.append(S)
        return cholesky(S)

    monkeypatch.setattr(np.linalg, "cholesky", kept)
    Z, e = checker._image(p.X, T)
    ends = [(i, j, 0.75) for i, row in enumerate(problem.targets.tolist()) for j in row]
    for (i, j, l), alpha in zip(p.triplets.tolist(), p.alpha.tolist(), strict=True):
        ends += [(i, j, alpha), (i, l, -alpha)]
    weights, counts = {}, {}
    for a, b, weight in ends:
        edge = min(a, b), max(a, b)
        weights[edge] = weights.get(edge, 0.0) + weight
        counts[edge] = counts.get(edge, 0) + 1
    a, b = np.array(list(weights)).T
    W, error = checker._weighted(Z, e, a, b, np.array(list(weights.values())), max(counts.values()) + 2)
    u, penalty = ROUGH, T.T @ REG @ T
    size = np.linalg.norm(np.abs(T.T) @ REG @ np.abs(T))
    error += (2 * d + 16) * u * SLACK * size + 4 * u * (np.linalg.norm(W) + size)
    S, g = W + penalty, (d + 8) * u * SLACK
    s = (error + 4 * g * np.trace(S)) * SLACK**2
    checker._lower(p)
    np.testing.assert_allclose(seen[0], S - s * np.eye(d), rtol=0, atol=1e-11 * np.trace(S))


@pytest.mark.parametrize(("part", "accepted"), [(0.0, True), (0.9, True), (1.1, False)])
def test_a_factor_may_be_wrong_by_what_the_shift_leaves(part, accepted, monkeypatch):
    problem, arrays = grid_with_arrays()
    p = read(problem, arrays)
    S = T.T @ (problem.cost - lower._pushed(problem, p.triplets, p.alpha).matrix) @ T
    left = (d + 8) * ROUGH * (4 * np.trace(S) - np.trace(S) - np.linalg.norm(S))
    cholesky = np.linalg.cholesky

    def bad(shifted):
        return cholesky(shifted - part * left * np.diag([1, 0, 0]))

    monkeypatch.setattr(np.linalg, "cholesky", bad)
    if accepted:
        assert checker._lower(p) > 0
    else:
        with pytest.raises(checker.Refuted, match="not proved positive semidefinite"):
            checker._lower(p)


@pytest.mark.parametrize("edges", [1, 3, 30])
def test_the_checkers_weighted_sum(edges):
    rng = np.random.default_rng(edges)
    Z, e = rng.integers(-5, 6, size=(12, 3)).astype(float), 1e-4 * rng.uniform(size=12)
    a, b, weights = rng.integers(0, 12, edges), rng.integers(0, 12, edges), rng.normal(size=edges)
    length = np.linalg.norm(Z[a] - Z[b], axis=1)
    h, step = e[a] + e[b] + ROUGH * length, math.isqrt(edges) + 1
    g = (2 * step + 7 + 8) * ROUGH * SLACK
    error = float(np.abs(weights) @ ((2 * length + h) * h + g * length**2)) * SLACK
    np.testing.assert_allclose(checker._weighted(Z, e, a, b, weights, 7)[1], error, **EQUAL)


@pytest.mark.parametrize("own", [False, True])
def test_the_checkers_proposals(own, monkeypatch):
    monkeypatch.setattr(checker, "U", 2.0**-9)  # coarse enough for pairs that only the margin brings in
    rng = np.random.default_rng(1)
    V, codes = rng.normal(size=(90, 3)), rng.integers(0, 4, 90)
    reach, e = rng.uniform(0.5, 2, 90), rng.uniform(0, 0.5, 90)
    found = {
        pair for i, l in checker._near(V, e, reach, codes, own) for pair in zip(i.tolist(), l.tolist(), strict=True)
    }
    s, c, norms = (reach + e) * (1 + 4 * 2.0**-9), 2 * (3 + 16) * 2.0**-9 * SLACK, np.sum(V**2, axis=1)
    margin = c * (norms + s**2)[:, None] + c * (norms + e**2)
    wanted = 2 * (V @ V.T + np.outer(s, e)) >= (norms - s**2)[:, None] + (norms - e**2) - 2 * margin
    wanted &= (codes[:, None] == codes) == own
    assert found == set(map(tuple, np.argwhere(wanted).tolist()))


@pytest.mark.parametrize(
    ("part", "nearest"), [(1 - 25 * ROUGH, False), (1 - 15 * ROUGH, True), (1.0, True), (1 + 25 * ROUGH, True)]
)
def test_the_checkers_nearest(part, nearest):
    x = np.array([[0.0], [1], [-math.sqrt(part)], [100]])
    p = read_nearest(x, [[1], [0], [0], [1]])
    assert checker._nearest(p) is nearest


def read_nearest(X, targets):
    targets = np.array(targets)
    return SimpleNamespace(
        X=X, codes=np.zeros(len(X), dtype=int), targets=targets, i=np.arange(len(X)), j=targets.ravel()
    )


# The lower bound.


def test_errors_of_sums_over_edges():
    rng = np.random.default_rng(2)
    e, outside, reach = (rng.uniform(size=12) for _ in range(3))
    problem = grid(0.0, coordinates=Coordinates(1e-4 * e, outside, reach, 1.0, 1.0))
    a, b = np.array([0, 3, 5, 7]), np.array([4, 1, 2, 11])
    weights, sizes = np.array([1.0, -2, 0.5, 3]), np.array([1.0, 4, 1.5, 3])
    found = lower._weighted(problem, a, b, weights, 5, sizes)
    u = ROUGH
    squared = np.sum((problem.X[a] - problem.X[b]) ** 2, axis=1) * (1 + gamma(d + 8))
    length = np.sqrt(squared) * (1 + 4 * u)
    moved = 1e-4 * (e[a] + e[b]) + u * length
    g = gamma(scatter_roundings(4) + 5 + 10)
    weight = np.abs(weights) + g * sizes
    error = np.sum(weight * (2 * length + moved) * moved + sizes * g * squared) * (1 + gamma(4 + 16))
    np.testing.assert_allclose(found.error, error, **EQUAL)
    beyond = outside[a] + outside[b]
    np.testing.assert_allclose(found.coupling, weight @ (beyond * (reach[a] + reach[b])) * (1 + gamma(20)), **EQUAL)
    np.testing.assert_allclose(found.outside, weight @ beyond**2 * (1 + gamma(20)), **EQUAL)
    plain = lower._weighted(grid(0.0), a, b, weights, 5)
    moved, weight = u * length, np.abs(weights) * (1 + g)
    error = np.sum(weight * (2 * length + moved) * moved + np.abs(weights) * g * squared) * (1 + gamma(4 + 16))
    np.testing.assert_allclose(plain.error, error, **EQUAL)


def test_errors_of_the_cost():
    problem = grid(coordinates=Coordinates(np.zeros(12), penalty_error=0.125))
    i, j = problem.target_pairs()
    pull = lower._weighted(problem, i, j, np.ones(len(i)), 0)
    size = np.linalg.norm(problem.pull) + pull.error
    error = 0.75 * pull.error + 0.125 + 4 * ROUGH * (size + np.linalg.norm(REG))
    np.testing.assert_allclose(lower.weighted_cost(problem).error, error * (1 + 16 * ROUGH), **EQUAL)


def test_errors_of_the_slack(monkeypatch):
    seen = []
    monkeypatch.setattr(lower, "definite_beyond", lambda S, error: seen.append((S, error)) or True)
    cost = Weighted(np.diag([3.0, 4]), 0.5, 1.5, 0.25)
    pushed = Weighted(np.diag([1.0, -2]), 0.25, 0.5, 0.5)
    u = ROUGH
    lower._proved(grid(), cost, pushed, 0.5)
    S, error = seen.pop()
    assert np.array_equal(S, np.diag([2.5, 5]))
    plain = (0.5 + 0.125 + 2 * u * (5 + math.sqrt(5))) * (1 + 16 * u)
    np.testing.assert_allclose(error, plain, **EQUAL)
    outside = Coordinates(np.zeros(12), np.zeros(12), np.zeros(12), stretch=3.0, floor=2.0)
    lower._proved(grid(coordinates=outside), cost, pushed, 0.5)
    left = (2 - 0.75) * (1 - 8 * u)
    np.testing.assert_allclose(seen.pop()[1], plain + 4 * 9 / left * (1 + 32 * u), **EQUAL)


@pytest.mark.parametrize(("size", "first"), [(2.0**-8, 1.0), (0.25, None)])
def test_scales_that_are_tried(size, first, monkeypatch):
    problem = grid()
    triplets = problem.all_triplets()
    triplets = triplets[np.argsort(problem.keys(triplets))]
    alpha = np.full(len(triplets), size)
    cost, pushed = lower.weighted_cost(problem), lower._pushed(problem, triplets, alpha)
    top = max(1.0, float(lower.eigvalsh(pushed.matrix, problem.cost)[-1]))
    lowest = float(lower.eigvalsh(problem.cost)[0])
    error = 1.1 * (cost.error + pushed.error) + 2 * gamma(d + 8) * np.trace(cost.matrix)
    tried = []
    monkeypatch.setattr(lower, "_proved", lambda *arguments: tried.append(arguments[3]))
    assert lower.bound_below(problem, triplets, alpha).value == -math.inf
    etas = [2.0**k * error / lowest for k in range(12)]
    wanted = [(1 - eta) / top for eta in etas if eta < 1]
    if first is not None:
        wanted[0] = first
    assert len(wanted) > 2
    np.testing.assert_allclose(tried, wanted, rtol=1e-10)


# The upper bound.


def test_raised_pulls():
    problem, rng = grid(), np.random.default_rng(3)
    V, e, a = rng.normal(size=(12, 2)), 0.01 * rng.uniform(size=12), 0.1 * rng.uniform(size=12)
    V[0], e[0] = 50.0, 1.0
    u, g = ROUGH, gamma(2 + 6)
    up = 1 + 16 * u
    pulls, raised = upper.raised_pulls(V, e, problem, a)
    i, j = problem.target_pairs()
    p = ((np.sqrt(apart(V)[i, j] ** 2 * (1 + g)) + e[i] + e[j]) ** 2 + (a[i] + a[j]) ** 2) * up
    np.testing.assert_allclose(pulls.ravel(), p, **EQUAL)
    others = (a + a.max()) ** 2 * up
    sizes = np.linalg.norm(V, axis=1) * (1 + g)
    reach = np.sqrt(1 + pulls.max(axis=1) + others) * up
    kappa = 1.0 / sizes[0] * (1 + 4 * g)
    q = np.minimum(allowance(reach, e, sizes, 0.0, 1.0, g), allowance(reach, e, sizes, kappa, 16 * np.median(e), g))
    np.testing.assert_allclose(raised, (pulls + (others + q)[:, None]) * up, **EQUAL)


def allowance(reach, e, sizes, kappa, e0, g):
    up = 1 + 32 * ROUGH
    rho = (reach + e + kappa * sizes + e0) / (1 - kappa - g) * up
    return 2 * rho * (e + kappa * (sizes + rho) + e0 + g * rho) * up


def test_the_upper_bound():
    problem = grid(mu=0.25)
    V, e = upper._image(problem, L, True)
    pulls, raised = upper.raised_pulls(V, e, problem)
    u, push = ROUGH, 0.0
    for i in range(12):
        for l in np.flatnonzero(problem.codes != problem.codes[i]):
            push += np.maximum(0, 1 + raised[i] - np.sum((V[i] - V[l]) ** 2)).sum()
    push *= 1 + 8 * u
    size = np.sum(np.abs(L) @ REG * np.abs(L))
    linear = np.sum(L @ REG * L) + 2 * gamma(2 * d + L.size + 16) * size
    total = ((0.75 * pulls.sum() + linear) * (1 + 8 * u) + 0.25 * push) * (1 + 8 * u)
    found = upper.bound_above(problem, L, accurate=True)
    np.testing.assert_allclose(found.objective, total, **EQUAL)
    np.testing.assert_allclose([found.terms.pull, found.terms.push], [pulls.sum(), push], **EQUAL)
    zero = upper.bound_above(problem, np.zeros((1, 3)))
    np.testing.assert_allclose(zero.objective, 0.25 * problem.n_triplets * (1 + 4 * u), **EQUAL)


def test_a_matrix_beside_a_map():
    problem, M = grid(), L.T @ L + np.diag([2.0**-9, 0, 0])
    u = ROUGH
    centred = np.abs(problem.X - np.median(problem.X, axis=0)) * (1 + 4 * u)
    unit = 2.0 ** np.frexp(centred.max(axis=0))[1]
    scaled = np.abs(L * unit)
    entries = np.abs(np.diag([2.0**-9, 0, 0]) * unit * unit[:, None]) + gamma(r + 8) * (scaled.T @ scaled)
    a = np.sqrt(entries.max()) * np.sum(centred / unit, axis=1) * (1 + gamma(9 + 32))
    np.testing.assert_allclose(upper._departures(M, L, problem), a, **EQUAL)
    linear = np.sum(REG * M) + gamma(9 + 8) * np.sum(np.abs(REG * M))
    np.testing.assert_allclose(upper._linear(REG, L, M), linear, **EQUAL)


def test_errors_of_the_points_under_a_map():
    e = np.random.default_rng(4).uniform(size=12)
    plain = upper._image(grid(), L, False)[1]
    found = upper._image(grid(coordinates=Coordinates(e)), L, False)[1]
    scaled = (plain + np.linalg.norm(L) * (1 + gamma(L.size)) * e) * (1 + 4 * ROUGH)
    np.testing.assert_allclose(found, scaled, **EQUAL)
    assert isinstance(grid(), Problem)
