"""The parts of both bounds on whole numbers, and with errors so large that each allowance shows."""

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg
from exact import exact_objective, exact_slack, is_psd

from lmnn_sdp import Problem, certify
from lmnn_sdp.numerics.accurate import TINY, U, gamma
from lmnn_sdp.numerics.linalg import scatter_roundings
from lmnn_sdp.problem.coordinates import Coordinates
from lmnn_sdp.proof import lower, upper
from lmnn_sdp.proof.certificate import _negative_part, bounds_at_zero, rank_of
from lmnn_sdp.proof.lower import Weighted, bound_below, merged, weighted_costs
from lmnn_sdp.proof.upper import bound_above
from problems import naive_matrices, raised_pulls

REG = np.array([[3.0, 1, 0], [1, 2, 0], [0, 0, 1]])
L = np.array([[1.0, -1, 2], [0, 2, 1]]) / 4


def grid(reg=REG, mu=0.25, **options):
    X = np.random.default_rng(0).integers(-4, 5, size=(12, 3)).astype(float)
    return replace(Problem.from_data(X, np.arange(12) % 3, 2, mu, reg=reg), **options)


def known(errors=0.0, **more):
    """Coordinates of `grid` that are the data themselves, up to errors."""
    return Coordinates(grid().X, np.broadcast_to(errors, 12), np.eye(3), **more)


def pushed_by(problem, triplets, alpha):
    return np.einsum("t,tab->ab", alpha, naive_matrices(problem.X, triplets))


# The lower bound.


def test_feasible_multipliers_are_kept_as_they_are():
    problem = grid()
    triplets = problem.all_triplets()[::7]
    alpha = 2.0**-8 * np.arange(len(triplets))
    found = bound_below(problem, triplets, alpha)
    order = np.argsort(problem.keys(triplets))
    assert np.array_equal(found.alpha, alpha[order])
    assert np.array_equal(found.triplets, triplets[order])
    assert found.value == np.nextafter(alpha.sum(), 0)
    assert found.excess == 0


@pytest.mark.parametrize("size", [0.25, 1.0, 4.0])
def test_multipliers_are_scaled_to_the_largest_eigenvalue_and_no_further(size):
    problem = grid()
    triplets = problem.all_triplets()
    alpha = np.random.default_rng(1).uniform(0, size, len(triplets))
    clipped = np.minimum(alpha, problem.mu)
    top = scipy.linalg.eigh(pushed_by(problem, triplets, clipped), problem.cost, eigvals_only=True)[-1]
    assert top > 1
    found = bound_below(problem, triplets, alpha)
    assert found.excess == pytest.approx(top - 1, rel=1e-10)
    assert found.value == pytest.approx(clipped.sum() / top, rel=1e-11)
    assert Fraction(found.value) < sum(map(Fraction, found.alpha.tolist()))
    assert is_psd(exact_slack(problem, found.triplets, found.alpha))
    order = np.argsort(problem.keys(triplets))
    np.testing.assert_allclose(found.alpha, clipped[order] / top, rtol=1e-11)


def test_a_cost_that_is_not_definite_proves_zero_or_nothing():
    singular = replace(grid(0.0), X=grid().X * [1, 1, 0])
    indefinite = grid(-1e3 * REG)
    triplets = singular.all_triplets()[:3]
    for problem, value in ((singular, 0.0), (indefinite, -math.inf)):
        found = bound_below(problem, triplets, np.zeros(3))
        assert (found.value, found.excess) == (value, 0)
        assert np.array_equal(found.alpha, np.zeros(3))
        assert found.triplets is not None


def test_where_errors_outweigh_the_cost_multipliers_are_given_up():
    problem = grid(0.0)
    triplets, alpha = problem.all_triplets(), np.full(problem.n_triplets, 0.2)
    top = scipy.linalg.eigh(pushed_by(problem, triplets, alpha), problem.cost, eigvals_only=True)[-1]
    cost = weighted_costs(problem)[0]
    found = bound_below(problem, triplets, alpha, (replace(cost, error=np.trace(cost.matrix)),))
    assert found.value == 0
    assert np.array_equal(found.alpha, np.zeros(len(alpha)))
    assert np.array_equal(np.sort(problem.keys(found.triplets)), np.sort(problem.keys(triplets)))
    assert found.excess == pytest.approx(top - 1, rel=1e-10)


def test_a_cost_that_is_handed_over_is_taken():
    problem = grid()
    triplets = problem.all_triplets()[::7]
    alpha = 2.0**-8 * np.arange(len(triplets))
    cost = weighted_costs(problem)[0]
    plain, handed = bound_below(problem, triplets, alpha), bound_below(problem, triplets, alpha, (cost,))
    assert (plain.value, plain.excess) == (handed.value, handed.excess)
    negative = replace(cost, matrix=-cost.matrix)
    assert bound_below(problem, triplets, alpha, (negative,)).value == -math.inf
    # an error of a part of the cost costs the bound about that part: it is no more than what the eigenvalue leaves
    lowest = np.linalg.eigvalsh(problem.cost)[0]
    wide = replace(cost, error=0.01 * lowest)
    many = np.full(problem.n_triplets, 0.2)
    narrow = bound_below(problem, problem.all_triplets(), many).value
    assert 0.97 * narrow < bound_below(problem, problem.all_triplets(), many, (wide,)).value < narrow


def test_no_multipliers_prove_exactly_zero():
    problem = grid()
    found = bound_below(problem, np.empty((0, 3), dtype=np.intp), np.empty(0))
    assert (found.value, found.excess) == (0, 0)
    assert found.alpha.shape == (0,)
    for bound in bounds_at_zero(problem)[1:]:
        assert (bound.value, bound.excess, len(bound.alpha), bound.triplets.shape) == (-math.inf, 0, 0, (0, 3))
    above, below = bounds_at_zero(grid(1.0))
    assert below.value == 0
    assert above.objective == pytest.approx(0.25 * problem.n_triplets, rel=1e-14)
    assert above.L.shape == (0, 3)


def test_multipliers_of_one_triplet_are_joined_and_clipped():
    problem = grid()
    all_ = problem.all_triplets()
    one, two, three = all_[np.argsort(problem.keys(all_))][:3]
    triplets, alpha = merged(problem, np.array([three, one, three, two]), np.array([0.1, -1, 0.125, 0.3]))
    assert triplets.tolist() == [one.tolist(), two.tolist(), three.tolist()]
    assert alpha.tolist() == [0, 0.25, 0.225]
    listed = np.array([one, two, three])
    triplets, alpha = merged(problem, listed, np.array([-1, 0.2, 0.3]))
    assert triplets is listed
    assert alpha.tolist() == [0, 0.2, 0.25]


def test_sums_over_edges_are_exact_on_whole_numbers():
    problem = grid()
    triplets = problem.all_triplets()[::3]
    alpha = 2.0**-8 * np.arange(len(triplets))
    cost, pushed = weighted_costs(problem)[0], next(lower.pushed_of(problem, triplets, alpha))
    assert np.array_equal(cost.matrix, 0.75 * problem.pull + REG)
    assert np.array_equal(pushed.matrix, pushed_by(problem, triplets, alpha))
    assert (cost.coupling, cost.outside, pushed.coupling, pushed.outside) == (0, 0, 0, 0)


def edges_of(problem, triplets, alpha):
    """Weight of each edge, and the sum of the sizes of its terms."""
    weights, sizes = {}, {}
    for (i, j, l), multiplier in zip(triplets.tolist(), alpha.tolist(), strict=True):
        for a, b, sign in ((i, l, 1), (i, j, -1)):
            edge = min(a, b), max(a, b)
            weights[edge] = weights.get(edge, 0) + sign * multiplier
            sizes[edge] = sizes.get(edge, 0) + multiplier
    return weights, sizes


def test_a_sum_over_edges_pays_for_the_errors_of_both_ends():
    e = np.random.default_rng(2).uniform(0.1, 1, 12)
    problem = grid(coordinates=known(e, penalty_error=7.0))
    X, triplets = problem.X, problem.all_triplets()[::3]
    alpha = 2.0**-8 * np.arange(len(triplets))

    def worst(a, b):
        z, h = np.linalg.norm(X[a] - X[b]), e[a] + e[b]
        return 2 * z * h + h**2

    pulled = 0.75 * sum(worst(i, j) for i, targets in enumerate(problem.targets) for j in targets) + 7
    assert pulled <= weighted_costs(problem)[0].error <= pulled * (1 + 1e-12)
    weights, _ = edges_of(problem, triplets, alpha)
    pushed = sum(abs(weight) * worst(*edge) for edge, weight in weights.items())
    assert pushed <= next(lower.pushed_of(problem, triplets, alpha)).error <= pushed * (1 + 1e-12)


def test_a_sum_over_edges_pays_for_its_own_roundings():
    problem = grid(0.0)
    triplets = problem.all_triplets()
    alpha = np.random.default_rng(3).uniform(0, 0.25, len(triplets))
    weights, sizes = edges_of(problem, triplets, alpha)
    squared = {edge: float(np.sum((problem.X[edge[0]] - problem.X[edge[1]]) ** 2)) for edge in weights}
    most = max(np.unique([(min(a, b), max(a, b)) for i, j, l in triplets for a, b in ((i, l), (i, j))],
                         axis=0, return_counts=True)[1])  # fmt: skip
    roundings = scatter_roundings(len(weights)) + int(most)
    moved = sum((2 + U) * U * abs(weights[edge]) * squared[edge] for edge in weights)
    size = sum(sizes[edge] * squared[edge] for edge in weights)
    error = next(lower.pushed_of(problem, triplets, alpha)).error
    assert moved + gamma(roundings) * size < error < moved + gamma(roundings + 20) * size
    pulls = float(np.sum((problem.X[:, None] - problem.X[problem.targets]) ** 2))
    error = weighted_costs(problem)[0].error
    steps = scatter_roundings(problem.targets.size)
    size = 4 * U * np.linalg.norm(problem.pull)
    low, high = (0.75 * (2 * U + gamma(steps + more)) * pulls + size for more in (0, 20))
    assert low < error < high


def test_what_lies_outside_of_the_range_of_a_map_is_summed_up():
    rng = np.random.default_rng(4)
    outside, reach = rng.uniform(0, 1, 12), rng.uniform(1, 9, 12)
    problem = grid(coordinates=known(outside=outside, reach=reach, stretch=1.0, floor=1.0))
    triplets = problem.all_triplets()[::3]
    alpha = 2.0**-8 * np.arange(len(triplets))
    weights, _ = edges_of(problem, triplets, alpha)
    pairs = [(i, j) for i, targets in enumerate(problem.targets.tolist()) for j in targets]
    for found, edges in (
        (weighted_costs(problem)[0], dict.fromkeys(range(24), 1.0)),
        (next(lower.pushed_of(problem, triplets, alpha)), weights),
    ):
        ends = pairs if len(edges) == 24 and 0 in edges else list(edges)
        sizes = [abs(weight) for weight in edges.values()]
        beyond = [outside[a] + outside[b] for a, b in ends]
        within = [reach[a] + reach[b] for a, b in ends]
        coupling = sum(w * o * r for w, o, r in zip(sizes, beyond, within, strict=True))
        squares = sum(w * o**2 for w, o in zip(sizes, beyond, strict=True))
        assert coupling <= found.coupling * (1 + 1e-15) <= coupling * (1 + 1e-12)
        assert squares <= found.outside * (1 + 1e-15) <= squares * (1 + 1e-12)


def proved(matrix, pushed=0.0, scale=0.5, coordinates=None, **parts):
    """Whether S is proved, for multiples of the identity and errors of both sums."""
    names = ("error", "coupling", "outside")
    sums = [Weighted(size * np.eye(2), *(parts.get(f"{kind}_{name}", 0.0) for name in names))
            for kind, size in (("cost", matrix), ("pushed", pushed))]  # fmt: skip
    return lower._proved(replace(grid(), coordinates=coordinates), *sums, scale)


def test_the_slack_has_to_exceed_its_error_and_the_coupling_to_what_lies_outside():
    more, less = 1 + 1e-6, 1 - 1e-6
    assert proved(1.0, 2 * less)
    assert not proved(1.0, 2 * more)
    assert proved(more, cost_error=1.0)
    assert not proved(less, cost_error=1.0)
    assert proved(more, pushed_error=2.0)
    assert not proved(less, pushed_error=2.0)
    beyond = known(outside=np.zeros(12), reach=np.zeros(12), stretch=3.0, floor=5.0)
    parts = {"cost_coupling": 1.5, "pushed_coupling": 0.5, "cost_outside": 1.0, "pushed_outside": 2.0}
    least = 2**2 * 3**2 / (5 - 3)
    assert proved(least * more, coordinates=beyond, **parts)
    assert not proved(least * less, coordinates=beyond, **parts)
    assert not proved(1e9, coordinates=replace(beyond, floor=3.0), **parts)
    assert not proved(1e9, coordinates=replace(beyond, floor=2.0), **parts)


# The upper bound.


@pytest.mark.parametrize("accurate", [False, True])
@pytest.mark.parametrize("reg", [0.0, 2.0, REG])
def test_the_objective_of_a_map(reg, accurate):
    problem = grid(reg)
    found = bound_above(problem, L, accurate=accurate)
    f = exact_objective(problem, L)
    assert f < Fraction(found.objective) < f * (1 + Fraction(1, 10**12))
    hinges = problem.hinges(L)
    assert found.terms.active == len(hinges.values)
    assert found.terms.push == pytest.approx(hinges.values.sum(), rel=1e-12)
    assert found.terms.pull == pytest.approx(problem.terms(L).pull, rel=1e-12)
    assert found.L is L
    assert found.near is None


def test_the_same_pass_lists_hinges_within_a_slack():
    problem = grid()
    found = bound_above(problem, L, 0.5)
    near = problem.hinges(L, 0.5)
    order, true = np.argsort(problem.keys(found.near.triplets)), np.argsort(problem.keys(near.triplets))
    assert np.array_equal(found.near.triplets[order], near.triplets[true])
    np.testing.assert_allclose(found.near.values[order], near.values[true], atol=1e-12)
    assert found.near.values.min() < 0
    plain = bound_above(problem, L)
    assert found.objective == pytest.approx(plain.objective, rel=1e-14)
    assert found.terms.active == plain.terms.active


@pytest.mark.parametrize("slack", [None, 0.5])
def test_a_map_of_zeros_costs_mu_a_triplet(slack):
    problem = grid()
    found = bound_above(problem, np.zeros((2, 3)), slack)
    count = problem.n_triplets
    assert 0.25 * count <= found.objective <= 0.25 * count * (1 + 1e-15)
    assert (found.terms.pull, found.terms.push, found.terms.active) == (0, count, count)
    assert (found.near is None) == (slack is None)
    if slack is not None:
        assert len(found.near.values) == count


def test_a_map_that_overflows_has_no_bound():
    problem = grid()
    found = bound_above(problem, L * 1e308, accurate=True)
    assert found.objective == math.inf
    assert (found.terms.pull, found.terms.push, found.terms.active) == (math.inf, math.inf, problem.n_triplets)
    assert found.near is None


def test_errors_of_the_points_pass_through_the_map():
    e = np.random.default_rng(5).uniform(0, 1, 12)
    plain = upper._image(grid(), L, False)
    found = upper._image(grid(coordinates=known(e)), L, False)
    assert np.array_equal(found.V, plain.V)
    np.testing.assert_allclose(found.errors, plain.errors + np.linalg.norm(L) * e, rtol=1e-12)
    assert np.all(found.errors >= np.linalg.norm(L) * e)
    assert np.array_equal(upper._image(grid(), L, True).V, (grid().X - np.median(grid().X, axis=0)) @ L.T)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [1e-3, 0.02, 0.5])
def test_raised_pulls_make_up_for_errors_of_all_three_points(size, seed):
    problem, rng = grid(), np.random.default_rng(seed)
    V = rng.normal(size=(12, 2))
    e = size * rng.uniform(size=12)
    e[0] *= 100.0 * (seed % 2)  # unusual, or none
    V[0] *= 100.0**seed
    pulls, raised = raised_pulls(V, e, problem)
    away = np.linalg.norm(V[:, None] - V, axis=2)
    for i, targets in enumerate(problem.targets.tolist()):
        for place, j in enumerate(targets):
            worst = (away[i, j] + e[i] + e[j]) ** 2
            assert worst <= pulls[i, place] <= worst * (1 + 1e-12)
            for l in np.flatnonzero(problem.codes != problem.codes[i]).tolist():
                hinge = 1 + worst - max(0.0, away[i, l] - e[i] - e[l]) ** 2
                assert hinge <= max(0.0, 1 + raised[i, place] - away[i, l] ** 2)


def test_the_allowance_is_the_formula():
    reach, e, sizes = (np.random.default_rng(6).uniform(0.5, 2, 9) for _ in range(3))
    for kappa, e0, g in itertools.product((0.0, 0.1, 0.4), (0.0, 0.3), (0.0, 0.05)):
        rho = (reach + e + kappa * sizes + e0) / (1 - kappa - g)
        q = 2 * rho * (e + kappa * (sizes + rho) + e0 + g * rho)
        found = upper._allowance(reach, e, sizes, kappa, e0, g)
        assert np.all((q <= found) & (found <= q * (1 + 1e-13)))
    assert np.all(upper._allowance(reach, e, sizes, 0.5, 0.0, 0.0) == np.inf)
    assert np.all(upper._allowance(reach, e, sizes, 0.4, 0.0, 0.1) == np.inf)


def test_raised_pulls_are_the_formula():
    problem, rng = grid(), np.random.default_rng(7)
    V, e = rng.normal(size=(12, 2)), 0.01 * rng.uniform(size=12)
    V[0], e[0] = 50.0, 1.0  # an error beyond sixteen times the median, which its size explains
    a = 0.1 * rng.uniform(size=12)
    pulls, raised = raised_pulls(V, e, problem, a)
    i, j = problem.target_pairs()
    apart = np.linalg.norm(V[i] - V[j], axis=1) + e[i] + e[j]
    p = (apart**2 + (a[i] + a[j]) ** 2).reshape(12, 2)
    np.testing.assert_allclose(pulls, p, rtol=1e-12)
    others = (a + a.max()) ** 2
    sizes, reach = np.linalg.norm(V, axis=1), np.sqrt(1 + p.max(axis=1) + others)
    usual = 16 * np.median(e)
    q = [upper._allowance(reach, e, sizes, kappa, e0, 0.0) for kappa, e0 in ((0, 1.0), (1.0 / sizes[0], usual))]
    assert np.any(q[1] < q[0])
    np.testing.assert_allclose(raised, p + (others + np.minimum(*q))[:, None], rtol=1e-12)


def test_departures_bound_what_another_matrix_does_to_distances():
    problem, rng = grid(), np.random.default_rng(8)
    E = 1e-3 * rng.normal(size=(3, 3))
    M = L.T @ L + E + E.T
    a = upper._departures(M, L, problem)
    centred = np.abs(problem.X - np.median(problem.X, axis=0))
    unit = 2.0 ** (np.floor(np.log2(centred.max(axis=0))) + 1)
    eps = np.max(np.abs((M - L.T @ L) * unit * unit[:, None]))
    np.testing.assert_allclose(a, np.sqrt(eps) * np.sum(centred / unit, axis=1), rtol=1e-11)
    for i, l in itertools.combinations(range(12), 2):
        x = problem.X[i] - problem.X[l]
        assert abs(x @ (E + E.T) @ x) <= (a[i] + a[l]) ** 2
    # of the product itself only its rounding is left
    assert 0 < upper._departures(L.T @ L, L, problem).max() < 1e-6
    found = bound_above(problem, L, given=M)
    true = sum(
        0.75 * ((x := problem.X[i] - problem.X[j]) @ M @ x) for i, row in enumerate(problem.targets) for j in row
    )
    assert found.objective > true + float(np.sum(REG * M))


def test_the_linear_term():
    M = L.T @ L
    assert upper._linear(np.zeros((3, 3)), L, None) == 0
    true = float(np.sum(REG * M))
    size = float(np.sum(np.abs(L) @ REG * np.abs(L)))
    assert true + 40 * U * size < upper._linear(REG, L, None) < true + 100 * U * size
    assert true + 9 * U * np.sum(REG * np.abs(M)) < upper._linear(REG, L, M) < true + 20 * U * np.sum(REG * np.abs(M))
    assert upper._linear(REG, L, 2 * M) == pytest.approx(2 * true, rel=1e-14)


# The certificate joins them.


def test_residuals_are_those_of_the_definitions():
    problem = grid()
    triplets = problem.all_triplets()[::3]
    alpha = np.random.default_rng(9).uniform(0, 0.02, len(triplets))
    M = L.T @ L + np.diag([0.5, 0, 0])
    found = certify(problem, M, triplets, alpha)
    assert found.residuals.dual_psd == 0
    margins = np.einsum("tab,ab->t", naive_matrices(problem.X, problem.all_triplets()), M)
    listed = np.zeros(len(margins))
    listed[::3] = alpha
    xi = np.maximum(0, 1 - margins)
    S = problem.cost - pushed_by(problem, triplets, alpha)
    assert found.residuals.complementarity == pytest.approx(np.sum(S * M), rel=1e-9)
    assert found.residuals.push_slackness == pytest.approx(np.sum((0.25 - listed) * xi), rel=1e-9)
    assert found.residuals.margin_slackness == pytest.approx(np.sum(listed * np.maximum(0, margins - 1)), rel=1e-9)
    assert found.residuals.primal_psd <= 1e-15
    assert found.rank == 3
    assert np.sum(margins < 1) <= found.active_triplets <= np.sum(margins <= 1)
    assert found.objective == pytest.approx(np.sum(problem.cost * M) + 0.25 * xi.sum(), rel=1e-12)
    assert found.lower_bound == pytest.approx(alpha.sum(), rel=1e-12)
    assert found.left_out == ()


def test_ranks_and_negative_parts():
    assert rank_of(np.diag([1.0, 1.001e-3, 0.999e-3, 0])) == 2
    assert rank_of(np.zeros((2, 3))) == 0
    assert rank_of(np.zeros((0, 3))) == 0
    assert rank_of(np.array([[3.0, 4], [0.8, -0.6]])) == 2
    assert _negative_part(np.diag([4.0, -1])) == pytest.approx(0.25)
    assert _negative_part(np.diag([1.0, -4])) == pytest.approx(1.0)
    assert _negative_part(np.diag([4.0, 1])) == 0
    assert _negative_part(np.zeros((2, 2))) == 0
    assert TINY > 0
