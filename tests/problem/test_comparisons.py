"""Problems of the caller's own triplets: against the definition, CVXPY, and exact arithmetic."""

import cvxpy as cp
import numpy as np
import pytest

from lmnn_sdp import Problem, Status, certify, solve
from problems import naive_matrices


def comparisons(seed=0, n=20, d=3, count=60):
    """Answers of a metric that weights the first feature, some of them wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    rows = np.unique(np.array([rng.permutation(n)[:3] for _ in range(count)]), axis=0)
    i, j, l = rows.T
    unit = np.r_[3.0, np.ones(d - 1)]
    wrong = np.sum(((X[i] - X[j]) * unit) ** 2, axis=1) > np.sum(((X[i] - X[l]) * unit) ** 2, axis=1)
    rows[wrong, 1:] = rows[wrong, :0:-1]
    rows[: count // 10, 1:] = rows[: count // 10, :0:-1]
    return X, np.unique(rows, axis=0)


@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_that_of_cvxpy(seed):
    X, rows = comparisons(seed)
    problem = Problem.from_triplets(X, rows, mu=0.6, reg=0.1)
    solution = solve(problem, tol=1e-7)
    M = cp.Variable((3, 3), PSD=True)
    pairs = np.unique(rows[:, :2], axis=0)
    difference = X[pairs[:, 0]] - X[pairs[:, 1]]
    hinges = 1 - naive_matrices(X, rows).reshape(len(rows), -1) @ cp.vec(M, order="C")
    cost = 0.4 * cp.trace(difference.T @ difference @ M) + 0.6 * cp.sum(cp.pos(hinges)) + 0.1 * cp.trace(M)
    best = cp.Problem(cp.Minimize(cost)).solve(solver=cp.CLARABEL)
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= best * (1 + 1e-6)
    assert solution.objective >= best * (1 - 1e-6)
    assert problem.objective(solution.M) == pytest.approx(solution.objective, rel=1e-9)
    assert certify(problem, solution.M, solution.triplets, solution.alpha).overlaps(solution.certificate)


def test_a_pair_is_pulled_once():
    X = np.array([[0.0], [1.0], [3.0], [4.0]])
    problem = Problem.from_triplets(X, [[0, 1, 2], [0, 1, 3], [2, 3, 0]])
    assert problem.pull.item() == 2.0
    assert problem.n_triplets == 3
    assert problem.objective(np.array([[0.1]])) == pytest.approx(0.5 * 0.2 + 0.5 * (0.2 + 0 + 0.2))


@pytest.mark.parametrize(
    ("triplets", "message"),
    [
        ([[0, 1]], r"triplets has shape \(1, 2\)"),
        (np.empty((0, 3), dtype=int), r"with T >= 1"),
        ([[0, 1, 1]], r"triplets\[0\] = \[0, 1, 1\] names a point twice"),
        ([[0, 1, 2], [0, 1, 2]], "lists a triplet twice"),
        ([[0, 1, 9]], "triplets"),
    ],
)
def test_triplets_that_are_none_raise(triplets, message):
    with pytest.raises(ValueError, match=message):
        Problem.from_triplets(np.eye(4), triplets)
