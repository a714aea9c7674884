"""Whatever the package writes: whole or not at all, and never over what is no plain file."""

import os

import numpy as np
import pytest
from matplotlib.figure import Figure

import tables
from harness import bench
from lmnn_sdp import diagnose, plots, solve
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.sdpa import write_sdpa
from lmnn_sdp.proof.proof_files import prove
from problems import blobs

PROBLEM = blobs(n=12, d=2)
FOUND = diagnose(PROBLEM.X, PROBLEM.y)  # too few points, which is told at once


@pytest.fixture(scope="module")
def solution():
    return solve(PROBLEM)


def write_page(path, monkeypatch):
    monkeypatch.setattr(tables, "ROOT", path.parent)
    monkeypatch.setattr(tables, "PAGES", (path.name,))
    monkeypatch.setattr(tables, "rendered", lambda page: "text")
    tables.main()


def proof_of(solution):
    return prove(PROBLEM, solution.L, solution.triplets, solution.alpha)


WRITES = {
    "solution.npz": lambda path, solution, monkeypatch: solution.save(path),
    "proof.npz": lambda path, solution, monkeypatch: proof_of(solution).save(path),
    "problem.dat-s": lambda path, solution, monkeypatch: write_sdpa(SlackSDP.of(PROBLEM), path),
    "page.html": lambda path, solution, monkeypatch: FOUND.save_html(path),
    "figure.svg": lambda path, solution, monkeypatch: plots.save(Figure(), path.parent, "figure"),
    "result.json": lambda path, solution, monkeypatch: bench.write("result", bench.Options(True, path.parent), {}),
    "page.md": lambda path, solution, monkeypatch: write_page(path, monkeypatch),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_full_disk_leaves_the_old_file_and_no_other(name, solution, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_bytes(b"old")

    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        WRITES[name](path, solution, monkeypatch)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", WRITES)
def test_a_pipe_is_not_replaced_nor_waited_for(name, solution, tmp_path, monkeypatch):
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(ValueError, match=rf"{name} is no plain file and will not be replaced; name another file"):
        WRITES[name](path, solution, monkeypatch)
    assert path.is_fifo()


@pytest.mark.parametrize("name", WRITES)
def test_a_link_leads_to_what_is_written(name, solution, tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "target", tmp_path / "folder" / name
    link.symlink_to(target)
    WRITES[name](link, solution, monkeypatch)
    assert link.is_symlink()
    assert np.fromfile(target, np.uint8).size > 0
