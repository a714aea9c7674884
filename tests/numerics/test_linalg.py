from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmnn_sdp.numerics import linalg
from lmnn_sdp.numerics.accurate import gamma
from lmnn_sdp.numerics.linalg import (
    power_of_two,
    principal_rows,
    psd_factor,
    psd_part,
    scatter,
    scatter_roundings,
    smat,
    squared_distances,
    svec,
    svec_outer,
    symmetrize,
)
from problems import TOL, random_psd

seeds = st.integers(0, 2**32 - 1)
dimensions = st.integers(1, 8)
property_test = settings(max_examples=100, deadline=None, derandomize=True)


def symmetric(d, seed):
    return symmetrize(np.random.default_rng(seed).normal(size=(d, d)))


def test_svec_order_is_that_of_scs():
    # SCS: lower triangle, column by column, off-diagonal entries times sqrt(2)
    r = np.sqrt(2)
    A = np.array([[11.0, 21, 31], [21, 22, 32], [31, 32, 33]])
    assert svec(A).tolist() == [11, 21 * r, 31 * r, 22, 32 * r, 33]


def test_svec_indices_name_the_lower_triangle():
    row, col = linalg.svec_indices(3)
    assert row.tolist() == [0, 1, 2, 1, 2, 2]
    assert col.tolist() == [0, 0, 0, 1, 1, 2]


@given(dimensions, seeds)
@property_test
def test_smat_inverts_svec(d, seed):
    A = symmetric(d, seed)
    np.testing.assert_allclose(smat(svec(A)), A, rtol=TOL["rounding"])


@given(dimensions, seeds)
@property_test
def test_svec_inverts_smat(d, seed):
    v = np.random.default_rng(seed).normal(size=d * (d + 1) // 2)
    np.testing.assert_allclose(svec(smat(v)), v, rtol=TOL["rounding"])


@given(dimensions, seeds)
@property_test
def test_svec_keeps_inner_products(d, seed):
    A, B = symmetric(d, seed), symmetric(d, seed + 1)
    assert svec(A) @ svec(B) == pytest.approx(np.sum(A * B), rel=TOL["rounding"], abs=TOL["rounding"])


@given(dimensions, seeds)
@property_test
def test_svec_outer_holds_the_svec_of_each_outer_product(d, seed):
    D = np.random.default_rng(seed).normal(size=(5, d))
    np.testing.assert_allclose(svec_outer(D), [svec(np.outer(v, v)) for v in D], rtol=TOL["rounding"])


@given(dimensions, seeds)
@property_test
def test_svec_outer_gives_quadratic_forms(d, seed):
    D, M = np.random.default_rng(seed).normal(size=(5, d)), symmetric(d, seed)
    expected = np.einsum("ij,jk,ik->i", D, M, D)
    np.testing.assert_allclose(svec_outer(D) @ svec(M), expected, rtol=TOL["rounding"], atol=TOL["rounding"] * d**2)


def test_symmetrize_averages_with_the_transpose():
    assert symmetrize(np.array([[1.0, 4], [0, 3]])).tolist() == [[1, 2], [2, 3]]


@given(dimensions, seeds)
@property_test
def test_psd_part_satisfies_the_optimality_conditions_of_the_projection(d, seed):
    # A = P - N with P, N PSD and P N = 0 (Moreau)
    A = symmetric(d, seed)
    P = psd_part(A)
    N = P - A
    assert np.linalg.eigvalsh(P)[0] >= -TOL["rounding"] * d
    assert np.linalg.eigvalsh(N)[0] >= -TOL["rounding"] * d
    assert np.abs(P @ N).max() <= TOL["rounding"] * d**2


def test_psd_part_keeps_a_psd_matrix():
    M = random_psd(5, np.random.default_rng(0), rank=2)
    np.testing.assert_allclose(psd_part(M), M, rtol=0, atol=TOL["rounding"] * np.abs(M).max())


@given(dimensions, seeds)
@property_test
def test_psd_factor_has_orthogonal_rows_by_falling_norm(d, seed):
    L = psd_factor(symmetric(d, seed))
    gram = L @ L.T
    assert np.abs(gram - np.diag(np.diag(gram))).max(initial=0) <= TOL["rounding"] * d**2
    assert (np.diff(np.diag(gram)) <= 0).all()


def test_psd_factor_has_one_row_for_each_positive_eigenvalue():
    assert psd_factor(np.diag([3.0, -1, 2])).shape == (2, 3)
    assert psd_factor(np.zeros((3, 3))).shape == (0, 3)
    assert psd_factor(-np.eye(2)).shape == (0, 2)


@given(dimensions, st.integers(1, 10), seeds)
@property_test
def test_principal_rows_factor_the_same_matrix(d, rows, seed):
    L = np.random.default_rng(seed).normal(size=(rows, d))
    K = principal_rows(L)
    np.testing.assert_allclose(K.T @ K, L.T @ L, rtol=0, atol=TOL["rounding"] * np.sum(L**2))
    gram = K @ K.T
    assert np.abs(gram - np.diag(np.diag(gram))).max() <= TOL["rounding"] * np.sum(L**2)
    assert (np.diff(np.diag(gram)) <= 0).all()


@given(dimensions, seeds)
@property_test
def test_principal_rows_do_not_depend_on_the_factor(d, seed):
    rng = np.random.default_rng(seed)
    L = np.diag(np.arange(d, 0, -1.0)) @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    turned = np.linalg.qr(rng.normal(size=(d, d)))[0] @ L
    np.testing.assert_allclose(principal_rows(turned), principal_rows(L), rtol=0, atol=TOL["conditioned"])


def test_principal_rows_have_a_positive_peak_and_the_rank_of_the_factor():
    L = np.array([[-3.0, 0, 1], [-3, 0, 1], [6, 0, -2]])
    K = principal_rows(L)
    assert K.shape == (1, 3)
    np.testing.assert_allclose(K[0], np.sqrt(6) * np.array([3, 0, -1]), rtol=TOL["rounding"], atol=TOL["rounding"])


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_principal_rows_of_the_zero_metric_are_one_row_of_zeros(rows):
    assert principal_rows(np.zeros((rows, 3))).tolist() == [[0, 0, 0]]


def test_principal_rows_keep_small_eigenvalues_of_badly_scaled_factors():
    K = principal_rows(np.diag([1e6, 1e-6]))
    assert np.linalg.norm(K, axis=1) == pytest.approx([1e6, 1e-6], rel=TOL["rounding"])


@given(st.floats(allow_nan=False, allow_infinity=False))
@property_test
def test_power_of_two_is_the_next_one_below(x):
    p = float(power_of_two(np.float64(x)))
    assert np.frexp(p)[0] == 0.5
    if x == 0:
        assert p == 1
    else:
        assert p <= abs(x)
        assert abs(x) / p < 2


def test_power_of_two_works_on_arrays_of_any_sign():
    assert power_of_two(np.array([0.0, 1, 1.5, 2, -5, 0.3])).tolist() == [1, 1, 1, 2, 4, 0.25]


@given(seeds)
@property_test
def test_scaling_by_a_power_of_two_is_free_of_rounding(seed):
    x = np.random.default_rng(seed).normal(size=20)
    p = power_of_two(x)
    assert np.array_equal(x / p * p, x)


@pytest.mark.parametrize("d", [1, 3, 2**18, 2**20])
def test_squared_distances_are_those_of_the_formula_in_every_chunk(d):
    V = np.random.default_rng(d).normal(size=(5, d))
    a, b = np.array([0, 1, 2, 3, 4, 0, 1]), np.array([1, 2, 3, 4, 0, 0, 3])
    expected = [np.sum((V[p] - V[q]) ** 2) for p, q in zip(a, b, strict=True)]
    np.testing.assert_allclose(squared_distances(V, a, b), expected, rtol=TOL["rounding"])


def test_squared_distances_of_close_points_far_from_the_origin_lose_nothing():
    V = np.array([[2.0**40], [2.0**40 + 2.0**-10]])
    assert squared_distances(V, np.array([0]), np.array([1])).tolist() == [2.0**-20]


def test_squared_distances_without_columns_or_pairs():
    none = np.empty(0, dtype=np.intp)
    assert squared_distances(np.empty((3, 0)), np.array([0, 1]), np.array([1, 2])).tolist() == [0, 0]
    assert squared_distances(np.zeros((3, 2)), none, none).shape == (0,)


@pytest.mark.parametrize("count", [0, 1, linalg.CHUNK, linalg.CHUNK + 1, 1000])
def test_scatter_errs_by_no_more_roundings_than_it_says(count):
    rng = np.random.default_rng(count)
    X = rng.integers(-(2**20), 2**20, (40, 2)) / 2**20  # differences are exact
    a, b = rng.integers(0, 40, (2, count))
    weights = rng.normal(size=count) * 10.0 ** rng.integers(-3, 4, count)
    exact, sizes = np.full((2, 2), Fraction(0)), np.zeros((2, 2))
    for x, w in zip(X[a] - X[b], weights, strict=True):
        exact += np.array([[Fraction(w) * Fraction(s) * Fraction(t) for t in x] for s in x])
        sizes += np.abs(w * np.outer(x, x))
    found = scatter(X, a, b, weights)
    assert np.array_equal(found, found.T)
    allowed = gamma(scatter_roundings(count)) * sizes * (1 + 1e-9)
    assert all(abs(Fraction(found[at]) - exact[at]) <= Fraction(allowed[at]) for at in np.ndindex(2, 2))


def test_sums_of_many_terms_have_few_roundings():
    assert scatter_roundings(2**20) - scatter_roundings(linalg.CHUNK) == 14
