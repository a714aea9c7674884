"""Maps of few rows: never above a start, never below the convex bound, and the gradient that leads there."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lmnn_sdp import LMNN, LowRankLMNN, Problem
from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.smoothing import Place, SmoothedProblem
from problems import TOL, noise

IRIS, SPECIES = load_iris(return_X_y=True)
WINE, CULTIVARS = StandardScaler().fit_transform(load_wine().data), load_wine().target


@parametrize_with_checks([LowRankLMNN(n_components=1, n_random=0, tol=1e-2)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("rows", [1, 3])
def test_it_is_never_above_its_starts_and_never_below_the_bound(rows):
    model = LowRankLMNN(rows, random_state=0).fit(WINE, CULTIVARS)
    problem = Problem.from_data(WINE, CULTIVARS)
    assert [row.name for row in model.starts_] == ["leading rows", "learned PCA", "PCA", "random 1", "random 2"]
    assert all(row.end <= row.begin for row in model.starts_)
    assert model.objective_ == pytest.approx(min(row.end for row in model.starts_), rel=1e-9)
    assert model.objective_ == pytest.approx(problem.objective(model.get_mahalanobis_matrix()), rel=1e-9)
    assert model.lower_bound_ <= model.objective_
    assert model.objective_ <= LMNN(n_components=rows).fit(WINE, CULTIVARS).objective_ * (1 + 1e-9)
    assert model.components_.shape == (rows, 13)


def test_all_rows_reach_the_convex_optimum():
    model = LowRankLMNN(4, n_random=0, tol=1e-6).fit(IRIS, SPECIES)
    assert model.relative_gap_ < 1e-3


@pytest.mark.clock
def test_without_time_the_first_start_is_kept_as_it_is():
    with pytest.warns(ConvergenceWarning):
        model = LowRankLMNN(2, time_limit=1e-9).fit(IRIS, SPECIES)
    (start,) = model.starts_
    assert start.begin == start.end
    assert model.lower_bound_ <= model.objective_ <= start.end * (1 + 1e-9)


@pytest.mark.parametrize("unit", [1e100, 1e-150])
def test_the_unit_has_no_say(unit):
    # noise has no ties that rounding in another unit breaks another way
    points, labels = np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 2
    model, plain = (LowRankLMNN(2, n_random=0, tol=1e-3).fit(points * one, labels) for one in (unit, 1.0))
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-6)


def test_the_same_seed_gives_the_same_map():
    one, other = (LowRankLMNN(2, random_state=3, tol=1e-2).fit(IRIS, SPECIES).components_ for _ in range(2))
    assert np.array_equal(one, other)


def test_the_gradient_is_that_of_finite_differences():
    problem = whiten(noise(n=30, d=4)).problem
    L = np.random.default_rng(0).normal(size=(2, 4))
    smoothed = SmoothedProblem(problem, problem.graph(problem.all_triplets()), 0.3, 0.5)

    def value(factor):
        return smoothed.value(Place(metric_of(factor), smoothed.graph.hinges(factor)))

    gradient = 2 * L @ smoothed.gradient(Place(metric_of(L), smoothed.graph.hinges(L)))
    step = np.random.default_rng(1).normal(size=L.shape)
    slope = (value(L + 1e-5 * step) - value(L - 1e-5 * step)) / 2e-5
    assert np.sum(gradient * step) == pytest.approx(slope, rel=TOL["gradient"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_components": 5}, r"n_components=5 must be an integer from 1 to the number of features \(4\)"),
        ({"n_random": -1}, "n_random=-1 must be an integer >= 0"),
    ],
)
def test_wrong_parameters_raise(options, message):
    with pytest.raises(ValueError, match=message):
        LowRankLMNN(**options).fit(IRIS, SPECIES)
