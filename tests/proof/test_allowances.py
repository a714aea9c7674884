"""Every allowance for rounding, number by number: whoever changes one changes the proof, and has to say so here.

Numbers are whole and the unit roundoff is raised, so that each allowance shows in the digits of the result.
"""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from test_bounds_parts import grid, known
from test_checker_parts import REG, L, T, read
from test_checker_parts import grid as grid_with_arrays

from lmnn_sdp import Problem
from lmnn_sdp.numerics import accurate
from lmnn_sdp.numerics.linalg import scatter_roundings
from lmnn_sdp.proof import checker, lower, upper
from lmnn_sdp.proof.checker import SLACK
from lmnn_sdp.proof.lower import Weighted
from problems import raised_pulls

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


def shifted(problem, arrays):
    """The transformed dual slack, its error, the shift that it has to bear, and gamma of a product of its size."""
    p = read(problem, arrays)
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
    return S, error, (error + 4 * g * np.trace(S)) * SLACK**2, g


def test_the_checkers_shift(monkeypatch):
    problem, arrays = grid_with_arrays()
    S, _, s, _ = shifted(problem, arrays)
    seen, eigh, sqrt = [], np.linalg.eigh, np.sqrt

    def kept(matrix):
        seen.append(matrix)
        return eigh(matrix)

    monkeypatch.setattr(np.linalg, "eigh", kept)
    monkeypatch.setattr(np, "sqrt", lambda x: (seen.append(x), sqrt(x))[1])
    checker._lower(read(problem, arrays))
    np.testing.assert_allclose(seen[0], S, rtol=0, atol=1e-11 * np.trace(S))
    np.testing.assert_allclose(seen[1], eigh(S)[0] - s, rtol=0, atol=1e-11 * np.trace(S))


@pytest.mark.parametrize(("part", "accepted"), [(0.0, True), (0.9, True), (1.1, False)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_factor_may_be_wrong_by_what_the_shift_leaves(sign, part, accepted, monkeypatch):
    problem, arrays = grid_with_arrays()
    S, error, s, g = shifted(problem, arrays)
    w, Q = np.linalg.eigh(S)
    left = s / SLACK - error - g * (np.sum(w - s) + np.linalg.norm(S) + s)
    monkeypatch.setattr(np.linalg, "eigh", lambda _: (w + sign * part * left * np.array([0, 1, 0]), Q))
    if accepted:
        assert checker._lower(read(problem, arrays)) > 0
    else:
        with pytest.raises(ValueError, match="not proved positive semidefinite"):
            checker._lower(read(problem, arrays))


@pytest.mark.parametrize(
    ("part", "nearest"), [(1 - 40 * ROUGH, False), (1 - 33 * ROUGH, True), (1.0, True), (1 + 40 * ROUGH, True)]
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


@pytest.mark.parametrize("wrong", [0.0, 0.125])
def test_errors_of_sums_over_edges(wrong):
    rng = np.random.default_rng(2)
    e, outside, reach = (rng.uniform(size=12) for _ in range(3))
    problem = grid(0.0, coordinates=known(1e-4 * e, outside=outside, reach=reach, stretch=1.0, floor=1.0))
    a, b = np.array([0, 3, 5, 7]), np.array([4, 1, 2, 11])
    weights = np.array([1.0, -2, 0.5, 3])
    found = lower._weighted(problem, a, b, weights, wrong)
    u = ROUGH
    squared = np.sum((problem.X[a] - problem.X[b]) ** 2, axis=1) * (1 + gamma(d + 8))
    length = np.sqrt(squared) * (1 + 4 * u)
    weight = np.abs(weights) + wrong
    summed = (wrong + gamma(scatter_roundings(4) + 10) * weight) * squared
    plain = lower._weighted(grid(0.0), a, b, weights, wrong)
    for sums, moved in ((found, 1e-4 * (e[a] + e[b]) + u * length), (plain, u * length)):
        error = np.sum(weight * (2 * length + moved) * moved + summed) * (1 + gamma(4 + 16))
        np.testing.assert_allclose(sums.error, error, **EQUAL)
    beyond = outside[a] + outside[b]
    np.testing.assert_allclose(found.coupling, weight @ (beyond * (reach[a] + reach[b])) * (1 + gamma(20)), **EQUAL)
    np.testing.assert_allclose(found.outside, weight @ beyond**2 * (1 + gamma(20)), **EQUAL)


def test_points_that_are_equal_stay_so_however_wrong_their_rows_are():
    problem = grid(0.0, coordinates=known(7.0))
    problem.X[1] = problem.X[0]
    problem.coordinates.points[1] = problem.coordinates.points[0]
    a, b = np.array([0]), np.array([1])
    assert lower._weighted(problem, a, b, np.ones(1)).error < 1e-280
    problem.coordinates.points[1, 0] += 1
    assert lower._weighted(problem, a, b, np.ones(1)).error >= 14**2


def test_errors_of_the_cost():
    problem = grid(coordinates=known(penalty_error=0.125))
    i, j = problem.target_pairs()
    pull = lower._weighted(problem, i, j, np.ones(len(i)))
    size = np.linalg.norm(problem.pull) + pull.error
    error = 0.75 * pull.error + 0.125 + 4 * ROUGH * (size + np.linalg.norm(REG))
    np.testing.assert_allclose(lower.weighted_costs(problem)[0].error, error * (1 + 16 * ROUGH), **EQUAL)


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
    outside = known(outside=np.zeros(12), reach=np.zeros(12), stretch=3.0, floor=2.0)
    lower._proved(grid(coordinates=outside), cost, pushed, 0.5)
    left = (2 - 0.75) * (1 - 8 * u)
    np.testing.assert_allclose(seen.pop()[1], plain + 4 * 9 / left * (1 + 16 * u) ** 2, **EQUAL)


@pytest.mark.parametrize(("size", "first"), [(2.0**-8, 1.0), (0.25, None)])
def test_scales_that_are_tried(size, first, monkeypatch):
    problem = grid()
    triplets = problem.all_triplets()
    triplets = triplets[np.argsort(problem.keys(triplets))]
    alpha = np.full(len(triplets), size)
    cost, pushed = lower.weighted_costs(problem)[0], next(lower.pushed_of(problem, triplets, alpha))
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
    pulls, raised = raised_pulls(V, e, problem, a)
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
    image = upper._image(problem, L, True)
    V, e = image.V, image.errors
    pulls, raised = raised_pulls(V, e, problem)
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
    plain = upper._image(grid(), L, False).errors
    found = upper._image(grid(coordinates=known(e)), L, False).errors
    scaled = (plain + np.linalg.norm(L) * (1 + gamma(L.size)) * e) * (1 + 4 * ROUGH)
    np.testing.assert_allclose(found, scaled, **EQUAL)
    assert isinstance(grid(), Problem)
