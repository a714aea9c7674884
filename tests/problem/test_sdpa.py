"""The SDPA file, read back by an independent parser and solved."""

import cvxpy as cp
import numpy as np
import pytest

from lmnn_sdp import certify, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.sdpa import export_sdpa, write_sdpa
from problems import blobs


def read_sdpa(path):
    """Matrices F_0..F_m as dense block diagonals, and c."""
    lines = [line for line in path.read_text().splitlines() if line[0] not in '"*']
    m, blocks = int(lines[0]), int(lines[1])
    sizes = [abs(int(size)) for size in lines[2].split()]
    assert len(sizes) == blocks
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    F = np.zeros((m + 1, offsets[-1], offsets[-1]))
    for line in lines[4:]:
        t, block, row, col, value = line.split()
        r, c = (offsets[int(block) - 1] + int(index) - 1 for index in (row, col))
        F[int(t), r, c] = F[int(t), c, r] = float(value)
    return F, np.array([float(number) for number in lines[3].split()])


def solved(path):
    """Largest value of <F_0, Y>, and the first block of Y."""
    F, c = read_sdpa(path)
    r = int(path.read_text().splitlines()[3].split()[0])
    N, rest = cp.Variable((r, r), PSD=True), cp.Variable(F.shape[1] - r, nonneg=True)
    diagonal = np.array([np.diag(matrix)[r:] for matrix in F])

    def product(t):
        return cp.sum(cp.multiply(F[t][:r, :r], N)) + diagonal[t] @ rest

    constraints = [product(t + 1) == c[t] for t in range(len(c))]
    return cp.Problem(cp.Maximize(product(0)), constraints).solve(solver="CLARABEL"), N.value


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_written_sdp_solves_to_minus_the_optimum(d, tmp_path):
    problem = blobs(n=8, d=d, classes=2, k=1)
    write_sdpa(SlackSDP.of(problem), tmp_path / "p.dat-s")
    value, M = solved(tmp_path / "p.dat-s")
    solution = solve(problem, tol=1e-8)
    assert -value == pytest.approx(solution.objective, rel=1e-6)
    np.testing.assert_allclose(M, solution.M, atol=1e-3 * np.abs(solution.M).max())


def units_apart():
    """Raw features whose units differ by eight orders of magnitude."""
    data = load("iris").sample(15)
    return Problem.from_data(data.X * [1e4, 1e-4, 1, 1], data.y, 1)


def test_an_export_has_the_optimum_and_maps_back_to_the_units_of_the_data(tmp_path):
    problem = units_apart()
    export_sdpa(problem, tmp_path / "p.dat-s", tmp_path / "p.map.npz")
    value, N = solved(tmp_path / "p.dat-s")
    W = np.load(tmp_path / "p.map.npz")["W"]
    solution = solve(problem, tol=1e-8)
    assert -value == pytest.approx(solution.objective, rel=1e-6)
    assert certify(problem, W.T @ N @ W).objective == pytest.approx(solution.objective, rel=1e-5)


def test_an_export_drops_directions_in_which_the_data_do_not_vary(tmp_path):
    base = blobs(n=8, d=2, classes=2, k=1)
    problem = Problem.from_data(np.column_stack([base.X, base.X.sum(axis=1), np.ones(8)]), base.y, targets=base.targets)
    exported = export_sdpa(problem, tmp_path / "p.dat-s", tmp_path / "p.map.npz")
    assert exported.W.shape == (2, 4)
    value, _ = solved(tmp_path / "p.dat-s")
    assert -value == pytest.approx(solve(base, tol=1e-8).objective, rel=1e-6)
    assert "M = W'NW on x; optimum of LMNN = 0.0 - max <F_0, Y>" in (tmp_path / "p.dat-s").read_text()


def test_frozen_triplets_are_in_the_file_as_cost(tmp_path):
    problem = blobs(n=8, d=2, classes=2, k=1)
    triplets = problem.all_triplets()
    sdp = SlackSDP.of(problem, triplets[3:], triplets[:3])
    write_sdpa(sdp, tmp_path / "p.dat-s")
    F, c = read_sdpa(tmp_path / "p.dat-s")
    np.testing.assert_allclose(-F[0][:2, :2], sdp.Q)
    assert len(c) == len(triplets) - 3
    assert sdp.constant == 3 * problem.mu


def test_a_file_too_large_is_refused_before_any_triplet_is_listed(monkeypatch, tmp_path):
    def never(_):
        raise AssertionError("listed the triplets before the size was known")

    monkeypatch.setattr("lmnn_sdp.problem.sdpa.MAX_ENTRIES", 100)
    problem = blobs(n=10, d=2)
    with pytest.raises(ValueError, match=r"the limit is 100: take a random sample"):
        write_sdpa(SlackSDP.of(problem), tmp_path / "p.dat-s")
    monkeypatch.setattr(Problem, "all_triplets", never)
    with pytest.raises(ValueError, match=r"entries \(.* triplets, d = 2\); the limit is 100: take .*\(--points N\)"):
        export_sdpa(problem, tmp_path / "p.dat-s", tmp_path / "p.map.npz")
    assert not list(tmp_path.iterdir())
