"""Where the seconds of a solve go: clocks around named functions, from outside of the package.

A function is named by the module that defines it, and its clock is set wherever the package has bound it, so it does
not matter who imports it from where. A clocked function that calls another hands the seconds over to it: parts add
up to the whole. Only the thread that watches is clocked; it waits for the others.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from types import ModuleType
from typing import Any, cast

#: Functions of each part as ``module:name`` or ``module:Class.name``. Whoever renames one adapts it here.
PARTS: Mapping[str, Sequence[str]] = {
    "impostor passes": ("lmnn_sdp.problem.impostors:scan",),
    "listed triplets": (
        "lmnn_sdp.problem.graph:TripletGraph.of",
        "lmnn_sdp.problem.graph:TripletGraph.margins",
        "lmnn_sdp.problem.graph:TripletGraph.hinges",
        "lmnn_sdp.problem.graph:TripletGraph.adjoint",
        "lmnn_sdp.problem.statement:Statement.keys",
        "lmnn_sdp.problem.statement:Statement.from_keys",
    ),
    "eigenvalues": ("scipy.linalg:eigh", "scipy.linalg:eigvalsh"),
    "Newton systems": (
        "lmnn_sdp.solvers.newton_system:NewtonSystem.of",
        "lmnn_sdp.solvers.newton_system:NewtonSystem.solve",
    ),
    "certificates": ("lmnn_sdp.proof.certificate:bound_above", "lmnn_sdp.proof.certificate:bound_below"),
}
REST = "rest"


@dataclass
class Clocks:
    """Seconds of each part, its calls to other parts taken off, and the rest."""

    seconds: dict[str, float] = field(default_factory=dict)
    _open: list[float] = field(default_factory=list)  # seconds of inner parts, one entry for each open call
    _thread: int = field(default_factory=threading.get_ident)

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with this clock running."""

        @wraps(function)
        def clocked(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return function(*args, **kwargs)
            self._open.append(0.0)
            begin = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.perf_counter() - begin
                self.seconds[part] = self.seconds.get(part, 0.0) + whole - self._open.pop()
                if self._open:
                    self._open[-1] += whole

        return clocked


@contextmanager
def clocked(parts: Mapping[str, Sequence[str]] = PARTS) -> Iterator[Clocks]:
    """Clocks around every function of ``parts`` while the block runs; afterwards what is in no part is `REST`."""
    clocks = Clocks(dict.fromkeys(parts, 0.0))
    undo: list[_Binding] = []
    begin = time.perf_counter()
    try:
        for part, names in parts.items():
            for name in names:
                undo += _wrap(name, partial(clocks.around, part))
        yield clocks
    finally:
        for binding in reversed(undo):
            setattr(binding.owner, binding.attribute, binding.original)
        clocks.seconds[REST] = max(0.0, time.perf_counter() - begin - sum(clocks.seconds.values()))


@dataclass(frozen=True)
class _Binding:
    """A name in a module or class, and what it stood for."""

    owner: object
    attribute: str
    original: object


def _wrap(name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> list[_Binding]:
    """Put ``around(function)`` wherever the function is bound; what stood there before."""
    home = _home(name)
    places = [home]
    if isinstance(home.owner, ModuleType):
        places += [
            _Binding(module, key, value)
            for module in _package()
            for key, value in vars(module).items()
            if value is home.original and module is not home.owner
        ]
    if isinstance(home.original, staticmethod):
        wrapped: object = staticmethod(around(home.original.__func__))
    else:
        wrapped = around(cast(Callable[..., Any], home.original))
    for place in places:
        setattr(place.owner, place.attribute, wrapped)
    return places


def _home(name: str) -> _Binding:
    """Where a function is defined."""
    module, _, path = name.partition(":")
    *classes, attribute = path.split(".")
    try:
        owner: object = importlib.import_module(module)
        for part in classes:
            owner = getattr(owner, part)
        return _Binding(owner, attribute, vars(owner)[attribute])
    except (ImportError, AttributeError, KeyError) as error:
        raise ValueError(
            f"{name} does not exist, so its seconds cannot be told; name what took its place in "
            "experiments/harness/clocks.py"
        ) from error


def _package() -> list[ModuleType]:
    """Modules of lmnn_sdp that are loaded."""
    return [module for name, module in sys.modules.items() if name.split(".")[0] == "lmnn_sdp"]
