"""What other people's SDP solvers print, understood; those that fail, hang or are absent."""

import sys

import pytest

from external_solvers import judged
from harness import sdp_solvers, sdp_worker
from harness.sdp_solvers import SOLVERS, SDPSolver, Told, run
from lmnn_sdp import solve
from lmnn_sdp.problem.sdpa import export_sdpa
from problems import blobs

PRINTED = {
    "CSDP": "CSDP 6.2.0\nIter:  0 Ap: 0\nSuccess: SDP solved\nPrimal objective value: -3.25e+00 \n"
    "Dual objective value: -3.24e+00 \nRelative primal infeasibility: 2.45e-10 \n",
    "SDPA": "SDPA (Version 7.3.16) start at\n\nphase.value  = pdOPT     \n   Iteration = 23\n"
    "objValPrimal = -3.24e+00\nobjValDual   = -3.25e+00\n",
    "DSDP": "DSDP Set Data:  1.8e-04 seconds\n33  3.25e+00\nDSDP Converged. \n\nP Objective  :   3.25e+00 \n"
    "DSDP Solution:   3.24e+00 \n\nDSDP Solve Time:  1.802e-01 seconds\n",
}


def script(tmp_path, body, solver=SOLVERS["CSDP"]):
    """A stand-in that gets the file as its last argument."""
    path = tmp_path / "solver.py"
    path.write_text(body)
    return SDPSolver((sys.executable, str(path)), solver.sign, solver.read, solver.solved)


@pytest.mark.parametrize("name", PRINTED)
def test_signs_and_words_are_turned_into_bounds_on_the_optimum(name, tmp_path):
    told = run(script(tmp_path, f"print({PRINTED[name]!r})", SOLVERS[name]), tmp_path / "p.dat-s", 60)
    assert told.success
    assert told.at_metric == 3.25
    assert told.at_multipliers == 3.24


def test_words_that_mean_no_success_are_kept(tmp_path):
    printed = PRINTED["CSDP"].replace("Success: SDP solved", "Partial Success: SDP solved with reduced accuracy")
    told = run(script(tmp_path, f"print({printed!r})"), tmp_path / "p.dat-s", 60)
    assert not told.success
    assert told.says == "Partial Success: SDP solved with reduced accuracy"
    assert told.at_metric == 3.25


def test_a_failure_is_told(tmp_path):
    told = run(script(tmp_path, "raise SystemExit('no such file')"), tmp_path / "p.dat-s", 60)
    assert told.says == "failed (exit 1): no such file"
    assert told.at_metric is None


@pytest.mark.clock
def test_what_does_not_end_is_ended(tmp_path):
    told = run(script(tmp_path, "import time; time.sleep(60)"), tmp_path / "p.dat-s", 0.2)
    assert told.says == "did not end within 0.2 s"


def test_absent_solvers_are_known(tmp_path):
    assert not SDPSolver(("no-such-solver",), 1, SOLVERS["CSDP"].read, ()).installed
    absent = (str(tmp_path / "python"), "worker", "cvxopt")
    assert not SDPSolver(absent, 1, SOLVERS["CVXOPT"].read, ()).installed
    assert not SDPSolver((sys.executable, "worker", "no-such-package"), 1, SOLVERS["CVXOPT"].read, ()).installed
    assert SOLVERS["Clarabel"].installed


def test_the_worker_solves_an_export_to_minus_the_optimum(tmp_path):
    problem = blobs(n=12, d=2)
    path = tmp_path / "p.dat-s"
    export_sdpa(problem, path, tmp_path / "map.npz")
    solution = solve(problem, tol=1e-8)
    told = sdp_worker.clarabel(str(path))
    assert told["says"] == "Solved"
    assert -told["x"] == pytest.approx(solution.objective, rel=1e-6)
    assert -told["Y"] == pytest.approx(solution.objective, rel=1e-6)


def test_the_worse_of_two_values_counts():
    ours = solve(blobs(n=12, d=2), tol=1e-8)
    high, low, within = ours.objective * 1.1, ours.lower_bound * 0.8, (ours.objective + ours.lower_bound) / 2
    assert judged(Told("", True, high, low), ours)["off"] == pytest.approx(0.2, abs=1e-6)
    assert judged(Told("", True, high, within), ours)["off"] == pytest.approx(0.1, abs=1e-6)
    assert judged(Told("", True, within, within), ours)["within"]
    assert judged(Told("failed"), ours)["off"] is None
    assert sdp_solvers.WORKER.exists()
