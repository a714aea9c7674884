"""The README's example runs as it stands, and gives what it says."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_example_runs_and_prints_what_it_says(capsys):
    readme = (ROOT / "README.md").read_text()
    code, printed = re.search(r"```python\n(.*?)```\s+```text\n(.*?)```", readme, re.DOTALL).groups()
    assert len(code.strip().splitlines()) <= 8
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == printed.strip()


def test_every_linked_file_exists():
    for name in ("README.md", "paper_notes.md"):
        text = (ROOT / name).read_text()
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (ROOT / target).exists(), target


def test_top_level_holds_only_what_belongs_there():
    habit = {"pyproject.toml", "README.md", "lmnn_sdp", "tests", "experiments", "figures", "paper_notes.md"}
    habit |= {"Makefile", "CHANGELOG.md", "LICENSE", "constraints.txt"}
    present = {path.name for path in ROOT.iterdir() if not path.name.startswith((".", "_"))}
    assert habit <= present | {"out"}
