"""The same problem on the same number of threads gives the same bits, in this process or in another."""

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.datasets import load
from lmnn_sdp.solvers.newton_system import MAX_DIRECT
from problems import blobs


def breast_cancer():
    data = load("breast_cancer").standardized()
    return Problem.from_data(data.X, data.y)


#: Large enough for their operators to be shared among threads.
PROBLEMS = {
    "direct Newton systems": breast_cancer,
    "conjugate gradients": lambda: blobs(n=400, d=70, k=3),
}
DIRECT = "direct Newton systems"
PROGRAM = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from test_determinism import solved
solved(sys.argv[2]).save(sys.argv[3])
"""


def solved(name):
    return solve(PROBLEMS[name](), tol=1e-6)


@pytest.fixture(scope="module")
def solved_elsewhere(tmp_path_factory):
    """Solves by a new process on so many threads; the same run of the same problem is kept."""

    @cache
    def solve_there(name, threads, run=1):
        return by_a_new_process(name, threads, tmp_path_factory.mktemp("elsewhere") / f"{run}.npz")

    return solve_there


def by_a_new_process(name, threads, path):
    """Solution of a problem, found by a new process on so many threads."""
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    limits = {key: str(threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}
    here = Path(__file__).parent
    command = [sys.executable, "-c", PROGRAM, f"{here}:{here.parent}", name, path]
    subprocess.run(command, env=kept | limits, check=True)
    return Solution.load(path)


def bits(solution):
    """Digest of everything that was solved for."""
    arrays = (solution.M, solution.L, solution.triplets, solution.alpha)
    numbers = np.array([(row.objective, row.lower_bound) for row in solution.history])
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in (*arrays, numbers))).hexdigest()


def test_the_problems_are_what_they_are_called():
    unknowns = {name: make().n_features * (make().n_features + 1) // 2 for name, make in PROBLEMS.items()}
    assert unknowns.pop(DIRECT) <= MAX_DIRECT < min(unknowns.values())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", PROBLEMS)
def test_same_threads_same_bits(name, threads):
    with threadpool_limits(threads, user_api="blas"):
        first, second = solved(name), solved(name)
    assert bits(first) == bits(second)
    assert first.objective == second.objective
    assert first.certificate == second.certificate


@pytest.mark.parametrize("threads", [1, 2])
def test_same_threads_same_bits_in_another_process(solved_elsewhere, threads):
    first, second = (solved_elsewhere(DIRECT, threads, run) for run in (1, 2))
    assert bits(first) == bits(second)
    assert first.certificate == second.certificate


@pytest.mark.parametrize(("name", "threads"), [(DIRECT, 2), (DIRECT, 4), ("conjugate gradients", 2)])
def test_another_number_of_threads_proves_the_same_optimum(solved_elsewhere, name, threads):
    one, more = (solved_elsewhere(name, count) for count in (1, threads))
    assert one.certificate.overlaps(more.certificate)
    assert one.objective == pytest.approx(more.objective, rel=1e-6)


def test_a_limit_set_in_the_program_does_what_the_environment_does(solved_elsewhere):
    with threadpool_limits(1, user_api="blas"):
        here = solved(DIRECT)
    assert bits(here) == bits(solved_elsewhere(DIRECT, 1))
