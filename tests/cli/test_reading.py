"""What the commands read, what they say of it, and how they refuse it."""

import json
import os
import re

import numpy as np
import pytest
from click.testing import CliRunner

from lmnn_sdp import LMNN, Solution
from lmnn_sdp.cli import main
from lmnn_sdp.datasets import load
from lmnn_sdp.problem.problem import Problem

HELD_OUT = ["--points", "45", "--standardize"]


def invoke(*arguments):
    """A command in this process."""
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def refused(message, *arguments):
    """Exit code 2, one sentence, nothing on standard output."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.search(message, result.stderr)
    assert "Traceback" not in result.stderr


def table(path, labels="ab", n=20):
    """A CSV file of two features."""
    rng = np.random.default_rng(0)
    lines = [f"{k},{u},{v},{labels[k % len(labels)]}" for k, (u, v) in enumerate(rng.normal(size=(n, 2)).tolist())]
    path.write_text("id,u,v,kind\n" + "\n".join(lines))
    return path


def test_help_documents_the_exit_codes():
    text = invoke("--help").stdout
    for line in ("0    done", "1    a solver stopped before", "2    wrong input or usage", "130  interrupted"):
        assert line in text


def test_one_line_tells_how_a_file_was_understood_and_one_each_what_looks_odd(tmp_path):
    path = table(tmp_path / "t.csv")
    result = invoke("solve", path, "--label", "kind")
    lines = result.stderr.splitlines()
    assert lines[:2] == [
        f"{path}: 20 points, 3 features, 2 classes (a 10, b 10); header",
        f"Warning: {path}: column 'id' counts up by one, like an index; to leave it out: --drop id",
    ]
    result = invoke("solve", path, "--label-position", -1, "--drop", "id")
    assert result.stderr.splitlines()[0] == (
        f"{path}: 20 points, 2 features, 2 classes (a 10, b 10); left out: id; header"
    )
    for silent in ("--quiet", "--json"):
        assert str(path) not in invoke("solve", path, "--label", "kind", silent).stderr
    assert "points" not in invoke("solve", "iris", "--points", 30).stderr


def test_files_that_have_to_be_described(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("größe;art\n1,5;ä\n2,5;ä\n3;ä\n1;b\n2;b\n5,25;b\n".encode("latin-1"))
    options = ["--label", "art", "--decimal", ",", "-k", 1, "--reg", 0.1, "--json"]
    refused("say its encoding, for example --encoding latin-1", "solve", path, *options)
    assert json.loads(invoke("solve", path, *options, "--encoding", "latin-1").stdout)["n"] == 6
    refused("no header line that could name a column", "solve", path, *options, "--encoding", "latin-1", "--no-header")


def test_options_that_contradict_each_other_or_the_data(tmp_path):
    path = table(tmp_path / "t.csv")
    refused("say the same thing twice", "solve", path, "--label", "kind", "--label-position", 0)
    refused("--drop is for files, and iris is built in", "solve", "iris", "--drop", "0")
    refused("--header/--no-header is for files, and iris is built in", "solve", "iris", "--no-header")
    refused(
        r"no built-in data set \(.*\), none of the paper.s larger ones \(.*\) and no file with an ending",
        "solve",
        "flowers",
    )
    refused("needs --label NAME", "solve", path)
    refused(r"0 is not in the range x>=1", "solve", "iris", "--points", 0)


def test_labels_of_minus_one_need_a_word(tmp_path):
    path = table(tmp_path / "t.csv", labels=["-1", "0", "1"], n=30)
    for command in (["solve"], ["compare", "--splits", 2]):
        call = [*command, path, "--label", "kind", "--quiet"]
        refused(r"y holds '-1' beside 2 other labels.*--minus-one-is-class", *call)
        assert invoke(*call, "--minus-one-is-class").exit_code == 0


def test_components_cut_the_metric_and_certify_the_cut(tmp_path):
    data = load("iris")
    result = invoke("solve", "iris", "--components", 2, "--json", "--quiet", "--out", tmp_path / "s.npz")
    report = json.loads(result.stdout)
    model = LMNN(n_components=2, tol=1e-6).fit(data.X, data.y)
    assert report["rank"] == 2
    assert report["objective"] == pytest.approx(model.objective_, rel=1e-9)
    assert report["of_any_rank"]["objective"] == pytest.approx(model.solution_.objective, rel=1e-9)
    assert report["lower_bound"] <= report["of_any_rank"]["objective"] < report["objective"]
    saved = Solution.load(tmp_path / "s.npz")
    np.testing.assert_allclose(saved.components, model.components_, rtol=1e-6, atol=1e-9)
    text = invoke("solve", "iris", "--components", 2, "--quiet").stdout
    assert re.search(r"of any rank    objective [\d.]+, relative gap \S+, rank of M 4\n", text)
    assert "Of any rank: Optimal" in text
    assert "cut" not in invoke("solve", "iris", "--components", 4, "--quiet").stdout
    refused(
        r"n_components=5 must be an integer from 1 to the number of features \(4\)", "solve", "iris", "--components", 5
    )


def test_verify_says_what_may_take_long(monkeypatch):
    monkeypatch.setattr("lmnn_sdp.cli.verify.QUICK_TRIPLETS", 100)
    monkeypatch.setattr("lmnn_sdp.cli.verify.SOLVERS", ("newton", "pgd"))
    loosely = ["verify", "iris", "--points", 21, "-k", 1, "--standardize", "--tol", 0.05]
    result = invoke(*loosely)
    assert "294 triplets: some solvers may take minutes; --points N takes a random sample" in result.stderr
    assert "1 of 2: newton" in result.stderr
    assert "2 of 2: pgd" in result.stderr
    quiet = invoke(*loosely, "--quiet")
    assert quiet.stderr == ""


def test_export_writes_the_map_back_and_says_which_sign_is_printed(tmp_path):
    out = tmp_path / "iris.dat-s"
    result = invoke("export", "iris", "--points", 15, "-k", 1, "--out", out)
    assert result.exit_code == 0
    assert np.load(tmp_path / "iris.dat-s.map.npz")["W"].shape == (4, 4)
    assert "150 triplets of iris, N of 4 x 4 in whitened coordinates" in result.stdout
    assert f"{out}.map.npz: W of 4 x 4; the metric in the units of the data is M = W'NW" in result.stdout
    assert "CSDP and SDPA print minus the optimum; DSDP and sdpa-python print the optimum itself" in result.stdout
    invoke("export", "iris", "--points", 15, "-k", 1, "--out", out, "--map", tmp_path / "W.npz")
    assert (tmp_path / "W.npz").exists()


def test_an_export_that_is_too_large_is_refused_before_its_triplets_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(Problem, "all_triplets", lambda _: pytest.fail("listed the triplets"))
    refused(r"8,718,660 triplets.*\(--points N\)", "export", "digits", "--out", tmp_path / "d.dat-s")
    assert not list(tmp_path.iterdir())


def test_a_device_is_not_replaced_by_an_export(tmp_path):
    (tmp_path / "out").symlink_to("/dev/full")
    refused("is no plain file and will not be replaced", "export", "iris", *HELD_OUT, "--out", tmp_path / "out")


IRREGULAR = {"fifo": "is a FIFO; only plain files", "link to a device": "is a device; only plain files"}


@pytest.mark.parametrize("kind", IRREGULAR)
def test_what_is_no_plain_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "t.csv"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    refused(IRREGULAR[kind], "solve", path, "--label", "kind")
    refused(IRREGULAR[kind], "audit", "iris", *HELD_OUT, "--metric", path)


def bomb(path):
    """An array that claims a trillion numbers."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)


def test_damaged_and_hostile_files_are_one_sentence(tmp_path):
    path = tmp_path / "t.npz"
    bomb(path)
    refused(r"t\.npz holds no arrays that can be read \(its header claims the shape", "solve", path)
    refused(r"t\.npz holds no arrays that can be read \(its header", "audit", "iris", *HELD_OUT, "--metric", path)
    np.savez(path, X=np.array([[10**400]], dtype=object), y=np.arange(1))
    refused("it holds Python objects, which could run code", "solve", path)
    path = tmp_path / "t.csv"
    path.write_text('a,kind\n1,"' + "x" * 200_000)
    refused(r"t\.csv is no table \((EOF inside string|field larger than field limit)", "solve", path, "--label", "kind")


LARGE = {
    "M": ({"M": np.eye(4) * 1.7e308}, r"M, with entries of up to 1\.7e\+308, is so large that distances on these"),
    "ones": (
        {"M": np.full((4, 4), 1.7e308)},
        "is so large that distances on these data overflow; divide it by a power",
    ),
    "asymmetric": ({"M": np.triu(np.full((4, 4), 1.7e308)) - np.tril(np.full((4, 4), 1.7e308), -1)}, "not symmetric"),
    "L": ({"L": np.eye(4) * 1e155}, r"L has entries of up to 1e\+155, and L'L overflows; divide L by"),
}


@pytest.mark.parametrize("case", LARGE)
def test_metrics_near_the_largest_number_are_one_sentence(tmp_path, case):
    arrays, message = LARGE[case]
    np.savez(tmp_path / "m.npz", **arrays)
    refused(message, "audit", "iris", *HELD_OUT, "--metric", tmp_path / "m.npz")


def test_too_little_memory_is_one_sentence(monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr("lmnn_sdp.cli.solve.solve", full)
    refused(
        "this does not fit into memory; allow the process more, or take .* --points N",
        "solve",
        "iris",
    )


def test_ctrl_c_while_data_are_read_exits_with_130(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("lmnn_sdp.cli.options.load", interrupted)
    result = invoke("solve", "iris")
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_no_result_is_written_over_the_data_or_another_result(tmp_path):
    path = table(tmp_path / "t.csv")
    before, link = path.read_bytes(), tmp_path / "link"
    link.symlink_to(path)
    for command, option in (("export", "--out"), ("export", "--map"), ("solve", "--out"), ("solve", "--checkpoint")):
        needed = ["--out", tmp_path / "other"] if option == "--map" else []
        for target in (path, link):
            message = f"{target} holds the data, which would be lost; name another file"
            refused(message, command, path, "--label", "kind", *needed, option, target)
    assert path.read_bytes() == before
    twice = tmp_path / "x"
    refused("x is named for two results, of which one would be lost", "export", "iris", "--out", twice, "--map", twice)


def test_a_seed_out_of_range_is_named():
    refused("Invalid value for '--seed': -1 is not in the range", "compare", "iris", "--seed", -1)


def test_no_solver_behind_the_colon_is_no_solver():
    refused("solver='cvxpy:' is unknown; use 'auto'", "solve", "iris", "--solver", "cvxpy:")
