import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmnn_sdp import Problem, certify
from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.problem.planted import plant as planted
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.proof import lower
from lmnn_sdp.proof.certificate import Certificate, Residuals, bound_below, relative_gap
from problems import (
    TOL,
    blobs,
    naive_lower_bound,
    naive_matrices,
    naive_objective,
    naive_triplets,
    noise,
    random_invertible,
    random_psd,
)

seeds = st.integers(0, 2**32 - 1)
NO_MULTIPLIERS = np.empty((0, 3), dtype=int), np.empty(0)

PLANTED = [
    {"seed": 0},
    {"seed": 1, "d": 5, "rank": 3, "n_kinks": 4},
    {"seed": 2, "d": 3, "rank": 1, "n_kinks": 1, "k": 1, "mu": 0.3},
    {"seed": 3, "mu": 0.9},
    {"seed": 4, "d": 6, "rank": 2, "n": 30},
]


@pytest.fixture(params=PLANTED, ids=lambda options: f"seed{options['seed']}")
def plant(request):
    return planted(**request.param)


# The planted optimum satisfies each optimality condition, checked with dense matrices only.


def test_planted_metric_is_psd(plant):
    assert np.linalg.eigvalsh(plant.M)[0] >= -TOL["kkt"] * np.abs(plant.M).max()


def test_planted_multipliers_lie_between_0_and_mu(plant):
    assert plant.alpha.min() >= 0
    assert plant.alpha.max() <= plant.problem.mu


def test_planted_slack_is_psd(plant):
    assert np.linalg.eigvalsh(plant.S)[0] >= -TOL["kkt"] * np.abs(plant.S).max()


def test_planted_point_is_stationary(plant):
    A = naive_matrices(plant.problem.X, plant.triplets)
    gradient = plant.problem.cost - np.einsum("t,tab->ab", plant.alpha, A)
    np.testing.assert_allclose(gradient, plant.S, rtol=0, atol=TOL["kkt"] * np.abs(plant.problem.cost).max())


def test_planted_metric_and_slack_are_complementary(plant):
    assert np.abs(plant.S @ plant.M).max() <= TOL["kkt"] * np.abs(plant.S).max() * np.abs(plant.M).max()


def test_planted_multipliers_fit_the_margins(plant):
    margins = np.einsum("tab,ab->t", naive_matrices(plant.problem.X, plant.triplets), plant.M)
    kink = np.zeros(len(margins), dtype=bool)
    kink[plant.kinks] = True
    inside = (plant.alpha > 0) & (plant.alpha < plant.problem.mu)
    np.testing.assert_allclose(margins[kink], 1, rtol=TOL["kkt"])
    assert np.array_equal(inside, kink)
    assert (plant.alpha[~kink & (margins > 1)] == 0).all()
    assert (plant.alpha[~kink & (margins < 1)] == plant.problem.mu).all()


# The certificate sees it.


def certificate_of(plant):
    return certify(plant.problem, plant.M, plant.triplets, plant.alpha)


def test_gap_is_closed_at_the_planted_optimum(plant):
    found = certificate_of(plant)
    assert found.lower_bound <= plant.optimum <= found.objective
    assert 0 <= found.relative_gap <= TOL["gap"]
    assert found.rank >= np.linalg.matrix_rank(plant.M)


def test_metric_needs_no_repair_at_the_planted_optimum(plant):
    assert certificate_of(plant).residuals.primal_psd <= TOL["kkt"]


def test_multipliers_need_no_repair_at_the_planted_optimum(plant):
    assert certificate_of(plant).residuals.dual_psd <= TOL["kkt"]


@pytest.mark.parametrize("name", ["complementarity", "push_slackness", "margin_slackness"])
def test_residuals_vanish_at_the_planted_optimum(plant, name):
    assert abs(getattr(certificate_of(plant).residuals, name)) <= TOL["kkt"] * plant.optimum


def test_no_metric_is_better_than_the_planted_optimum(plant):
    rng = np.random.default_rng(0)
    d = plant.problem.n_features
    for scale in (1e-6, 1e-3, 1.0):
        for _ in range(20):
            L = psd_factor(plant.M + scale * np.abs(plant.M).max() * random_psd(d, rng, rank=1))
            assert plant.problem.value(L) >= plant.optimum * (1 - TOL["rounding"])


def test_interval_holds_the_planted_optimum_for_perturbed_points(plant):
    rng = np.random.default_rng(1)
    d = plant.problem.n_features
    for size in 10.0 ** np.arange(-16, 3):
        E = rng.normal(size=(d, d))
        M = plant.M + size * np.abs(plant.M).max() * (E + E.T)
        alpha = plant.alpha + size * plant.problem.mu * rng.normal(size=len(plant.alpha))
        found = certify(plant.problem, M, plant.triplets, alpha)
        assert found.lower_bound <= plant.optimum <= found.objective


def test_each_residual_shows_the_condition_that_was_broken():
    plant = planted(0)
    problem, triplets, M, alpha = plant.problem, plant.triplets, plant.M, plant.alpha
    far = np.argmax(problem.margins(psd_factor(M), triplets))
    near = np.argmin(problem.margins(psd_factor(M), triplets))
    indefinite = certify(problem, M - 0.1 * np.abs(M).max() * np.eye(4), triplets, alpha).residuals
    infeasible = certify(problem, M, triplets, np.full(len(alpha), problem.mu)).residuals
    full_rank = certify(problem, M + 0.1 * np.abs(M).max() * np.eye(4), triplets, alpha).residuals
    raised, lowered = alpha.copy(), alpha.copy()
    raised[far] = 1e-3 * problem.mu
    lowered[near] = 0
    assert indefinite.primal_psd > 0.01
    assert infeasible.dual_psd > 0.01
    assert full_rank.complementarity > 0.01
    assert certify(problem, M, triplets, raised).residuals.margin_slackness > 1e-4
    assert certify(problem, M, triplets, lowered).residuals.push_slackness > 0.01


# Any metric, any multipliers.


@given(st.integers(1, 4), seeds)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_three_residuals_add_up_to_the_gap(d, seed):
    problem, rng = noise(20, d, seed=seed), np.random.default_rng(seed)
    M, triplets = random_psd(d, rng, scale=0.2), problem.all_triplets()
    alpha = rng.uniform(-0.5, 1, len(triplets)) * problem.mu
    found = certify(problem, M, triplets, alpha)
    parts = found.residuals
    total = parts.complementarity + parts.push_slackness + parts.margin_slackness
    assert total == pytest.approx(found.absolute_gap, rel=TOL["conditioned"])
    assert min(parts.complementarity, parts.push_slackness, parts.margin_slackness) >= -TOL["rounding"] * total


def tiny(rng):
    """A random problem on a handful of points: Gaussian, on a grid (ties, duplicated points), or badly scaled."""
    d, classes, k = int(rng.integers(1, 5)), int(rng.integers(2, 4)), int(rng.integers(1, 3))
    n = int(rng.integers(max(6, classes * (k + 1)), 15))
    if rng.uniform() < 0.4:
        X, unit = rng.integers(-2, 3, size=(n, d)).astype(float), np.ones(d)
        X[0] += 1  # not all points are equal
    else:
        unit = 10.0 ** rng.uniform(-4, 4, d) if rng.uniform() < 0.3 else np.ones(d)
        X = unit * rng.normal(size=(n, d))
    problem = Problem.from_data(X, np.arange(n) % classes, k, rng.uniform(0.05, 0.95))
    eigenvalues = np.linalg.eigvalsh(problem.pull / np.outer(unit, unit))
    singular = eigenvalues[0] <= 1e-6 * eigenvalues[-1]
    return replace(problem, R=0.1 * n * np.diag(unit**2)) if singular or rng.uniform() < 0.3 else problem


def objectives(problem, metrics):
    """Naive objective of many metrics ``(s, d, d)`` at once."""
    margins = np.einsum("tab,sab->st", naive_matrices(problem.X, naive_triplets(problem)), metrics)
    pull = np.einsum("ab,sab->s", (1 - problem.mu) * problem.pull + problem.R, metrics)
    return pull + problem.mu * np.maximum(0, 1 - margins).sum(axis=1)


@given(seeds)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_lower_bound_is_never_above_any_feasible_value(seed):
    rng = np.random.default_rng(seed)
    problem = tiny(rng)
    d, mu = problem.n_features, problem.mu
    inside, triplets = whiten(problem).problem, naive_triplets(problem)
    unit = 1 / np.trace(problem.cost)
    scales = len(triplets) * unit * 10.0 ** rng.uniform(-3, 1, 40)
    metrics = np.array([random_psd(d, rng, rank=int(rng.integers(0, d + 1)), scale=s) for s in scales])
    best = objectives(problem, metrics).min()
    feasible = 10.0 ** rng.uniform(-4, 0)
    for alpha in (
        mu * rng.uniform(0, 1, len(triplets)),
        mu * (rng.uniform(size=len(triplets)) < feasible),  # 0 or mu, most of them 0
        feasible * mu * rng.uniform(0, 1, len(triplets)),
        10.0 ** rng.uniform(-2, 6) * rng.normal(size=len(triplets)),  # far outside [0, mu]
        np.full(len(triplets), mu),
    ):
        bound = bound_below(inside, triplets, alpha)
        assert 0 <= bound.value <= best
        assert bound.alpha.min() >= 0
        assert bound.alpha.max() <= mu


@given(seeds)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_certified_intervals_of_one_problem_overlap(seed):
    rng = np.random.default_rng(seed)
    problem = tiny(rng)
    d, triplets = problem.n_features, naive_triplets(problem)
    found = []
    for scale in 10.0 ** np.arange(-3.0, 2):
        M = random_psd(d, rng, scale=scale / np.trace(problem.cost) * len(triplets))
        subgradient = problem.mu * (problem.margins(psd_factor(M), triplets) < 1)
        found += [certify(problem, M, triplets, alpha) for alpha in (subgradient, rng.normal(size=len(triplets)))]
    assert max(c.lower_bound for c in found) <= min(c.objective for c in found)
    assert all(one.overlaps(two) for one in found for two in found)


@given(seeds)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_bounds_agree_with_dense_formulas(seed):
    rng = np.random.default_rng(seed)
    problem = noise(14, int(rng.integers(1, 4)), 2, seed=seed, reg=0.1)
    M, triplets = random_psd(problem.n_features, rng, scale=0.2), naive_triplets(problem)
    alpha = 0.1 * rng.normal(size=len(triplets))
    found = certify(problem, M, triplets, alpha)
    lower = naive_lower_bound(problem, triplets, alpha)
    upper = naive_objective(problem, M)
    assert found.lower_bound == pytest.approx(lower, rel=TOL["conditioned"])
    assert found.objective == pytest.approx(upper, rel=TOL["conditioned"])
    assert found.objective >= upper * (1 - TOL["rounding"])
    assert found.active_triplets == len(problem.hinges(psd_factor(M)).triplets)


@pytest.mark.parametrize("distance", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("seed", range(10))
def test_bounds_on_a_line_hold_in_exact_arithmetic(seed, distance):
    # two clouds far apart: rounding of a row is large next to the distances within a cloud
    rng = np.random.default_rng(seed)
    cloud, y = np.arange(16) // 8, np.arange(16) % 2
    problem = Problem.from_data(rng.normal(size=(16, 1)) + distance * cloud[:, None], y, 1)
    triplets = naive_triplets(problem)
    triplets = triplets[cloud[triplets[:, 0]] == cloud[triplets[:, 2]]]
    alpha = rng.uniform(0, problem.mu, len(triplets))
    found = certify(problem, [[1.0]], triplets, alpha)

    x, mu, multipliers = [Fraction(v) for v in problem.X[:, 0]], Fraction(problem.mu), [Fraction(a) for a in alpha]
    pull = (1 - mu) * sum((x[i] - x[j]) ** 2 for i, (j,) in enumerate(problem.targets))
    margins = {(i, j, l): (x[i] - x[l]) ** 2 - (x[i] - x[j]) ** 2 for i, j, l in naive_triplets(problem).tolist()}
    excess = sum(a * margins[tuple(t)] for a, t in zip(multipliers, triplets.tolist(), strict=True)) / pull
    assert excess > 1
    assert Fraction(found.lower_bound) <= sum(multipliers) / excess
    assert Fraction(found.objective) >= pull + mu * sum(max(0, 1 - margin) for margin in margins.values())


def test_bounds_of_feasible_multipliers_lose_rounding_only():
    problem, rng = blobs(), np.random.default_rng(2)
    triplets = problem.all_triplets()
    alpha = 1e-4 * rng.uniform(size=len(triplets))
    found = certify(problem, np.eye(3), triplets, alpha)
    assert found.residuals.dual_psd == 0
    assert found.lower_bound < alpha.sum()
    assert found.lower_bound == pytest.approx(alpha.sum(), rel=TOL["gap"])


def test_an_edge_of_many_triplets_costs_the_others_nothing():
    rng = np.random.default_rng(0)
    n = 3000
    X, y = rng.normal(size=(n, 3)), np.r_[0, 0, np.ones(n - 2, dtype=int)]
    inside = whiten(Problem.from_data(X, y, 1)).problem
    triplets = inside.all_triplets()
    hub = triplets[triplets[:, 0] == 0]  # all with the edge {0, 1}
    assert len(hub) == n - 2
    others = triplets[triplets[:, 0] > 1]
    pushed = [
        next(lower.pushed_of(inside, chosen, np.full(len(chosen), 1e-3))) for chosen in (others, np.r_[others, hub])
    ]
    edge = 1e-3 * len(hub) * np.sum((inside.X[0] - inside.X[1]) ** 2)
    of_hub = 1e-3 * np.sum((inside.X[0] - inside.X[2:]) ** 2) + edge
    few = 200 * 2.0**-53
    assert pushed[1].error <= 1.01 * pushed[0].error + few * of_hub + n * 2.0**-53 * edge


def test_multipliers_are_clipped():
    problem, rng = noise(), np.random.default_rng(3)
    triplets = problem.all_triplets()
    alpha = 10 * rng.normal(size=len(triplets))
    clipped = np.clip(alpha, 0, problem.mu)
    assert certify(problem, np.eye(3), triplets, alpha) == certify(problem, np.eye(3), triplets, clipped)


def test_no_multipliers_prove_zero():
    assert certify(noise(), np.eye(3), *NO_MULTIPLIERS).lower_bound == 0


def test_zero_metric_costs_mu_a_triplet():
    problem = noise(mu=0.25)
    found = certify(problem, np.zeros((3, 3)), *NO_MULTIPLIERS)
    assert found.rank == 0
    assert found.active_triplets == problem.n_triplets
    assert found.objective == pytest.approx(0.25 * problem.n_triplets, rel=TOL["rounding"])


def test_working_sets_bound_the_whole_problem(plant):
    rng = np.random.default_rng(5)
    for _ in range(10):
        part = rng.uniform(size=len(plant.alpha)) < rng.uniform()
        found = certify(plant.problem, plant.M, plant.triplets[part], plant.alpha[part])
        assert found.lower_bound <= plant.optimum


def test_indefinite_metric_is_projected():
    problem = noise()
    found = certify(problem, -np.eye(3), *NO_MULTIPLIERS)
    assert found == replace(certify(problem, np.zeros((3, 3)), *NO_MULTIPLIERS), residuals=found.residuals)
    assert found.residuals.primal_psd == 1


def test_order_of_triplets_does_not_matter():
    problem, rng = noise(), np.random.default_rng(6)
    triplets = problem.all_triplets()
    alpha, order = rng.uniform(size=len(triplets)), rng.permutation(len(triplets))
    one = certify(problem, np.eye(3), triplets, alpha)
    two = certify(problem, np.eye(3), triplets[order], alpha[order])
    assert two.lower_bound == pytest.approx(one.lower_bound, rel=TOL["rounding"])
    assert two.objective == one.objective


@given(seeds)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_relative_gap_is_unchanged_by_invertible_maps(seed):
    problem, rng = noise(20, 3, seed=seed), np.random.default_rng(seed)
    B = random_invertible(3, rng)
    mapped = Problem.from_data(problem.X @ B.T + rng.normal(size=3), problem.y, targets=problem.targets)
    M, triplets = random_psd(3, rng, scale=0.2), problem.all_triplets()
    inverse = np.linalg.inv(B)
    N = inverse.T @ M @ inverse
    alpha = 0.1 * rng.normal(size=len(triplets))
    one = certify(problem, M, triplets, alpha)
    two = certify(mapped, (N + N.T) / 2, triplets, alpha)
    assert two.relative_gap == pytest.approx(one.relative_gap, rel=TOL["conditioned"])
    assert two.lower_bound == pytest.approx(one.lower_bound, rel=TOL["conditioned"])


@pytest.mark.parametrize("units", [1e-6, 1e6])
def test_gap_stays_closed_in_other_units(units):
    plant = planted(0)
    X, R = units * plant.problem.X, plant.problem.R * units**2
    problem = replace(plant.problem, X=X, R=R)
    found = certify(problem, plant.M / units**2, plant.triplets, plant.alpha)
    assert found.relative_gap <= TOL["gap"]


# Arithmetic of the classes.


def interval(lower, upper):
    return Certificate(upper, lower, 0, 0, Residuals(0, 0, 0, 0, 0))


def test_gaps_of_an_interval():
    assert interval(3.0, 4.0).absolute_gap == 1
    assert interval(3.0, 4.0).relative_gap == 0.25
    assert interval(0.0, 0.0).relative_gap == 0


@pytest.mark.parametrize("bounds", [(math.inf, 0.0), (1.0, -math.inf), (math.nan, 0.0)])
def test_gap_is_infinite_when_a_bound_is_missing(bounds):
    assert relative_gap(*bounds) == math.inf


def test_overlap_of_intervals():
    assert interval(1, 2).overlaps(interval(2, 3))
    assert interval(2, 3).overlaps(interval(1, 2))
    assert not interval(1, 2).overlaps(interval(2.5, 3))
    assert not interval(2.5, 3).overlaps(interval(1, 2))


# Wrong arguments.


@pytest.mark.parametrize(
    ("triplets", "alpha", "message"),
    [
        ([[0, 3, 1]], [0.1, 0.2], r"alpha has shape \(2,\); it must be \(1,\)"),
        ([[0, 3, 1]], [[0.1]], r"alpha has shape \(1, 1\)"),
        ([[0, 3, 1]], [np.nan], r"alpha\[0\] is nan"),
        ([[0, 3, 1], [0, 3, 1]], [0.1, 0.1], "lists a triplet twice"),
        ([[0, 2, 1]], [0.1], "j is no target neighbour of i"),
        ([[0, 3, 6]], [0.1], "l has the class of i"),
        ([[0, 3, 99]], [0.1], r"must lie in 0\.\.8"),
        ([[0.0, 3.0, 1.0]], [0.1], "integer row numbers"),
    ],
)
def test_wrong_multipliers_raise(triplets, alpha, message):
    targets = [[(i + 3) % 9] for i in range(9)]
    X = np.random.default_rng(7).normal(size=(9, 2))
    problem = Problem.from_data(X, np.arange(9) % 3, targets=targets)
    with pytest.raises(ValueError, match=message):
        certify(problem, np.eye(2), triplets, alpha)


@pytest.mark.parametrize("M", [np.eye(2), np.ones(3), 1.0, np.ones((1, 3))])
def test_wrong_shape_of_metric_raises(M):
    with pytest.raises(ValueError, match=r"M has shape .*; it must be \(3, 3\)"):
        certify(noise(), M)


def test_triplets_outside_the_working_set_raise():
    # they would bound the whole problem, whose optimum is larger
    problem = noise()
    triplets = problem.all_triplets()
    with pytest.raises(ValueError, match=r"triplets\[5\] = .* is not in the working set"):
        certify(problem.restrict(triplets[:5]), np.eye(3), triplets[:9], np.zeros(9))


def test_singular_pull_raises():
    problem = Problem.from_data([[0.0, 0], [1, 0], [0, 5], [1, 5]], [0, 0, 1, 1], 1)
    with pytest.raises(ValueError, match="pull vanishes"):
        certify(problem, np.eye(2))
