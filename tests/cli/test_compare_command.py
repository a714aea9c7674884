"""``lmnn-sdp compare``."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from lmnn_sdp import LMNN, compare
from lmnn_sdp.cli import main
from lmnn_sdp.datasets import load
from lmnn_sdp.display.progress import Progress


def invoke(*arguments):
    """The command in this process."""
    return CliRunner().invoke(main, ["compare", *map(str, arguments)], catch_exceptions=False)


def test_help_lists_every_option_once():
    text = invoke("--help").output
    options = re.findall(r"^  (?:-k, )?(--[a-z-]+)", text, re.M)
    assert len(options) == len(set(options))
    assert {"--neighbors", "--mu", "--reg", "--label", "--standardize", "--points", "--splits", "--seed"} <= set(
        options
    )
    assert "before and after on the same splits" in " ".join(text.split())


def test_it_prints_before_after_and_the_verdict():
    result = invoke("wine", "--quiet", "--splits", 4)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "wine: 178 points, 13 features, k = 3, mu = 0.5"
    for name in ("before", "after", "difference"):
        assert any(re.match(rf"    {name} +[-+]?[\d.]+ % \+- +[\d.]+ %   \(", line) for line in lines), name
    assert "95 % interval -" in result.output
    assert re.search(r"relative gap   [\d.]+e-0[5-9] at most   \(proved\)", result.output)
    assert lines[-1].startswith("  The metric helps: ")


def test_it_says_plainly_when_the_metric_does_not_help():
    result = invoke("iris", "--quiet")
    assert result.exit_code == 0
    assert "No difference that these splits could show" in result.output
    assert "not seen to help" in result.output


def test_json_holds_what_the_function_gives():
    options = ["--standardize", "-k", 2, "--mu", 0.4, "--reg", 0.1, "--components", 2, "--seed", 5, "--tol", 1e-3]
    splits = ["--splits", 3, "--test-size", 0.4, "--classifier-neighbors", 5]
    result = invoke("iris", *options, *splits, "--json", "--quiet")
    data = load("iris")
    expected = compare(
        data.X,
        data.y,
        estimator=LMNN(n_neighbors=2, mu=0.4, reg=0.1, n_components=2, tol=1e-3),
        classifier_neighbors=5,
        n_splits=3,
        test_size=0.4,
        standardize=True,
        random_state=5,
    ).summary()
    report = json.loads(result.output)
    assert (report["data"], report["k"], report["mu"], report["components"]) == ("iris", 2, 0.4, 2)
    assert {key: report[key] for key in expected if key != "seconds"} == {
        key: value for key, value in expected.items() if key != "seconds"
    }
    text = invoke("iris", *options, *splits, "--quiet").output
    assert "(proved, with the cut to 2 dimensions)" in text
    assert "90 points to train and standardise on, 60 to test on" in text


def test_a_table_of_ones_own_and_a_figure(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{x},{y},{kind}" for x, y, kind in zip(*rng.normal(size=(2, 40)), "ab" * 20, strict=False)]
    (tmp_path / "t.csv").write_text("u,v,kind\n" + "\n".join(rows))
    result = invoke(tmp_path / "t.csv", "--label", "kind", "--splits", 3, "--quiet", "--figures", tmp_path / "figures")
    assert result.exit_code == 0
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"t_comparison.svg", "t_comparison.png"}


def test_a_sample_is_taken_before_the_splits():
    report = json.loads(invoke("wine", "--points", 60, "--splits", 2, "--json", "--quiet").output)
    assert report["n"] == report["n_train"] + report["n_test"] < 70


@pytest.mark.clock
def test_a_solver_that_stopped_early_is_told_and_exits_with_1():
    result = invoke("iris", "--splits", 2, "--time-limit", 1e-9, "--quiet")
    assert result.exit_code == 1
    assert "2 of 2 solves stopped early" in result.output


def test_ctrl_c_exits_with_130(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "__call__", interrupt)
    result = invoke("iris", "--quiet")
    assert result.exit_code == 130
    assert "there is no comparison" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--splits", 1], "n_splits=1 must be an integer >= 2"),
        (["--test-size", 2], "test_size=2.0 must lie strictly between 0 and 1"),
        (["-k", 40], "n_neighbors=40 needs 41"),
        (["--components", 9], "n_components=9 must be an integer from 1 to the number of features"),
    ],
)
def test_bad_calls_are_errors_for_the_user(arguments, message):
    result = invoke("iris", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_unwritable_figures_are_refused_before_the_fits(tmp_path):
    (tmp_path / "file").write_text("")
    result = invoke("iris", "--figures", tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert "cannot write" in result.output
