"""What packagers and shells read: versions of Python, the conda recipe, completion."""

import re
import tomllib

import pytest
from click.testing import CliRunner

import lmnn_sdp
from harness.paths import ROOT
from lmnn_sdp.cli import main

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RECIPE = (ROOT / ".ci" / "recipe" / "meta.yaml").read_text()
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def test_every_python_that_is_promised_is_tested():
    promised = re.findall(r":: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    tested = re.findall(r"\"(3\.\d+)\"", re.search(r"python: \[(.*)\]", WORKFLOW).group(1))
    assert promised == tested
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_the_conda_recipe_needs_what_the_project_needs():
    needed = dict(re.fullmatch(r"([\w-]+)(>=.*)", line).groups() for line in PROJECT["dependencies"])
    run = re.search(r"\n  run:\n((?:    - .*\n)+)", RECIPE).group(1)
    listed = dict(line.split() for line in re.findall(r"- (.*)\n", run))
    assert listed.pop("python") == PROJECT["requires-python"]
    assert listed == {CONDA_NAMES.get(name, name): version for name, version in needed.items()}
    assert f'version = "{lmnn_sdp.__version__}"' in RECIPE
    assert f'"{PROJECT["description"]}"' in RECIPE
    assert all(f"{name} = {place}" in RECIPE for name, place in PROJECT["scripts"].items())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("lmnn-sdp so", ["plain,solve"]),
        ("lmnn-sdp solve --metr", ["plain,--metrics"]),
        ("lmnn-sdp audit win", ["file,win", "plain,wine"]),
        ("lmnn-sdp solve ./my", ["file,./my"]),
    ],
)
def test_a_shell_completes_commands_options_names_and_files(words, expected):
    asked = {"_LMNN_SDP_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert completion(asked).split() == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_the_readme_says_of_completion(shell):
    assert f"{shell}_source" in (ROOT / "README.md").read_text()
    assert "lmnn-sdp" in completion({"_LMNN_SDP_COMPLETE": f"{shell}_source"})


def completion(variables):
    return CliRunner().invoke(main, env=variables, prog_name="lmnn-sdp").stdout
