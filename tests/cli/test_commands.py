import json
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from lmnn_sdp import LowRankLMNN, MultiPassLMNN, Solution, Status
from lmnn_sdp.cli import main
from lmnn_sdp.datasets import load
from lmnn_sdp.display.progress import Progress
from lmnn_sdp.solvers.solution import HistoryRow

HELD_OUT = ["--points", "45", "--standardize"]


def run(*arguments):
    """The program as users start it: exit code, standard output, standard error."""
    command = [sys.executable, "-m", "lmnn_sdp", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def invoke(*arguments):
    """The same in this process."""
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.mark.parametrize(
    "command", [[], ["solve"], ["audit"], ["compare"], ["verify"], ["prove"], ["check"], ["export"]]
)
def test_help(command):
    result = invoke(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_solve_prints_the_interval_and_writes_solution_and_figures(tmp_path):
    result = invoke("solve", "iris", *HELD_OUT, "--out", tmp_path / "s.npz", "--figures", tmp_path / "figures")
    assert result.exit_code == 0
    assert "lower bound" in result.output
    assert "Optimal" in result.output
    assert Solution.load(tmp_path / "s.npz").relative_gap <= 1e-6
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"iris_convergence.svg", "iris_margins.png", "iris_spectrum.svg", "iris_working_set.png"} <= drawn


def test_solve_json(tmp_path):
    result = invoke("solve", "wine", "--points", 60, "--json", "--quiet")
    report = json.loads(result.output)
    assert report["status"] == "OPTIMAL"
    assert report["lower_bound"] <= report["objective"]
    assert report["d"] == 13


def test_solve_reads_a_table(tmp_path):
    rng = np.random.default_rng(0)
    lines = [f"{a},{b},{'ab'[k % 2]}" for k, (a, b) in enumerate(rng.normal(size=(20, 2)).tolist())]
    (tmp_path / "t.csv").write_text("u,v,kind\n" + "\n".join(lines))
    result = invoke("solve", tmp_path / "t.csv", "--label", "kind", "--quiet", "--figures", tmp_path)
    assert result.exit_code == 0
    assert "t: 20 points, 2 features" in result.output
    assert (tmp_path / "t_plane.svg").exists()


def test_an_early_stop_exits_with_1_and_saves_the_best(tmp_path):
    result = invoke("solve", "iris", *HELD_OUT, "--tol", 1e-15, "--max-iter", 1, "--out", tmp_path / "s.npz")
    assert result.exit_code == 1
    assert "Stopped at max_iter" in result.output
    assert Solution.load(tmp_path / "s.npz").lower_bound > 0


def test_a_stopped_solve_goes_on_from_its_checkpoint(tmp_path):
    path = tmp_path / "new" / "c.npz"
    stopped = invoke("solve", "wine", "--standardize", "--tol", 1e-9, "--max-iter", 3, "--checkpoint", path)
    assert stopped.exit_code == 1
    saved = Solution.load(path)
    assert saved.status is Status.MAX_ITER
    resumed = invoke("solve", "wine", "--standardize", "--tol", 1e-9, "--start", path, "--checkpoint", path)
    assert resumed.exit_code == 0
    solution = Solution.load(path)
    assert solution.relative_gap <= 1e-9
    assert solution.history[0].relative_gap <= saved.relative_gap * 1.01
    assert solution.certificate.overlaps(saved.certificate)


def test_help_tells_how_to_go_on_after_a_kill():
    text = " ".join(invoke("solve", "--help").output.split())
    assert "first run with --checkpoint FILE, then again with --start FILE --checkpoint FILE" in text


def test_a_start_on_other_features_or_for_another_solver_is_refused(tmp_path):
    path = tmp_path / "s.npz"
    assert invoke("solve", "iris", *HELD_OUT, "--quiet", "--out", path).exit_code == 0
    code, out, err = run("solve", "wine", "--start", path)
    assert (code, out) == (2, "")
    assert "start is a metric on 4 features, but the data have 13" in err
    code, out, err = run("solve", "iris", "--start", path, "--solver", "cvxpy")
    assert (code, out) == (2, "")
    assert "solver='cvxpy' cannot begin at a given start" in err


def test_automatic_neighbors(tmp_path):
    (tmp_path / "t.csv").write_text("".join(f"{k % 7},{k * k % 11},{'ab'[k > 7]}\n" for k in range(11)))
    report = json.loads(
        invoke("solve", tmp_path / "t.csv", "--label-position", 2, "-k", "auto", "--json", "--quiet").output
    )
    assert report["k"] == 2


@pytest.fixture
def metric(tmp_path):
    np.save(tmp_path / "metric.npy", np.arange(1.0, 9).reshape(2, 4))
    return tmp_path / "metric.npy"


def test_audit_prints_the_excess_of_a_metric(metric):
    result = invoke("audit", "iris", *HELD_OUT, "--metric", metric)
    assert result.exit_code == 0
    assert "read as L (2 x 4), M = L'L, rank 2" in result.output
    assert re.search(r"optimum +[\d.]+ to [\d.]+ +\(proved\)\n +excess +[\d.]+ % to [\d.]+ %", result.output)
    assert "complementarity" in result.output
    assert "Optimal" in result.output


def test_audit_of_a_saved_solution_finds_no_excess(tmp_path):
    invoke("solve", "iris", *HELD_OUT, "--out", tmp_path / "s.npz", "--quiet")
    result = invoke("audit", "iris", *HELD_OUT, "--metric", tmp_path / "s.npz", "--json", "--quiet")
    report = json.loads(result.output)
    assert result.exit_code == 0
    assert report["status"] == "OPTIMAL"
    assert report["metric"] == {"read_as": "M", "shape": [4, 4]}
    assert 0 <= report["excess"][0] <= report["excess"][1] <= 2e-6
    assert report["optimum"][0] <= report["objective"]


@pytest.mark.clock
def test_audit_stopped_early_exits_with_1_and_proves_what_it_can(metric):
    result = invoke("audit", "iris", *HELD_OUT, "--metric", metric, "--time-limit", 1e-9, "--json", "--quiet")
    report = json.loads(result.output)
    assert result.exit_code == 1
    assert report["status"] == "TIME_LIMIT"
    assert report["optimum"][0] <= report["optimum"][1] <= report["objective"]


def test_ctrl_c_in_an_audit_exits_with_130(monkeypatch, metric):
    monkeypatch.setattr(Progress, "__call__", interrupt)
    result = invoke("audit", "iris", *HELD_OUT, "--metric", metric)
    assert result.exit_code == 130
    assert "best certified iterate" in result.output


def interrupt(*_):
    raise KeyboardInterrupt


def test_verify_compares_all_solvers():
    result = invoke("verify", "iris", "--points", 30, "--standardize", "--quiet", "--json")
    report = json.loads(result.output)
    assert result.exit_code == 0
    assert report["overlap"]
    assert {solution["solver"] for solution in report["solutions"]} == {"scs", "scs-full", "cvxpy", "newton", "pgd"}
    table = invoke("verify", "iris", "--points", 30, "--standardize", "--quiet", "--tol", 0.05).output
    assert "all certified intervals overlap" in table


def test_verify_exits_with_1_when_two_intervals_do_not_overlap(monkeypatch):
    monkeypatch.setattr("lmnn_sdp.proof.certificate.Certificate.overlaps", lambda self, other: self is other)
    result = invoke("verify", "iris", "--points", 30, "--standardize", "--quiet", "--tol", 0.05)
    assert result.exit_code == 1
    assert "do NOT overlap" in result.output


def test_verify_refuses_what_is_too_large():
    result = invoke("verify", "breast_cancer")
    assert result.exit_code == 2
    assert "454,104 triplets are too many" in result.stderr
    assert "--points" in result.stderr


def test_export_writes_an_sdpa_file(tmp_path):
    result = invoke("export", "iris", "--points", 15, "-k", 1, "--out", tmp_path / "iris.dat-s")
    assert result.exit_code == 0
    assert (tmp_path / "iris.dat-s").read_text().splitlines()[1] == "150"


BAD_CALLS = {
    "unknown data": (["solve", "flowers"], 2, "no built-in data set"),
    "missing file": (["solve", "none.csv", "--label", "y"], 2, "does not exist"),
    "mu": (["solve", "iris", "--mu", "1"], 2, "must lie strictly between 0 and 1"),
    "k": (["solve", "iris", "-k", "0"], 2, "must be an integer >= 1"),
    "k as a word": (["solve", "iris", "-k", "few"], 2, "'few' is neither an integer nor auto"),
    "no metric": (["audit", "iris"], 2, "Missing option '--metric'"),
    "missing start": (["solve", "iris", "--start", "none.npz"], 2, "'none.npz' does not exist"),
    "start of another kind": (["solve", "iris", "--start", __file__], 2, "test_commands.py is no saved Solution"),
    "missing metric": (["audit", "iris", "--metric", "none.npy"], 2, "'none.npy' does not exist"),
    "file of another kind": (["audit", "iris", "--metric", __file__], 2, "has the ending '.py'; metrics are read from"),
    "k too large": (["solve", "iris", "-k", "50"], 2, "class 0 has 50"),
    "kernel": (["solve", "iris", "--kernel", "magic"], 2, "'magic' is not one of 'linear'"),
    "no coordinates": (["solve", "iris", "--kernel", "rbf", "--kernel-components", "0"], 2, "-components 0 must be"),
    "gamma alone": (["solve", "iris", "--gamma", "2"], 2, "belong to --kernel"),
    "solver": (["solve", "iris", "--solver", "magic"], 2, "is unknown; use 'auto'"),
    "option": (["solve", "iris", "--fast"], 2, "No such option"),
    "no data": (["solve"], 2, "Missing argument"),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_calls_give_one_line_and_no_traceback(name):
    arguments, code, message = BAD_CALLS[name]
    result = invoke(*arguments)  # an exception that is not told in a line would pass through
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""


def test_a_bad_call_of_the_program_gives_one_line_and_no_traceback():
    code, out, err = run("solve", "iris", "--solver", "magic")
    assert (code, out) == (2, "")
    assert "is unknown; use 'auto'" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("option", ["--out", "--figures", "--checkpoint"])
def test_unwritable_paths_are_refused_before_the_solve(tmp_path, monkeypatch, option):
    (tmp_path / "file").write_text("")

    def never(*_, **__):
        raise AssertionError("solved before the path was checked")

    monkeypatch.setattr("lmnn_sdp.cli.solve.solve", never)
    result = invoke("solve", "iris", option, tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert "cannot write" in result.output


def test_progress_shows_the_gap_from_the_first_second_on(capsys):
    progress = Progress("scs")
    progress(HistoryRow(1, 0.5, 2.0, 1.0, 10, 5, 2))
    assert capsys.readouterr().err == ""
    progress(HistoryRow(2, 1.5, 2.0, 1.0, 10, 5, 2))
    assert "gap 5.0e-01" in capsys.readouterr().err
    progress(HistoryRow(3, 1.6, 2.0, 1.0, 10, 5, 2))
    assert capsys.readouterr().err == ""


def test_ctrl_c_prints_the_best_and_exits_with_130(monkeypatch):
    monkeypatch.setattr(Progress, "__call__", interrupt)
    result = invoke("solve", "iris", *HELD_OUT, "--quiet")
    assert result.exit_code == 130
    assert "best certified iterate" in result.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--metrics", "class"], "metrics        3, ranks"),
        (["--metrics", "2"], "metrics        2, ranks"),
        (["--structure", "diagonal"], "rank of M      4 of 4"),
        (["--kernel", "rbf", "--kernel-components", "6"], "iris_rbf: 150 points, 6 kernel coordinates"),
        (["--kernel", "rbf", "--kernel-components", "5", "--metrics", "class"], "metrics        3, ranks"),
        (["--low-rank", "1"], "rank of M      1 of 4\n  of any rank    objective"),
        (["--passes", "2"], "pass 2: optimum in ["),
    ],
)
def test_solve_learns_the_family(options, expected, tmp_path):
    result = invoke("solve", "iris", "--tol", "1e-2", "--figures", tmp_path, *options)
    assert result.exit_code == 0, result.output
    assert expected in result.output


def test_passes_are_those_of_the_estimator_and_end_where_targets_repeat():
    call = ["solve", "wine", "--standardize", "--json", "--tol", "1e-6"]
    report = json.loads(invoke(*call, "--passes", 3).stdout)
    data = load("wine").standardized()
    model = MultiPassLMNN(n_passes=3, tol=1e-6).fit(data.X, data.y)
    assert [one["objective"] for one in report["passes"]] == [one.objective for one in model.passes_]
    assert report["objective"] == report["passes"][-1]["objective"]
    assert "passes" not in json.loads(invoke(*call).stdout)
    many = json.loads(invoke("solve", "iris", "--json", "--tol", "1e-3", "--passes", 50).stdout)
    assert 1 < len(many["passes"]) < 50


def test_passes_of_a_solver_that_takes_no_start():
    report = json.loads(
        invoke("solve", "iris", "--points", 30, "-k", 1, "--solver", "cvxpy", "--passes", 2, "--json").stdout
    )
    assert [one["lower_bound"] <= one["objective"] for one in report["passes"]] == [True, True]


def test_a_map_of_few_rows_is_that_of_the_estimator():
    report = json.loads(invoke("solve", "wine", "--standardize", "--json", "--tol", "1e-6", "--low-rank", 2).stdout)
    data = load("wine").standardized()
    model = LowRankLMNN(2, tol=1e-6, random_state=0).fit(data.X, data.y)
    assert report["objective"] == pytest.approx(model.objective_, rel=1e-9)
    assert report["lower_bound"] <= report["of_any_rank"]["objective"] < report["objective"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--low-rank", "2", "--components", "2"], "choose one of them"),
        (["--low-rank", "2", "--metrics", "class"], "--low-rank learns a single full metric"),
        (["--low-rank", "2", "--structure", "diagonal"], "--low-rank learns a single full metric"),
        (["--low-rank", "5"], "from 1 to the number of features (4)"),
        (["--passes", "0"], "0 is not in the range x>=1"),
    ],
)
def test_maps_and_passes_that_cannot_be_are_refused(options, message):
    result = invoke("solve", "iris", *options)
    assert result.exit_code == 2
    assert message in result.output


def test_kernel_coordinates_that_part_any_labels_are_warned_of():
    call = ["solve", "wine", "--standardize", "--kernel", "rbf", "--quiet", "--tol", 1e-1]
    assert "140 coordinates of 178 points part nearly any labels" in invoke(*call, "--kernel-components", 140).stderr
    assert invoke(*call, "--kernel-components", 5).stderr == ""


def test_a_kernel_of_data_with_a_hole_is_refused_by_the_hole(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    X[4, 1] = np.nan
    np.savez(tmp_path / "hole.npz", X=X, y=y)
    result = invoke("solve", tmp_path / "hole.npz", "--kernel", "rbf", "--quiet")
    assert result.exit_code == 2
    assert "[4, 1]" in result.stderr


def test_solve_finds_the_optimum_in_kernel_coordinates():
    options = ["--standardize", "--kernel", "rbf", "--kernel-components", "50", "--json"]
    report = json.loads(invoke("solve", "wine", *options).stdout)
    assert report["lower_bound"] <= 33.8582245 <= report["objective"]
    assert report["relative_gap"] <= 1e-6


def test_solve_refuses_what_is_no_number_of_metrics():
    result = invoke("solve", "iris", "--metrics", "many")
    assert result.exit_code == 2
    assert "--metrics many must be one, class, or a number of clusters" in result.output
