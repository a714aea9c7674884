"""Memory that runs out in a solve: the best certified metric is kept, or one sentence says what to do."""

import pytest
from click.testing import CliRunner
from sklearn.exceptions import ConvergenceWarning

from lmnn_sdp import Solution, Status, solve
from lmnn_sdp.cli import main
from lmnn_sdp.display.progress import Progress
from lmnn_sdp.solvers import solve as solve_module
from problems import noise

PROBLEM = noise(n=60, d=4)


def fails(*_):
    raise MemoryError("Unable to allocate 1 TiB")


@pytest.mark.parametrize("solver", ["newton", "scs", "pgd"])
def test_what_was_certified_is_kept(solver, tmp_path):
    path = tmp_path / "c.npz"
    with pytest.warns(ConvergenceWarning, match=r"Memory ran out .* take a random sample of the points \(--points N\)"):
        solution = solve(PROBLEM, solver, tol=1e-12, callback=fails, checkpoint=path)
    assert solution.status is Status.OUT_OF_MEMORY
    assert not solution.status.solved
    assert len(solution.history) == 1
    assert 0 < solution.relative_gap < 1
    held = Solution.load(path)
    assert held.status is Status.OUT_OF_MEMORY
    assert held.certificate == solution.certificate


def test_before_anything_was_certified_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(solve_module.SOLVERS, "newton", fails)
    with pytest.raises(MemoryError, match=r"memory ran out before anything was certified; allow .* a random sample"):
        solve(PROBLEM)


def test_a_start_is_kept(monkeypatch):
    start = solve(PROBLEM, tol=1e-3)
    monkeypatch.setattr(solve_module, "WARM", (fails,))
    monkeypatch.setitem(solve_module.SOLVERS, "newton", fails)
    solution = solve(PROBLEM, start=start, tol=1e-12, warn=False)
    assert solution.status is Status.OUT_OF_MEMORY
    assert solution.relative_gap <= start.relative_gap * (1 + 1e-6)


def test_on_the_command_line_it_is_a_stop_like_others(monkeypatch):
    monkeypatch.setattr(Progress, "__call__", fails)
    done = CliRunner().invoke(main, ["solve", "iris", "--tol", "1e-12"])
    assert done.exit_code == 1
    assert "Memory ran out before the gap reached the tolerance" in done.output
    assert "(proved)" in done.output


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(12, "Cannot allocate memory"),
        ImportError("libx.so: failed to map segment from shared object"),
    ],
)
def test_whoever_runs_out_the_command_line_says_so(monkeypatch, error):
    def fails_so(*_, **__):
        raise error

    monkeypatch.setattr("lmnn_sdp.cli.solve.solve", fails_so)
    done = CliRunner().invoke(main, ["solve", "iris"])
    assert done.exit_code == 2
    assert "Error: this does not fit into memory; allow the process more, or take a random sample" in done.output


def test_a_library_that_is_absent_is_no_lack_of_memory(monkeypatch):
    def fails_so(*_, **__):
        raise ImportError("no module named x")

    monkeypatch.setattr("lmnn_sdp.cli.solve.solve", fails_so)
    assert isinstance(CliRunner().invoke(main, ["solve", "iris"]).exception, ImportError)
