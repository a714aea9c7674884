"""Reads metrics that others have learned, as a matrix M or as a linear map L with M = L'L."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmnn_sdp.datasets.columns import floats
from lmnn_sdp.datasets.text import TextFormat, is_number, open_text
from lmnn_sdp.numerics.array_files import check_plain_file, read_arrays
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.checks import check_factor, check_matrix, check_metric, is_symmetric

#: Names of the arrays of an NPZ file, most telling first; `Solution.save` writes M and L.
NAMES = {"M": "M", "components": "L", "components_": "L", "L": "L"}
TEXT_ENDINGS = (".csv", ".tsv", ".txt")
ENDINGS = (".npz", ".npy", *TEXT_ENDINGS)


@dataclass(frozen=True, eq=False)
class GivenMetric:
    """A metric from a file and how it was read.

    Attributes
    ----------
    M : array, shape (d, d)
        Symmetric PSD.
    kind : str
        ``"M"`` where the file holds M, ``"L"`` where it holds a map L with M = L'L.
    shape : tuple of int
        Shape of what the file holds.
    """

    M: FloatArray
    kind: str
    shape: tuple[int, ...]


def read_metric(path: Path, d: int, kind: str | None = None) -> GivenMetric:
    """Read a metric for data of dimension d.

    Parameters
    ----------
    path : Path
        ``.npy``, ``.csv``, ``.tsv`` or ``.txt`` with one matrix, or ``.npz`` with an array named M, L, components or
        components_ (in doubt M), or with one array of any name.
    d : int
        Features of the data.
    kind : {"M", "L"}, optional
        What the file holds. By default an array's name in an NPZ file tells; else a symmetric matrix is M, and any
        other, square or not, is L.

    Raises
    ------
    ValueError
        For a file that is none of these, and for entries that are no metric on data of dimension d.
    """
    named, array = _read(path, kind)
    kind = kind or named
    try:
        read_as = kind or _guess(array)
        if read_as == "M":
            return GivenMetric(check_metric(array, d), "M", array.shape)
        return GivenMetric(_product(check_factor(array, d)), "L", array.shape)
    except ValueError as error:
        hint = "" if kind else "; where the file's kind was guessed wrong, say --as L or --as M"
        raise ValueError(f"{path}: {error}{hint}") from error


def _product(L: FloatArray) -> FloatArray:
    """The metric L'L."""
    with np.errstate(over="ignore", invalid="ignore"):
        M = L.T @ L
    if not np.isfinite(M).all():
        raise ValueError(
            f"L has entries of up to {np.max(np.abs(L)):.3g}, and L'L overflows; divide L by a power of ten"
        )
    return M


def _guess(array: npt.NDArray[np.generic]) -> str:
    """M where the matrix is symmetric, else L."""
    A = check_matrix(array, "the metric")
    return "M" if A.shape[0] == A.shape[1] and is_symmetric(A) else "L"


def _read(path: Path, kind: str | None) -> tuple[str | None, npt.NDArray[np.generic]]:
    """What the array's name says it is, if anything, and the array."""
    ending = check_plain_file(path).suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"{path} has the ending {path.suffix!r}; metrics are read from {', '.join(ENDINGS)}")
    if ending in TEXT_ENDINGS:
        return None, _read_text(path)
    arrays = read_arrays(path)
    for name, named in NAMES.items():
        if name in arrays and kind in (None, named):
            return named, arrays[name]
    if len(arrays) == 1:
        return None, next(iter(arrays.values()))
    wanted = [name for name, named in NAMES.items() if kind in (None, named)]
    raise ValueError(
        f"{path} holds the arrays {', '.join(arrays) or '(none)'}; name the metric's {' or '.join(wanted)}, or keep it "
        "alone in the file"
    )


def _read_text(path: Path) -> FloatArray:
    """One row of the matrix a line, without a header."""
    source = open_text(path, TextFormat(header=False))
    frame = source.frame()
    matrix = np.column_stack([floats(frame.iloc[:, k]) for k in range(frame.shape[1])])
    for row, column in np.argwhere(np.isnan(matrix)).tolist():
        cell = frame.iat[row, column].strip()
        if not is_number(cell):
            raise ValueError(
                f"{path}, {source.where(row)}: {cell[:40]!r} is no number; write one row of the matrix a line, without "
                "a header"
            )
    return matrix
