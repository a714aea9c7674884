"""Files with flipped bits: each is read as it stands, or refused in one sentence; no hang, and no wrong number."""

from __future__ import annotations

import csv
import io
import itertools
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from harness import bench
from lmnn_sdp.datasets import read_table
from lmnn_sdp.datasets.text import MISSING
from lmnn_sdp.numerics.array_files import read_arrays

FLIPS = 3  # bits of a file at most that are flipped
SLOWEST = 5.0  # seconds for a file of some kilobytes: more would be a hang
FULL, QUICK = 10_000, 300


@dataclass(frozen=True)
class Kind:
    """A kind of files: what to flip, and whether what was read of the flipped file is right."""

    content: Callable[[np.random.Generator], bytes]
    is_right: Callable[[Path, bytes, bytes], bool]


def main() -> None:
    """Flip, read, count, write."""
    options = bench.options(__doc__)
    files = QUICK if options.quick else FULL
    share = -(-files // len(KINDS))
    with TemporaryDirectory() as folder:
        results = {name: fuzz(Path(folder) / f"t{name}", kind, share) for name, kind in KINDS.items()}
    header = ["files", "read as they stand", "refused in one sentence", "other", "slowest, s"]
    print(bench.table(["", *header], [[name, share, *result.values()] for name, result in results.items()]))
    print(bench.write("fuzz_files", options, {"files": share * len(KINDS), "flips": FLIPS, "kinds": results}))
    assert not any(result["other"] for result in results.values())


def fuzz(path: Path, kind: Kind, files: int) -> dict[str, float]:
    """Outcomes of reading files in each of which a few bits were flipped."""
    rng = np.random.default_rng(0)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(files):
        whole = kind.content(rng)
        flipped = bytearray(whole)
        for at in rng.integers(0, len(whole), rng.integers(1, FLIPS + 1)):
            flipped[at] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(flipped)
        begin = time.perf_counter()
        outcomes[_outcome(path, kind, whole, bytes(flipped))] += 1
        slowest = max(slowest, time.perf_counter() - begin)
    assert slowest < SLOWEST
    counted = {name: outcomes[name] for name in ("read", "refused", "other")}
    return {**counted, "slowest": round(slowest, 3)}


def _outcome(path: Path, kind: Kind, whole: bytes, flipped: bytes) -> str:
    """Read rightly, refused in one sentence with the file's name, or anything else."""
    try:
        return "read" if kind.is_right(path, whole, flipped) else _other(path, "read wrongly")
    except ValueError as error:
        in_one_sentence = type(error) is ValueError and str(path) in str(error) and "\n" not in str(error)
        return "refused" if in_one_sentence else _other(path, repr(error))
    except Exception as error:
        return _other(path, repr(error))


def _other(path: Path, what: str) -> str:
    """Show what should not be, and keep the file's bytes in the output."""
    print(f"{path.name}: {what}: {path.read_bytes()!r}")
    return "other"


def _table(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points and labels of a small data set."""
    return rng.normal(size=(20, 3)) * 10.0 ** rng.integers(-3, 4, 3), rng.integers(0, 3, 20)


def _npz(rng: np.random.Generator) -> bytes:
    """An NPZ file, compressed or not."""
    X, y = _table(rng)
    file = io.BytesIO()
    (np.savez_compressed if rng.random() < 0.5 else np.savez)(file, X=X, y=y)
    return file.getvalue()


def _npy(rng: np.random.Generator) -> bytes:
    """An NPY file."""
    file = io.BytesIO()
    np.save(file, _table(rng)[0])
    return file.getvalue()


def _csv(rng: np.random.Generator) -> bytes:
    """Text with or without a header, quoted cells among them."""
    X, y = _table(rng)
    lines = [",".join([*map(repr, row), f'"class {label}"']) for row, label in zip(X.tolist(), y.tolist(), strict=True)]
    header = ["a,b,c,kind"] if rng.random() < 0.5 else []
    return "\n".join([*header, *lines]).encode()


def _npz_is_right(path: Path, whole: bytes, flipped: bytes) -> bool:
    """The checksums let no other number pass."""
    read, written = read_arrays(path), np.load(io.BytesIO(whole))
    return read.keys() == set(written) and all(_same(read[name], written[name]) for name in written)


def _npy_is_right(path: Path, whole: bytes, flipped: bytes) -> bool:
    """The numbers are those that NumPy reads from the same bytes; the format has no checksum."""
    return _same(read_arrays(path)["array"], np.load(io.BytesIO(flipped)))


def _csv_is_right(path: Path, whole: bytes, flipped: bytes) -> bool:
    """The numbers are those that float() reads from the cells of the csv module."""
    table = read_table(path, -1)
    rows = [row for row in csv.reader(io.StringIO(flipped.decode(), newline=""), skipinitialspace=True) if any(row)]
    body = rows[len(rows) - len(table.X) :]
    if len(rows) - len(table.X) not in (0, 1) or any(cell.strip() in MISSING for cell in itertools.chain(*body)):
        return False
    expected = [[float(cell) for cell in row[:-1]] for row in body]
    labels = [row[-1].strip() for row in body]
    return table.X.tolist() == expected and table.y.tolist() == labels and math.isfinite(float(np.sum(np.abs(table.X))))


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Same type, shape and bits."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


KINDS = {".npz": Kind(_npz, _npz_is_right), ".npy": Kind(_npy, _npy_is_right), ".csv": Kind(_csv, _csv_is_right)}


if __name__ == "__main__":
    main()
