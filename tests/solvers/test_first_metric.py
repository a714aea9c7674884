"""The metric to begin with."""

from dataclasses import replace

import numpy as np
import pytest

from lmnn_sdp import Problem, solve
from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.problem.neighbors import target_neighbors
from lmnn_sdp.problem.scale import best_scale, euclidean_scale
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers import anchors, smoothing
from lmnn_sdp.solvers import first_metric as module
from lmnn_sdp.solvers.first_metric import beats_euclidean, euclidean_metric, first_metric
from lmnn_sdp.solvers.monitor import Monitor
from problems import TOL, blobs, noise


@pytest.mark.parametrize("seed", range(5))
def test_with_all_points_as_anchors_it_is_the_best_of_the_powers_in_its_best_scale(seed):
    white = whiten(noise(n=60, d=3, seed=seed)).problem
    eigenvalues, Q = np.linalg.eigh(white.euclidean)
    powers = [(Q * eigenvalues**power) @ Q.T for power in (1.0, 0.5, 0.0)]
    best = min(white.value(psd_factor(best_scale(white, M) * M)) for M in powers)
    assert white.value(psd_factor(euclidean_metric(white))) == pytest.approx(best, rel=TOL["rounding"])


def test_the_metric_of_the_data_as_given_is_known_in_whitened_coordinates():
    problem = blobs(n=60)
    white = whiten(problem)
    M = white.problem.euclidean
    X = problem.X
    i, j = np.triu_indices(len(X), 1)
    given = np.sum((X[i] - X[j]) ** 2, axis=1)
    z = white.problem.X[i] - white.problem.X[j]
    np.testing.assert_allclose(np.einsum("pa,ab,pb->p", z, M, z) * given[0], given * (z[0] @ M @ z[0]), rtol=1e-9)
    assert np.array_equal(problem.euclidean, np.eye(problem.n_features))


def test_of_a_restricted_problem_its_own_triplets_decide():
    problem = noise(n=60, d=3)
    some = problem.restrict(problem.all_triplets()[::7])
    white = whiten(some).problem
    M = euclidean_metric(white)
    assert white.value(psd_factor(M)) == pytest.approx(
        white.value(psd_factor(best_scale(white, M) * M)), rel=TOL["rounding"]
    )


def test_where_the_anchors_have_no_use_for_a_metric_it_is_that_of_the_coordinates():
    problem = noise(n=30, d=2)
    flat = whiten(problem.restrict(np.empty((0, 3), dtype=int))).problem
    assert np.array_equal(euclidean_metric(flat), euclidean_scale(flat) * np.eye(2))


def test_a_part_has_the_target_neighbours_that_its_points_have_in_the_units_of_the_data(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)) * [1.0, 30.0, 0.1]
    y = np.arange(300) % 3
    white = whiten(Problem.from_data(X, y)).problem
    part = module._part(white)
    rows = [int(np.flatnonzero((x == white.X).all(axis=1))[0]) for x in part.X]
    assert len(rows) == pytest.approx(300 / module.PART, abs=3)
    assert np.array_equal(part.targets, target_neighbors(X[rows], y[rows], 3))


def test_there_is_no_part_where_a_class_would_be_too_small():
    problem = noise(n=20, d=2)
    assert module._part(replace(problem, targets=problem.targets)) is None


def test_many_points_begin_on_a_part_and_end_at_the_same_optimum(monkeypatch):
    problem = noise(n=150, d=3)
    plain = solve(problem)
    monkeypatch.setattr(module, "LARGE", 100)
    white = whiten(problem).problem
    M = first_metric(white, Monitor(white, 1e-6))
    assert not np.array_equal(M, euclidean_metric(white))
    nested = solve(problem)
    assert nested.lower_bound <= plain.objective
    assert plain.lower_bound <= nested.objective
    assert nested.relative_gap <= 1e-6


def test_a_metric_worse_than_the_euclidean_one_is_no_start():
    problem = noise(n=120, d=4, classes=3)
    white = whiten(problem)
    M = white.inward(solve(problem, tol=1e-8).M)
    assert beats_euclidean(white.problem, M)
    assert beats_euclidean(white.problem, 1e3 * M)  # in its best scale
    assert not beats_euclidean(white.problem, white.inward(np.diag([1.0, 0, 0, 0])))
    assert not beats_euclidean(white.problem, np.zeros((4, 4)))


def test_what_a_part_learned_is_scaled_to_all_points_whose_impostors_are_nearer(monkeypatch):
    white = whiten(noise(n=600, d=3)).problem
    monkeypatch.setattr(module, "LARGE", 500)
    monkeypatch.setattr(anchors, "ANCHORS", 600)  # all points
    M = first_metric(white, Monitor(white, 1e-6))
    assert best_scale(white, M) == pytest.approx(1, rel=TOL["rounding"])


def test_the_more_points_the_fewer_are_anchors(monkeypatch):
    white = whiten(noise(n=60, d=3)).problem
    monkeypatch.setattr(anchors, "PAIRS", 9 * 60)
    _, margins = anchors.sampled(white, np.eye(3))
    assert len(margins) == 9 * 2 * 40  # anchors, targets, points of other classes


@pytest.mark.parametrize("most", [0.0, 2.0, 20.0, 1e9])
def test_the_reach_of_a_list_bounds_its_length(monkeypatch, most):
    white = whiten(noise(n=90, d=3)).problem
    monkeypatch.setattr(anchors, "ANCHORS", 90)
    L = 2 * np.eye(3)
    reach = anchors.reach_of(white, L, most, 1.0)
    violated, listed = (len(white.hinges(L, some).values) for some in (0.0, reach))
    assert 0 <= reach <= 1
    assert reach == 0 or listed <= most * 90  # and what is violated is listed in any case
    assert reach == 1 or listed >= max(violated, min(most * 90, len(white.hinges(L, 1.0).values)) - 1)


def test_a_short_first_list_ends_at_the_same_optimum(monkeypatch):
    problem = noise(n=150, d=3)
    plain = solve(problem)
    monkeypatch.setattr(smoothing, "FEW", 100)
    short = solve(problem)
    assert short.certificate.overlaps(plain.certificate)
