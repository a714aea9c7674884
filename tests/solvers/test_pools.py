"""Steps on random points: the gradient, what each strategy picks, and what is unbiased."""

import numpy as np
import pytest

from lmnn_sdp import solve
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.stochastic import STRATEGIES, Batch, Pool, best_multipliers, gradient
from problems import TOL, noise

PROBLEM = noise(n=30, d=3, reg=0.2)
L = 0.7 * np.random.default_rng(0).normal(size=(2, 3))
EVERYONE = np.arange(30)


def pool(points, seed=0):
    return Pool(PROBLEM, L, points, np.random.RandomState(seed))


def hinge(rows):
    return 1 - PROBLEM.margins(L, rows)


def test_the_gradient_is_that_of_finite_differences():
    batch = STRATEGIES["pool"](pool(EVERYONE))
    slope = gradient(PROBLEM, L, batch)
    step = np.random.default_rng(1).normal(size=L.shape)
    change = (PROBLEM.value(L + 1e-6 * step) - PROBLEM.value(L - 1e-6 * step)) / 2e-6
    assert np.sum(slope * step) == pytest.approx(change, rel=TOL["gradient"])


def test_a_pool_of_all_points_holds_all_hinges():
    batch = STRATEGIES["pool"](pool(EVERYONE))
    found = PROBLEM.hinges(L).triplets
    assert np.array_equal(np.sort(PROBLEM.keys(batch.triplets)), np.sort(PROBLEM.keys(found)))
    assert np.all(batch.weights == 1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_picked_are_hinges_of_the_pool(strategy):
    points = np.random.default_rng(2).permutation(30)[:18]
    batch = STRATEGIES[strategy](pool(points))
    assert len(batch.triplets) == len(np.unique(PROBLEM.keys(batch.triplets))) > 0
    assert PROBLEM.counts(batch.triplets).all()
    assert np.all(hinge(batch.triplets) > 0)
    assert np.isin(batch.triplets[:, 0], points).all()
    assert strategy == "random" or np.isin(batch.triplets[:, 2], points).all()


@pytest.mark.parametrize(("strategy", "largest"), [("hard", np.inf), ("semi-hard", 1.0)])
def test_mined_impostors_are_the_nearest_of_their_kind(strategy, largest):
    everything = PROBLEM.hinges(L)
    expected = {}
    for (i, j, l), value in zip(everything.triplets.tolist(), everything.values, strict=True):
        if value < largest and value > expected.get((i, j), (0.0, l))[0]:
            expected[i, j] = (value, l)
    found = {(i, j): l for i, j, l in STRATEGIES[strategy](pool(EVERYONE)).triplets.tolist()}
    assert found == {pair: l for pair, (_, l) in expected.items()}


def test_distance_weighted_draws_one_a_pair_and_not_always_the_same():
    draws = [STRATEGIES["distance-weighted"](pool(EVERYONE, seed)).triplets for seed in range(2)]
    pairs = [sorted(map(tuple, rows[:, :2].tolist())) for rows in draws]
    assert pairs[0] == pairs[1] == sorted(set(pairs[0]))
    assert not np.array_equal(*draws)


@pytest.mark.parametrize(("strategy", "repeats"), [("pool", 2000), ("random", 4000)])
def test_unbiased_strategies_have_the_push_as_their_mean(strategy, repeats):
    rng = np.random.default_rng(3)
    sums = []
    for seed in range(repeats):
        batch = STRATEGIES[strategy](pool(rng.permutation(30)[:10], seed))
        sums.append(float(batch.weights @ hinge(batch.triplets)))
    assert abs(np.mean(sums) - PROBLEM.terms(L).push) < 4 * np.std(sums) / np.sqrt(repeats)


def test_a_pool_without_impostors_leaves_the_linear_term():
    one_class = np.flatnonzero(PROBLEM.codes == 0)
    for strategy in set(STRATEGIES) - {"random"}:
        batch = STRATEGIES[strategy](pool(one_class))
        assert np.allclose(gradient(PROBLEM, L, batch), 2 * L @ PROBLEM.cost)
    none = Batch(np.empty((0, 3), dtype=np.intp), np.empty(0))
    assert np.allclose(gradient(PROBLEM, L, none), 2 * L @ PROBLEM.cost)


def test_the_bound_of_one_pass_is_below_the_optimum():
    white = whiten(PROBLEM)
    solution = solve(PROBLEM, tol=1e-6)
    for factor in (solution.L @ white.V, L @ white.V):
        assert best_multipliers(white.problem, factor).value <= solution.objective
    assert best_multipliers(white.problem, solution.L @ white.V).value > 0.5 * solution.objective
