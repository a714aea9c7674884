"""Ctrl-C at any moment of a solve: an answer with its proof, never a KeyboardInterrupt."""

import gc
import signal
import sys
import zipfile
from threading import Thread

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lmnn_sdp import Solution, Status, solve
from lmnn_sdp.solvers import solve as solve_module
from lmnn_sdp.solvers.checkpoint import Checkpoint
from lmnn_sdp.solvers.interrupts import CtrlC
from problems import noise

PROBLEM = noise(n=60, d=4)


@pytest.fixture(scope="module")
def solved():
    return solve(PROBLEM)


@pytest.fixture(autouse=True)
def handler_of_the_interpreter():
    """Whatever the tests were given: a job in the background of a shell ignores Ctrl-C."""
    given = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, given) is signal.default_int_handler


def ctrl_c(*_):
    signal.raise_signal(signal.SIGINT)


def pressed(monkeypatch, owner, name):
    """Ctrl-C, twice, whenever that function is called."""
    original = getattr(owner, name)

    def press_and_call(*arguments, **named):
        ctrl_c()
        ctrl_c()
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, press_and_call)


def interrupted(**arguments):
    with pytest.warns(ConvergenceWarning, match="Interrupted"):
        solution = solve(PROBLEM, **arguments)
    assert solution.status is Status.INTERRUPTED
    return solution


def test_before_anything_is_certified_the_answer_is_zero(monkeypatch):
    pressed(monkeypatch, solve_module, "whiten")
    solution = interrupted()
    assert not solution.M.any()
    assert solution.L.shape == (1, 4)
    assert solution.objective == pytest.approx(PROBLEM.objective(solution.M), rel=1e-12)
    assert solution.objective == pytest.approx(PROBLEM.mu * PROBLEM.n_triplets, rel=1e-12)
    assert solution.lower_bound == 0
    assert solution.history == ()


def test_a_start_is_never_lost(monkeypatch, solved, tmp_path):
    pressed(monkeypatch, solve_module, "whiten")
    solved.save(tmp_path / "c.npz")
    solution = interrupted(start=solved, tol=1e-15, checkpoint=tmp_path / "c.npz")
    assert solution.relative_gap <= solved.relative_gap * (1 + 1e-6)
    assert Solution.load(tmp_path / "c.npz").relative_gap <= solved.relative_gap


@pytest.mark.parametrize("solver", ["newton", "scs", "pgd"])
def test_in_a_callback_what_is_proved_is_kept(solver):
    solution = interrupted(solver=solver, tol=1e-12, callback=ctrl_c)
    assert len(solution.history) == 1
    assert solution.relative_gap < 1


@pytest.mark.parametrize(("owner", "name"), [(solve_module._Attempt, "solution"), (Solution, "save")])
def test_too_late_to_stop_anything_it_changes_nothing(monkeypatch, owner, name, tmp_path):
    monkeypatch.setattr(Checkpoint, "write", lambda self: None)  # only the last one, when the work is done
    pressed(monkeypatch, owner, name)
    solution = solve(PROBLEM, checkpoint=tmp_path / "c.npz")
    assert solution.status is Status.OPTIMAL
    assert Solution.load(tmp_path / "c.npz").status is Status.OPTIMAL


def test_again_while_the_answer_is_written_loses_neither(monkeypatch, tmp_path):
    pressed(monkeypatch, Solution, "save")
    solution = interrupted(tol=1e-12, checkpoint=tmp_path / "c.npz", callback=ctrl_c)
    held = Solution.load(tmp_path / "c.npz")
    assert held.status is Status.INTERRUPTED
    assert held.certificate == solution.certificate


class Presser:
    """Presses Ctrl-C at the n-th call of a Python function between the begin and the end of what `CtrlC` guards."""

    def __init__(self, at):
        self.at, self.calls, self.inside = at, 0, False

    def __call__(self, frame, event, argument):
        if frame.f_code is CtrlC.__enter__.__code__ and event == "return":
            self.inside = True
        elif frame.f_code is CtrlC.__exit__.__code__:
            self.inside = False
        if self.inside and event == "call":
            self.calls += 1
            if self.calls == self.at:
                ctrl_c()


def solve_pressing(at, **arguments):
    presser = Presser(at)
    sys.setprofile(presser)
    try:
        return solve(PROBLEM, warn=False, **arguments), presser.calls
    finally:
        sys.setprofile(None)


def test_at_any_call_there_is_an_answer_and_the_checkpoint_is_whole(solved, tmp_path):
    path = tmp_path / "c.npz"
    solution, calls = solve_pressing(0, checkpoint=path)
    assert solution.status is Status.OPTIMAL
    moments = np.unique(np.geomspace(1, calls, 60).astype(int))
    seen = set()
    for moment in moments.tolist():
        path.unlink(missing_ok=True)
        solution, _ = solve_pressing(moment, checkpoint=path)
        seen.add(solution.status)
        assert solution.certificate.overlaps(solved.certificate)
        assert Solution.load(path).certificate == solution.certificate
        assert [entry.name for entry in tmp_path.iterdir()] == ["c.npz"]
    assert seen == {Status.INTERRUPTED, Status.OPTIMAL}


def test_while_a_checkpoint_is_written_it_is_noted_and_heard_right_after(monkeypatch, tmp_path):
    # an archive that is broken off complains when it is collected, where nobody can catch it
    pressed(monkeypatch, zipfile.ZipFile, "close")
    solution = interrupted(tol=1e-12, checkpoint=tmp_path / "c.npz")
    monkeypatch.undo()
    gc.collect()
    assert len(solution.history) == 1
    assert Solution.load(tmp_path / "c.npz").certificate == solution.certificate


def test_while_numba_compiles_it_is_noted_and_heard_at_the_next_record(monkeypatch):
    import numba
    from numba.core import compiler

    pressed(monkeypatch, compiler, "compile_extra")
    compiled = []

    def compile_one(row):
        if not compiled:
            compiled.append(numba.njit(lambda x: x + 1)(1))  # in no cache

    solution = interrupted(tol=1e-12, callback=compile_one)
    assert compiled == [2]
    assert len(solution.history) == 1


def test_a_handler_of_the_callers_own_stays(solved):
    pressed_in = []
    signal.signal(signal.SIGINT, lambda *_: pressed_in.append("handler"))
    try:
        solution = solve(PROBLEM, callback=ctrl_c)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert solution.status is Status.OPTIMAL
    assert "handler" in pressed_in


def test_another_thread_than_the_main_one_solves_the_same(solved):
    solutions = []
    thread = Thread(target=lambda: solutions.append(solve(PROBLEM)))
    thread.start()
    thread.join()
    assert np.array_equal(solutions[0].M, solved.M)


def test_an_error_gives_the_handler_back():
    def fail(row):
        raise LookupError

    with pytest.raises(LookupError):
        solve(PROBLEM, callback=fail)
