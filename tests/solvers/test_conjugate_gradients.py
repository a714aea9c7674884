"""Conjugate gradients against a direct solve."""

import numpy as np
import pytest

from lmnn_sdp.solvers.conjugate_gradients import conjugate_gradients
from problems import random_psd


def system(d=4, seed=0):
    rng = np.random.default_rng(seed)
    H = random_psd(d * d, rng) + np.eye(d * d)
    return H, rng.normal(size=(d, d))


def times(H):
    return lambda D: (H @ D.ravel()).reshape(D.shape)


@pytest.mark.parametrize("begin", [0.0, 1.0])
@pytest.mark.parametrize("accuracy", [1e-1, 1e-9])
def test_the_residual_is_as_small_as_asked(accuracy, begin):
    H, right = system()
    D = conjugate_gradients(times(H), lambda R: R, right, np.full_like(right, begin), accuracy, lambda: False)
    assert np.linalg.norm(times(H)(D) - right) <= (accuracy + 1e-12) * np.linalg.norm(right)


def test_with_the_inverse_as_preconditioner_one_step_is_enough():
    H, right = system()
    calls = []

    def apply(D):
        calls.append(1)
        return times(H)(D)

    D = conjugate_gradients(apply, times(np.linalg.inv(H)), right, np.zeros_like(right), 1e-9, lambda: False)
    assert len(calls) == 1
    np.testing.assert_allclose(D, times(np.linalg.inv(H))(right), atol=1e-9)


def test_it_stops_when_told():
    H, right = system()
    once = conjugate_gradients(times(H), lambda R: R, right, np.zeros_like(right), 0.0, lambda: True)
    np.testing.assert_allclose(once / once[0, 0], right / right[0, 0])


def test_an_operator_without_curvature_leaves_it_where_it_was():
    right = np.ones((2, 2))
    D = conjugate_gradients(np.zeros_like, lambda R: R, right, np.zeros((2, 2)), 1e-3, lambda: False)
    assert np.array_equal(D, np.zeros((2, 2)))
