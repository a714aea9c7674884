import numpy as np
import pytest
from exact import exact, is_psd
from hypothesis import given, settings
from hypothesis import strategies as st

from lmnn_sdp.numerics.definite import definite_beyond

seeds = st.integers(0, 2**32 - 1)


def with_lowest(d, lowest, seed):
    """A random symmetric matrix of norm 1 with this smallest eigenvalue, up to rounding."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    A = Q @ np.diag(np.append(lowest, rng.uniform(0.1, 1, d - 1))) @ Q.T
    return (A + A.T) / 2


@given(st.integers(1, 6), st.floats(-17, -10), st.sampled_from([-1.0, 1.0]), seeds)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_what_is_proved_is_so(d, exponent, sign, seed):
    A = with_lowest(d, sign * 10**exponent, seed)
    if definite_beyond(A, 0.0):
        assert is_psd(exact(A))


@pytest.mark.parametrize("d", [2, 20, 100])
def test_it_proves_what_is_clear_and_sees_the_error(d):
    A = with_lowest(d, 1e-8, 0)
    assert definite_beyond(A, 0.0)
    assert definite_beyond(A, 0.9e-8)
    assert not definite_beyond(A, 1.1e-8)


def test_nothing_is_proved_of_what_is_not_finite():
    assert not definite_beyond(np.array([[np.nan]]), 0.0)
    assert not definite_beyond(np.array([[np.inf]]), 0.0)
    assert not definite_beyond(np.eye(2), np.inf)


def test_the_matrix_is_left_alone():
    A = with_lowest(3, 0.5, 1)
    before = A.copy()
    definite_beyond(A, 0.1)
    np.testing.assert_array_equal(A, before)
