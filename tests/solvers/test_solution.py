import dataclasses
import json
import os

import numpy as np
import pytest

from lmnn_sdp import Solution, Status, solve
from problems import TOL, blobs


@pytest.fixture(scope="module")
def solution():
    return solve(blobs(n=30, d=3))


def test_save_and_load_give_the_same_solution(solution, tmp_path):
    solution.save(tmp_path / "s.npz")
    assert_same(Solution.load(tmp_path / "s.npz"), solution)


def assert_same(loaded, solution):
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


def arrays_of(solution, path):
    solution.save(path)
    with np.load(path) as file:
        return dict(file)


WRONG = {
    "M of text": ({"M": np.full((3, 3), "a")}, r"M has the type <U1"),
    "M of integers": ({"M": np.eye(3, dtype=int)}, r"M has the type int64"),
    "M not square": ({"M": np.ones((2, 3))}, r"M has the shape \(2, 3\), not \(2, 2\)"),
    "M a vector": ({"M": np.ones(3)}, r"M has the shape \(3,\)"),
    "M empty": ({"M": np.ones((0, 0)), "L": np.ones((0, 0))}, "M is not symmetric"),
    "M not symmetric": ({"M": np.triu(np.ones((3, 3)))}, "M is not symmetric"),
    "M not finite": ({"M": np.full((3, 3), np.nan)}, "M has an entry that is not finite"),
    "L of other features": ({"L": np.ones((2, 4))}, r"L has the shape \(2, 4\), not \(2, 3\)"),
    "L infinite": ({"L": np.full((2, 3), np.inf)}, "L has an entry that is not finite"),
    "L complex": ({"L": np.full((2, 3), 1j)}, "L has the type complex128"),
    "triplets of floats": ({"triplets": np.ones((1, 3)), "alpha": np.ones(1)}, "triplets has the type float64"),
    "pairs": ({"triplets": np.ones((1, 2), int), "alpha": np.ones(1)}, r"triplets has the shape \(1, 2\), not \(1, 3"),
    "negative rows": (
        {"triplets": -np.ones((1, 3), int), "alpha": np.ones(1)},
        "a triplet or a multiplier is negative",
    ),
    "negative alpha": (
        {"triplets": np.ones((1, 3), int), "alpha": -np.ones(1)},
        "a triplet or a multiplier is negative",
    ),
    "other alpha": ({"alpha": np.ones(7)}, r"alpha has the shape \(7,\), not "),
    "alpha a matrix": ({"alpha": np.ones((7, 1))}, r"alpha has the shape \(7, 1\)"),
    "alpha unknown": (
        {"alpha": np.full(1, np.nan), "triplets": np.ones((1, 3), int)},
        "alpha has an entry that is not",
    ),
    "history": ({"history": np.ones((2, 6))}, r"history has the shape \(2, 6\), not \(2, 7\)"),
    "history unknown": ({"history": np.full((2, 7), np.nan)}, "history has an entry that is not finite"),
    "certificate": ({"certificate": np.ones(3)}, r"certificate has the shape \(3,\), not \(4,\)"),
    "certificate unknown": ({"certificate": np.full(4, np.inf)}, "certificate has an entry that is not finite"),
    "residuals": ({"residuals": np.ones(9)}, r"residuals has the shape \(9,\), not \(5,\)"),
    "status": ({"status": np.array("DONE")}, r"its status 'DONE' is none"),
    "status a number": ({"status": np.array(1.0)}, r"status has the type float64"),
    "solver a list": ({"solver": np.array(["a", "b"])}, r"solver has the shape \(2,\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_with_a_wrong_array_is_refused(solution, tmp_path, name):
    wrong, message = WRONG[name]
    path = tmp_path / "wrong.npz"
    np.savez(path, **arrays_of(solution, path) | wrong)
    with pytest.raises(ValueError, match=rf"wrong.npz is no saved Solution, or a damaged one: {message}.*; write one"):
        Solution.load(path)


def test_every_array_must_be_there(solution, tmp_path):
    path = tmp_path / "less.npz"
    arrays = arrays_of(solution, path)
    for name in arrays:
        np.savez(path, **{other: array for other, array in arrays.items() if other != name})
        with pytest.raises(ValueError, match=rf"less.npz is no saved Solution.* has no array '{name}'"):
            Solution.load(path)


IRREGULAR = {
    "folder": os.mkdir,
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", IRREGULAR)
def test_what_is_no_plain_file_is_refused_at_once(kind, tmp_path):
    path = tmp_path / "it"
    IRREGULAR[kind](path)
    with pytest.raises(
        ValueError, match=r"it is no saved Solution, or a damaged one: is a.*; write one with Solution.save"
    ):
        Solution.load(path)


def test_flipped_bytes_are_refused_or_change_nothing(solution, tmp_path):
    path = tmp_path / "s.npz"
    solution.save(path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = []
    for position, flips in zip(rng.integers(len(whole), size=200), rng.integers(1, 256, size=200), strict=True):
        damaged = bytearray(whole)
        damaged[position] ^= flips
        path.write_bytes(damaged)
        try:
            loaded = Solution.load(path)
        except ValueError as error:
            refused.append(str(error))
        else:
            assert_same(loaded, solution)
    assert len(refused) > 100
    assert all(message.startswith(f"{path} is no saved Solution, or a damaged one: ") for message in refused)
    assert all(message.endswith("; write one with Solution.save") for message in refused)


def test_a_file_that_was_cut_is_refused_wherever(solution, tmp_path):
    path = tmp_path / "s.npz"
    solution.save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 50):
        path.write_bytes(whole[:length])
        with pytest.raises(
            ValueError, match=r"is no saved Solution, or a damaged one: .*; write one with Solution.save"
        ):
            Solution.load(path)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.npz does not exist; write a solution with Solution.save first"):
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


def test_summary_goes_into_json(solution):
    assert json.loads(json.dumps(solution.summary())) == solution.summary()
