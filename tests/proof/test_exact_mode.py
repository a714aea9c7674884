"""The exact mode against the judge of the tests, which shares no line with it."""

from fractions import Fraction

import numpy as np
import pytest
from exact import exact, exact_objective, exact_slack
from exact import is_psd as judged_psd

from lmnn_sdp import Problem, certify, solve
from lmnn_sdp.proof import exact as exact_mode
from lmnn_sdp.proof.exact import exact_of_map, is_psd
from problems import blobs, noise, random_psd


def neighbours(value):
    """The floats on both sides of a rational number, or itself."""
    near = float(value)
    below = near if Fraction(near) <= value else float(np.nextafter(near, -np.inf))
    above = near if Fraction(near) >= value else float(np.nextafter(near, np.inf))
    return below, above


@pytest.fixture(scope="module")
def solved():
    problem = noise(n=20, d=3)
    return problem, solve(problem, tol=1e-8)


@pytest.mark.parametrize("reg", [0.0, 0.1, [[2.0, 1, 0], [1, 1, 0], [0, 0, 3]]])
def test_the_interval_of_a_solution_is_that_of_the_definitions(reg):
    problem = noise(n=16, d=3, reg=reg)
    solution = solve(problem, tol=1e-6)
    found = exact_of_map(problem, solution.L, solution.triplets, solution.alpha)
    assert found.objective == neighbours(exact_objective(problem, solution.L))[1]
    assert found.lower_bound == neighbours(sum(map(Fraction, solution.alpha.tolist())))[0]
    assert found.scale == 1
    assert found.objective <= solution.objective
    assert found.lower_bound >= solution.lower_bound


def test_certify_in_exact_mode(solved):
    problem, solution = solved
    L = np.diag([1.0, 2.0, 0.25])  # so that L'L is exact
    plain = certify(problem, L.T @ L, solution.triplets, solution.alpha)
    found = certify(problem, L.T @ L, solution.triplets, solution.alpha, exact=True)
    assert found.objective == neighbours(exact_objective(problem, L))[1]
    assert plain.lower_bound <= found.lower_bound <= found.objective <= plain.objective
    assert found.residuals == plain.residuals


def test_certify_solves_where_no_multipliers_are_given(solved):
    problem, solution = solved
    found = certify(problem, np.eye(3), exact=True, tol=1e-8)
    assert found.lower_bound == pytest.approx(solution.lower_bound, rel=1e-7)


def test_multipliers_are_scaled_until_the_slack_is_exactly_definite(solved):
    problem, solution = solved
    too_large = np.minimum(1.5 * solution.alpha, problem.mu)
    found = exact_of_map(problem, solution.L, solution.triplets, too_large)
    assert 0 < found.scale < 1
    scaled = [Fraction(found.scale) * Fraction(value) for value in too_large.tolist()]
    S = exact_slack_of(problem, solution.triplets, scaled)
    assert judged_psd(S)
    assert not judged_psd(exact_slack(problem, solution.triplets, too_large))
    assert found.lower_bound == neighbours(sum(scaled))[0]


def exact_slack_of(problem, triplets, alpha):
    """S for rational multipliers: that of alpha = 0 less their part of it, which is linear."""
    zero = exact_slack(problem, triplets, np.zeros(len(alpha)))
    S = [list(row) for row in zero]
    for row, multiplier in zip(triplets, alpha, strict=True):
        one = exact_slack(problem, row[None], np.ones(1))
        for a in range(len(S)):
            for b in range(len(S)):
                S[a][b] += multiplier * (one[a][b] - zero[a][b])
    return S


def test_a_cost_that_is_not_psd_proves_nothing():
    problem = noise(n=12, d=2, reg=[[-1e6, 0.0], [0, 1]])
    found = exact_of_map(problem, np.eye(2), np.empty((0, 3), dtype=int), np.empty(0))
    assert found.lower_bound == -np.inf


@pytest.mark.parametrize("seed", range(20))
def test_definiteness_is_what_elimination_finds(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 6))
    L = rng.integers(-3, 4, (int(rng.integers(1, d + 1)), d)).astype(float)
    for shift in (0.0, -(2.0**-40), 2.0**-40):
        S = L.T @ L + shift * np.eye(d)  # exact
        assert is_psd(exact_mode._rational(S)) == judged_psd(exact(S))


def test_a_matrix_that_is_nearly_psd_is_refused_with_the_direction(solved):
    problem, solution = solved
    M = random_psd(3, np.random.default_rng(0), rank=1)
    M = (M + M.T) / 2 - 1e-9 * np.eye(3)
    with pytest.raises(
        ValueError, match=r"M is not exactly PSD: a direction v has v'Mv = -1e-09 \|v\|\^2; add a little"
    ):
        certify(problem, M, solution.triplets, solution.alpha, exact=True)
    certify(problem, M + 2e-9 * np.eye(3), solution.triplets, solution.alpha, exact=True)


def test_what_takes_minutes_is_refused():
    rng = np.random.default_rng(0)
    large = Problem.from_data(rng.normal(size=(4000, 2)), np.arange(4000) % 2, 1)
    with pytest.raises(ValueError, match=r"4,000 points, 2 features and 8,000,000 triplets are too many .* --points N"):
        certify(large, np.eye(2), exact=True)
    wide = blobs(n=12, d=101)
    with pytest.raises(ValueError, match=r"12 points, 101 features .* 100 features"):
        certify(wide, np.eye(101), exact=True)
    problem = noise(n=12, d=2)
    with pytest.raises(ValueError, match="restricted to a working set, but exact arithmetic takes all triplets"):
        certify(problem.restrict(problem.all_triplets()[:3]), np.eye(2), exact=True)


def test_without_python_flint_it_says_what_to_install(solved, monkeypatch):
    monkeypatch.setattr(exact_mode, "flint", None)
    with pytest.raises(ValueError, match=r'needs python-flint; install it with pip install "lmnn-sdp\[exact\]"'):
        certify(solved[0], np.eye(3), exact=True)


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(-1, 3), Fraction(1, 2), Fraction(0), Fraction(10) ** 400])
def test_rounding_goes_outwards(value):
    below, above = exact_mode._rounded(value, -np.inf), exact_mode._rounded(value, np.inf)
    assert below <= value <= above
    assert above == np.inf or Fraction(above) - Fraction(below) <= abs(value) * Fraction(2) ** -51
