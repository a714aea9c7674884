"""What SECURITY.md promises: no network, and no code from files."""

import ast
import os
import subprocess
import sys

import numpy as np
from click.testing import CliRunner

from harness.paths import ROOT
from lmnn_sdp import solve
from lmnn_sdp.cli import main
from lmnn_sdp.problem.sdpa import export_sdpa
from problems import blobs

#: Calls that run what they are given.
RUN_CODE = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
NETWORK = {"socket", "urllib", "http", "requests", "ftplib", "ssl", "asyncio", "webbrowser"}
SOURCES = sorted((ROOT / "lmnn_sdp").rglob("*.py"))


#: Work in a process in which every socket ends it, in C too.
OFFLINE = """
import sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
import lmnn_sdp.plots
from click.testing import CliRunner
from lmnn_sdp import LMNN, LMNNCV, Problem, Solution, audit, compare, solve
from lmnn_sdp.cli import main
from lmnn_sdp.datasets import load

data = load("iris").standardized().sample(45)
problem = Problem.from_data(data.X, data.y)
solve(problem, checkpoint="c.npz").save("s.npz")
audit(problem, Solution.load("s.npz").M)
compare(data.X, data.y, estimator=LMNN(), n_splits=2)
given = ("solve --figures .", "audit --metric s.npz", "compare --splits 2", "diagnose --splits 3", "export --out e")
for command in given:
    done = CliRunner().invoke(main, [*command.split(), "iris", "--points", "45"])
    assert done.exit_code == 0, done.output
print("done")
"""


def test_import_and_work_open_no_socket(tmp_path):
    done = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("done\n")


def test_nothing_runs_code_from_files_or_knows_the_network():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                assert name not in RUN_CODE, path
                assert not any(keyword.arg == "allow_pickle" for keyword in node.keywords), path
                loads = isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "np.load"
                if loads and path.name != "checker.py":  # which stands alone, and takes no objects
                    raise AssertionError(f"{path} reads with np.load; read_arrays checks what it reads")
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in names} & (MODULES | NETWORK), path


def test_what_is_saved_holds_no_objects(tmp_path):
    problem = blobs(n=12, d=2)
    solve(problem).save(tmp_path / "solution.npz")
    export_sdpa(problem, tmp_path / "p.dat-s", tmp_path / "map.npz")
    CliRunner().invoke(
        main, ["solve", "iris", "--out", str(tmp_path / "out.npz"), "--checkpoint", str(tmp_path / "c.npz")]
    )
    files = [name for name in os.listdir(tmp_path) if name.endswith(".npz")]
    assert len(files) == 4
    for name in files:
        with np.load(tmp_path / name, allow_pickle=False) as file:
            assert all(file[array].dtype.kind in "fiuU" for array in file.files)
