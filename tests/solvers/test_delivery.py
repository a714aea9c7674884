"""The metric as it is handed out: one rank everywhere, components that are certified as they are, an honest status."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lmnn_sdp import LMNN, Problem, Status, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.solvers.delivery import _step_of


def problem_of(name, standardised=True):
    data = load(name).standardized() if standardised else load(name)
    return Problem.from_data(data.X, data.y)


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6, 1e-9])
@pytest.mark.parametrize(("name", "rank"), [("iris", 3), ("wine", 7), ("breast_cancer", 10)])
def test_the_rank_is_that_of_the_optimum_at_every_tolerance(name, rank, tol):
    solution = solve(problem_of(name), tol=tol)
    assert solution.status is Status.OPTIMAL
    assert solution.relative_gap <= tol
    assert solution.certificate.rank == len(solution.components) == rank


@pytest.mark.parametrize("standardised", [True, False])
def test_a_gap_of_a_billionth_is_within_reach_of_the_bounds(standardised):
    solution = solve(problem_of("breast_cancer", standardised), tol=1e-9)
    assert solution.status is Status.OPTIMAL


def test_estimator_and_solution_mean_the_same_rank():
    data = load("wine").standardized()
    model = LMNN().fit(data.X, data.y)
    assert len(model.components_) == model.solution_.certificate.rank == model.transform(data.X).shape[1] == 7


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_the_matrix_has_the_objective_of_the_components(name):
    problem = problem_of(name)
    solution = solve(problem)
    assert solution.lower_bound <= problem.objective(solution.M)
    assert problem.objective(solution.M) == pytest.approx(solution.objective, rel=1e-12)


def test_what_float64_cannot_hold_is_said():
    data = load("wine").standardized()
    copy = data.X[:, 0] + 1e-12 * np.random.default_rng(0).normal(size=len(data.X))
    with pytest.warns(ConvergenceWarning, match="float64 cannot hold the metric that well .* nearly repeat others"):
        solution = solve(Problem.from_data(np.column_stack([data.X, copy]), data.y), tol=1e-8)
    assert solution.status is Status.ROUNDING
    assert solution.relative_gap > 1e-8


@pytest.mark.parametrize(
    ("eigenvalues", "rows"),
    [
        ([1.0, 0.5, 1e-5, 1e-6], 2),
        ([1.0, 0.5, 1e-4, 1e-11, 1e-16, 1e-17], 3),
        ([1.0, 0.5, 0.1], None),
        ([1.0, 5e-3, 2e-3], 1),
        ([1.0], None),
        ([], None),
    ],
)
def test_the_spectrum_is_cut_where_it_falls_furthest_but_not_within_rounding(eigenvalues, rows):
    assert _step_of(np.array(eigenvalues)) == rows
