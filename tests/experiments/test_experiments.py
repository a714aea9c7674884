"""Every experiment runs in its quick size; figures are drawn from what they write; committed results are whole."""

import json
import subprocess
import sys

import pytest

import tables
from harness import paper_data
from harness.paths import ROOT, SHARED_DATA

QUICKEST = {"bench_estimator", "bench_impostors", "bench_newton", "sdp_forms"}
SCRIPTS = sorted({path.stem for path in (ROOT / "experiments").glob("*.py")})


def run(script, *arguments):
    done = subprocess.run([sys.executable, script, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICKEST else pytest.mark.slow) for name in SCRIPTS]
)
def test_quick_size_runs_and_records_how(name, tmp_path):
    if name == "mutation":
        pytest.importorskip("mutmut", reason="a requirement of development only")
    out = run(ROOT / "experiments" / f"{name}.py", "--quick", "--out", tmp_path)
    assert str(tmp_path) in out
    result = json.loads((tmp_path / f"{name}.json").read_text())
    assert result["command"] == f"python experiments/{name}.py --quick"
    assert {"commit", "versions", "machine"} <= set(result)


@pytest.mark.parametrize("name", sorted(set(SCRIPTS) - {"demo"}))
def test_full_results_are_committed(name):
    result = json.loads((ROOT / "experiments" / "results" / f"{name}.json").read_text())
    assert result["command"] == f"python experiments/{name}.py"
    assert not result["commit"].endswith("+changes")


@pytest.mark.slow
def test_figures_are_drawn_from_the_committed_results(tmp_path):
    for script in ("draw", "reproduction"):
        run(ROOT / "figures" / f"{script}.py", ROOT / "experiments" / "results", tmp_path)
    drawn = {path.name for path in tmp_path.iterdir() if path.suffix != ".html"}
    committed = {path.name for path in (ROOT / "figures").iterdir() if path.suffix in (".svg", ".png")}
    assert drawn == committed


@pytest.mark.parametrize("page", tables.PAGES)
def test_tables_are_those_of_the_committed_results(page, monkeypatch):
    assert tables.rendered(page) == (ROOT / page).read_text()


def test_loaders_read_the_papers_files(monkeypatch):
    if not (SHARED_DATA / "letters").exists():
        pytest.skip("the paper's data sets are not beside this repository")
    letters = paper_data.letters()
    assert letters.X.shape == (14_000, 16)
    assert len(set(letters.y.tolist())) == 26
