"""The parts of a problem on whole numbers, against loops and against what files and messages hold word for word."""

import math
from fractions import Fraction

import numpy as np
import pytest

from lmnn_sdp import Problem
from lmnn_sdp.numerics.linalg import psd_factor
from lmnn_sdp.problem import dependence as dependences
from lmnn_sdp.problem import impostors, neighbors, sdpa
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.planted import plant, triplet_matrices
from lmnn_sdp.problem.scale import best_listed_scale, best_scale, best_scale_nearby, unit_scale
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.whitening import Whitening, central_point, whiten
from problems import naive_matrices, naive_objective, naive_triplets, noise

L = np.array([[1.0, -1, 2], [0, 2, 1]]) / 4


def grid(n=12, d=3, k=2, classes=3, **options):
    X = np.random.default_rng(0).integers(-4, 5, size=(n, d)).astype(float)
    return Problem.from_data(X, np.arange(n) % classes, k, **{"mu": 0.25, **options})


# The problem itself.


def test_terms_hinges_and_margins_are_those_of_loops():
    problem = grid(reg=2.0)
    M = L.T @ L
    triplets = naive_triplets(problem)
    margins = np.einsum("tab,ab->t", naive_matrices(problem.X, triplets), M)
    assert np.array_equal(problem.margins(L, triplets), margins)
    terms = problem.terms(L)
    i, j = problem.target_pairs()
    pull = sum((problem.X[a] - problem.X[b]) @ M @ (problem.X[a] - problem.X[b]) for a, b in zip(i, j, strict=True))
    hinges = np.maximum(0, 1 - margins)
    assert (terms.pull, terms.push, terms.active) == (pull, hinges.sum(), np.count_nonzero(hinges))
    assert problem.value(L) == 0.75 * pull + 0.25 * hinges.sum() + 2 * np.trace(M)
    assert problem.value(L) == naive_objective(problem, M)
    for slack in (0.0, 0.5):
        found = problem.hinges(L, slack)
        order = np.argsort(problem.keys(found.triplets))
        near = 1 - margins > -slack
        assert np.array_equal(np.sort(problem.keys(triplets[near])), problem.keys(found.triplets)[order])
        by_key = dict(zip(problem.keys(triplets).tolist(), (1 - margins).tolist(), strict=True))
        assert [by_key[key] for key in problem.keys(found.triplets).tolist()] == found.values.tolist()


def test_a_working_set_counts_alone():
    problem = grid()
    triplets = naive_triplets(problem)
    part = problem.restrict(triplets[::5])
    margins = np.einsum("tab,ab->t", naive_matrices(problem.X, triplets[::5]), L.T @ L)
    hinges = np.maximum(0, 1 - margins)
    assert part.n_triplets == len(triplets[::5])
    assert (part.terms(L).push, part.terms(L).active) == (hinges.sum(), np.count_nonzero(hinges))
    found = part.hinges(L, 0.25)
    assert np.array_equal(found.triplets, triplets[::5][margins < 1.25])
    assert np.array_equal(found.values, (1 - margins)[margins < 1.25])
    assert np.array_equal(part.all_triplets(), triplets[::5])
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        part.own_triplets(triplets[[5, 0, 1]])
    assert str(caught.value) == (
        f"triplets[2] = {triplets[1].tolist()} is not in the working set of this restricted problem; use the problem "
        "that it was restricted from"
    )
    assert part.counts(triplets).tolist() == [place % 5 == 0 for place in range(len(triplets))]


def test_rows_from_another_problem_are_told_from_triplets():
    problem = grid()
    own = naive_triplets(problem)[0]
    i, j, l = own.tolist()
    rows = np.array([own, [i, j, i], [i, l, l], [i, j, 12], [12, j, l], [i, 99, l], [i, i, l]])
    assert problem.counts(rows).tolist() == [True, False, False, False, False, False, False]


def test_keys_are_numbers_of_triplets_and_back():
    problem = grid()
    triplets = naive_triplets(problem)
    assert problem.keys(triplets).tolist() == [(i * 12 + j) * 12 + l for i, j, l in triplets.tolist()]
    assert np.array_equal(problem.from_keys(problem.keys(triplets)), triplets)
    assert problem.keys(triplets.astype(np.int32)).dtype == np.int64


def test_matrices_of_the_cost():
    problem = grid(reg=[[3, 1, 0], [1, 2, 0], [0, 0, 1]])
    C = sum(np.outer(x, x) for i, row in enumerate(problem.targets) for x in problem.X[i] - problem.X[row])
    assert np.array_equal(problem.pull, C)
    assert np.array_equal(problem.cost, 0.75 * C + problem.R)
    assert (problem.n_points, problem.n_features, problem.n_neighbors) == (12, 3, 2)
    assert problem.n_triplets == 2 * 12 * 8


@pytest.mark.parametrize(
    ("reg", "nonnegative"),
    [(0.0, True), (2.0, True), (-2 * np.eye(3), False), (np.diag([1.0, 1, 2]), False), (3 * np.eye(3), True)],
)
def test_only_a_multiple_of_the_identity_is_plainly_not_negative(reg, nonnegative):
    assert grid(reg=reg).nonnegative is nonnegative


def test_the_median_is_the_origin_of_products():
    problem = Problem.from_data(grid().X + 2.0**40, grid().y, 2)
    assert np.array_equal(problem.margins(L, naive_triplets(problem)), grid().margins(L, naive_triplets(problem)))


# Edges.


def test_a_graph_joins_triplets_by_edges():
    problem = grid()
    triplets = naive_triplets(problem)
    graph = TripletGraph.of(problem.X, triplets)
    assert np.all(graph.parts[0].a < graph.parts[0].b)
    assert np.all(np.diff(graph.parts[0].a * 12 + graph.parts[0].b) > 0)
    for t, (i, j, l) in enumerate(triplets.tolist()):
        assert {graph.parts[0].a[graph.pull[t]], graph.parts[0].b[graph.pull[t]]} == {i, j}
        assert {graph.parts[0].a[graph.push[t]], graph.parts[0].b[graph.push[t]]} == {i, l}
    D = np.array([[1.0, 2, 0], [2, -3, 1], [0, 1, 4]])
    A = naive_matrices(problem.X, triplets)
    assert np.array_equal(graph.margins(D), np.einsum("tab,ab->t", A, D))
    alpha = 2.0**-6 * np.arange(len(triplets))
    assert np.array_equal(graph.adjoint(alpha), np.einsum("t,tab->ab", alpha, A))
    weights = np.zeros(len(graph.parts[0].a))
    for t in range(len(triplets)):
        weights[graph.push[t]] += alpha[t]
        weights[graph.pull[t]] -= alpha[t]
    assert np.array_equal(graph.edge_weights(alpha), weights)
    assert graph.edge_weights(np.ones(len(triplets), dtype=int)).dtype == np.float64
    edges = np.stack([graph.parts[0].a, graph.parts[0].b], axis=1).tolist()
    assert graph.forms(D).tolist() == [
        float((problem.X[a] - problem.X[b]) @ D @ (problem.X[a] - problem.X[b])) for a, b in edges
    ]


# Target neighbours and impostors.


@pytest.mark.parametrize("block", [2**22, 1, 40])
@pytest.mark.parametrize("far", [0.0, 2.0**30])
def test_neighbours_on_a_grid_are_those_of_a_sort(block, far, monkeypatch):
    monkeypatch.setattr(neighbors, "BLOCK", block)
    X = np.random.default_rng(1).integers(-3, 4, size=(40, 2)) + far
    codes = np.arange(40) % 3
    found = neighbors.target_neighbors(X, codes, 5)
    for i in range(40):
        others = [j for j in range(40) if codes[j] == codes[i] and j != i]
        others.sort(key=lambda j, i=i: (sum((X[i] - X[j]) ** 2), j))
        assert found[i].tolist() == others[:5]


@pytest.mark.parametrize("memory", [1, 400, 4000, 2**28])
def test_a_shape_fills_its_memory(memory):
    shape = impostors._Shape.within(memory)
    assert 1 <= shape.rows <= 1024
    assert 1 <= shape.cols <= 2048
    assert shape.cols <= shape.pairs <= max(shape.cols, 2**17)
    if memory >= 4000:
        used = 4 * shape.rows * shape.cols + 96 * shape.pairs
        assert used <= memory
        assert shape.rows == 1024 or shape.cols == memory // 2 // 96
    if memory == 2**28:
        assert (shape.rows, shape.cols, shape.pairs) == (1024, 2048, 2**17)


def test_the_layout_is_that_of_the_docstring():
    rng = np.random.default_rng(2)
    V, codes, radii = rng.normal(size=(30, 3)), rng.integers(0, 4, 30), rng.uniform(0, 2, 30)
    layout = impostors._Layout.build(V, codes, radii)
    assert np.array_equal(layout.order, np.argsort(codes, kind="stable"))
    assert np.array_equal(layout.V, V[layout.order])
    assert np.array_equal(layout.radii, radii[layout.order])
    ordered = codes[layout.order]
    assert layout.ends.tolist() == [int(np.sum(ordered <= code)) for code in ordered]
    centred = layout.V - V.mean(axis=0)
    unit = centred[0, 0] / layout.V32[0, 0]
    np.testing.assert_allclose(layout.V32 * unit, centred, rtol=1e-6, atol=1e-6)
    assert math.frexp(float(np.round(unit)))[0] == 0.5
    norms = np.sum((centred / np.round(unit)) ** 2, axis=1)
    assert norms.max() < 1
    inflation = (3 + 16) * 2.0**-23
    np.testing.assert_allclose(layout.low[0], norms / 2 * (1 - inflation), rtol=1e-7)
    scaled = layout.radii / np.round(unit) ** 2
    np.testing.assert_allclose(layout.low[1], layout.low[0] - scaled / 2 * (1 + inflation), rtol=1e-5, atol=1e-7)
    assert np.all(layout.low[1] <= norms / 2 * (1 - inflation) - scaled / 2 * (1 + inflation) + 1e-7)
    assert next(iter(impostors._strips(ordered, 7))) == (0, 7)
    first_of_last = int(np.sum(ordered < ordered[-1]))
    assert [row for strip in impostors._strips(ordered, 7) for row in range(*strip)] == list(range(first_of_last))


# Features that others make up.


def test_coefficients_of_dependent_features():
    rng = np.random.default_rng(3)
    A = rng.integers(-4, 5, size=(20, 2)).astype(float)
    X = np.c_[A[:, 0], 8 * (A[:, 0] - A[:, 1] / 4), np.full(20, 7.0), A[:, 1]]
    found = dependences.dependence(X, X - X[0])
    assert len(found.kept) == 2
    assert np.all(np.diff(found.kept) > 0)
    assert found.inexact == ()
    assert found.coefficients.shape == (4, 2)
    np.testing.assert_allclose((X - X[0])[:, found.kept] @ found.coefficients.T, X - X[0], atol=1e-8)
    assert np.array_equal(found.coefficients[found.kept], np.eye(2))


@pytest.mark.parametrize(
    ("feature", "exactly"),
    [
        ([1.0, 1, 1, 1], True),
        ([0.0, 3, 6, 1.5], True),
        ([1.0, 1.75, 2.5, 1.375], True),  # 1 + x / 4
        ([0.0, 1 / 3, 2 / 3, 1 / 6], False),
        ([0.0, 1, 2, 0.5 + 2.0**-50], False),
        ([0.0, 1, 4, 0.25], False),
    ],
)
def test_exact_dependence_on_one_feature(feature, exactly):
    X = np.c_[[0.0, 1, 2, 0.5], feature]
    slope = np.array([X[1, 1] - X[0, 1]])
    assert dependences._exactly_dependent(X, 1, np.array([0]), slope) is exactly
    assert dependences._remainder([5.0, 3.0], [(0, Fraction(1, 3))]) == 4


def test_directions_do_without_lengths():
    Y = np.array([[3.0, 4], [0, 0], [1e-9, 0], [6e9, 8e9]])
    found = dependences.directions(Y)
    assert found.shape == (2, 2)
    rows = np.array([[3 / 4, 1], [1e-9 / 2.0**-29, 0], [6e9 / 2.0**33, 8e9 / 2.0**33]])
    size = found.T @ found
    assert np.linalg.matrix_rank(size) == 2
    assert 0.5 < np.abs(np.linalg.eigvalsh(size)).max() / np.linalg.eigvalsh(rows.T @ rows).max() < 4
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        dependences.directions(np.zeros((3, 2)))
    assert str(caught.value) == (
        "all points are equal, so every metric is optimal, with mu times the number of triplets as the objective: "
        "check that X is the data"
    )


# Scales.


def test_the_best_scale_of_a_list_is_its_kink():
    problem = grid()
    p = float(np.sum(problem.cost)) / problem.mu
    M = np.ones((3, 3))
    margins = p * np.array([0.25, 5, 0.5, -0.25, 0.375, 0.25])  # sums of the smallest: -1/4, 0, 1/4, 5/8, 9/8
    assert best_listed_scale(problem, M, margins, problem.mu) == pytest.approx(1 / (0.5 * p), rel=1e-14)
    assert best_listed_scale(problem, M, margins[:1], problem.mu) is None
    assert best_listed_scale(problem, M, np.empty(0), problem.mu) is None
    assert best_listed_scale(problem, M, np.array([p]), problem.mu) is None  # it is reached, but not passed
    assert unit_scale(problem) == pytest.approx(12 / np.sum((problem.X - problem.X.mean(axis=0)) ** 2), rel=1e-14)


@pytest.mark.parametrize("factor", [1.0, 2.0**-30, 2.0**30])
def test_scales_by_brute_force(factor):
    problem = grid(n=18)
    M = factor * L.T @ L
    margins = problem.margins(psd_factor(M), problem.all_triplets())
    kinks = 1 / margins[margins > 0]
    values = [problem.value(math.sqrt(c) * psd_factor(M)) for c in kinks]
    best = min(values)
    assert problem.value(math.sqrt(best_scale(problem, M)) * psd_factor(M)) == pytest.approx(best, rel=1e-12)
    if factor >= 1:
        nearby = best_scale_nearby(problem, M)
        assert problem.value(math.sqrt(nearby) * psd_factor(M)) == pytest.approx(best, rel=1e-12)


# The SDP and its file.


def test_a_file_word_for_word(tmp_path):
    X = np.array([[0.0, 0], [1, 1], [3, 0], [2, 4]])
    problem = Problem.from_data(X, [0, 0, 1, 1], 1, 0.25)
    sdp = SlackSDP.of(problem, np.array([[0, 1, 2], [3, 2, 1]]))
    sdpa.write_sdpa(sdp, tmp_path / "p.dat-s")
    assert (tmp_path / "p.dat-s").read_text().splitlines() == [
        '"LMNN slack SDP: 2 triplets, N of 2 x 2 on z, M = W\'NW on x; optimum of LMNN = 0.0 - max <F_0, Y>"',
        "2",
        "2",
        "2 -4",
        "1 1",
        "0 1 1 1 -3.0",
        "0 1 1 2 4.5",
        "0 1 2 2 -25.5",
        "0 2 1 1 -0.25",
        "0 2 2 2 -0.25",
        "1 1 1 1 8.0",
        "1 1 1 2 -1.0",
        "1 1 2 2 -1.0",
        "1 2 1 1 1.0",
        "1 2 3 3 -1.0",
        "2 1 1 2 7.0",
        "2 1 2 2 -7.0",
        "2 2 2 2 1.0",
        "2 2 4 4 -1.0",
    ]


def test_the_size_of_a_file_is_known_beforehand(monkeypatch):
    monkeypatch.setattr(sdpa, "MAX_ENTRIES", 2 * (6 + 2))
    sdpa._check_size(2, 3)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        sdpa._check_size(1000, 3)
    assert str(caught.value) == (
        "the file would have 8,000 entries (1,000 triplets, d = 3); the limit is 16: take a random sample of the "
        "points (--points N), or a working set, problem.restrict(solution.triplets)"
    )


def test_frozen_triplets_become_cost():
    problem = grid()
    triplets = naive_triplets(problem)
    rows, frozen = triplets[::7], triplets[1::7]
    sdp = SlackSDP.of(problem, rows, frozen)
    A = naive_matrices(problem.X, frozen).sum(axis=0)
    assert np.array_equal(sdp.Q, problem.cost - 0.25 * A)
    assert (sdp.mu, sdp.constant) == (0.25, 0.25 * len(frozen))
    assert sdp.X is problem.X
    assert sdp.triplets is rows
    push, pull = sdp.differences()
    assert np.array_equal(push, problem.X[rows[:, 0]] - problem.X[rows[:, 2]])
    assert np.array_equal(pull, problem.X[rows[:, 0]] - problem.X[rows[:, 1]])
    assert sdp.unit() == pytest.approx(1 / np.sqrt(np.mean(np.sum(pull**2, axis=1))), rel=1e-14)
    for plain in (SlackSDP.of(problem), SlackSDP.of(problem, frozen=frozen[:0])):
        assert len(plain.triplets) == len(triplets)
        assert plain.Q is problem.cost
        assert plain.constant == 0
    nothing = SlackSDP(problem.X, rows[:0], problem.cost, 0.25)
    assert nothing.unit() == 1


# Planted problems: a seed names the same problem for good.


@pytest.mark.parametrize(
    ("options", "optimum", "scatter"),
    [
        ({"seed": 0}, 59.35016209217959, 81.73132856485046),
        (
            {"seed": 1, "d": 5, "rank": 3, "n_kinks": 4, "k": 1, "mu": 0.3, "n": 30},
            27.527420965610354,
            21.785375545927273,
        ),
    ],
)
def test_a_seed_names_a_problem(options, optimum, scatter):
    found = plant(**options)
    assert found.optimum == pytest.approx(optimum, rel=1e-8)
    assert float(np.sum(found.problem.R * found.M) + np.trace(found.S)) == pytest.approx(scatter, rel=1e-6)
    assert found.optimum == found.alpha.sum()
    assert len(found.kinks) == options.get("n_kinks", 2)
    assert np.array_equal(found.triplets, found.problem.all_triplets())
    assert np.linalg.matrix_rank(found.M, tol=1e-8 * np.abs(found.M).max()) == options.get("rank", 2)


def test_what_cannot_be_planted():
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        plant(n=8, d=3, rank=1, n_kinks=7)
    assert str(caught.value) == "no problem with n=8, d=3, rank=1, n_kinks=7 found; raise n or lower n_kinks"
    problem = grid()
    triplets = naive_triplets(problem)[:9]
    assert np.array_equal(triplet_matrices(problem.X, triplets), naive_matrices(problem.X, triplets))


# Whitening.


def test_the_centre_is_the_row_nearest_to_the_median():
    X = np.array([[0.0, 0], [1, 10], [2, 21], [3, 30], [1e9, 40]])
    assert central_point(X).tolist() == [2, 21]
    assert central_point(np.array([[1.0, 5], [1, 6], [1, 9], [2, 7]])).tolist() == [1, 6]
    largest = np.finfo(float).max
    assert central_point(np.array([[largest], [-largest], [0]])).tolist() == [0]


def test_no_whitening_is_the_identity():
    problem = grid()
    none = Whitening.none(problem)
    M = L.T @ L
    assert none.problem is problem
    assert none.left_out == ()
    assert np.array_equal(none.centre, np.zeros(3))
    assert np.array_equal(none.inward(M), M)
    assert np.array_equal(none.outward(L), L)


def test_rows_in_whitened_coordinates_err_by_less_than_is_said():
    problem = noise(n=14, d=3, reg=0.25)
    white = whiten(problem)
    T = [[Fraction(value) for value in row] for row in white.T.tolist()]
    for x, z, error in zip(problem.X, white.problem.X, white.problem.coordinates.errors, strict=True):
        centred = [Fraction(a) - Fraction(b) for a, b in zip(x.tolist(), white.centre.tolist(), strict=True)]
        exactly = [sum(c * row[q] for c, row in zip(centred, T, strict=True)) for q in range(3)]
        apart = sum((Fraction(a) - b) ** 2 for a, b in zip(z.tolist(), exactly, strict=True))
        assert apart <= Fraction(error) ** 2
        assert error < 1e-14 * max(1.0, np.linalg.norm(z))
    assert white.problem.coordinates.nonnegative
    assert white.problem.coordinates.penalty_error > 0
    np.testing.assert_allclose(white.problem.R, 0.25 * white.T.T @ white.T, rtol=1e-12, atol=1e-15)


def test_what_lies_outside_of_the_data_is_bounded():
    rng = np.random.default_rng(4)
    X = np.c_[rng.normal(size=(16, 2)), np.zeros((16, 2))] @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    white = whiten(Problem.from_data(X, np.arange(16) % 2, 2, reg=0.5))
    known = white.problem.coordinates
    assert white.problem.n_features == 2
    assert known.floor == 0.5
    centred = X - white.centre
    np.testing.assert_allclose(known.reach, np.linalg.norm(centred, axis=1), rtol=1e-13)
    assert np.all(known.reach >= np.linalg.norm(centred, axis=1))
    range_ = np.linalg.qr(white.T)[0]
    beyond = np.linalg.norm(centred - centred @ range_ @ range_.T, axis=1)
    assert np.all((beyond * 0.99 - 1e-16 <= known.outside) & (known.outside < 1e-13))
    assert np.linalg.norm(white.T, 2) <= known.stretch <= 2 * np.linalg.norm(white.T, 2)
