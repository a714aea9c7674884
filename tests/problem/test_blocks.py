"""Several metrics in one problem: every operator against loops over triplets, in any coordinates."""

import numpy as np
import pytest

from lmnn_sdp import Problem
from lmnn_sdp.numerics.linalg import metric_of, psd_factor
from lmnn_sdp.problem.blocks import factors
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.proof.upper import bound_above
from problems import TOL, naive_triplets, random_psd

CASES = ("class", "clusters", "one")


def problem_of(kind, n=30, d=3, seed=0, **options):
    """Blobs with a metric a class, a cluster that crosses classes, or a single block."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    X = 2 * rng.normal(size=(3, d))[y] + rng.normal(size=(n, d))
    blocks = {"class": "class", "clusters": np.arange(n) // 2 % 2, "one": np.zeros(n, dtype=int)}[kind]
    return Problem.from_data(X, y, 2, blocks=blocks, **options)


def stack(problem, seed=1, rank=2):
    """A random metric for each block."""
    rng = np.random.default_rng(seed)
    return np.stack([random_psd(problem.n_features, rng, rank) for _ in range(len(problem.blocks))])


def naive_distance(problem, M, a, b):
    difference = problem.X[a] - problem.X[b]
    return difference @ M[problem.blocks.codes[b]] @ difference


def naive_hinges(problem, M):
    return [
        1 + naive_distance(problem, M, i, j) - naive_distance(problem, M, i, l) for i, j, l in naive_triplets(problem)
    ]


@pytest.mark.parametrize("reg", [0.0, 0.5])
@pytest.mark.parametrize("kind", CASES)
def test_the_objective_is_the_formula(kind, reg):
    problem = problem_of(kind, reg=reg)
    M = stack(problem)
    pull = sum(naive_distance(problem, M, i, j) for i, j in zip(*problem.target_pairs(), strict=True))
    push = np.maximum(0, naive_hinges(problem, M)).sum()
    expected = (1 - problem.mu) * pull + problem.mu * push + reg * np.trace(M, axis1=1, axis2=2).sum()
    assert problem.objective(M) == pytest.approx(expected, rel=TOL["rounding"])
    assert expected <= bound_above(problem, psd_factor(M), accurate=True).objective <= expected * (1 + 1e-9)


@pytest.mark.parametrize("kind", CASES)
def test_hinges_are_listed_in_their_own_metrics(kind):
    problem = problem_of(kind)
    M = stack(problem)
    rows, values = naive_triplets(problem), np.array(naive_hinges(problem, M))
    found = problem.hinges(psd_factor(M), 0.5)
    order, wanted = np.argsort(problem.keys(found.triplets)), values > -0.5
    expected = np.argsort(problem.keys(rows[wanted]))
    assert np.array_equal(found.triplets[order], rows[wanted][expected])
    np.testing.assert_allclose(found.values[order], values[wanted][expected], rtol=0, atol=1e-10 * np.abs(values).max())
    some = rows[::3]
    listed = problem.restrict(some).hinges(psd_factor(M))
    assert len(listed.values) == np.sum(values[::3] > 0)


@pytest.mark.parametrize("kind", CASES)
def test_operators_of_a_graph_are_adjoint_and_give_margins(kind):
    problem = problem_of(kind)
    M, triplets = stack(problem), naive_triplets(problem)
    alpha = np.random.default_rng(2).normal(size=len(triplets))
    for each, N in ((problem, M), (whiten(problem).problem, whiten(problem).inward(M))):
        graph = each.graph(triplets)
        margins = 1 - np.array(naive_hinges(problem, M))
        size = np.abs(margins).max()
        np.testing.assert_allclose(graph.margins(N), margins, rtol=0, atol=TOL["conditioned"] * size)
        np.testing.assert_allclose(each.margins(psd_factor(N), triplets), margins, rtol=0, atol=1e-8 * size)
        np.testing.assert_allclose(1 - graph.hinges(psd_factor(N)), margins, rtol=0, atol=TOL["conditioned"] * size)
        assert np.sum(graph.adjoint(alpha) * N) == pytest.approx(alpha @ margins, rel=TOL["conditioned"])
        assert graph.adjoint(alpha).shape == M.shape


@pytest.mark.parametrize("kind", CASES)
def test_coordinates_of_its_own_whiten_each_block_and_lead_back(kind):
    problem = problem_of(kind)
    white = whiten(problem)
    np.testing.assert_allclose(white.problem.cost, white.problem.identity, atol=1e-10)
    M = stack(problem)
    N = white.inward(M)
    np.testing.assert_allclose(metric_of(white.outward(psd_factor(N))), M, atol=1e-9 * np.abs(M).max())
    assert white.problem.value(psd_factor(N)) == pytest.approx(problem.objective(M), rel=1e-9)


def test_one_block_for_all_is_the_single_metric():
    several, single = problem_of("one"), problem_of("one").alone
    M = stack(several)
    assert several.objective(M) == pytest.approx(single.objective(M[0]), rel=TOL["rounding"])


def test_factors_leave_out_rows_of_zeros_at_the_end_alone():
    L = np.zeros((3, 3, 2))
    L[0, :2] = 1.0
    L[1, 2] = 1.0
    assert [len(factor) for factor in factors(L)] == [2, 3, 1]
    assert [factor.shape for factor in factors(L[:, :0])] == [(0, 2)] * 3
    assert next(factors(L[0])) is not None


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (np.zeros(29), r"blocks has shape \(29,\); it must be \(30,\): a label for each point"),
        ("cluster", "blocks='cluster' must be 'class', None, or a label for each point"),
        (np.zeros(30) + 0.5, "labels must be integers or strings"),
    ],
)
def test_blocks_that_are_none_raise(blocks, message):
    problem = problem_of("one")
    with pytest.raises(ValueError, match=message):
        Problem.from_data(problem.X, problem.y, 2, blocks=blocks)


def test_a_metric_for_each_block_is_wanted():
    problem = problem_of("class")
    with pytest.raises(
        ValueError, match=r"M has shape \(3, 3\); it must be \(3, 3, 3\), a matrix for each of the blocks"
    ):
        problem.objective(np.eye(3))


def test_a_block_whose_pull_vanishes_is_named_with_its_directions_and_a_remedy_that_works():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = rng.normal(size=(60, 4)) + y[:, None]
    X[y == 1, 2] = 0.5  # class 1 does not vary here, but the others do
    problem = Problem.from_data(X, y, 2, blocks="class")
    with pytest.raises(ValueError, match=r"\(block, directions\): 1 \(1\)\..*PCA to at most 3.*reg=(\S+)") as caught:
        whiten(problem)
    reg = float(str(caught.value).split("reg=")[1])
    whiten(Problem.from_data(X, y, 2, blocks="class", reg=reg))
    centred = X - X.mean(axis=0)
    scores = centred @ np.linalg.svd(centred, full_matrices=False)[2][:3].T
    whiten(Problem.from_data(scores, y, 2, blocks="class"))


def test_a_block_without_target_neighbours_is_named():
    problem = problem_of("one")
    alone = np.zeros(30, dtype=int)
    lonely = np.setdiff1d(np.arange(30), problem.targets)
    assert len(lonely)
    alone[lonely[0]] = 7
    with pytest.raises(ValueError, match=r"\(block, directions\): 7 \(3\)"):
        whiten(Problem.from_data(problem.X, problem.y, 2, blocks=alone))
