import dataclasses

import numpy as np
import pytest

from lmnn_sdp import Problem, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.numerics.array_files import read_arrays
from lmnn_sdp.proof.proof_files import check_for, prove
from problems import blobs, noise


def proof_of(problem, tol=1e-8):
    solution = solve(problem, tol=tol)
    return solution, prove(problem, solution.L, solution.triplets, solution.alpha)


@pytest.mark.parametrize("reg", [0.0, 0.1])
@pytest.mark.parametrize("name", ["iris", "wine"])
@pytest.mark.parametrize("standardised", [False, True])
def test_the_proof_of_a_solution_is_accepted_and_hardly_wider(name, standardised, reg):
    data = load(name).standardized() if standardised else load(name)
    solution, proof = proof_of(Problem.from_data(data.X, data.y, reg=reg))
    assert proof.verdict.proved
    assert proof.verdict.upper <= solution.objective * (1 + 1e-12)
    assert proof.verdict.lower >= solution.lower_bound * (1 - 1e-11)


def test_a_file_holds_all_of_it(tmp_path):
    problem = noise()
    _, proof = proof_of(problem)
    proof.save(tmp_path / "proof.npz")
    arrays = read_arrays(tmp_path / "proof.npz")
    assert arrays.keys() == proof.arrays.keys()
    verdict = check_for(problem, arrays)
    assert verdict == proof.verdict
    low, high = arrays["interval"]
    assert low == verdict.lower
    assert verdict.upper < high < verdict.upper * (1 + 1e-12)


def test_features_that_exactly_depend_on_others_are_no_hindrance():
    base = blobs(n=20, d=2)
    hot = np.eye(3)[np.arange(20) % 3]
    X = np.c_[base.X, np.full(20, 0.1), base.X[:, 0], hot]  # constant, repeated, one-hot
    _, proof = proof_of(Problem.from_data(X, np.arange(20) // 5 % 2, 2))
    assert len(proof.arrays["kept"]) == 4
    assert not len(proof.arrays["left_out"])


def test_features_left_out_are_named():
    base = blobs(n=20, d=2)
    X = np.c_[base.X, base.X @ [0.3, 0.7]]  # up to rounding only
    _, proof = proof_of(Problem.from_data(X, base.y, 2))
    assert ", without features [" in str(proof.verdict)


def test_more_features_than_points_with_a_penalty():
    rng = np.random.default_rng(0)
    y = np.arange(16) % 2
    _, proof = proof_of(Problem.from_data(rng.normal(size=(16, 30)) + y[:, None], y, 2, reg=0.1), tol=1e-6)
    assert proof.arrays["T"].shape == (30, 30)
    assert proof.arrays["reg"].shape == ()


def test_a_matrix_as_penalty():
    base = noise(n=20, d=2)
    problem = Problem.from_data(base.X, base.y, 2, reg=[[2.0, 1], [1, 1]])
    _, proof = proof_of(problem)
    assert "reg = a matrix" in str(proof.verdict)
    assert check_for(problem, proof.arrays).proved


def test_a_metric_of_zero_has_a_proof():
    problem = noise(n=12, d=2)
    none = np.empty((0, 3), dtype=int)
    verdict = prove(problem, np.zeros((1, 2)), none, np.empty(0)).verdict
    assert verdict.lower == 0
    assert verdict.upper == pytest.approx(problem.mu * problem.n_triplets, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mu": 0.4}, "mu = 0.5, not 0.4"),
        ({"reg": 0.1}, "another reg"),
        ({"n_neighbors": 1}, "2 target neighbours, not 1"),
    ],
)
def test_a_proof_for_another_problem_is_refused(change, words):
    problem = noise()
    _, proof = proof_of(problem, tol=1e-3)
    other = Problem.from_data(problem.X, problem.y, **{"n_neighbors": 2, **change})
    verdict = check_for(other, proof.arrays)
    assert not verdict.proved
    assert words in str(verdict)


def test_chosen_targets_are_accepted_only_where_they_are_asked_for():
    problem = noise()
    far = np.array([np.setdiff1d(np.flatnonzero(problem.codes == c), [i])[-2:] for i, c in enumerate(problem.codes)])
    own = dataclasses.replace(problem, targets=far)
    _, proof = proof_of(own, tol=1e-3)
    assert check_for(own, proof.arrays).proved
    assert "other target neighbours" in str(check_for(problem, proof.arrays))


def test_what_cannot_be_proved_is_not_written():
    problem = noise()
    solution = solve(problem)
    with pytest.raises(ValueError, match="restricted to a working set, but a proof is about all triplets"):
        prove(problem.restrict(solution.triplets), solution.L, solution.triplets, solution.alpha)
    with pytest.raises(ValueError, match=r"the checker refutes this proof: the dual slack .* solve again"):
        prove(problem, solution.L, solution.triplets, np.full(len(solution.alpha), problem.mu))
