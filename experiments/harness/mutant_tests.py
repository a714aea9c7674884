"""Tests against mutants: one process collects all tests, and a child of it for each mutant runs those that matter.

In the child the mutated function takes the place of the old one by its code, so that whoever imported it runs the
mutant; constants are put wherever the old ones are known by their name. A test matters where it runs a line of the
mutated statement; of constants and compiled loops, whose lines nobody can watch, where it runs any line of the module.
The test that killed the mutant the last time comes first, then those that run the least besides, until one fails.
"""

from __future__ import annotations

import ast
import gc
import json
import os
import resource
import select
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import hypothesis
import pytest
from coverage import Coverage

from harness import bench
from harness.mutants import Mutant
from harness.paths import ROOT

Tell: TypeAlias = Callable[[dict[str, Any]], None]  # what a child says to the process that it came from

PACKAGE = ROOT / "lmnn_sdp"
LIMIT, TIMES, COMPILING = 3.0, 5.0, 40.0  # processor seconds of a test: so many, and so many times what it takes
BUDGET = 4.0  # processor seconds after which no further test of a mutant begins, so that more survive than need to
SILENCE = 120.0  # seconds without a word of a child, processor time or not
MEMORY = 6 * 2**30  # bytes that a child may have


@dataclass(frozen=True)
class Watched:
    """What a test takes and touches.

    Attributes
    ----------
    seconds : float
        Processor time.
    lines : dict
        Lines that it runs, by module.
    """

    seconds: float
    lines: dict[str, set[int]]


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``killed``, ``timed out`` or ``survived``; the test that ended it; tests that passed."""

    fate: str
    test: str
    tests: int


@dataclass
class Collected:
    """All tests collected in this process; hands them to ``work`` and ends when that returns."""

    work: Callable[[Collected], None]
    items: dict[str, pytest.Item] = field(default_factory=dict)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running the tests."""
        self.items = {item.nodeid: item for item in session.items}
        gc.freeze()  # so that no child walks over, and copies, what it shares with the others
        self.work(self)
        return True

    def run(self, tests: Sequence[str], before: Callable[[str], None], after: Callable[[str], bool]) -> None:
        """Run tests in this order in this process until ``after`` says so."""
        items = [self.items[test] for test in tests]
        for item, follower in zip(items, [*items[1:], None], strict=True):
            before(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=follower)
            if after(item.nodeid):
                return


def with_tests(folders: Sequence[str], work: Callable[[Collected], None]) -> None:
    """Collect the tests of these folders and call ``work`` with them."""
    hypothesis.settings.register_profile("mutants", phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate])
    hypothesis.settings.load_profile("mutants")  # a failing example need not be a small one
    bench.warm_up()  # children inherit the compiled loops
    options = [
        "--capture=no",
        "--tb=no",
        "-qq",
        "--no-header",
        "--no-summary",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    pytest.main([*options, "-W", ignored, *(str(ROOT / folder) for folder in folders)], plugins=[Collected(work)])


def watched(tests: Collected, known: dict[str, Watched]) -> dict[str, Watched]:
    """Each test in a child of its own, so that it runs what it would otherwise share with the tests before it."""
    found = {test: known[test] for test in tests.items if test in known}
    for test in tests.items.keys() - found.keys():
        words = list(_child(partial(_watch, tests, test)))
        if not words:
            continue  # too slow to be of use
        if not words[0]["passed"]:
            raise ValueError(f"{test} fails without a mutant")
        lines = {module: set(numbers) for module, numbers in words[0]["lines"].items()}
        found[test] = Watched(words[0]["seconds"], lines)
    return found


def _watch(tests: Collected, test: str, tell: Tell) -> None:
    """Run a test and look where it goes; ended where it takes too long."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    failed = _Failed()
    tests.items[test].config.pluginmanager.register(failed)
    tracer = Coverage(data_file=None, include=[f"{PACKAGE}/*"])
    signal.setitimer(signal.ITIMER_PROF, BUDGET)
    tracer.set_option("run:disable_warnings", ["no-data-collected"])
    begin = _processor()
    tracer.start()
    tests.run([test], lambda _: None, lambda _: True)
    tracer.stop()
    seconds, data = _processor() - begin, tracer.get_data()
    lines = {str(Path(name).relative_to(PACKAGE)): data.lines(name) or [] for name in data.measured_files()}
    tell({"passed": not failed.tests, "seconds": seconds, "lines": lines})


def _processor() -> float:
    """Seconds of this process and of its children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def that_matter(mutant: Mutant, seen: dict[str, Watched], first: Sequence[str]) -> list[str]:
    """Tests that can see a mutant: the given ones, then the rest, those first that run least besides."""
    watchable = {line for test in seen.values() for line in test.lines.get(mutant.module, ())}
    lines = watchable & set(mutant.lines) or (set() if _is_watched(mutant) else watchable)
    tests = [test for test in seen if lines & seen[test].lines.get(mutant.module, set())]
    order = {test: number for number, test in enumerate(reversed(first), start=1)}
    sizes = {test: sum(map(len, seen[test].lines.values())) for test in tests}
    return sorted(tests, key=lambda test: (-order.get(test, 0), sizes[test]))


def _is_watched(mutant: Mutant) -> bool:
    """Whether its lines would be seen if a test ran them."""
    return "." in mutant.function or (mutant.function != "" and not _is_kernel(mutant) and not _is_class(mutant))


def _is_kernel(mutant: Mutant) -> bool:
    """Whether the function is compiled."""
    found = getattr(_module(mutant), mutant.function.partition(".")[0], None)
    return hasattr(found, "py_func")


def _is_class(mutant: Mutant) -> bool:
    """Whether a field or a constant of a class is mutated."""
    return isinstance(getattr(_module(mutant), mutant.function, None), type)


def judged(tests: Collected, mutant: Mutant, order: Sequence[str], seen: dict[str, Watched], place: Path) -> Verdict:
    """The fate of a mutant, whose file is written to ``place``."""
    if not order:
        return Verdict("survived", "", 0)
    test, count, killed = "", 0, False
    for word in _child(partial(_attack, tests, mutant, order, seen, place)):
        test, killed = word["test"], word["killed"]
        count += not killed
    if killed:
        return Verdict("killed", test, count)
    return Verdict("survived", "", count) if test == "" else Verdict("timed out", test, count)


def _attack(
    tests: Collected,
    mutant: Mutant,
    order: Sequence[str],
    seen: dict[str, Watched],
    place: Path,
    tell: Tell,
) -> None:
    """In the child: become the mutant and run tests, telling of each before it begins; an empty name is the end."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    place.write_text(mutant.source)
    more = COMPILING if _is_kernel(mutant) else 0.0
    try:
        _become(mutant, place)
    except BaseException:  # of a mutant that leaves as a script, too
        tell({"test": "import", "killed": True})
        return
    failed, begin = _Failed(), time.process_time()
    tests.items[order[0]].config.pluginmanager.register(failed)

    def before(test: str) -> None:
        tell({"test": test, "killed": False})
        signal.setitimer(signal.ITIMER_PROF, LIMIT + TIMES * seen[test].seconds + more)

    def after(test: str) -> bool:
        signal.setitimer(signal.ITIMER_PROF, 0)
        if failed.tests:
            tell({"test": test, "killed": True})
        return bool(failed.tests) or time.process_time() - begin > BUDGET

    tests.run(order, before, after)
    if not failed.tests:
        tell({"test": "", "killed": False})


class _Failed:
    """Names of tests that failed, in their setup or at the end of it, too."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a failure."""
        if report.failed:
            self.tests.append(report.nodeid)


def _child(work: Callable[[Tell], None]) -> Iterator[dict[str, Any]]:
    """Run ``work`` in a forked child and pass on what it tells; it is ended where it says nothing for too long."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.close(read)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        try:
            work(lambda word: _tell(write, word))
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as words:
        while select.select([words], [], [], SILENCE)[0]:
            line = words.readline()
            if not line:
                break
            yield json.loads(line)
        else:
            os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _tell(pipe: int, word: dict[str, Any]) -> None:
    """Write a line."""
    data = (json.dumps(word) + "\n").encode()
    while data:
        data = data[os.write(pipe, data) :]


def _module(mutant: Mutant) -> types.ModuleType:
    """The module that is to be mutated."""
    return sys.modules["lmnn_sdp." + mutant.module.removesuffix(".py").replace("/", ".")]


def _become(mutant: Mutant, place: Path) -> None:
    """Put the mutated function, field or constant in the place of the old one."""
    old = _module(mutant)
    new = types.ModuleType(old.__name__)
    new.__file__ = old.__file__ = str(place)
    exec(compile(mutant.source, str(place), "exec"), vars(new))  # a mutant that cannot be imported is dead
    if not mutant.function:
        for node in ast.parse(mutant.source).body:
            names = [
                part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            ]
            for name in names if isinstance(node, ast.Assign | ast.AnnAssign) else ():
                _rebind(name, getattr(old, name), getattr(new, name))
    elif _is_kernel(mutant):
        _rebind(mutant.function, getattr(old, mutant.function), getattr(new, mutant.function))
    elif _is_class(mutant):
        before, after = (getattr(module, mutant.function) for module in (old, new))
        before.__init__.__defaults__ = after.__init__.__defaults__
    else:
        before, after = (_function(module, mutant.function) for module in (old, new))
        for part in ("__code__", "__defaults__", "__kwdefaults__"):
            setattr(before, part, getattr(after, part))


def _rebind(name: str, before: object, after: object) -> None:
    """Wherever a module of the package or a test knows an object by this name."""
    for called, module in list(sys.modules.items()):
        if called.startswith(("lmnn_sdp", "test_")) and vars(module).get(name) is before:
            setattr(module, name, after)


def _function(module: types.ModuleType, name: str) -> Any:
    """The plain function below properties, static methods and wrappers."""
    found: Any = module
    for part in name.split("."):
        found = vars(found)[part]
    for inner in ("fget", "func", "__func__", "__wrapped__"):
        found = getattr(found, inner, found)
    return found
