"""Solvers x problems, two solvers as each other's oracle, invariances, and early stops."""

import signal
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lmnn_sdp import Problem, Status, certify, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.problem.planted import plant
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers import conic, cvxpy_form, working_set
from lmnn_sdp.solvers.monitor import Monitor
from problems import TOL, blobs, noise, random_invertible

EXACT = ["newton", "scs", "scs-full", "cvxpy"]
PROBLEMS = {
    "blobs": lambda: blobs(n=30, d=3),
    "noise": lambda: noise(n=24, d=4, classes=2),
    "one feature": lambda: blobs(n=20, d=1, classes=2),
    "mu 0.9": lambda: blobs(n=24, d=2, mu=0.9),
    "mu 0.01": lambda: noise(n=24, d=2, classes=2, mu=0.01),
    "trace penalty": lambda: noise(n=24, d=3, reg=2.0),
    "iris sample": lambda: Problem.from_data(*_xy(load("iris").standardized().sample(45))),
}


def _xy(data):
    return data.X, data.y


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("solver", EXACT)
def test_exact_solvers_prove_the_optimum(solver, name):
    problem = PROBLEMS[name]()
    solution = solve(problem, solver)
    assert solution.status is Status.OPTIMAL
    assert solution.relative_gap <= 1e-6
    again = certify(problem, solution.M, solution.triplets, solution.alpha)
    assert again.relative_gap <= 2e-6
    assert problem.objective(solution.M) == pytest.approx(solution.objective, rel=TOL["conditioned"])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("solver", ["newton", "scs", "cvxpy"])
def test_planted_optima_are_found(solver, seed):
    planted = plant(seed, n=20, d=3, rank=1 + seed % 2, n_kinks=1)
    solution = solve(planted.problem, solver)
    assert solution.lower_bound <= planted.optimum * (1 + TOL["gap"])
    assert solution.objective >= planted.optimum * (1 - TOL["gap"])
    assert solution.relative_gap <= 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_two_solvers_are_each_others_oracle(seed):
    problem = blobs(n=36, d=4, seed=seed)
    ours, theirs = solve(problem, "scs", tol=1e-8), solve(problem, "cvxpy")
    assert ours.certificate.overlaps(theirs.certificate)
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)


def test_projected_gradient_comes_near():
    problem = blobs(n=30, d=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution = solve(problem, "pgd", tol=1e-3, max_iter=2000)
    assert solution.certificate.overlaps(solve(problem).certificate)
    assert solution.relative_gap < 1e-2
    gaps = [row.relative_gap for row in solution.history]
    assert gaps == sorted(gaps, reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_working_set_equals_full_problem(seed):
    problem = noise(n=30, d=3, seed=seed)
    restricted, full = solve(problem, "scs", tol=1e-8), solve(problem, "scs-full", tol=1e-8)
    assert restricted.certificate.overlaps(full.certificate)
    assert restricted.objective == pytest.approx(full.objective, rel=1e-7)


def test_restricting_to_the_multipliers_keeps_the_optimum():
    problem = blobs(n=30, d=3)
    solution = solve(problem, tol=1e-8)
    restricted = solve(problem.restrict(solution.triplets), "cvxpy")
    assert restricted.objective == pytest.approx(solution.objective, rel=1e-6)


def test_working_sets_wrap_any_sdp_solver():
    problem = whiten(blobs(n=30, d=3)).problem
    monitor = Monitor(problem, tol=1e-6)

    def clarabel(sdp, accuracy, start, time_limit):
        return cvxpy_form.solve_sdp(sdp)

    assert working_set.solve(problem, monitor, clarabel) is Status.OPTIMAL
    assert monitor.relative_gap <= 1e-6


def test_unbounded_restricted_problems_give_frozen_triplets_rows():
    problem = whiten(blobs(n=30, d=3)).problem
    monitor = Monitor(problem, tol=1e-6)
    refused = []

    def first_time_unbounded(sdp, accuracy, start, time_limit):
        if not refused:
            refused.append(len(sdp.triplets))
            return None
        return conic.solve_sdp(sdp, accuracy, start, time_limit=time_limit)

    assert working_set.solve(problem, monitor, first_time_unbounded) is Status.OPTIMAL
    assert monitor.history[1].working_set >= refused[0]


@pytest.mark.parametrize("share", conic.Share)
def test_every_cone_form_is_the_same_problem(share):
    sdp = SlackSDP.of(whiten(blobs(n=15, d=3, k=1)).problem)
    form = conic.build(sdp, share)
    M = np.diag([3.0, 2.0, 1.0])
    start = conic.PrimalDual(M, np.zeros(len(sdp.triplets)))
    x, _, s = conic._warm_start(form, sdp, start)
    push, pull = sdp.differences()
    margins = np.einsum("ta,ab,tb->t", push, M, push) - np.einsum("ta,ab,tb->t", pull, M, pull)
    xi = np.maximum(0, 1 - margins)
    assert form.c @ x == pytest.approx(np.sum(sdp.Q * M) + sdp.mu * xi.sum())
    np.testing.assert_allclose(s[form.alpha_rows], margins + xi - 1, atol=1e-9)
    assert s.min() > -1e-9


def test_the_chosen_cone_form_has_the_fewest_nonzeros():
    for seed in range(5):
        sdp = SlackSDP.of(whiten(blobs(n=20, d=4, k=2, seed=seed)).problem)
        chosen = conic.build(sdp).A.nnz
        assert chosen <= conic.build(sdp, conic.Share.NEVER).A.nnz
        assert chosen <= conic.build(sdp, conic.Share.ALWAYS).A.nnz


@pytest.mark.parametrize("seed", range(4))
def test_invertible_maps_change_nothing_but_coordinates(seed):
    problem = blobs(n=30, d=3, seed=seed)
    B = random_invertible(3, np.random.default_rng(seed))
    moved = Problem.from_data(problem.X @ B.T, problem.y, targets=problem.targets)
    here, there = solve(problem, tol=1e-8), solve(moved, tol=1e-8)
    assert here.objective == pytest.approx(there.objective, rel=1e-7)
    difference = np.abs(B.T @ there.M @ B - here.M).max()
    assert difference < 1e-2 * np.abs(here.M).max()  # M is less determined than its objective


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_do_not_matter(scale):
    problem = blobs(n=30, d=3)
    scaled = Problem.from_data(scale * problem.X, problem.y, targets=problem.targets)
    here, there = solve(problem), solve(scaled)
    assert there.status is Status.OPTIMAL
    assert here.certificate.overlaps(there.certificate)


def test_order_of_rows_and_names_of_classes_do_not_matter():
    problem = blobs(n=30, d=3)
    order = np.random.default_rng(0).permutation(30)
    names = np.array(["z", "b", "m"])[problem.codes]
    moved = Problem.from_data(problem.X[order], names[order], n_neighbors=2)
    assert solve(problem).certificate.overlaps(solve(moved).certificate)


@pytest.mark.parametrize("c", [0.01, 7.0])
def test_another_unit_margin_scales_the_metric(c):
    """With margin c the optimum is c M and its value c f: on data scaled by 1/sqrt(c), M' = c M has margin 1."""
    problem = blobs(n=30, d=3)
    scaled = Problem.from_data(problem.X / np.sqrt(c), problem.y, targets=problem.targets)
    M, cM = solve(problem, tol=1e-9).M, solve(scaled, tol=1e-9).M
    assert np.abs(cM - c * M).max() < 1e-2 * np.abs(c * M).max()


def test_no_triplets_means_zero_metric():
    problem = blobs(n=20, d=2).restrict(np.empty((0, 3), dtype=int))
    solution = solve(problem)
    assert solution.status is Status.NO_TRIPLETS
    assert not solution.M.any()
    assert solution.relative_gap == 0
    assert solution.components.shape == (1, 2)


@pytest.mark.parametrize("solver", ["newton", "scs", "pgd"])
@pytest.mark.clock
@pytest.mark.parametrize(
    ("limit", "status"), [({"max_iter": 1}, Status.MAX_ITER), ({"time_limit": 1e-3}, Status.TIME_LIMIT)]
)
def test_an_early_stop_keeps_the_best_interval_and_warns(solver, limit, status):
    problem = noise(n=40, d=4)
    with pytest.warns(ConvergenceWarning, match="proved relative gap"):
        solution = solve(problem, solver, tol=1e-12, **limit)
    assert solution.status is status
    optimum = solve(problem, tol=1e-10)
    assert 0 <= solution.lower_bound <= optimum.objective <= solution.objective * (1 + 1e-9)


def test_zero_tolerance_ends_at_rounding():
    problem = blobs(n=20, d=2)
    with pytest.warns(ConvergenceWarning, match="tol = 0"):
        solution = solve(problem, tol=0)
    assert solution.status is Status.STALLED
    assert solution.relative_gap < 1e-9


def test_history_is_monotone_and_reaches_the_callback():
    seen = []
    solution = solve(blobs(n=30, d=3), callback=seen.append)
    assert tuple(seen) == solution.history
    assert solution.rounds == solution.history[-1].iteration
    assert f"{solution.solver}, {solution.rounds} rounds" in solution.effort
    lower = [row.lower_bound for row in solution.history]
    assert lower == sorted(lower)
    assert solution.history[-1].relative_gap == pytest.approx(solution.relative_gap)


def test_same_input_same_bits():
    problem = blobs(n=40, d=4)
    first, second = solve(problem), solve(problem)
    assert np.array_equal(first.M, second.M)
    assert np.array_equal(first.alpha, second.alpha)


def test_keyboard_interrupt_keeps_the_best_iterate():
    def interrupt(row):
        if row.iteration == 1:
            raise KeyboardInterrupt

    with pytest.warns(ConvergenceWarning, match="Interrupted"):
        solution = solve(noise(n=40, d=4), tol=1e-12, callback=interrupt)
    assert solution.status is Status.INTERRUPTED
    assert solution.M.any()
    assert solution.lower_bound > 0


@pytest.mark.clock
@pytest.mark.parametrize("solver", ["newton", "scs"])  # SCS catches the signal itself and says so in its status
def test_ctrl_c_within_a_solver_is_an_interrupt(solver):
    script = """
        import sys
        import numpy as np, warnings
        from lmnn_sdp import Problem, solve
        from lmnn_sdp.datasets import load
        warnings.simplefilter("ignore")
        data = load("breast_cancer").standardized()
        row = lambda row: print("row", flush=True)
        solution = solve(Problem.from_data(data.X, data.y), sys.argv[1], tol=1e-14, callback=row)
        print(solution.status.name, solution.lower_bound > 0)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), solver]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout.readline() == "row\n"  # the start is certified; the first round runs now
        for _ in range(10):  # SCS swallows the signal while it sets up, a tenth of its time: press again
            process.send_signal(signal.SIGINT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                continue
            break
        assert process.stdout.read().splitlines()[-1] == "INTERRUPTED True"


@pytest.mark.parametrize("data", ["iris", "wine"])
def test_known_optima(data):
    """Values known before this package, to the digits that were recorded."""
    known = {"iris": 234.11104, "wine": 208.911164}
    bundled = load(data).standardized()
    solution = solve(Problem.from_data(bundled.X, bundled.y), tol=1e-8)
    assert solution.objective == pytest.approx(known[data], rel=3e-8)
    assert solution.certificate.rank == {"iris": 3, "wine": 7}[data]


def test_raw_wine_is_as_easy_as_standardised():
    raw = load("wine")
    solution = solve(Problem.from_data(raw.X, raw.y))
    assert solution.relative_gap <= 1e-6
    assert solution.objective == pytest.approx(258.371840, rel=1e-6)


@pytest.mark.parametrize("solver", ["simplex", "scs:MOSEK", ""])
def test_unknown_solvers_are_refused(solver):
    with pytest.raises(ValueError, match="is unknown; use 'auto', 'scs'"):
        solve(blobs(n=20, d=2), solver)


def test_a_callback_that_cannot_be_called_is_refused_before_the_solve():
    with pytest.raises(ValueError, match="callback='print' must be a function"):
        solve(blobs(n=20, d=2), callback="print")


def test_cvxpy_solvers_go_by_name():
    problem = blobs(n=20, d=2)
    assert solve(problem, "cvxpy:SCS", tol=1e-3).solver == "cvxpy:SCS"
    with pytest.raises(ValueError, match="CVXPY has no solver 'NONE' here; installed are"):
        solve(problem, "cvxpy:NONE")


def test_too_many_dimensions_for_scs_name_the_solver_to_use():
    problem = noise(n=400, d=90, classes=2)
    with pytest.raises(ValueError, match=r"d = 90 is too large for solver='scs'.*use solver='newton'"):
        solve(problem, "scs")
    with pytest.warns(ConvergenceWarning):
        assert solve(problem, max_iter=1).solver == "newton"


def test_too_many_triplets_for_explicit_rows_name_the_solver_to_use(monkeypatch):
    monkeypatch.setattr("lmnn_sdp.solvers.with_rows.MAX_EXPLICIT_TRIPLETS", 100)
    with pytest.raises(ValueError, match=r"too many for an SDP with a row for each.*use solver='newton' or 'scs'"):
        solve(blobs(n=30, d=2), "scs-full")
