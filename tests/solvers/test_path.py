"""The path over the trace penalty: where it begins, and that each point of it is proved."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lmnn_sdp import Problem, largest_reg, reg_path, solve
from lmnn_sdp.numerics.linalg import eigvalsh
from problems import blobs, naive_matrices


@pytest.mark.parametrize("kind", [{}, {"structure": "diagonal"}, {"blocks": "class"}, {"weights": np.arange(30.0)}])
def test_the_metric_vanishes_from_the_largest_penalty_on_and_not_before(kind):
    plain = blobs(seed=2)
    problem = Problem.from_data(plain.X, plain.y, 2, 0.4, **kind)
    top = largest_reg(problem)
    above, below = (solve(replace(problem, R=part * top * np.eye(3)), tol=1e-9) for part in (1.0001, 0.99))
    at_zero = problem.value(problem.zero)
    assert above.lower_bound == pytest.approx(at_zero, rel=1e-8)
    assert below.objective < at_zero * (1 - 1e-7)


def test_the_largest_penalty_is_the_formula():
    problem = blobs(seed=3)
    t = problem.all_triplets()
    dense = problem.mu * naive_matrices(problem.X, t).sum(axis=0) - (1 - problem.mu) * problem.pull
    assert largest_reg(problem) == pytest.approx(eigvalsh(dense)[-1], rel=1e-10)
    assert largest_reg(problem.restrict(t)) == pytest.approx(eigvalsh(dense)[-1], rel=1e-10)


def test_each_point_is_proved_and_traces_grow():
    points = list(reg_path(blobs(seed=1), n_regs=6))
    assert len(points) == 6
    assert [point.reg for point in points] == sorted((point.reg for point in points), reverse=True)
    assert all(point.solution.relative_gap <= 1e-4 for point in points)
    traces = [np.trace(point.solution.M) for point in points]
    assert all(before <= after + 1e-3 * traces[-1] for before, after in pairwise(traces))


def test_penalties_of_the_caller_and_bad_ones():
    points = list(reg_path(blobs(), regs=[1.0, 0.0], tol=1e-2))
    assert [point.reg for point in points] == [1.0, 0.0]
    with pytest.raises(ValueError, match="n_regs=1 must be an integer >= 2"):
        next(reg_path(blobs(), n_regs=1))
    with pytest.raises(ValueError, match=r"regs holds -1\.0; each must be a finite number >= 0"):
        next(reg_path(blobs(), regs=[-1.0]))
