"""The plan of the house: which part of the package stands on which, and how large a file or a function may be."""

import ast
from functools import cache
from graphlib import TopologicalSorter

import pytest

from harness.paths import ROOT

HOUSE = ROOT / "lmnn_sdp"
#: The floors, lowest first. A module knows modules of its own wing and of the floors below it, and no others.
FLOORS = (
    {"numerics"},
    {"display", "validation"},
    {"datasets", "problem"},
    {"proof"},
    {"solvers"},
    {"estimators"},
    {"analysis"},
    {"plots"},
    {"cli"},
    {"__init__", "__main__"},
)
FLOOR = {wing: number for number, wings in enumerate(FLOORS) for wing in wings}
MOST_FILES = 4  # beside the wings
LONGEST_MODULE, LONGEST_FUNCTION = 350, 60  # lines


def name_of(path):
    """``lmnn_sdp.problem.graph`` for its file; a package is called by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


FILES = {name_of(path): path for path in sorted(HOUSE.rglob("*.py"))}
SOURCES = {name: path.read_text() for name, path in FILES.items()}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}


def wing(module):
    """What stands on a floor: a folder, or a file beside the folders."""
    return module.split(".")[1]


def module_called(name):
    """The module of that name, or that holds it: ``from lmnn_sdp.problem import graph`` names a module itself."""
    while name not in SOURCES and "." in name:
        name = name.rpartition(".")[0]
    return "lmnn_sdp.__init__" if name == "lmnn_sdp" else name


def named_by(module):
    """Dotted names that a module imports, wherever the import stands, and that the package's lazy table names."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports by dots; name the module in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_LAZY":
            yield from (f"lmnn_sdp.{place}" for place in ast.literal_eval(node.value).values())


@cache
def imported():
    """For each module the modules of the package that it imports."""
    ours = {module: {n for n in named_by(module) if n.split(".")[0] == "lmnn_sdp"} for module in SOURCES}
    return {module: {module_called(n) for n in names} - {module} for module, names in ours.items()}


def functions(tree):
    """Every function and method."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_every_wing_has_its_floor():
    assert {wing(module) for module in SOURCES} | {"__main__"} == set(FLOOR)
    assert len(list(HOUSE.glob("*.py"))) <= MOST_FILES


def test_a_module_knows_only_its_wing_and_the_floors_below():
    up = [
        f"{module} -> {other}"
        for module, others in imported().items()
        for other in others
        if wing(module) != wing(other) and FLOOR[wing(module)] <= FLOOR[wing(other)]
    ]
    assert not up


def test_no_module_needs_itself():
    TopologicalSorter(imported()).prepare()  # a CycleError names the circle


def test_the_sheet_sees_every_kind_of_import():
    seen = imported()
    assert "lmnn_sdp.estimators.lmnn" in seen["lmnn_sdp.__init__"]  # by the lazy table
    assert "lmnn_sdp.analysis.comparison" in seen["lmnn_sdp.plots.comparison"]  # for types only
    assert "lmnn_sdp.problem.scale" in seen["lmnn_sdp.solvers.newton"]
    assert "lmnn_sdp.numerics.parallel" in seen["lmnn_sdp.solvers.solve"]


@pytest.mark.parametrize("module", SOURCES)
def test_a_file_is_read_at_one_sitting(module):
    assert SOURCES[module].count("\n") <= LONGEST_MODULE
    for function in functions(TREES[module]):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert length <= LONGEST_FUNCTION, function.name


@pytest.mark.parametrize("module", SOURCES)
def test_every_public_name_says_what_it_is(module):
    tree = TREES[module]
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    members = [node for owner in [tree, *classes] for node in owner.body if node in functions(owner)]
    public = [node for node in [*classes, *members] if not node.name.startswith("_")]
    silent = [node.name for node in public if not ast.get_docstring(node)]
    assert ast.get_docstring(tree)
    assert not silent


def test_the_tests_have_the_same_wings():
    wings = {path.name for path in HOUSE.iterdir() if (path / "__init__.py").exists()}
    assert wings <= {path.name for path in (ROOT / "tests").iterdir() if list(path.glob("test_*.py"))}
