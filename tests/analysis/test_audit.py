"""Metrics from anywhere against the optimum."""

import importlib
import math

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lmnn_sdp import Status, audit, certify, solve
from lmnn_sdp.problem.planted import plant
from problems import TOL, blobs, noise, random_psd

MODULE = importlib.import_module("lmnn_sdp.analysis.audit")  # the package's attribute of that name is the function


@pytest.fixture
def never_solves(monkeypatch):
    def solve(*_, **__):
        raise AssertionError("no solver may run")

    monkeypatch.setattr(MODULE, "solve", solve)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 1.1, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_holds_the_excess_over_a_planted_optimum(seed, scale):
    planted = plant(seed)
    M = scale * planted.M
    found = audit(planted.problem, M)
    true = planted.problem.objective(M) / planted.optimum - 1
    low, high = found.excess
    assert found.solution.status is Status.OPTIMAL
    assert low - TOL["gap"] <= true <= high + TOL["gap"]
    assert high - low <= 1.1e-6 * (1 + true)


def test_the_optimum_lies_in_the_intervals_of_all_metrics():
    problem, rng = noise(), np.random.default_rng(0)
    found = [audit(problem, random_psd(3, rng, scale=s), tol=1e-3) for s in (1e-3, 0.1, 10.0)]
    assert max(a.optimum[0] for a in found) <= min(a.optimum[1] for a in found)


def test_the_solution_of_a_solve_has_no_excess():
    problem = blobs()
    solution = solve(problem)
    low, high = audit(problem, solution.M).excess
    assert 0 <= low <= TOL["gap"]
    assert high <= 1.1e-6


@pytest.mark.clock
def test_a_metric_better_than_the_solver_s_bounds_the_optimum():
    planted = plant(0)
    with pytest.warns(ConvergenceWarning, match="Stopped at time_limit"):
        found = audit(planted.problem, planted.M, time_limit=1e-9)
    assert found.solution.objective > found.objective
    assert found.optimum == (found.certificate.lower_bound, found.objective)
    assert found.excess[0] == 0
    assert found.excess[1] >= 0


def test_multipliers_of_the_solve_certify_the_given_metric():
    problem, M = noise(), np.eye(3)
    found = audit(problem, M)
    solution = found.solution
    assert found.certificate == certify(problem, M, solution.triplets, solution.alpha)
    assert found.certificate.lower_bound == pytest.approx(solution.lower_bound, rel=TOL["gap"])
    assert found.objective == pytest.approx(problem.objective(M), rel=TOL["conditioned"])
    assert found.certificate.residuals.complementarity > 0


def test_certify_without_multipliers_gives_the_certificate_of_the_audit():
    problem, M = noise(), np.eye(3)
    assert certify(problem, M) == audit(problem, M).certificate


@pytest.mark.usefixtures("never_solves")
def test_certify_with_multipliers_runs_no_solver():
    planted = plant(0)
    assert certify(planted.problem, planted.M, planted.triplets, planted.alpha).relative_gap <= TOL["gap"]


@pytest.mark.usefixtures("never_solves")
@pytest.mark.parametrize("given", [{"alpha": [0.1]}, {"triplets": [[0, 1, 2]]}])
def test_multipliers_and_their_triplets_belong_together(given):
    with pytest.raises(ValueError, match="triplets and alpha together"):
        certify(noise(), np.eye(3), **given)


@pytest.mark.usefixtures("never_solves")
@pytest.mark.parametrize("use", [audit, certify])
def test_a_wrong_metric_is_refused_before_the_solve(use):
    with pytest.raises(ValueError, match=r"M has shape \(2, 3\); it must be \(3, 3\), for a factor L pass L\.T @ L"):
        use(noise(), np.ones((2, 3)))


def test_options_reach_the_solver():
    rows = []
    found = audit(noise(), np.eye(3), tol=0.5, callback=rows.append)
    assert tuple(rows) == found.solution.history
    assert found.solution.relative_gap > 1e-6
    assert certify(noise(), np.eye(3), tol=0.5) == found.certificate


def test_an_optimum_of_zero():
    problem = noise().restrict(np.empty((0, 3), dtype=int))
    assert audit(problem, np.zeros((3, 3))).excess == (0.0, 0.0)
    assert audit(problem, np.eye(3)).excess == (math.inf, math.inf)
