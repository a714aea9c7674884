import dataclasses

import numpy as np
import pytest

from lmnn_sdp import Solution, Status, solve
from problems import TOL, blobs


@pytest.fixture(scope="module")
def solution():
    return solve(blobs(n=30, d=3))


def test_save_and_load_give_the_same_solution(solution, tmp_path):
    solution.save(tmp_path / "s.npz")
    loaded = Solution.load(tmp_path / "s.npz")
    for field in dataclasses.fields(Solution):
        before, after = getattr(solution, field.name), getattr(loaded, field.name)
        same = np.array_equal(before, after) if isinstance(before, np.ndarray) else before == after
        assert same, field.name


def test_save_takes_the_path_as_it_is(solution, tmp_path):
    solution.save(tmp_path / "named")
    assert (tmp_path / "named").exists()


def other_arrays(path):
    with path.open("wb") as file:
        np.savez(file, X=np.eye(2))


def one_array(path):
    with path.open("wb") as file:
        np.save(file, np.eye(2))


OTHER_FILES = {
    "other arrays": other_arrays,
    "one array": one_array,
    "text": lambda path: path.write_text("a,b"),
    "nothing": lambda path: path.write_bytes(b""),
    "half an archive": lambda path: path.write_bytes(b"PK\x03\x04 and no more"),
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_another_file_is_no_solution(name, tmp_path):
    OTHER_FILES[name](tmp_path / "other.npz")
    with pytest.raises(ValueError, match=r"other.npz is no saved Solution, or a damaged one: .*; .*Solution.save"):
        Solution.load(tmp_path / "other.npz")


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        Solution.load(tmp_path / "none.npz")


def test_components_factor_the_metric(solution):
    L = solution.components
    np.testing.assert_allclose(L.T @ L, solution.M, atol=TOL["conditioned"] * np.abs(solution.M).max())


def test_components_come_by_falling_eigenvalue_with_a_fixed_sign(solution):
    L = solution.components
    norms = np.sum(L**2, axis=1)
    assert np.all(np.diff(norms) <= 0)
    assert np.all(L[np.arange(len(L)), np.abs(L).argmax(axis=1)] > 0)
    gram = L @ L.T
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=TOL["rounding"] * norms[0])


def test_multipliers_are_dual_feasible(solution):
    problem = blobs(n=30, d=3)
    assert solution.alpha.min() > 0
    assert solution.alpha.max() <= problem.mu
    S = problem.cost - problem.graph(solution.triplets).adjoint(solution.alpha)
    assert np.linalg.eigvalsh(S)[0] > -TOL["rounding"] * np.abs(problem.cost).max()


def test_a_solution_cannot_be_changed(solution):
    with pytest.raises(dataclasses.FrozenInstanceError):
        solution.status = Status.MAX_ITER


def test_every_status_that_is_no_success_says_what_to_change():
    advice = {"raise", "Check", "Solve"}
    for status in Status:
        assert status is Status.OPTIMAL or advice & set(status.value.replace(";", "").split())


def test_repr_shows_the_interval(solution):
    assert "OPTIMAL" in repr(solution)
    assert "relative_gap=" in repr(solution)


def test_summary_is_plain_numbers(solution):
    assert all(isinstance(value, (str, int, float, dict)) for value in solution.summary().values())
