"""What is said of the optimum: against brute force where CVXPY maximises over all nearly optimal metrics."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from harness.optimum import moves, sensitivity
from harness.optimum.corner import Corner
from harness.optimum.parts import Parts, Vote, split
from harness.optimum.sensitivity import DEFAULT, SCALINGS, Setting
from lmnn_sdp import Problem, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.numerics.linalg import metric_of, psd_factor
from problems import blobs, naive_matrices, random_psd

SHARES = (0.01, 0.03, 0.1, 0.3, 0.6, 0.9)
LEVELS = (1e-3, 1e-2, 1e-1)


def directions(d):
    rng = np.random.default_rng(3)
    drawn = rng.normal(size=(d, d))
    return [np.eye(d), -np.eye(d), drawn + drawn.T, -(drawn + drawn.T)]


def farthest(problem, C, level):
    """max <C, M> over PSD M with f(M) <= level, by an SDP solver."""
    M = cp.Variable((problem.n_features,) * 2, PSD=True)
    A = naive_matrices(problem.X, problem.all_triplets())
    margins = A.reshape(len(A), -1) @ cp.vec(M, order="C")
    f = cp.trace(problem.cost @ M) + problem.mu * cp.sum(cp.pos(1 - margins))
    program = cp.Problem(cp.Maximize(cp.trace(C @ M)), [f <= level])
    program.solve(solver=cp.CLARABEL)
    assert program.status == "optimal"
    return float(program.value), M.value


@pytest.mark.parametrize("seed", range(3))
def test_walks_end_below_and_the_proved_reach_above_what_brute_force_finds(seed):
    problem = blobs(n=12, d=2, seed=seed)
    best = solve(problem, tol=1e-9)
    for C in directions(2):
        walk = moves.walk(problem, best, C, SHARES, 1e-8)
        for excess in LEVELS:
            level = (1 + excess) * best.objective
            truth, _ = farthest(problem, walk.C, level)
            place = moves.crossing(problem, walk, level)
            slack = 1e-6 * np.linalg.norm(best.M)  # of the interior point solver
            assert place.objective <= level * (1 + 1e-9)
            assert np.sum(walk.C * place.metric) <= truth + slack
            assert truth <= walk.reach(level) + slack
            if excess <= 1e-2:  # which tilts a factor of three apart come near to on either side
                start = np.sum(walk.C * best.M)
                assert np.sum(walk.C * place.metric) - start >= 0.5 * (truth - start) - slack
                assert walk.reach(level) - start <= 3 * (truth - start) + slack


def test_a_tilted_optimum_is_the_farthest_of_all_that_are_as_good():
    problem = blobs(n=12, d=2)
    best = solve(problem, tol=1e-9)
    walk = moves.walk(problem, best, directions(2)[2], SHARES, 1e-9)
    for M in walk.metrics[-2:]:
        truth, _ = farthest(problem, walk.C, problem.objective(M))
        assert np.isclose(np.sum(walk.C * M), truth, rtol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_no_metric_within_a_gap_is_beyond_the_bound_of_the_corner(seed):
    problem = blobs(n=12, d=2, seed=seed)
    best = solve(problem, tol=1e-10)
    corner = Corner(problem, best)
    bounds = [corner.at_most(excess) for excess in (1e-8, 1e-6, 1e-4)]
    assert bounds == sorted(bounds)
    assert bounds[0] < 0.1
    for C in directions(2)[1:3]:
        walk = moves.walk(problem, best, C, SHARES, 1e-9)
        for excess, bound in zip((1e-6, 1e-4), bounds[1:], strict=True):
            place = moves.crossing(problem, walk, (1 + excess) * best.lower_bound)
            assert 0 < corner.seen(place.metric) <= bound


def test_a_flat_stretch_of_optima_has_too_few_kinks_and_no_bound():
    # 0.75 m + 0.25 [1 - 3 m]_+ + 0.25 [1 - 15 m]_+ is 0.25 for every m from 1 / 15 to 1 / 3
    X = np.array([[0.0], [1.0], [2.0], [4.0]])
    problem = Problem.from_triplets(X, [[0, 1, 2], [0, 1, 3]], mu=0.25)
    for m in (1 / 15, 0.2, 1 / 3):
        assert np.isclose(problem.objective([[m]]), 0.25)
    corner = Corner(problem, solve(problem, tol=1e-9))
    counts = corner.counts()
    assert (counts.kinks, counts.spanned, counts.face) == (0, 0, 1)
    assert corner.at_most(1e-6) == np.inf


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_kinks_lie_between_the_dimensions_of_face_and_tangent_space(name):
    data = load(name).standardized()
    problem = Problem.from_data(data.X, data.y)
    counts = Corner(problem, solve(problem, tol=1e-9)).counts()
    assert counts.null == counts.rank
    assert counts.face <= counts.kinks <= counts.tangent <= counts.all
    assert counts.spanned == counts.face
    assert counts.off < 1e-6 < 1e-2 < counts.slack


def test_scale_changes_the_value_through_the_targets_alone():
    data = load("wine")
    found = sensitivity.invariance(split(data), 1e-6)
    assert [row["scaling"] for row in found] == list(SCALINGS)
    lower = max(row["same"][0] for row in found)
    assert lower <= min(row["same"][1] for row in found)  # one number lies in all of them
    raw = found[0]
    assert raw["other_targets"] > 0.5
    assert raw["own"][0] > 1.1 * raw["same"][1]


def test_a_factor_goes_back_to_standardised_coordinates_with_its_distances():
    parts = split(load("wine"))
    for scaling in SCALINGS:
        setting = Setting("scaling", scaling)
        problem = setting.problem(parts)
        L = psd_factor(random_psd(problem.n_features, np.random.default_rng(0)))
        there = cdist(problem.X @ L.T, problem.X @ L.T)
        back = setting.standard(parts, L)
        assert np.allclose(there, cdist(parts.X @ back.T, parts.X @ back.T))
    white = parts.mapped(parts.whitening).X
    assert np.allclose(white.T @ white / len(white), np.eye(white.shape[1]))
    raw = parts.mapped(np.diag(parts.spread)).X
    assert np.allclose(raw.std(axis=0), parts.spread)


def test_the_turn_is_the_move_of_the_best_factor():
    rng = np.random.default_rng(1)
    A, B = random_psd(4, rng), random_psd(4, rng)
    factors = np.linspace(0, 3, 30_001) * np.linalg.norm(B) / np.linalg.norm(A)
    tried = min(moves.distance(factor * A, B) for factor in factors)
    assert np.isclose(moves.turn(A, B), tried, rtol=1e-4)
    assert moves.turn(7 * A, A) == pytest.approx(0, abs=1e-7)
    assert moves.distance(3 * A, A) == pytest.approx(2)


def test_neighbours_that_tie_are_not_lost():
    grid = np.array([[a, b] for a in range(5) for b in range(5)], dtype=float)
    codes = np.arange(25) % 3
    parts = Parts(grid, codes, grid + np.array([0.5, 0.0]), codes, np.ones(2))
    near = parts.vote(np.diag([1.0, 1 + 1e-9]))
    assert parts.vote(np.eye(2)).lost(near) == 0
    assert parts.vote(np.eye(2)).turned(near) == 0
    assert parts.vote(np.eye(2)).lost(parts.vote(np.diag([0.1, 1.0]))) > 0.5


def test_lost_neighbours_and_turned_votes_are_counted():
    squared = np.array([[1.0, 2, 3, 4], [1.0, 2, 3, 4]])
    other = np.array([[3.0, 2, 1, 4], [1.0, 9, 3, 4]])
    codes, truth = np.array([0, 0, 1, 1]), np.array([0, 1])
    first, second = Vote(squared, codes, truth), Vote(other, codes, truth)
    assert first.labels.tolist() == [0, 0]
    assert second.labels.tolist() == [0, 1]
    assert first.lost(second) == 0.5  # the first point has the same three in another order
    assert first.turned(second) == 0.5
    assert (first.error, second.error) == (0.5, 0)


def test_the_default_differs_from_itself_in_no_fold():
    default, other = sensitivity.cross_validated(load("iris"), [DEFAULT, Setting("mu", 0.05)], 1, 1e-3)
    assert default["difference"] == default["difference_se"] == 0
    assert other["difference"] == pytest.approx(other["error"] - default["error"])
    assert default["se"] > 0


def test_single_points_are_left_out_and_relabelled():
    parts = split(load("iris"))
    best = solve(DEFAULT.problem(parts), tol=1e-8)
    found = sensitivity.single_points(parts, best, 3, 1e-6)
    assert {kind: len(rows) for kind, rows in found.items()} == {"left out": 3, "relabelled": 3}
    assert all(row["gap"] <= 1e-6 for rows in found.values() for row in rows)
    assert min(row["move"] for row in found["relabelled"]) > 0
    assert np.allclose(metric_of(best.L), best.M)
