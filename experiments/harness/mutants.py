"""Mutants of a module: its source with one small fault, by the operators of mutmut.

mutmut itself mutates plain functions only; here decorated ones (properties, compiled loops, whatever stands under
`np.errstate`), constants of modules and defaults of fields are mutated too. Left alone are annotations, decorators,
docstrings, aliases of types, and calls of ``len`` and ``isinstance``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

NEVER = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
NEVER_CALLED = {"len", "isinstance", "TypeVar"}
COMPOUND = (cst.FunctionDef, cst.ClassDef, cst.For, cst.While, cst.If, cst.Else, cst.With, cst.Try, cst.ExceptHandler)
STATEMENT = (cst.SimpleStatementLine, *COMPOUND)
SIMPLE_DEFAULTS = (cst.Name, cst.BaseNumber, cst.BaseString)


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes
    ----------
    module : str
        Path of the file below the package, such as ``proof/lower.py``.
    function : str
        ``name``, ``Class.method``, ``Class`` for its fields, or the empty string for constants of the module.
    lines : range
        Lines of the statement that holds it, of compound ones the head; of a default, the whole function.
    old, new : str
        The lines that differ, joined without their indentation.
    source : str
        The whole mutated file.
    """

    module: str
    function: str
    lines: range
    old: str
    new: str
    source: str


def mutants_of(package: Path, module: str) -> list[Mutant]:
    """All mutants of a file, in the order of their places."""
    text = (package / module).read_text()
    wrapper = MetadataWrapper(cst.parse_module(text))
    collector = _Collector()
    wrapper.visit(collector)
    found = {}
    for place in collector.places:
        for mutated in _variants(place.node):
            source = _replaced(wrapper.module, text, place, mutated)
            if source != text:
                old, new = _difference(text, source)
                found[source] = Mutant(module, place.function, place.lines, old, new, source)
    return list(found.values())


@dataclass(frozen=True)
class _Place:
    """A node that operators may change, its function, the lines of its statement, and its bytes in the file."""

    node: cst.CSTNode
    function: str
    lines: range
    start: int
    length: int


def _variants(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """What mutmut makes of a node."""
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from operator(node)


def _replaced(module: cst.Module, text: str, place: _Place, mutated: cst.CSTNode) -> str:
    """The file with another node in this place: by its bytes, or, where a node owns more than those, as a tree."""
    data = text.encode()
    end = place.start + place.length
    if data[place.start : end].decode() == module.code_for_node(place.node):
        return (data[: place.start] + module.code_for_node(mutated).encode() + data[end:]).decode()
    return module.deep_replace(place.node, mutated).code


def _difference(old: str, new: str) -> tuple[str, str]:
    """The lines on both sides that differ."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""))[2:]
    before, after = ([line[1:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
    return " ".join(before), " ".join(after)


class _Collector(cst.CSTVisitor):
    """Every node that may be mutated, with the function and the statement around it."""

    METADATA_DEPENDENCIES = (PositionProvider, ByteSpanPositionProvider)

    def __init__(self) -> None:
        super().__init__()
        self.places: list[_Place] = []
        self._owners: list[cst.FunctionDef | cst.ClassDef] = []
        self._statements: list[range] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _left_alone(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._owners.append(node)
        if isinstance(node, STATEMENT):
            self._statements.append(self._lines(node))
        elif self._statements:
            span = self.get_metadata(ByteSpanPositionProvider, node, None)
            if span is not None:
                self.places.append(_Place(node, self._function(), self._statements[-1], span.start, span.length))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self._owners and original_node is self._owners[-1]:
            self._owners.pop()
        if isinstance(original_node, STATEMENT):
            self._statements.pop()

    def _function(self) -> str:
        """The function or method, without the functions inside of it."""
        names = []
        for owner in self._owners:
            names.append(owner.name.value)
            if isinstance(owner, cst.FunctionDef):
                break
        return ".".join(names)

    def _lines(self, node: cst.CSTNode) -> range:
        place = self.get_metadata(PositionProvider, node)
        if isinstance(node, cst.FunctionDef) or not isinstance(node, COMPOUND):
            return range(place.start.line, place.end.line + 1)
        body = self.get_metadata(PositionProvider, node.body)  # the head alone
        return range(place.start.line, max(place.start.line, body.start.line - 1) + 1)


def _left_alone(node: cst.CSTNode) -> bool:
    """Whether nothing below a node is mutated."""
    if isinstance(node, NEVER):
        return True
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name):
        return node.func.value in NEVER_CALLED
    if isinstance(node, cst.Param) and node.default is not None:  # where a function is defined, nothing shall fail
        return not isinstance(node.default, SIMPLE_DEFAULTS)
    return isinstance(node, cst.AnnAssign) and getattr(node.annotation.annotation, "value", "") == "TypeAlias"
