"""The SDPA file, read back by an independent parser and solved."""

import cvxpy as cp
import numpy as np
import pytest

from lmnn_sdp import solve
from lmnn_sdp.problem.sdp import SlackSDP, write_sdpa
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


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_exported_file_solves_to_minus_the_optimum(d, tmp_path):
    problem = blobs(n=8, d=d, classes=2, k=1)
    write_sdpa(SlackSDP.of(problem), tmp_path / "p.dat-s")
    F, c = read_sdpa(tmp_path / "p.dat-s")
    Y = cp.Variable(F.shape[1:], PSD=True)
    constraints = [cp.sum(cp.multiply(F[t + 1], Y)) == c[t] for t in range(len(c))]
    value = cp.Problem(cp.Maximize(cp.sum(cp.multiply(F[0], Y))), constraints).solve(solver="CLARABEL")
    solution = solve(problem, tol=1e-8)
    assert -value == pytest.approx(solution.objective, rel=1e-6)
    np.testing.assert_allclose(Y.value[:d, :d], solution.M, atol=1e-3 * np.abs(solution.M).max())


def test_frozen_triplets_are_in_the_file_as_cost(tmp_path):
    problem = blobs(n=8, d=2, classes=2, k=1)
    triplets = problem.all_triplets()
    sdp = SlackSDP.of(problem, triplets[3:], triplets[:3])
    write_sdpa(sdp, tmp_path / "p.dat-s")
    F, c = read_sdpa(tmp_path / "p.dat-s")
    np.testing.assert_allclose(-F[0][:2, :2], sdp.Q)
    assert len(c) == len(triplets) - 3
    assert sdp.constant == 3 * problem.mu


def test_a_file_too_large_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("lmnn_sdp.problem.sdp.MAX_EXPORT_ENTRIES", 100)
    with pytest.raises(ValueError, match=r"the limit is 100: export a working set"):
        write_sdpa(SlackSDP.of(blobs(n=10, d=2)), tmp_path / "p.dat-s")
    assert not (tmp_path / "p.dat-s").exists()
