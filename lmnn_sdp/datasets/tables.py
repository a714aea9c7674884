"""Reads labelled data from CSV, TSV and NPZ files, with errors that name the line and the column."""

from __future__ import annotations

import csv
import math
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.validation import check_data

DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_table(path: Path, label: str | None) -> Dataset:
    """Read a data set from a file.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.tsv`` with one row a point, with or without a header line; or ``.npz`` with arrays.
    label : str or None
        Column of the labels: a name of the header, or a position (0 is the first, -1 the last). For ``.npz`` the
        name of the label array (default ``y``); the data are the array ``X``.

    Returns
    -------
    Dataset
        Named like the file, with labels as text where the file is text.

    Raises
    ------
    ValueError
        For an empty or ragged file (with the line number), a missing label column, entries that are no finite numbers.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist; give a built-in name or the path of a CSV, TSV or NPZ file")
    if path.suffix == ".npz":
        return _read_npz(path, label or "y")
    if path.suffix not in DELIMITERS:
        raise ValueError(f"{path} has the ending {path.suffix!r}; known are .csv, .tsv and .npz")
    if label is None:
        raise ValueError(f"{path} needs --label: the name or the position (0, 1, ..., or -1) of the label column")
    return _read_text(path, DELIMITERS[path.suffix], label)


def _read_npz(path: Path, label: str) -> Dataset:
    """Arrays ``X`` and ``label``."""
    arrays = read_arrays(path)
    missing = [name for name in ("X", label) if name not in arrays]
    if missing:
        raise ValueError(f"{path} has no array {missing[0]!r}; it holds {', '.join(arrays) or 'nothing'}")
    return Dataset(path.stem, check_data(arrays["X"]), arrays[label])


def read_arrays(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Arrays of an NPZ file by name; the one of an NPY file goes by ``"array"``.

    Raises
    ------
    ValueError
        If the file is neither, or holds Python objects.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"array": loaded}
        with loaded as file:
            return {name: file[name] for name in file}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} holds no arrays of numbers that NumPy can read; write it with numpy.save or numpy.savez"
        ) from error


def _read_text(path: Path, delimiter: str, label: str) -> Dataset:
    """Lines of delimited text; blank lines are passed over."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=delimiter)
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    if not lines:
        raise ValueError(f"{path} is empty; it must hold one row a point")
    width = len(lines[0][1])
    for number, row in lines:
        if len(row) != width:
            raise ValueError(
                f"{path}, line {number}: {len(row)} columns, but the first line has {width}; mend the line"
            )
    first = lines[0][1]
    has_header = label in first or not any(_is_number(cell) for k, cell in enumerate(first) if str(k) != label)
    names = first if has_header else [str(k) for k in range(width)]
    column = _column(path, names, label, has_header)
    body = lines[1:] if has_header else lines
    if not body:
        raise ValueError(f"{path} has a header line and no data; it must hold one row a point")
    X = [[_number(path, n, names[k], cell) for k, cell in enumerate(row) if k != column] for n, row in body]
    labels = [row[column] for _, row in body]
    for (number, _), value in zip(body, labels, strict=True):
        if not value:
            raise ValueError(f"{path}, line {number}: the label is missing; every point needs one")
    return Dataset(path.stem, check_data(X), np.array(labels))


def _column(path: Path, names: list[str], label: str, has_header: bool) -> int:
    """Position of the label column."""
    if label in names and has_header:
        return names.index(label)
    try:
        position = int(label)
    except ValueError:
        position = len(names)
    if not -len(names) <= position < len(names):
        known = f"columns are {', '.join(names)}" if has_header else f"it has no header and {len(names)} columns"
        raise ValueError(f"{path} has no label column {label!r}; {known}")
    return position % len(names)


def _is_number(cell: str) -> bool:
    """Whether the text reads as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(path: Path, line: int, name: str, cell: str) -> float:
    """A finite number, or an error with line and column."""
    value = float(cell) if _is_number(cell) else None
    if value is None:
        what = (
            "the value is missing: drop or impute it"
            if not cell
            else f"{cell!r} is no number: encode or drop the column"
        )
        raise ValueError(f"{path}, line {line}, column {name!r}: {what}")
    if not math.isfinite(value):
        raise ValueError(f"{path}, line {line}, column {name!r}: {cell!r} is not finite; drop or impute it")
    return value
