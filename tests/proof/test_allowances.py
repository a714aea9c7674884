"""Every allowance for rounding, number by number: whoever changes one changes the proof, and has to say so here.

Numbers are whole and the unit roundoff is raised, so that each allowance shows in the digits of the result.
"""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from test_bounds_parts import grid
from test_checker_parts import REG, L, read
from test_checker_parts import grid as grid_with_arrays

from lmnn_sdp.numerics import accurate
from lmnn_sdp.proof import checker, lower, upper
from lmnn_sdp.proof.checker import SLACK

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


def read_nearest(X, targets):
    targets = np.array(targets)
    return SimpleNamespace(
        X=X, codes=np.zeros(len(X), dtype=int), targets=targets, i=np.arange(len(X)), j=targets.ravel()
    )


# The lower bound.


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
