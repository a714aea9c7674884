"""What a certificate says of a metric that was handed in, as exactly the floats that it is."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from exact import exact, exact_objective

from lmnn_sdp import Problem, certify
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.proof.certificate import _negative_part, certificate, certify_map, certify_pair, rank_of, relative_gap
from lmnn_sdp.proof.lower import bound_below
from lmnn_sdp.proof.upper import _departures, bound_above

NONE = np.empty((0, 3), dtype=int), np.empty(0)


def exact_value(problem, M):
    """f of a symmetric matrix of floats."""
    X, M, mu = exact(problem.X), exact(M), Fraction(problem.mu)

    def distance(a, b):
        difference = [s - t for s, t in zip(X[a], X[b], strict=True)]
        return sum(
            s * entry * t
            for s, row in zip(difference, M, strict=True)
            for t, entry in zip(difference, row, strict=True)
        )

    total = Fraction(0)
    for i, targets in enumerate(problem.targets.tolist()):
        for j in targets:
            own = distance(i, j)
            total += (1 - mu) * own
            total += mu * sum(max(0, 1 + own - distance(i, l)) for l in range(len(X)) if problem.y[l] != problem.y[i])
    R = exact(problem.R)
    return total + sum(R[a][b] * M[a][b] for a in range(len(M)) for b in range(len(M)))


def narrow(seed, **options):
    """Points along (1, -1), hardly any along (1, 1), and metrics that are large there: entries of M cancel."""
    rng = np.random.default_rng(seed)
    along, across = rng.normal(size=(2, 16))
    X = np.column_stack([along + 1e-7 * across, 1e-7 * across - along])
    size = rng.uniform(0.1, 1)
    return Problem.from_data(X, np.arange(16) % 2, 2, **options), size * np.array([[1, -1], [-1, 1]]) + rng.uniform(
        1e7, 1e9
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_penalty_is_that_of_the_matrix_given(seed):
    # hardly any push, and nearly all of the value is <R, M>, whose terms cancel
    problem, M = narrow(seed, mu=1e-9, reg=1e3 * np.array([[1.0, -1], [-1, 1]]))
    f = exact_value(problem, M)
    assert f <= Fraction(certify(problem, M, *NONE).objective) <= 10 * f


@pytest.mark.parametrize("unit", [2.0**-30, 1.0, 2.0**30])
@pytest.mark.parametrize("size", [1e-5, 1.0, 1e5])
def test_departures_bound_how_far_distances_are_off(size, unit):
    rng = np.random.default_rng(7)
    problem = Problem.from_data(unit * np.round(8 * rng.normal(size=(12, 4))), np.arange(12) % 2, 2)
    L = size * rng.normal(size=(3, 4))
    M = L.T @ L
    a = _departures(M, L, problem)
    X, entries, rows = exact(problem.X), exact(M), exact(L)
    wrong = [
        [entries[f][g] - sum(row[f] * row[g] for row in rows) for g in range(4)] for f in range(4)
    ]  # M less L'L, which rounding has made
    assert any(entry for row in wrong for entry in row)
    for i, l in itertools.combinations(range(12), 2):
        x = [s - t for s, t in zip(X[i], X[l], strict=True)]
        off = sum(x[f] * wrong[f][g] * x[g] for f in range(4) for g in range(4))
        assert abs(off) <= (Fraction(a[i]) + Fraction(a[l])) ** 2
    assert np.max(a) ** 2 <= 1e-13 * np.max(np.abs(M)) * np.max(np.sum(np.abs(problem.X), axis=1)) ** 2


@pytest.mark.parametrize("seed", range(8))
def test_the_objective_bounds_that_of_the_matrix_given_and_not_of_its_factors(seed):
    problem, M = narrow(seed)
    f = exact_value(problem, M)
    found = certify(problem, M, *NONE)
    assert f <= Fraction(found.objective) <= 10 * f  # the cancelling entries cost
    factors = bound_above(problem, np.linalg.cholesky(M).T, accurate=True).objective
    assert abs(Fraction(factors) - f) > abs(f) / 10**11  # that is another number


def test_a_matrix_that_is_not_psd_is_projected():
    problem = Problem.from_data(np.random.default_rng(3).normal(size=(16, 2)), np.arange(16) % 2, 2)
    M = np.array([[1.0, 0], [0, -0.5]])
    found = certify_pair(problem, M, *NONE)
    white = whiten(problem)
    assert found.residuals.primal_psd == _negative_part(white.inward(M)) > 1e-3
    assert found.objective > 0


def test_what_cancels_under_a_map_is_summed_up_in_twice_the_precision():
    rng = np.random.default_rng(1)
    far, near = 1e7 * rng.normal(size=16), rng.normal(size=16)
    problem = Problem.from_data(np.column_stack([far, near - far]), np.arange(16) % 2, 2)
    L = np.array([[0.5, 0.5]])
    found = certify_map(problem, L, bound_below(whiten(problem).problem, *NONE), ())
    f = exact_objective(problem, L)
    assert f <= Fraction(found.objective) <= f * (1 + Fraction(1, 10**12))


def test_the_rank_of_a_map_is_that_of_its_rows_that_are_not_zero():
    problem, _ = narrow(2)
    white = whiten(problem).problem
    dual = bound_below(white, *NONE)
    L = np.array([[1.0, 0], [0, 0], [2, 1]])
    found = certify_map(problem, L, dual, (1,))
    assert (found.rank, found.left_out, found.residuals.primal_psd) == (2, (1,), 0)
    again = certificate(problem, bound_above(problem, L), dual, 7, ())
    assert (again.rank, again.left_out, again.residuals.primal_psd) == (7, (), 0)


def test_ranks_and_negative_parts_do_not_depend_on_the_unit():
    L = np.diag([1.0, 1e-4])
    for unit in (1e-9, 1.0, 1e9):
        assert rank_of(unit * np.eye(2)) == 2
        assert rank_of(unit * L) == 1
        assert _negative_part(unit * np.diag([1.0, -0.5])) == pytest.approx(0.5)
    assert rank_of(np.zeros((0, 2))) == 0
    assert _negative_part(np.zeros((2, 2))) == 0


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_relative_gaps_do_not_depend_on_the_unit(unit):
    assert relative_gap(unit, 0.75 * unit) == pytest.approx(0.25)
    assert relative_gap(0.0, 0.0) == 0
    assert relative_gap(np.inf, unit) == relative_gap(unit, -np.inf) == np.inf
