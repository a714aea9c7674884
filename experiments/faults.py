"""What solves and files survive: kills and interrupts at random moments, flipped bytes, a full disk, little memory."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from harness import bench
from harness.limits import Memory, Writers, killed_writers, limited
from harness.signals import EARLIEST, Survived, survived
from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.sdpa import write_sdpa

QUICK_RUNS, RUNS = 2, 50  # of each signal
QUICK_LATEST, LATEST = 0.5, 4.0  # seconds after a solve begins
QUICK_FLIPS, FLIPS = 100, 1500
QUICK_MEMORY, MEMORY = (40,), (10, 40, 100, 160, 220, 280, 340, 400, 500, 600)  # megabytes beyond what is in use
NO_ROOM = 2**10  # bytes of a file where the system's own limit stands for a full disk


@dataclass
class Flips:
    """Saved solutions with one byte changed, and how loading them ended."""

    files: int = 0
    refused_with_a_sentence: int = 0
    loaded_unchanged: int = 0
    loaded_with_other_numbers: int = 0
    other_errors: int = 0

    @property
    def faults(self) -> int:
        """All that must not happen."""
        return self.loaded_with_other_numbers + self.other_errors


@dataclass
class FullDisk:
    """Writes over a good file where there is no room for another."""

    writes: int = 0
    on_a_disk_of_their_own: int = 0
    told: int = 0
    old_files_lost: int = 0
    other_files_left: int = 0

    @property
    def faults(self) -> int:
        """All that must not happen."""
        return self.writes - self.told + self.old_files_lost + self.other_files_left


def main() -> None:
    """Count everything, and fail if anything happened that must not."""
    options = bench.options(__doc__)
    runs, latest = (QUICK_RUNS, QUICK_LATEST) if options.quick else (RUNS, LATEST)
    data = "breast_cancer" if options.quick else "digits"
    counts: dict[str, Survived | Writers | Flips | FullDisk | Memory] = {
        "SIGKILL": survived(signal.SIGKILL, data, runs, latest),
        "SIGINT": survived(signal.SIGINT, data, runs, latest),
        "SIGKILL of a writer of results": killed_writers(runs),
        "flipped bytes": flipped(QUICK_FLIPS if options.quick else FLIPS),
        "full disk": full_disk(),
        "memory": limited(QUICK_MEMORY if options.quick else MEMORY),
    }
    for name, count in counts.items():
        print(bench.table([name, ""], [(key.replace("_", " "), value) for key, value in asdict(count).items()]) + "\n")
    result = {"data": data, "seconds": [EARLIEST, latest]} | {name: asdict(count) for name, count in counts.items()}
    print(bench.write("faults", options, result))
    faults = sum(count.faults for count in counts.values())
    if faults:
        sys.exit(f"{faults} of these must not happen")


def small_problem() -> Problem:
    """Iris."""
    points = bench.dataset("iris", "standardised")
    return Problem.from_data(points.X, points.y)


def flipped(count: int) -> Flips:
    """Load saved solutions in which one byte is another."""
    rng = np.random.default_rng(0)
    solution = solve(small_problem())
    seen = Flips()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solution.npz"
        solution.save(path)
        whole = path.read_bytes()
        for position, change in zip(
            rng.integers(len(whole), size=count), rng.integers(1, 256, size=count), strict=True
        ):
            damaged = bytearray(whole)
            damaged[position] ^= int(change)
            path.write_bytes(damaged)
            seen.files += 1
            try:
                same = _same(Solution.load(path), solution)
            except ValueError:
                seen.refused_with_a_sentence += 1
            except Exception:
                seen.other_errors += 1
            else:
                seen.loaded_unchanged += same
                seen.loaded_with_other_numbers += not same
    return seen


def _same(a: Solution, b: Solution) -> bool:
    """Whether two solutions are equal in every number."""
    pairs = [(getattr(a, field.name), getattr(b, field.name)) for field in fields(Solution)]
    return all(np.array_equal(x, y) if isinstance(x, np.ndarray) else x == y for x, y in pairs)


def full_disk() -> FullDisk:
    """Save, checkpoint and export over a solution where there is no room for anything else."""
    problem = small_problem()
    rough, better = solve(problem, tol=0.1), solve(problem)
    sdp = SlackSDP.of(problem, better.triplets)

    def checkpoint(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                solve(problem, checkpoint=path)
            except RuntimeWarning as warning:
                raise OSError from warning

    writes: list[Callable[[Path], object]] = [better.save, checkpoint, lambda path: write_sdpa(sdp, path)]
    seen = FullDisk()
    for write in writes:
        with tempfile.TemporaryDirectory() as folder, small_disk(Path(folder)) as fill:
            path = Path(folder) / "file"
            rough.save(path)
            old = path.read_bytes()
            seen.writes += 1
            seen.on_a_disk_of_their_own += path.parent.is_mount()
            with fill():
                try:
                    write(path)
                except OSError:
                    seen.told += 1
            seen.old_files_lost += path.read_bytes() != old
            seen.other_files_left += len(list(path.parent.iterdir())) - 1
    return seen


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[], contextlib.AbstractContextManager[None]]]:
    """A disk of its own under the folder, where we may mount one; gives what makes it full for a while."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield (lambda: filled(folder / "filler")) if mounted else short_files
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def filled(filler: Path) -> Iterator[None]:
    """No byte is left on the disk."""
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(512))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def short_files() -> Iterator[None]:
    """No file can be longer than `NO_ROOM`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (NO_ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


if __name__ == "__main__":
    main()
