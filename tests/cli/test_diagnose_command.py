"""``lmnn-sdp diagnose``."""

import json
import re
import shlex
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from lmnn_sdp.cli import main


def invoke(*arguments):
    """The command in this process."""
    return CliRunner().invoke(main, ["diagnose", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def table(tmp_path):
    """A file in which one of three features tells the classes, and a column of names has to be dropped."""
    rng, y = np.random.default_rng(0), np.arange(80) % 2
    X = rng.normal(size=(80, 3)) + np.outer(y, [8, 0, 0])
    path = tmp_path / "my flowers.csv"
    rows = [f"p{i};{a:.4f};{b:.4f};{c:.4f};{'ab'[k]}" for i, ((a, b, c), k) in enumerate(zip(X, y, strict=True))]
    path.write_text("\n".join(["id;length;width;<b>;kind", *rows]) + "\n")
    return path


def test_help_lists_every_option_once():
    text = invoke("--help").output
    options = re.findall(r"^  (?:-k, )?(--[a-z-]+)", text, re.M)
    assert len(options) == len(set(options))
    assert {"--minutes", "--json", "--html", "--label", "--standardize", "--points", "--splits", "--seed"} <= set(
        options
    )


def test_it_prints_methods_answers_reasons_and_what_follows(table, tmp_path):
    page = tmp_path / "page.html"
    options = ("--label", "kind", "--drop", "id", "--splits", 3, "--minutes", 60, "--html", page)
    result = invoke(table, *options)
    assert result.exit_code == 0
    assert "my flowers: 80 points, 3 features, 2 classes" in result.output
    assert len(re.findall(r"^  [> ] \S.* % \+- +[\d.]+ % +[\d.e-]+$", result.output, re.M)) == 11
    assert re.search(r"^  > k-NN on raw features +0\.00 % \+-  0\.00 %", result.output, re.M)
    for heading in (
        "Is k-NN good enough as it stands?",
        "Why",
        "What would change this",
        "Which solver fits this size?",
    ):
        assert f"\n  {heading}\n" in result.output
    assert "length" in result.output
    assert "KNeighborsClassifier(3).fit(X, y)" in result.output
    text = page.read_text()
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_json_is_one_object_with_the_command_as_a_shell_takes_it(table):
    options = ("--label", "kind", "--drop", "id", "--splits", 3, "--minutes", 60, "--json", "-k", 2)
    result = CliRunner().invoke(main, ["diagnose", str(table), *map(str, options)])
    told = json.loads(result.stdout)
    assert result.stderr == ""
    assert told["n"] == 80
    assert told["recommendation"]["advice"] == "KEEP"


def test_the_command_repeats_how_the_data_were_read(table):
    from lmnn_sdp.cli.diagnose import _told
    from lmnn_sdp.cli.options import ProblemOptions

    read = {"label": "kind", "label_position": None, "drop": ("id",), "header": True, "delimiter": ";"}
    read |= {"decimal": ".", "encoding": None, "fetch": False, "minus_one_is_class": True}
    options = ProblemOptions(**read, neighbors=3, mu=0.5, reg=0.0, standardize=False, points=None)
    words = shlex.split(_told(str(table), options))
    told = ["--label", "kind", "--drop", "id", "--header", "--delimiter", ";", "--minus-one-is-class"]
    assert words == [str(table), *told]
    assert (
        _told("wine", ProblemOptions(*[None, None, (), None, None, ".", None, False, False, 3, 0.5, 0.0, False, None]))
        == "wine"
    )


def test_a_budget_below_one_fit_says_so():
    result = invoke("iris", "--minutes", 1e-9, "--quiet")
    assert result.exit_code == 0
    assert "The time was too short to judge." in result.output
    assert len(re.findall("left out$", result.output, re.M)) == 11
    assert "raise minutes (--minutes 2)" in result.output


def test_too_few_points_say_so(table):
    result = invoke(table, "--label", "kind", "--drop", "id", "--points", 20, "--quiet")
    assert result.exit_code == 0
    assert "Too few points to judge" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("iris", "--minutes", 0), "minutes=0.0 must be a positive number"),
        (("iris", "--splits", 1), "n_splits=1 must be an integer >= 3"),
        (("iris", "--label", "x"), "--label is for files, and iris is built in"),
        (("{table}", "--label", "kind"), "id"),
        (("{table}", "--label", "id", "--drop", "kind"), "80 classes for 80 points"),
        (("{table}", "--label", "kind", "--drop", "id", "--html", "{table}"), "holds the data, which would be lost"),
    ],
)
def test_bad_input_exits_with_two_and_one_sentence(arguments, message, table):
    result = invoke(*(str(one).format(table=table) for one in arguments))
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_missing_optional_package_is_named(tmp_path, monkeypatch):
    path = tmp_path / "points.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = invoke(path, "--label", "y")
    assert result.exit_code == 2
    assert "pip install pyarrow" in result.output


def test_ctrl_c_leaves_no_diagnosis(monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("lmnn_sdp.analysis.diagnosis.diagnosis.diagnose", interrupted)
    result = invoke("iris")
    assert result.exit_code == 130
    assert "no diagnosis" in result.output
