"""Products in twice the precision and their bounds, against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmnn_sdp.numerics import accurate
from lmnn_sdp.numerics.accurate import TINY, U, accurate_rows, gamma, plain_rows, positive_sum, sum_up

seeds = st.integers(0, 2**32 - 1)
property_test = settings(max_examples=60, deadline=None, derandomize=True)


def exact_rows(X, centre, T):
    X, T = ([[Fraction(v) for v in row] for row in A.tolist()] for A in (X, T))
    centre = [Fraction(c) for c in centre.tolist()]
    return [
        [sum((x - c) * T[f][a] for f, (x, c) in enumerate(zip(row, centre, strict=True))) for a in range(len(T[0]))]
        for row in X
    ]


def squared_error(V, exact):
    return [
        sum((Fraction(v) - e) ** 2 for v, e in zip(row, true, strict=True))
        for row, true in zip(V.tolist(), exact, strict=True)
    ]


def hard(seed):
    """Columns of all sizes, points far from the origin, a far row, and maps under which much cancels."""
    rng = np.random.default_rng(seed)
    n, d, q = 5, int(rng.integers(1, 7)), int(rng.integers(1, 5))
    X = rng.normal(size=(n, d)) * 10.0 ** rng.integers(-20, 20, size=d)
    X += rng.integers(0, 2) * 10.0 ** rng.integers(0, 18, size=d)
    X[0] *= 10.0 ** rng.integers(0, 17)
    T = rng.normal(size=(d, q)) * 10.0 ** rng.integers(-20, 20, size=(d, 1))
    T[:, 0] = np.where(np.arange(d) % 2, 1, -1) / np.maximum(np.abs(X[-1]), 1e-300)
    return X, X[rng.integers(0, n)], T


@given(seeds)
@property_test
def test_rows_are_as_near_as_their_bound_says_and_the_bound_is_near_a_rounding(seed):
    X, centre, T = hard(seed)
    V, error = accurate_rows(X, centre, T)
    for missed, bound, row in zip(squared_error(V, exact_rows(X, centre, T)), error, V, strict=True):
        assert missed <= Fraction(float(bound)) ** 2
        size = np.linalg.norm(row)
        reach = np.max(np.abs(X - centre) @ np.abs(T))
        assert bound <= 1.001 * U * size + 4 * 14**2 * U**2 * 100 * reach + 10 * TINY


@given(seeds)
@property_test
def test_an_ordinary_product_keeps_its_bound(seed):
    X, _, T = hard(seed)
    V, error = plain_rows(X, T)
    for missed, bound in zip(squared_error(V, exact_rows(X, np.zeros(X.shape[1]), T)), error, strict=True):
        assert missed <= Fraction(float(bound)) ** 2


def test_differences_that_cancel_are_exact():
    X = np.array([[1e16 + 2, 1.0], [1e16, 3.0]])
    V, _ = accurate_rows(X, X[1], np.array([[1.0], [1.0]]))
    assert V.tolist() == [[0.0], [0.0]]


def test_what_overflows_has_an_infinite_error():
    _, error = accurate_rows(np.array([[1e300], [1.0]]), np.zeros(1), np.array([[1e200]]))
    assert error.tolist() == [np.inf, np.inf]


@given(st.lists(st.floats(-1e300, 1e300), max_size=40))
@property_test
def test_sums_of_positive_values(values):
    total, count = positive_sum(np.array(values, dtype=np.float64))
    exact = sum((Fraction(v) for v in values if v > 0), Fraction(0))
    assert count == sum(v > 0 for v in values)
    assert abs(Fraction(total) - exact) <= 2 * Fraction(U) * exact if np.isfinite(total) else exact > 2**1023


@pytest.mark.parametrize("longest", [1, 3, 100, 10**6])
def test_sums_of_any_length_err_by_no_more(monkeypatch, longest):
    monkeypatch.setattr(accurate, "LONGEST", longest)
    rng = np.random.default_rng(longest)
    values = rng.normal(size=(100, 10)) * 10.0 ** rng.integers(-20, 1, (100, 10))
    total, count = positive_sum(values)
    exact = sum((Fraction(v) for v in values.ravel().tolist() if v > 0), Fraction(0))
    assert count == np.sum(values > 0)
    assert abs(Fraction(total) - exact) <= Fraction(17, 16) * Fraction(U) * exact


def test_the_longest_sum_without_a_break_keeps_to_its_error():
    n, u = accurate.LONGEST, Fraction(1, 2**53)
    assert (n * u / (1 - n * u)) ** 2 < u / 16


@given(st.lists(st.floats(0, 1e300), max_size=40))
@property_test
def test_a_sum_from_above(values):
    assert Fraction(sum_up(np.array(values))) >= sum((Fraction(v) for v in values), Fraction(0))


@pytest.mark.parametrize("n", [1, 100, 10**6])
def test_gamma_is_rounded_up(n):
    u = Fraction(1, 2**53)
    assert Fraction(gamma(n)) >= n * u / (1 - n * u)
