from dataclasses import replace

import numpy as np
import pytest

from lmnn_sdp import Problem
from lmnn_sdp.problem.fingerprint import fingerprint

X = np.random.default_rng(0).normal(size=(30, 2))
PROBLEM = Problem.from_data(X, np.arange(30) % 2)


def test_the_same_data_have_the_same_fingerprint_however_they_are_stored():
    again = [
        Problem.from_data(np.asfortranarray(X), np.arange(30) % 2),
        Problem.from_data(X.tolist(), [bool(i % 2) for i in range(30)]),
        Problem.from_data(X, PROBLEM.codes, targets=PROBLEM.targets),
        Problem.from_data(X, np.array(["a", "b"])[np.arange(30) % 2]),
    ]
    assert {fingerprint(problem) for problem in again} == {fingerprint(PROBLEM)}


@pytest.mark.parametrize(
    "change",
    [
        lambda: replace(PROBLEM, mu=np.nextafter(0.5, 1)),
        lambda: Problem.from_data(np.nextafter(X, 9), PROBLEM.y, targets=PROBLEM.targets),
        lambda: Problem.from_data(X, PROBLEM.y, 2),
        lambda: Problem.from_data(X, PROBLEM.y, reg=1e-9),
        lambda: PROBLEM.restrict(PROBLEM.all_triplets()),
        lambda: PROBLEM.restrict(np.empty((0, 3), dtype=int)),
        lambda: Problem.from_data(X[:-1], PROBLEM.y[:-1]),
    ],
)
def test_whatever_can_change_the_optimum_changes_it(change):
    assert fingerprint(change()) != fingerprint(PROBLEM)
