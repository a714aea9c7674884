"""The site: code on its pages runs and prints what stands there, it builds without a warning, its links lead on."""

import doctest
import importlib.util
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
import slider
from click.testing import CliRunner

from harness.paths import ROOT
from lmnn_sdp.cli import main

DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text() for path in sorted(DOCS.rglob("*.md"))}
SLOW = {"diagnose.md"}
WITH_CODE = [
    pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
    for name, text in PAGES.items()
    if "```python" in text
]
BLOCKS = re.compile(r"```(python|sh)\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


@pytest.mark.printed
@pytest.mark.parametrize("name", WITH_CODE)
def test_code_of_a_page_runs_in_order_and_prints_what_stands_there(name, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, code, printed in BLOCKS.findall(PAGES[name]):
        if language == "python":
            exec(compile(code, name, "exec"), names)
            assert capsys.readouterr().out.strip() == printed.strip(), code


def test_the_first_metric_is_had_by_two_commands_without_a_click(monkeypatch):
    commands, printed = next((code, text) for language, code, text in BLOCKS.findall(PAGES["index.md"]))
    install, solve = commands.splitlines()
    assert install == "pip install ."
    program, *arguments = shlex.split(solve)
    assert program == "lmnn-sdp"
    done = CliRunner().invoke(main, arguments)
    assert doctest.OutputChecker().check_output(printed, done.output, doctest.ELLIPSIS), done.output


def test_every_command_on_the_pages_is_one():
    for name, text in PAGES.items():
        for language, code, _ in BLOCKS.findall(text):
            for line in code.splitlines() if language == "sh" else []:
                words = shlex.split(line, comments=True)
                if words[:1] == ["lmnn-sdp"]:
                    command = main.commands[words[1]]
                    options = {option for parameter in command.params for option in parameter.opts}
                    assert {word for word in words if word.startswith("--")} <= options, f"{name}: {line}"


def test_the_picture_is_drawn_from_the_code_beside_it():
    assert slider.drawn() == slider.PICTURE.read_text()


class Anchors(HTMLParser):
    """What a page links to and shows, and the places in it that can be linked to."""

    def __init__(self):
        super().__init__()
        self.links, self.places = [], set()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places |= {found[key] for key in ("id", "name") if found.get(key)}
        self.links += [found[key] for key in ("href", "src") if found.get(key)]


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_its_links_lead_somewhere(tmp_path):
    for module in ("sphinx", "myst_parser", "numpydoc", "pydata_sphinx_theme", "sphinx_gallery"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed; pip install '.[docs]'")
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-D", "plot_gallery=0"]
    done = subprocess.run(
        [*build, "-d", tmp_path / "read", DOCS, tmp_path / "site"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [path for path in (tmp_path / "site").rglob("*.html") if "_static" not in path.parts]
    pages = {path: Anchors() for path in found}
    for path, anchors in pages.items():
        anchors.feed(path.read_text())
    assert len(pages) > 60
    for path, anchors in pages.items():
        for link in anchors.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path.name}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].places, f"{path.name}: {link}"
    page = tmp_path / "site" / "reproduction.html"
    (alone,) = (link for link in pages[page].links if link.startswith("_downloads"))
    assert (page.parent / alone).read_bytes() == (DOCS / "reproduction.html").read_bytes()
