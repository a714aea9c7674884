import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lmnn_sdp
from lmnn_sdp.numerics.kernels import kernel

SOLVE = """
import numpy as np
import lmnn_sdp
from lmnn_sdp.problem import graph
assert type(graph._add_products._cache).__name__ == "NullCache"
problem = lmnn_sdp.Problem.from_data(np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2, 1)
print(lmnn_sdp.__file__, lmnn_sdp.solve(problem).status.name)
"""


def test_the_package_solves_where_neither_its_folder_nor_a_home_can_be_written_to(tmp_path):
    copy = tmp_path / "lmnn_sdp"
    shutil.copytree(Path(lmnn_sdp.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for wing in ("numerics", "problem"):
        (copy / wing / "__pycache__").touch()  # a plain file binds root as well, who may write to any folder
    nowhere = str(copy / "py.typed" / "below a plain file")
    places = {"HOME": nowhere, "XDG_CACHE_HOME": nowhere, "NUMBA_CACHE_DIR": nowhere}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SOLVE],
        cwd=tmp_path,
        env=os.environ | places | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(copy / "__init__.py"), "OPTIMAL"]


def double(values):
    for k in range(len(values)):
        values[k] *= 2


def test_a_full_disk_under_the_cache_stops_no_loop(monkeypatch):
    def full(*arguments):
        raise OSError("No space left on device")

    loop = kernel()(double)
    monkeypatch.setattr(loop._cache._cache_file, "save", full)
    monkeypatch.setattr(loop._cache._cache_file, "load", lambda key: None)
    values = np.ones(3)
    loop(values)
    assert values.tolist() == [2, 2, 2]


def test_errors_of_the_loop_itself_are_not_hidden():
    @kernel()
    def fail(x):
        raise ValueError("from the loop")

    with pytest.raises(ValueError, match="from the loop"):
        fail(1.0)
