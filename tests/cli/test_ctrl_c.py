"""Ctrl-C while the command line is imported, at the n-th import after it began."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, runpy, signal, sys
moment, way, imports = int(sys.argv.pop(1)), sys.argv.pop(1), 0

def press(event, arguments):
    global imports
    if event == "import" and (imports or arguments[0] == "lmnn_sdp.cli"):
        imports += 1
        if imports == moment:
            os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(press)
try:
    if way == "script":
        from lmnn_sdp.__main__ import main
        main()
    else:
        runpy.run_module("lmnn_sdp", run_name="__main__", alter_sys=True)
finally:
    if not moment:
        print(imports, file=sys.stderr)
"""


def run(moment, way="script", **options):
    command = [sys.executable, "-c", PROGRAM, str(moment), way, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def imports():
    done = run(0)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")
    return int(done.stderr)


@pytest.mark.parametrize("way", ["script", "module"])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_it_is_quiet_and_has_the_exit_code_of_later(imports, part, way):
    done = run(1 + int(part * imports), way)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_where_it_is_ignored_it_stays_ignored(imports):
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    done = run(imports // 2, **ignore)
    assert (done.returncode, done.stderr) == (0, "")
