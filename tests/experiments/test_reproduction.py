"""The reproduction: splits and methods against plain ones, a store of results, and the committed table."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.neighbors import KNeighborsClassifier

import reproduce as script
from harness.paths import RESULTS, ROOT
from harness.reproduction import choices, methods, paper, report, store, tables
from harness.reproduction.explained import explanation
from harness.reproduction.methods import METHODS, Outcome
from harness.reproduction.papers_descent import _value_and_gradient, descent
from harness.reproduction.protocol import CASES, Split, rows, split
from harness.reproduction.store import Task
from lmnn_sdp import MultiMetricLMNN, Problem, ShrinkingKNN
from lmnn_sdp.numerics.linalg import psd_factor

SCRIPT = ROOT / "experiments" / "reproduce.py"
BASELINES = ("euclidean", "lda", "rca")


def drawn(n=60, n_test=30, d=3, seed=0):
    """A split of three clouds."""
    rng = np.random.default_rng(seed)
    y = np.arange(n + n_test) % 3
    X = 2 * rng.normal(size=(3, d))[y] + rng.normal(size=(len(y), d))
    return Split(X[:n], X[n:], X[:n], X[n:], y[:n], y[n:], 0)


@pytest.mark.parametrize("column", ["wine", "iris", "bal"])
def test_splits_have_the_papers_sizes_and_no_point_twice(column):
    train, test = rows(CASES[column], 3)
    assert (len(train), len(test)) == (CASES[column].n_train, CASES[column].n_test)
    assert len(np.unique(np.concatenate([train, test]))) == len(train) + len(test)
    again, _ = rows(CASES[column], 3)
    np.testing.assert_array_equal(train, again)
    assert not np.array_equal(np.sort(train), np.sort(rows(CASES[column], 4)[0]))


def test_where_nothing_is_reduced_the_points_are_the_raw_ones():
    points = split(CASES["iris"], 0)
    np.testing.assert_array_equal(points.X, points.raw)
    assert points.X_test.shape == (38, 4)


def test_the_vote_on_sparse_features_is_that_on_dense_ones():
    points = drawn()
    dense = methods.euclidean(points, CASES["wine"]).errors["vote"]
    sparse = Split(
        csr_array(points.raw), csr_array(points.raw_test), points.X, points.X_test, points.y, points.y_test, 0
    )
    assert methods.euclidean(sparse, CASES["20news"]).errors["vote"] == dense


def test_without_ties_all_that_tie_are_the_three():
    points = drawn()
    A, B = 100 * points.X, 100 * points.X_test
    assert methods._error_with_ties(A, B, points) == methods._error(A, B, points)


def test_tied_points_all_vote_and_a_drawn_vote_goes_to_the_nearest():
    A = np.array([[0.0], [1.0], [1.0], [-1.0], [-1.0], [5.0]])
    y = np.array(["a", "b", "b", "b", "a", "c"])
    points = Split(A, A, A, np.array([[0.0], [0.1]]), y, np.array(["b", "a"]), 0)
    # around 0: a at 0, then four at 1 (b b b a) vote all; around 0.1 the three nearest are a, b, b and no other ties
    assert methods._error_with_ties(A, points.X_test, points) == 0.5
    assert methods._error_with_ties(A, np.array([[0.0]]), Split(A, A, A, A, y, np.array(["b"]), 0)) == 0.0


def test_the_training_error_of_several_metrics_leaves_each_point_out():
    points = drawn(n=45)
    model = MultiMetricLMNN(tol=1e-3).fit(points.X, points.y)
    D = np.stack(
        [
            np.sum(((points.X - x) @ model.components_[block].T) ** 2, axis=1)
            for x, block in zip(points.X, model.block_of_, strict=True)
        ],
        axis=1,
    )
    np.fill_diagonal(D, np.inf)
    wrong = 0
    for row, label in zip(D, points.y, strict=True):
        votes = points.y[np.argsort(row)[:3]]
        winner = votes[1] if votes[1] == votes[2] != votes[0] else votes[0]
        wrong += winner != label
    assert methods._left_out_error(model, points) == wrong / len(points.y)


@pytest.mark.parametrize(
    "method",
    [
        "lmnn",
        "lmnn_lda",
        "passes",
        "metrics",
        "gaps",
        "settings",
        "papers_solver",
        "lmnn_stopped",
        "others",
        "overfitting",
    ],
)
def test_every_lmnn_row_is_proved(method):
    outcome = METHODS[method](drawn(), CASES["iris"])
    assert all(np.isfinite(list(outcome.errors.values())))
    if method in ("lmnn", "lmnn_lda", "passes", "metrics"):
        assert outcome.proof["lower_bound"] <= outcome.proof["objective"]
        assert outcome.proof["relative_gap"] <= CASES["iris"].tol


@pytest.mark.parametrize("method", ["lda", "rca"])
def test_lda_and_rca_see_the_features_as_they_come_where_points_outnumber_them(method):
    points = drawn(d=4)
    wide = np.hstack([points.X] * 20), np.hstack([points.X_test] * 20)
    reduced = replace(points, X=points.X[:, :2], X_test=points.X_test[:, :2])
    error = METHODS[method](points, CASES["wine"]).errors
    assert METHODS[method](reduced, CASES["wine"]).errors == error
    assert METHODS[method](replace(points, raw=wide[0], raw_test=wide[1]), CASES["wine"]).errors == error


def test_what_holds_a_metric_back_costs_more_than_the_optimum(monkeypatch):
    monkeypatch.setattr(choices, "FEW", (2, 4))
    case = replace(CASES["oFaces"], tol=1e-6)
    points = drawn(d=6)
    found = METHODS["overfitting"](points, case).errors
    excess = {name.removesuffix(", excess"): value for name, value in found.items() if name.endswith(", excess")}
    assert set(excess) == set(found) - {f"{name}, excess" for name in excess}
    assert {"no metric", "stopped by validation", "2 dimensions", "penalty 1e-03"} < set(excess)
    assert all(value >= excess["optimum"] - 1e-9 for value in excess.values())
    assert excess["penalty 1e-03"] < excess["penalty 1e-01"]
    assert excess["4 dimensions"] < excess["2 dimensions"]
    assert METHODS["overfitting"](points, CASES["wine"]).errors == {}


def test_many_metrics_are_held_back_by_a_penalty():
    found = METHODS["metrics_held_back"](drawn(), CASES["isolet"]).errors
    assert set(found) == {f"penalty {share:.0e}{kind}" for share in choices.PENALTIES for kind in ("", ", gap")}
    assert all(value <= 1e-2 for name, value in found.items() if name.endswith("gap"))
    assert METHODS["metrics_held_back"](drawn(), CASES["wine"]).errors == {}


def test_the_papers_descent_falls_and_its_gradient_is_one():
    points = drawn()
    problem = Problem.from_data(points.X, points.y)
    values = [problem.value(psd_factor(M)) for M in descent(problem, 40)]
    assert all(after <= before * (1 + 1e-12) for before, after in pairwise(values))
    assert values[-1] < values[0]
    M, D = np.eye(3) + 0.1, np.diag([1.0, -2.0, 0.5])
    _, gradient = _value_and_gradient(problem, M)
    moved = [_value_and_gradient(problem, M + sign * 1e-7 * D)[0] for sign in (1, -1)]
    assert (moved[0] - moved[1]) / 2e-7 == pytest.approx(np.sum(gradient * D), rel=1e-5)


def test_what_takes_too_much_says_so():
    large = drawn(n=3_000, d=60)
    assert "all pairs" in methods.mmc(large, CASES["isolet"]).note
    assert "all pairs" in methods.nca(large, CASES["isolet"]).note
    assert methods.lmnn_stopped(large, CASES["isolet"]).errors == {}


def test_shrinking_and_plain_votes_agree_where_no_vote_is_drawn():
    points = drawn(n=200, n_test=100)
    plain = KNeighborsClassifier(3).fit(points.X, points.y)
    clear = plain.predict_proba(points.X_test).max(axis=1) > 0.5
    shrinking = ShrinkingKNN(3).fit(points.X, points.y).predict(points.X_test)
    np.testing.assert_array_equal(shrinking[clear], plain.predict(points.X_test)[clear])


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"data set 'cifar' is unknown; known are mnist, letters"):
        store.tasks(["cifar"], ["lmnn"], {})
    with pytest.raises(ValueError, match=r"method 'magic' is unknown; known are euclidean"):
        store.tasks(["iris"], ["magic"], {})
    assert len(store.tasks(["iris"], list(METHODS), {"iris": 3})) == 3 * len(METHODS)


def test_half_a_result_is_none(tmp_path):
    task = Task("iris", "lda", 0)
    assert store.read(tmp_path, task) is None
    store.keep(tmp_path, task, Outcome({"vote": 0.25}), 1.0)
    whole = task.path(tmp_path).read_text()
    assert store.read(tmp_path, task)["outcome"]["errors"] == {"vote": 0.25}
    for damaged in (whole[: len(whole) // 2], "[]", "{}", ""):
        task.path(tmp_path).write_text(damaged)
        assert not store.is_done(tmp_path, task)


def test_other_code_has_another_folder(monkeypatch):
    before = store.code()
    assert before == store.code()
    monkeypatch.setattr(store, "versions", lambda: {"python": "2.7"})
    assert store.code() != before


def reproduce(out, *options):
    """The script on iris, with baselines alone."""
    command = [sys.executable, str(SCRIPT), "--only", "iris", "--methods", *BASELINES, "--out", str(out), *options]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)


def cells(out):
    """What the result file says, without times."""
    runs = json.loads((out / "reproduce.json").read_text())["runs"]
    return [(run["column"], run["method"], run["split"], run["errors"]) for run in runs]


@pytest.mark.slow
def test_unknown_rows_and_an_absent_folder_are_told_in_one_line(tmp_path):
    process = subprocess.run(
        [sys.executable, str(SCRIPT), "--only", "cifar", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2
    assert process.stderr.strip().endswith(f"known are {', '.join(CASES)}")
    assert "Traceback" not in process.stderr


def test_results_are_gathered_from_folders_and_files_the_first_of_two_counts(tmp_path, monkeypatch):
    for folder, error, tasks in (("new", 0.5, ["lda"]), ("old", 0.25, ["lda", "rca"])):
        for method in tasks:
            store.keep(tmp_path / folder, Task("iris", method, 0), Outcome({"vote": error}), 1.0)
    options = ["--only", "iris", "--methods", *BASELINES, "--splits", "1", "--out", str(tmp_path), "--gather"]
    file = tmp_path / "reproduce.json"
    for sources in (["old"], ["new", "old"], ["new", "reproduce.json"]):  # the last reads what the second wrote
        monkeypatch.setattr(sys, "argv", ["reproduce", *options, *(str(tmp_path / source) for source in sources)])
        script.main()
        errors = {run["method"]: run["errors"]["vote"] for run in json.loads(file.read_text())["runs"]}
        assert errors == {"lda": 0.25 if sources == ["old"] else 0.5, "rca": 0.25}


def test_a_cell_with_fewer_splits_than_its_column_says_so():
    outcomes = {"lda": [0.02, 0.04], "rca": [0.02]}
    records = [
        {"task": {"column": "iris", "method": method, "split": k}, "outcome": vars(Outcome({"vote": error}))}
        for method, errors in outcomes.items()
        for k, error in enumerate(errors)
    ]
    table = {name: entries for name, *entries in tables.errors(report.summary(records)).rows}
    assert table == {"splits": ["2"], "kNN LDA": ["3.00 +- 1.41 (4.00)"], "kNN RCA": ["2.00 (3.71) [1]*"]}


def test_cells_are_means_over_splits_and_flagged_by_their_deviation():
    records = [
        {"task": {"column": "iris", "method": "lda", "split": k}, "outcome": vars(Outcome({"vote": error}, 0.5, 2.0))}
        for k, error in enumerate((0.02, 0.04))
    ]
    cell = report.summary(records)["kNN LDA"]["iris"]
    assert (cell.mean, cell.splits, cell.training, cell.cpu_seconds) == (pytest.approx(3.0), 2, 50.0, 2.0)
    assert cell.sd == pytest.approx(np.sqrt(2))
    assert cell.paper == 4.00
    assert not cell.differs


COMMITTED = RESULTS / "reproduce.json"


def test_the_committed_cells_are_those_of_the_committed_runs():
    result = json.loads(COMMITTED.read_text())
    records = report.unpacked(result)
    made = json.loads(json.dumps(report.packed(records)))
    assert made["cells"] == result["cells"]
    keys = {
        "column",
        "method",
        "split",
        "errors",
        "training_error",
        "cpu_seconds",
        "proof",
        "note",
        "seconds",
        "commit",
    }
    for run in result["runs"]:
        assert set(run) == keys
        assert run["column"] in paper.COLUMNS
        assert run["method"] in METHODS
        assert all(value >= 0 for value in run["errors"].values())
        assert not run["commit"].endswith("+changes")
        if run["proof"]:
            assert run["proof"]["lower_bound"] <= run["proof"]["objective"]


def test_every_flag_is_explained_or_open():
    summary = report.summary(report.unpacked(json.loads(COMMITTED.read_text())))
    flagged = tables.flags(summary).rows
    assert flagged
    for *_, why in flagged:
        assert len(why) > 10
    assert explanation("no such row", "iris").startswith("open")


def test_a_gap_of_every_certified_row_is_told():
    result = json.loads(COMMITTED.read_text())
    for row in ("LMNN PCA", "LMNN LDA", "LMNN multiple passes"):
        for column in ("wine", "iris", "bal", "letters"):
            assert result["cells"][row][column]["gap"] <= 1e-6


CLUSTER = """
import sys
from distributed import LocalCluster

with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_cluster_of_two_processes_gives_the_same(tmp_path):
    pytest.importorskip("distributed", reason="a requirement of development only")
    whole = reproduce(tmp_path / "whole")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "experiments")}
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as cluster:
        address = cluster.stdout.readline().strip()
        assert reproduce(tmp_path / "cluster", "--dask", address, "--jobs", "2").wait() == 0
        cluster.stdin.close()
    assert whole.wait() == 0
    assert cells(tmp_path / "cluster") == cells(tmp_path / "whole")
