"""Stochastic descent as scikit-learn uses it: its own checks, a map near the optimum, and what is proved of it."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import LMNN, Problem, StochasticLMNN
from lmnn_sdp.solvers.stochastic import STRATEGIES

IRIS, SPECIES = load_iris(return_X_y=True)
WINE, CULTIVARS = StandardScaler().fit_transform(load_wine().data), load_wine().target


@parametrize_with_checks([StochasticLMNN(max_iter=30), StochasticLMNN(strategy="hard", max_iter=30, judge="sample")])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("pool_size", [None, 100])
def test_pools_lead_near_the_optimum(pool_size):
    model = StochasticLMNN(pool_size=pool_size, judge="solve", random_state=0).fit(WINE, CULTIVARS)
    exact = LMNN().fit(WINE, CULTIVARS)
    assert exact.lower_bound_ <= model.objective_
    assert model.relative_gap_ < 0.02
    assert model.relative_gap_ == pytest.approx(1 - model.lower_bound_ / model.objective_)
    assert model.n_iter_ == 500


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_pass_proves_an_interval_that_holds_the_optimum(strategy):
    model = StochasticLMNN(strategy=strategy, pool_size=60, max_iter=100, random_state=0).fit(IRIS, SPECIES)
    exact = LMNN(tol=1e-6).fit(IRIS, SPECIES)
    assert 0 < model.lower_bound_ <= exact.objective_
    assert exact.lower_bound_ <= model.objective_
    whole = Problem.from_data(IRIS, SPECIES).objective(model.get_mahalanobis_matrix())
    assert model.objective_ == pytest.approx(whole, rel=1e-9)
    assert model.interval_ is None


def test_a_sample_tells_an_interval_and_proves_nothing():
    model = StochasticLMNN(max_iter=100, judge="sample", random_state=0).fit(WINE, CULTIVARS)
    assert model.interval_.lower <= model.objective_ == model.interval_.estimate <= model.interval_.upper
    assert (model.lower_bound_, model.relative_gap_) == (0, 1)


@pytest.mark.parametrize("unit", [1e100, 1e-150])
def test_the_unit_has_no_say(unit):
    points, labels = np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 2
    model, plain = (StochasticLMNN(random_state=0).fit(points * one, labels) for one in (unit, 1.0))
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-3)  # steps wander as rounding has it


def test_the_same_seed_gives_the_same_map():
    one, same, other = (
        StochasticLMNN(pool_size=50, max_iter=20, random_state=seed).fit(IRIS, SPECIES).components_
        for seed in (0, 0, 1)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "hardest"}, "strategy='hardest' is unknown; use 'pool', 'random', 'hard', 'semi-hard', 'dist"),
        ({"strategy": None}, "strategy=None is unknown"),
        ({"judge": "eye"}, "judge='eye' is unknown; use 'pass', 'solve', 'sample'"),
        ({"pool_size": 151}, r"pool_size=151 must be .* from 2 to the number of points \(150\); lower it, or use None"),
        ({"pool_size": 1}, "pool_size=1 must be an integer from 2"),
        ({"max_iter": 0}, "max_iter=0 must be an integer >= 1"),
        ({"max_iter": None}, "max_iter=None must be an integer >= 1: the step length"),
        ({"learning_rate": 0}, "learning_rate=0 must be a positive number"),
        ({"learning_rate": "fast"}, "learning_rate='fast' must be a positive number"),
        ({"judge": "sample", "n_anchors": 0}, "n_anchors=0 must be an integer >= 2"),
    ],
)
def test_wrong_parameters_raise(options, message):
    with pytest.raises(ValueError, match=message):
        StochasticLMNN(**{"max_iter": 2, **options}).fit(IRIS, SPECIES)
