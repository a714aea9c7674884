"""From the columns of a table to features and labels: which column is which, and what its cells say."""

from __future__ import annotations

import contextlib
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from lmnn_sdp.datasets.text import MISSING, is_number
from lmnn_sdp.numerics.types import FloatArray

if TYPE_CHECKING:  # pandas is slow to import
    import pandas as pd

LONGEST_CELL = 40  # characters of a cell that an error shows


class Source(Protocol):
    """A table whose columns are known and whose cells can be read, and found again in the file."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns; positions where the file has no names."""

    @property
    def header(self) -> bool:
        """Whether the file names its columns."""

    @property
    def decimal(self) -> str:
        """The decimal mark of cells that are text."""

    def frame(self) -> pd.DataFrame:
        """All cells: text as it is written, or values of the types that the file gives them."""

    def where(self, row: int) -> str:
        """A row's place in the file, in words."""


@dataclass(frozen=True, eq=False)
class FrameSource:
    """A table that another reader has read already: ARFF or Parquet.

    Attributes
    ----------
    path : Path
    data : DataFrame
    """

    path: Path
    data: pd.DataFrame
    header: bool = True
    decimal: str = "."

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(map(str, self.data.columns))

    def frame(self) -> pd.DataFrame:
        """All cells with the types that the file gives them."""
        return self.data

    def where(self, row: int) -> str:
        """The number of the row."""
        return f"row {row + 1}"


def position(path: Path, names: tuple[str, ...], named: bool, column: str | int) -> int:
    """Position of the column that a name or a position means, among the names of a file that has them or not.

    Raises
    ------
    ValueError
        If there is no such column, or several have that name.
    """
    if isinstance(column, int):
        if not -len(names) <= column < len(names):
            raise ValueError(f"{path} has no column at position {column}; it has {len(names)}: 0 to {len(names) - 1}")
        return column % len(names)
    if not named:
        raise ValueError(
            f"{path} has no header line that could name a column {column!r}; give the position of one of its "
            f"{len(names)} columns (--label-position 0, 1, ..., or -1), or say --header if the first line names them"
        )
    if names.count(column) == 1:
        return names.index(column)
    found = f"{names.count(column)} columns" if column in names else "no column"
    hint = f"; for a position say --label-position {column}" if _is_integer(column) else ""
    raise ValueError(f"{path} has {found} named {column!r}; its columns are {', '.join(names)}{hint}")


def dropped(path: Path, names: tuple[str, ...], named: bool, drop: Sequence[str]) -> list[int]:
    """Positions of the columns to leave out, given by name, or by position in a file without names."""
    return [position(path, names, named, int(name) if not named and _is_integer(name) else name) for name in drop]


def numbers(source: Source, frame: pd.DataFrame, k: int) -> FloatArray:
    """Column k as finite numbers.

    Raises
    ------
    ValueError
        Naming line and column of the first cell that is missing, no number, or not finite.
    """
    column = frame.iloc[:, k]
    values = column.to_numpy(dtype=np.float64) if column.dtype.kind in "iuf" else floats(column, source.decimal)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise _fault(source, row, k, _text(column.iat[row]))
    return values


def floats(column: pd.Series, decimal: str = ".") -> FloatArray:
    """The numbers that are written in the cells, as Python's float() reads them; NaN where there is none."""
    with contextlib.suppress(ValueError, TypeError):  # at once, if all cells are numbers and plainly written
        everything = "".join(column)
        if decimal == "." and everything.isascii() and "_" not in everything:
            return column.to_numpy(dtype=object).astype(np.float64)
    cells = map(_text, column)
    values = [float(cell.replace(decimal, ".")) if is_number(cell, decimal) else math.nan for cell in cells]
    return np.array(values, dtype=np.float64)


def labels(source: Source, frame: pd.DataFrame, k: int) -> npt.NDArray[np.generic]:
    """Column k as labels; text without the white space around it.

    Raises
    ------
    ValueError
        Naming the line of the first label that is missing.
    """
    column = frame.iloc[:, k]
    if column.dtype.kind not in "biuf":
        column = column.map(lambda label: label.strip() if isinstance(label, str) else label).astype(object)
    missing = (column.isna() | column.isin(MISSING)).to_numpy(dtype=bool)
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(
            f"{source.path}, {source.where(row)}: the label is missing{_shown(_text(column.iat[row]))}; every point "
            "needs one: drop the line, or name the class otherwise"
        )
    values = column.to_numpy()
    return values.astype(str) if values.dtype == object and all(isinstance(v, str) for v in values) else values


def _fault(source: Source, row: int, k: int, cell: str) -> ValueError:
    """What is wrong with a cell, and the remedy."""
    name = source.names[k]
    if cell in MISSING:
        what = f"the value is missing{_shown(cell)}: drop the line or impute it"
    elif is_number(cell, source.decimal):
        what = f"{_cut(cell)} is not finite; drop the line or impute it"
    elif source.decimal == "." and is_number(cell, ","):
        what = f"{_cut(cell)} has a decimal comma; say so with --decimal ,"
    else:
        what = f"{_cut(cell)} is no number: encode or drop the column (--drop {shlex.quote(name)})"
    hint = "" if source.header or row else "; if that line names the columns, say --header"
    return ValueError(f"{source.path}, {source.where(row)}, column {name!r}: {what}{hint}")


def _text(cell: object) -> str:
    """A cell as text; nothing for None."""
    return "" if cell is None else str(cell).strip()


def _shown(mark: str) -> str:
    """A mark of a missing value in brackets."""
    return f" ({mark!r})" if mark else ""


def _cut(cell: str) -> str:
    """A cell as an error shows it."""
    return repr(cell if len(cell) <= LONGEST_CELL else cell[:LONGEST_CELL] + "...")


def _is_integer(text: str) -> bool:
    """Whether the text is a position."""
    return text.removeprefix("-").isdecimal() and text.isascii()
