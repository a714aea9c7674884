"""The notebooks were executed from top to bottom, hold no trace of a machine, and print again what they say."""

import ast
import contextlib
import io
import json

import pytest

from harness.paths import ROOT

FOLDER = ROOT / "examples"
NOTEBOOKS = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.ipynb")}
LARGEST = 150_000  # bytes


def code_of(name):
    return [cell for cell in NOTEBOOKS[name]["cells"] if cell["cell_type"] == "code"]


def printed(cell):
    return "".join("".join(out["text"]) for out in cell["outputs"] if out["output_type"] == "stream")


def run(source, names):
    """What a cell prints, and the value of its last expression."""
    lines = [line for line in source if not line.startswith("%")]
    *body, last = ast.parse("".join(lines)).body
    shown = isinstance(last, ast.Expr)
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        exec(compile(ast.Module(body if shown else [*body, last], []), "cell", "exec"), names)
        if shown:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return stdout.getvalue(), value


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_was_executed_once_in_order_without_errors_or_traces(name):
    assert [cell["execution_count"] for cell in code_of(name)] == list(range(1, len(code_of(name)) + 1))
    outputs = [out for cell in code_of(name) for out in cell["outputs"]]
    assert {out["output_type"] for out in outputs} <= {"stream", "execute_result"}
    assert all(out["name"] == "stdout" for out in outputs if out["output_type"] == "stream")
    text = (FOLDER / f"{name}.ipynb").read_text()
    assert len(text) < LARGEST
    assert not [path for path in ("/home/", "/root/", "/tmp/", "/work/", "site-packages") if path in text]
    assert f"]({name}.ipynb)" in (FOLDER / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_prints_and_shows_again_what_it_says(name):
    if name == "audit_another_package":
        pytest.importorskip("metric_learn", reason="the package that is audited needs an older scikit-learn")
    names = {}
    for cell in code_of(name):
        text, value = run(cell["source"], names)
        assert text == printed(cell)
        results = [out["data"] for out in cell["outputs"] if out["output_type"] == "execute_result"]
        assert (value is not None) == bool(results)
        if results and "text/html" in results[0]:
            assert value._repr_html_()


def test_the_audits_are_those_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    outputs = [out.get("data", {}) for cell in code_of("audit_another_package") for out in cell["outputs"]]
    shown = " ".join("".join(data.get("text/html", "")) for data in outputs)
    assert "6.65849 % to 6.65856 %" in readme
    assert "6.658" in shown
    assert "0.654393 % to 0.654412 %" in readme
    assert "0.654" in shown
