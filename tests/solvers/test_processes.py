"""Solves in forked and spawned processes, in threads that outlive the main one, and at interpreter exit."""

import os
import subprocess
import sys
import textwrap

import pytest

PROBLEM = """
    import numpy as np
    from lmnn_sdp import Problem, solve

    def problem():
        rng = np.random.default_rng(0)
        return Problem.from_data(rng.normal(size=(400, 8)), np.arange(400) % 3)  # large enough for a team of threads

    def told(name, solution):
        print(name, f"{solution.lower_bound:.3f}", flush=True)
"""

PROGRAMS = {
    "forked in a callback": """
        import os

        def fork(row):
            global fork
            fork = lambda row: None
            child = os.fork()
            if not child:
                told("child", solve(problem(), tol=1e-4))
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0

        told("parent", solve(problem(), tol=1e-4, callback=lambda row: fork(row)))
    """,
    "at interpreter exit": """
        import atexit
        from threading import Thread, main_thread

        def after_main():
            main_thread().join()
            told("thread", solve(problem(), tol=1e-4))

        atexit.register(lambda: told("exit", solve(problem(), tol=1e-4)))
        Thread(target=after_main).start()
    """,
    "by multiprocessing": """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        def work(name):
            told(name, solve(problem(), tol=1e-4))

        if __name__ == "__main__":
            for method in ("spawn", "forkserver"):
                with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
                    pool.submit(work, method).result()
    """,
}
WHO = {
    "forked in a callback": ["child", "parent"],
    "at interpreter exit": ["exit", "thread"],
    "by multiprocessing": ["forkserver", "spawn"],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_solve_ends_wherever_it_runs(name, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(PROBLEM) + textwrap.dedent(PROGRAMS[name]))
    done = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"NUMBA_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    lines = sorted(line.split() for line in done.stdout.splitlines())
    assert [who for who, _ in lines] == WHO[name]
    assert len({bound for _, bound in lines}) == 1
