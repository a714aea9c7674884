"""Descent on the factors of several metrics: its gradient, that it falls, and starts where steps on M fail."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from lmnn_sdp import Problem, solve
from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.factor_descent import FactorDescent, descended
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.smoothing import Place, SmoothedProblem
from lmnn_sdp.solvers.solution import Status
from problems import blobs


def several():
    """A small problem with a metric a class, in whitened coordinates, and Euclidean metrics of the best scale."""
    white = whiten(blobs(n=40, blocks="class")).problem
    return white, euclidean_scale(white) * white.identity


def faces():
    """Many classes of few points in many dimensions: told apart with ease, and singular without a penalty."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(12, 20)), 6, axis=0) + 0.3 * rng.normal(size=(72, 20))
    return Problem.from_data(X, np.repeat(np.arange(12), 6), 2, blocks="class", reg=0.01)


def test_the_gradient_is_that_of_the_value():
    white, M = several()
    smoothed = SmoothedProblem(white, white.graph(white.all_triplets()), 0.5, 0.5)
    shape = M.shape

    def place(flat):
        return Place(metric_of(flat.reshape(shape)), smoothed.graph.hinges(flat.reshape(shape)))

    def gradient(flat):
        return (2 * flat.reshape(shape) @ smoothed.gradient(place(flat))).ravel()

    start = np.random.default_rng(0).normal(size=M.size)
    scale = np.linalg.norm(gradient(start))
    assert check_grad(lambda flat: smoothed.value(place(flat)), gradient, start) <= 1e-5 * scale


def test_steps_on_a_list_never_end_higher():
    white, M = several()
    smoothed = SmoothedProblem(white, white.graph(white.all_triplets()), 0.5, 0.5)
    L = np.linalg.cholesky(M).swapaxes(1, 2)
    before = smoothed.value(Place(metric_of(L), smoothed.graph.hinges(L)))
    after = descended(smoothed, L, 5)
    assert smoothed.value(Place(metric_of(after), smoothed.graph.hinges(after))) < before


def test_it_ends_near_the_optimum_of_the_smoothed_problem():
    white, M = several()
    found = FactorDescent(white, M, Monitor(white, 1e-6)).to(0.25, 0.5, 1e-3)
    assert 0 <= found.gap <= 0.05
    assert 0 <= found.error <= 0.3


def test_a_metric_without_rank_has_directions_to_grow_from():
    white, M = several()
    M[:, :, 0] = M[:, 0, :] = 0
    found = FactorDescent(white, M, Monitor(white, 1e-6)).to(0.25, 0.5, 1e-3)
    assert found.error <= 0.3


def test_the_first_certificate_of_a_metric_a_class_is_within_a_hundredth_above():
    X, y = load_digits(return_X_y=True)
    X = PCA(30, svd_solver="full").fit_transform(StandardScaler().fit_transform(X))
    first = solve(Problem.from_data(X, y, blocks="class"), tol=0.2)
    assert first.history[0].objective <= 1.01 * 916.2178  # of tol = 1e-6; steps on M ended at 1360


@pytest.mark.parametrize("limit", [1e-3, 0.2])
def test_a_time_limit_is_kept_in_descent(limit):
    solution = solve(faces(), tol=1e-12, time_limit=limit, warn=False)
    assert solution.status is Status.TIME_LIMIT
    assert 0 <= solution.lower_bound <= solution.objective


def test_classes_that_are_told_apart_with_ease_are_solved():
    solution = solve(faces(), tol=1e-5)
    assert solution.status is Status.OPTIMAL
    assert solution.history[-1].iteration <= 30
