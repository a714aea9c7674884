"""Solves that begin at an earlier solution, and solves that are stopped, watched or killed on the way."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lmnn_sdp import Problem, Solution, Status, certify, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.problem.fingerprint import fingerprint
from lmnn_sdp.solvers import checkpoint
from problems import blobs, noise

TOLERANCE = 1e-6
WARM = ["newton", "scs"]


def first_rows(problem, count):
    """Those points only, with target neighbours of their own."""
    return Problem.from_data(problem.X[:count], problem.y[:count], problem.n_neighbors, problem.mu)


LARGER = blobs(n=90, d=4, seed=3)
WHOLE = Problem.from_data(LARGER.X[:60], LARGER.y[:60], 2)
STARTS = {
    "same": lambda: WHOLE,
    "another mu": lambda: replace(WHOLE, mu=0.2),
    "larger mu": lambda: replace(WHOLE, mu=0.9),
    "other k": lambda: Problem.from_data(WHOLE.X, WHOLE.y, 4),
    "fewer k": lambda: Problem.from_data(WHOLE.X, WHOLE.y, 1),
    "rows added since": lambda: first_rows(WHOLE, 45),
    "rows taken since": lambda: LARGER,
    "a trace penalty": lambda: Problem.from_data(WHOLE.X, WHOLE.y, 2, reg=1.0),
    "nothing but the working set": lambda: WHOLE.restrict(WHOLE.all_triplets()[::5]),
    "no triplets at all": lambda: WHOLE.restrict(np.empty((0, 3))),  # its metric is zero
}


@pytest.fixture(scope="module")
def cold():
    return solve(WHOLE, tol=TOLERANCE)


@pytest.mark.parametrize("factor", [1e-2, 1e2, 1e6])
def test_the_scale_of_a_start_does_not_matter(cold, factor):
    start = replace(cold, M=factor * cold.M, L=factor**0.5 * cold.L)
    warm = solve(WHOLE, tol=TOLERANCE, start=start)
    assert warm.status is Status.OPTIMAL
    assert len(warm.history) == 1


@pytest.mark.parametrize("solver", WARM)
@pytest.mark.parametrize("name", STARTS)
def test_a_warm_solve_proves_the_same_optimum(cold, name, solver):
    start = solve(STARTS[name](), tol=TOLERANCE)
    warm = solve(WHOLE, solver, tol=TOLERANCE, start=start)
    assert warm.status is Status.OPTIMAL
    assert warm.relative_gap <= TOLERANCE
    assert warm.certificate.overlaps(cold.certificate)
    again = certify(WHOLE, warm.M, warm.triplets, warm.alpha)
    assert again.relative_gap <= 2 * TOLERANCE


@pytest.mark.parametrize("name", STARTS)
def test_projected_gradient_begins_at_the_start(cold, name):
    start = solve(STARTS[name](), tol=TOLERANCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warm = solve(WHOLE, "pgd", tol=TOLERANCE, max_iter=100, start=start)
    assert warm.certificate.overlaps(cold.certificate)


@pytest.mark.parametrize("solver", [*WARM, "pgd"])
def test_a_solution_of_the_same_problem_is_proved_again_by_the_first_record(cold, solver):
    warm = solve(WHOLE, solver, tol=TOLERANCE, start=cold)
    assert warm.status is Status.OPTIMAL
    assert len(warm.history) == 1
    assert warm.relative_gap <= TOLERANCE


@pytest.mark.parametrize("name", ["another mu", "larger mu", "other k", "fewer k", "rows added since"])
def test_a_warm_solve_begins_nearer_to_the_optimum(cold, name):
    warm = solve(WHOLE, tol=TOLERANCE, start=solve(STARTS[name](), tol=TOLERANCE))
    assert warm.history[0].relative_gap < 0.5


def test_a_start_in_other_units_of_the_same_features_is_only_a_poor_start(cold):
    shrunk = Problem.from_data(1e-3 * WHOLE.X, WHOLE.y, targets=WHOLE.targets)
    warm = solve(WHOLE, tol=TOLERANCE, start=solve(shrunk, tol=TOLERANCE))
    assert warm.status is Status.OPTIMAL
    assert warm.certificate.overlaps(cold.certificate)


@pytest.mark.parametrize("solver", WARM)
def test_a_start_is_left_as_it_was(cold, solver):
    before = [array.copy() for array in (cold.M, cold.L, cold.triplets, cold.alpha)]
    solve(replace(WHOLE, mu=0.7), solver, start=cold)
    after = (cold.M, cold.L, cold.triplets, cold.alpha)
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_a_start_on_other_features_is_refused(cold):
    with pytest.raises(ValueError, match=r"metric on 4 features, but the data have 3; start from a solution on the sa"):
        solve(blobs(n=30, d=3), start=cold)


@pytest.mark.parametrize("solver", ["cvxpy", "cvxpy:SCS", "scs-full"])
def test_solvers_that_cannot_begin_anywhere_say_so(cold, solver):
    with pytest.raises(ValueError, match=rf"solver='{solver}' cannot begin at a given start; drop start, or use"):
        solve(WHOLE, solver, start=cold)


def test_a_start_that_dropped_directions_serves_data_that_vary_there():
    X = WHOLE.X.copy()
    X[:, 3] = 1.0
    flat = solve(Problem.from_data(X, WHOLE.y, targets=WHOLE.targets))
    warm = solve(WHOLE, tol=TOLERANCE, start=flat)
    assert warm.status is Status.OPTIMAL


# Watched, stopped and limited.


@pytest.mark.parametrize("true", [True, np.True_])
@pytest.mark.parametrize("solver", [*WARM, "pgd"])
def test_a_callback_that_returns_true_stops_with_what_is_proved(solver, true):
    problem, seen = noise(n=60, d=4), []

    def enough(row):
        seen.append(row)
        return true if len(seen) == 2 else None

    with pytest.warns(ConvergenceWarning, match="Interrupted"):
        solution = solve(problem, solver, tol=1e-9, callback=enough)
    assert solution.status is Status.INTERRUPTED
    assert len(solution.history) == 2
    assert_proved(problem, solution)


def assert_proved(problem, solution):
    """The interval is right, and the arrays alone prove it."""
    again = certify(problem, solution.M, solution.triplets, solution.alpha)
    assert again.overlaps(solution.certificate)
    assert again.objective == pytest.approx(solution.objective, rel=1e-9)
    assert again.lower_bound == pytest.approx(solution.lower_bound, rel=1e-9)
    assert solution.certificate.overlaps(solve(problem, tol=1e-8).certificate)


@pytest.mark.parametrize("answer", [None, False, np.False_, 1, "yes", 0.5])
def test_only_true_stops(answer):
    assert solve(blobs(), callback=lambda row: answer).status is Status.OPTIMAL


def test_a_callback_that_stops_at_the_tolerance_is_no_interruption():
    solution = solve(blobs(), callback=lambda row: row.relative_gap <= 1e-6)
    assert solution.status is Status.OPTIMAL


@pytest.mark.parametrize("solver", [*WARM, "pgd"])
def test_an_error_in_the_callback_goes_on(solver):
    def fail(row):
        raise LookupError("from the callback")

    with pytest.raises(LookupError, match="from the callback"):
        solve(noise(n=60, d=4), solver, callback=fail)


@pytest.mark.clock
@pytest.mark.parametrize("seconds", [1e-6, 0.02, 0.05])
def test_a_time_limit_leaves_a_proved_interval(seconds):
    problem = noise(n=400, d=12)
    solve(noise(n=40))  # compiled
    begin = time.process_time()  # what other processes take does not count
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        # asleep for longer than the limit before the solver could give up at rounding, however fast the machine
        solution = solve(problem, tol=1e-15, time_limit=seconds, callback=lambda row: time.sleep(0.1))
    assert time.process_time() - begin < seconds + 5
    assert solution.status is Status.TIME_LIMIT
    assert_proved(problem, solution)


# Checkpoints.


@pytest.mark.parametrize("solver", [*WARM, "pgd", "scs-full"])
def test_the_last_checkpoint_is_the_solution(tmp_path, solver):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution = solve(blobs(), solver, max_iter=200, checkpoint=tmp_path / "c.npz")
    saved = Solution.load(tmp_path / "c.npz")
    assert saved.status is solution.status
    assert np.array_equal(saved.M, solution.M)
    assert np.array_equal(saved.alpha, solution.alpha)
    assert saved.certificate == solution.certificate
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_the_first_record_is_written_before_the_callback_sees_it(tmp_path):
    seen = []

    def look(row):
        seen.append(Solution.load(tmp_path / "c.npz"))
        return True

    with pytest.warns(ConvergenceWarning):
        solve(WHOLE, checkpoint=tmp_path / "c.npz", callback=look, tol=1e-12)
    assert seen[0].status is Status.INTERRUPTED
    assert len(seen[0].history) == 1
    assert_proved(WHOLE, seen[0])


def test_an_error_leaves_the_checkpoint(tmp_path):
    def fail(row):
        raise LookupError

    with pytest.raises(LookupError):
        solve(WHOLE, checkpoint=tmp_path / "c.npz", callback=fail)
    assert solve(WHOLE, start=Solution.load(tmp_path / "c.npz")).status is Status.OPTIMAL


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_checkpoint_on_a_full_disk_warns_once_and_leaves_the_old_file(cold, tmp_path, monkeypatch):
    def full(file, **arrays):
        file.write(b"half")
        raise FULL

    path = tmp_path / "s.npz"
    cold.save(path)
    monkeypatch.setattr(np, "savez_compressed", full)
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)  # tries at every record
    with pytest.warns(RuntimeWarning) as told:
        solution = solve(blobs(n=30), checkpoint=path)
    assert [str(warning.message) for warning in told] == [
        f"the checkpoint could not be written ([Errno 28] No space left on device: '{path}'); the solve goes on without"
    ]
    assert len(solution.history) > 1
    assert solution.status is Status.OPTIMAL
    assert np.array_equal(Solution.load(path).M, cold.M)
    assert os.listdir(tmp_path) == ["s.npz"]
    with pytest.raises(OSError, match=r"No space left on device: '.*s.npz'"):
        cold.save(path)


def test_a_folder_that_goes_away_ends_no_solve(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()

    def remove(row):
        shutil.rmtree(folder, ignore_errors=True)

    with pytest.warns(RuntimeWarning, match=r"could not be written \(.*c.npz is in no folder that exists; create the"):
        solution = solve(blobs(n=30), checkpoint=folder / "c.npz", callback=remove)
    assert solution.status is Status.OPTIMAL


def test_a_checkpoint_never_replaces_what_is_no_solution(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, X=np.eye(2))
    before = path.read_bytes()
    message = r"checkpoint='.*data.npz' holds what would be lost; name another file \(.* it has no array 'M'"
    with pytest.raises(ValueError, match=message):
        solve(WHOLE, checkpoint=path, callback=lambda row: pytest.fail("solved"))
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="is no plain file and will not be replaced; name another file"):
        solve(WHOLE, checkpoint=tmp_path)


def test_an_empty_file_may_become_a_checkpoint(tmp_path):
    path = tmp_path / "c.npz"
    path.touch()
    solution = solve(WHOLE, checkpoint=path)
    assert Solution.load(path).certificate == solution.certificate


def stopped(problem, **arguments):
    """A solve that ends before it certifies anything."""
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        return solve(problem, time_limit=1e-9, tol=1e-15, **arguments)


@pytest.mark.parametrize("start", [True, False])
def test_a_checkpoint_of_the_same_problem_never_gets_worse(cold, tmp_path, start):
    path = tmp_path / "c.npz"
    cold.save(path)
    before = path.read_bytes()
    solution = stopped(WHOLE, checkpoint=path, start=Solution.load(path) if start else None)
    assert solution.status is Status.TIME_LIMIT
    assert (solution.relative_gap < 1e-5) is start
    held = Solution.load(path)
    assert held.relative_gap <= cold.relative_gap
    assert start or path.read_bytes() == before
    better = solve(WHOLE, tol=1e-9, start=cold, checkpoint=path)
    assert Solution.load(path).relative_gap == better.relative_gap < cold.relative_gap


def test_a_solution_of_another_problem_is_replaced_once_something_is_proved(cold, tmp_path):
    path = tmp_path / "c.npz"
    cold.save(path)
    other = replace(WHOLE, mu=0.3)
    with pytest.warns(ConvergenceWarning):
        solve(other, solver="scs-full", time_limit=1e-9, max_iter=1, tol=0.0, checkpoint=path)
    solution = solve(other, checkpoint=path)
    held = Solution.load(path)
    assert held.problem == solution.problem == fingerprint(other) != fingerprint(WHOLE)
    assert held.certificate == solution.certificate


@pytest.mark.parametrize("solver", [*WARM, "pgd"])
def test_a_start_is_certified_before_all_else(cold, solver):
    seen = []
    with pytest.warns(ConvergenceWarning):
        solve(WHOLE, solver, tol=1e-15, start=cold, callback=lambda row: seen.append(row) or True)
    assert seen[0].relative_gap <= cold.relative_gap + 1e-12  # rounding of the interval


@pytest.mark.parametrize("solver", [*WARM, "pgd"])
def test_a_start_that_lists_its_triplets_twice_proves_nothing_false(solver):
    """From a problem where the repetition would have proved twice the optimum."""
    rng = np.random.default_rng(0)
    problem = Problem.from_data(rng.normal(size=(30, 3)), np.arange(30) % 3, 2)
    other = solve(replace(problem, mu=2 / 3))
    start = replace(other, triplets=np.repeat(other.triplets, 2, axis=0), alpha=np.repeat(0.75 * other.alpha, 2))
    optimum = solve(problem, tol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warm = solve(problem, solver, start=start, max_iter=100)
    assert warm.certificate.overlaps(optimum.certificate)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"triplets": np.ones((2, 3))}, "triplets has the type float64"),
        ({"alpha": np.full(3, np.nan)}, r"alpha has the shape \(3,\), not "),
        ({"L": np.full((2, 4), np.nan)}, "L has an entry that is not finite"),
        ({"M": np.zeros(4)}, r"M has the shape \(4,\)"),
    ],
)
def test_a_start_with_wrong_arrays_is_refused(cold, wrong, message):
    with pytest.raises(ValueError, match=f"start is a damaged Solution: {message}.*; solve anew, or read one with Sol"):
        solve(WHOLE, start=replace(cold, **wrong))


def test_a_start_that_overflows_is_refused(cold):
    huge = replace(cold, L=np.full_like(cold.L, 1e200))
    with pytest.raises(ValueError, match="start is a metric so large that distances overflow; start from one of these"):
        solve(WHOLE, start=huge)


def test_a_checkpoint_in_no_folder_is_refused_before_the_solve(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none/c.npz is in no folder that exists; create the folder first"):
        solve(WHOLE, checkpoint=tmp_path / "none" / "c.npz", callback=lambda row: pytest.fail("solved"))


KILLED = """
    import sys, time
    from lmnn_sdp import Problem, solve
    from lmnn_sdp.datasets import load
    data = load("breast_cancer").standardized()
    solve(Problem.from_data(data.X, data.y), tol=1e-8, checkpoint=sys.argv[1], callback=lambda row: time.sleep(1))
"""


@pytest.mark.clock
def test_a_solve_that_was_killed_goes_on_from_its_checkpoint(tmp_path):
    path = tmp_path / "killed.npz"
    command = [sys.executable, "-c", textwrap.dedent(KILLED), path]
    with subprocess.Popen(command, start_new_session=True) as process:
        end = time.monotonic() + 120
        while not path.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(1.5)  # a round or two more
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    data = load("breast_cancer").standardized()
    problem = Problem.from_data(data.X, data.y)
    saved = Solution.load(path)
    assert saved.status is Status.INTERRUPTED
    resumed, cold = solve(problem, start=saved, checkpoint=path), solve(problem)
    assert resumed.status is Status.OPTIMAL
    assert resumed.history[0].relative_gap <= saved.relative_gap * 1.01
    assert resumed.certificate.overlaps(saved.certificate)
    assert resumed.certificate.overlaps(cold.certificate)
    assert resumed.objective == pytest.approx(cold.objective, rel=TOLERANCE)
    assert Solution.load(path).relative_gap <= min(saved.relative_gap, resumed.relative_gap)
    assert os.listdir(tmp_path) == ["killed.npz"]
