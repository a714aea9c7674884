"""The README's examples run as they stand, and give what they say."""

import re

import pytest

from harness.paths import ROOT

EXAMPLES = re.findall(r"```python\n([^`]*)```\s+```text\n([^`]*)```", (ROOT / "README.md").read_text())


@pytest.mark.printed
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # one of them stops early on purpose
@pytest.mark.parametrize("example", range(len(EXAMPLES)))
def test_the_examples_run_and_print_what_they_say(example, capsys, monkeypatch, tmp_path):
    code, printed = EXAMPLES[example]
    monkeypatch.chdir(tmp_path)
    assert len(code.strip().splitlines()) <= 8
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == printed.strip()


def test_first_steps_the_estimator_audit_comparison_and_long_solves_have_an_example():
    assert len(EXAMPLES) == 5


def test_every_linked_file_exists():
    for name in ("README.md", "coming_from.md", "paper_notes.md"):
        text = (ROOT / name).read_text()
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (ROOT / target).exists(), target


def test_top_level_holds_only_what_belongs_there():
    habit = {"pyproject.toml", "README.md", "lmnn_sdp", "tests", "experiments", "figures", "paper_notes.md"}
    habit |= {"Makefile", "CHANGELOG.md", "LICENSE", "SECURITY.md", "constraints.txt"}
    present = {path.name for path in ROOT.iterdir() if not path.name.startswith((".", "_"))}
    assert habit <= present | {"out"}
