"""The committed result of mutation testing, and that the machinery finds the faults it should."""

import json
from collections import Counter

import pytest

from harness.paths import ROOT

RESULT = ROOT / "experiments" / "results" / "mutation.json"
LEAST = 0.9  # part of the faults that tests must notice
#: Modules that are newer than the count; `make mutation` counts them.
NEWER = {
    "problem/blocks.py",
    "problem/hinges.py",
    "problem/nearest.py",
    "problem/own_coordinates.py",
    "problem/statement.py",
    "problem/weights.py",
}


@pytest.fixture(scope="module")
def result():
    return json.loads(RESULT.read_text())


def test_tests_notice_nine_faults_of_ten(result):
    total = result["total"]
    assert total["judged"] == total["killed"] + total["timed out"] + total["survived"]
    assert total["killed"] >= LEAST * total["judged"]
    assert result["noticed"] == pytest.approx(1 - total["survived"] / total["judged"])


def test_counts_of_modules_add_up_and_none_is_missing(result):
    modules = result["modules"]
    for fate in ("judged", "killed", "timed out", "survived"):
        assert sum(module[fate] for module in modules.values()) == result["total"][fate]
    files = {f"{wing}/{path.name}" for wing in ("problem", "proof") for path in (ROOT / "lmnn_sdp" / wing).glob("*.py")}
    assert files - {"problem/__init__.py", "proof/__init__.py"} == set(modules) | NEWER
    for name in ("certificate", "checker", "lower", "upper"):
        assert modules[f"proof/{name}.py"]["judged"] == modules[f"proof/{name}.py"]["mutants"]
    assert all(module["judged"] >= 0.3 * module["mutants"] for module in modules.values())


def test_every_fault_that_nobody_notices_has_a_reason(result):
    survivors = result["survivors"]
    assert Counter(survivor["module"] for survivor in survivors) == Counter(
        {name: module["survived"] for name, module in result["modules"].items() if module["survived"]}
    )
    assert [survivor for survivor in survivors if not survivor["reason"]] == []


def test_mutants_reach_decorated_functions_constants_and_defaults(tmp_path):
    pytest.importorskip("mutmut", reason="a requirement of development only")
    from harness.mutants import mutants_of

    source = '''
"""Text."""
SIZE = 8


class Box:
    height: int = 2

    @property
    def area(self) -> int:
        return self.height + SIZE


def half(x: float = 1.0) -> float:
    return x / 2 if x > 0 else len("none")
'''
    (tmp_path / "box.py").write_text(source)
    found = {(mutant.function, mutant.new) for mutant in mutants_of(tmp_path, "box.py")}
    assert {
        ("", "SIZE = 9"),
        ("Box", "height: int = 3"),
        ("Box.area", "return self.height - SIZE"),
        ("half", "def half(x: float = 2.0) -> float:"),
        ("half", 'return x * 2 if x > 0 else len("none")'),
        ("half", 'return x / 2 if x >= 0 else len("none")'),
    } <= found
    assert not any("XX" in new for _, new in found)
