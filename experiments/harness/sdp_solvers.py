"""Other people's SDP solvers on a file in the SDPA format: which are there, and what each says of the optimum."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.paths import PEERS_PYTHON, ROOT

WORKER = ROOT / "experiments" / "harness" / "sdp_worker.py"


@dataclass(frozen=True)
class Told:
    """What a solver said of one file.

    Attributes
    ----------
    says : str
        Of itself, in its own words; why there are no values where it failed.
    success : bool
        Whether that means solved.
    at_metric, at_multipliers : float or None
        The optimum of LMNN by the solver's metric (Y of the file) and by its multipliers (x), signs turned.
    seconds : float
        Wall time with the start of the process.
    version : str
        As it tells.
    """

    says: str
    success: bool = False
    at_metric: float | None = None
    at_multipliers: float | None = None
    seconds: float = 0.0
    version: str = ""


@dataclass(frozen=True)
class SDPSolver:
    """How a solver is called and understood.

    Attributes
    ----------
    command : tuple of str
        Without the file.
    sign : int
        Times the value that it prints is the optimum of LMNN.
    read : callable
        Output -> its words, its values at x and at Y, its version.
    solved : tuple of str
        Words that mean solved.
    """

    command: tuple[str, ...]
    sign: int
    read: Callable[[str], tuple[str, float, float, str]]
    solved: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """Whether it can be called here."""
        if self.read is not _json:
            return shutil.which(self.command[0]) is not None
        package = self.command[-1]
        probe = [self.command[0], "-c", f"import importlib.metadata as m; m.version({package!r})"]
        return Path(probe[0]).exists() and not subprocess.run(probe, capture_output=True, check=False).returncode


def _pattern(says: str, x: str, Y: str, version: str = "()") -> Callable[[str], tuple[str, float, float, str]]:
    """A reader of printed lines; each pattern has one group."""

    def read(output: str) -> tuple[str, float, float, str]:
        def found(pattern: str) -> str:
            match = re.search(pattern, output, re.MULTILINE)
            if match is None:
                raise ValueError(f"its output has no line {pattern!r}")
            return match.group(1).strip()

        return found(says), float(found(x)), float(found(Y)), found(version)

    return read


def _json(output: str) -> tuple[str, float, float, str]:
    """What `sdp_worker` prints."""
    told = json.loads(output.splitlines()[-1])
    return told["says"], told["x"], told["Y"], told["version"]


def _python(name: str, sign: int, solved: str, python: str = str(PEERS_PYTHON)) -> SDPSolver:
    """A solver that is a Python package, in the environment of ``make peers-env`` or another."""
    return SDPSolver((python, str(WORKER), name), sign, _json, (solved,))


SOLVERS: dict[str, SDPSolver] = {
    "CSDP": SDPSolver(
        ("csdp",),
        -1,
        _pattern(
            r"^(.+)\nPrimal objective value",
            x=r"^Dual objective value: (\S+)",
            Y=r"^Primal objective value: (\S+)",
            version=r"^CSDP (\S+)",
        ),
        ("Success: SDP solved",),
    ),
    "SDPA": SDPSolver(
        ("sdpa", "-o", "/dev/null", "-ds"),
        -1,
        _pattern(
            r"^phase.value\s*= (\S+)",
            x=r"^objValPrimal\s*= (\S+)",
            Y=r"^objValDual\s*= (\S+)",
            version=r"^SDPA \(Version (\S+)\)",
        ),
        ("pdOPT",),
    ),
    "sdpa-python": _python("sdpa-python", 1, "pdOPT"),
    "DSDP": SDPSolver(
        ("dsdp5",),
        1,
        _pattern(r"^(DSDP .+)\s+^P Objective", x=r"^DSDP Solution:\s*(\S+)", Y=r"^P Objective\s*:\s*(\S+)"),
        ("DSDP Converged.",),
    ),
    "CVXOPT": _python("cvxopt", -1, "optimal"),
    "Clarabel": _python("clarabel", -1, "Solved", sys.executable),
}


def run(solver: SDPSolver, path: Path, time_limit: float) -> Told:
    """Solve a file in a folder of its own, which takes what the solver writes."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [*solver.command, str(path.resolve())],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=time_limit,
                cwd=folder,
            )
        except subprocess.TimeoutExpired:
            return Told(f"did not end within {time_limit:g} s", seconds=time.perf_counter() - begin)
    seconds = time.perf_counter() - begin
    try:
        says, x, Y, version = solver.read(done.stdout)
    except (ValueError, IndexError) as error:
        last = (done.stderr.strip().splitlines() or [str(error)])[-1]
        return Told(f"failed (exit {done.returncode}): {last}", seconds=seconds)
    return Told(says, says in solver.solved, solver.sign * Y, solver.sign * x, seconds, version)
