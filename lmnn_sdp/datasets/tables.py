"""Reads labelled data from tables (text, ARFF, Parquet) and NumPy's files, with errors that name line and column."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lmnn_sdp.datasets.columns import FrameSource, Source, dropped, labels, numbers, position
from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.datasets.text import UNPACKERS, TextFormat, TextTable, counts, decoded, open_text
from lmnn_sdp.numerics.array_files import check_plain_file, read_arrays
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.validation import check_data

if TYPE_CHECKING:  # pandas is slow to import
    import pandas as pd

#: Endings of text files; each may be followed by one of `UNPACKERS`.
TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".data")
ENDINGS = (*TEXT_ENDINGS, ".arff", ".parquet", ".npz")
LARGEST_ID = 2**53  # every float from there on is whole
FEWEST_IDS = 10  # points from which on integers that are all different look like IDs
DIGIT_FIRST = re.compile(r"\W*\d")  # a name that may be a number written in an unusual way
SHOWN_CLASSES = 8  # classes whose sizes a summary tells


@dataclass(frozen=True, eq=False)
class Table(Dataset):
    """A data set from a file, and how the file was understood.

    Attributes
    ----------
    name : str
        Of the file, without its endings.
    X : array, shape (n, d)
        Points, one in a row.
    y : array, shape (n,)
        Labels.
    n_train : None
        A table has no published training part.
    path : Path
        The file.
    features : tuple of str
        Names of the d columns of X; positions in the file where it has no names.
    left_out : tuple of str
        The columns that were dropped.
    form : str
        Header or none, and the delimiter if it is not the comma, in words.
    """

    path: Path
    features: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    form: str = ""

    def summary(self) -> str:
        """One line: points, features, classes with their sizes, columns left out, form."""
        n, d = self.X.shape
        classes, sizes = np.unique(self.y.astype(str), return_counts=True)
        shown = [f"{label} {size}" for label, size in zip(classes[:SHOWN_CLASSES], sizes, strict=False)]
        more = [f"{len(classes) - SHOWN_CLASSES} more"] if len(classes) > SHOWN_CLASSES else []
        parts = [
            f"{n} points, {d} feature{'s' * (d != 1)}, {len(classes)} class{'es' * (len(classes) != 1)} "
            f"({', '.join(shown + more)})",
            f"left out: {', '.join(self.left_out)}" if self.left_out else "",
            self.form,
        ]
        return f"{self.path}: {'; '.join(filter(None, parts))}"

    def warnings(self) -> list[str]:
        """A line for each feature that looks like no measurement."""
        seen = [(name, _oddity(column)) for name, column in zip(self.features, self.X.T, strict=True)]
        return [
            f"{self.path}: column {name!r} {what}; to leave it out: --drop {shlex.quote(name)}"
            for name, what in seen
            if what
        ]


def read_table(
    path: str | Path, label: str | int | None = None, *, drop: Sequence[str] = (), text: TextFormat | None = None
) -> Table:
    """Read a data set from a file.

    Parameters
    ----------
    path : path-like
        Delimited text (``.csv``, ``.tsv``, ``.txt``, ``.data``) with one row a point, with or without a header line;
        ``.arff``; ``.parquet``, for which pyarrow must be installed; or ``.npz`` with an array X. Text and ARFF also
        compressed (``.gz``, ``.bz2``, ``.xz``).
    label : str or int, optional
        Column of the labels: a string is a name, an integer a position (0 is the first, -1 the last). For ``.npz``
        the name of the label array (default ``y``).
    drop : sequence of str
        Columns to leave out: names, or positions in a file without names.
    text : TextFormat, optional
        How a text file is written, where its first lines do not tell.

    Returns
    -------
    Table
        The data set, and how the file was understood.

    Raises
    ------
    ValueError
        For what is no plain file; for a file that is damaged, empty or ragged (with the line); for columns that are not
        there, missing values and labels, and entries that are no finite numbers.
    """
    path = check_plain_file(path)
    ending = _ending(path)
    if ending == ".npz":
        return _from_arrays(path, label, drop)
    if label is None:
        raise ValueError(
            f"{path} needs --label NAME, the name of the label column, or --label-position N, its position (0, 1, ..., "
            "or -1 for the last)"
        )
    form = text or TextFormat()
    if ending in TEXT_ENDINGS:
        source = open_text(path, form)
        table = _assemble(source, label, drop)
        return Table(table.name, table.X, table.y, path, table.features, table.left_out, _form(source, table))
    frame = _read_arff(path, form.encoding) if ending == ".arff" else _read_parquet(path)
    return _assemble(FrameSource(path, frame), label, drop)


def _ending(path: Path) -> str:
    """Ending in lower case, without that of the compression."""
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    if len(endings) == 2 and endings[1] in UNPACKERS and endings[0] in (*TEXT_ENDINGS, ".arff"):
        return endings[0]
    if endings and endings[-1] in ENDINGS:
        return endings[-1]
    raise ValueError(
        f"{path} has the ending {path.suffix!r}; known are {', '.join(ENDINGS)}, for text and ARFF also followed by "
        f"{', '.join(UNPACKERS)}"
    )


def _stem(path: Path) -> str:
    """Name of the file without its endings."""
    return Path(path.stem).stem if path.suffix.lower() in UNPACKERS else path.stem


def _assemble(source: Source, label: str | int, drop: Sequence[str]) -> Table:
    """Features and labels from the columns of a table."""
    path, names, named = source.path, source.names, source.header
    label_at, left_out = position(path, names, named, label), dropped(path, names, named, drop)
    if label_at in left_out:
        raise ValueError(f"{path}: column {names[label_at]!r} holds the labels; do not drop it")
    kept = [k for k in range(len(names)) if k != label_at and k not in left_out]
    if not kept:
        raise ValueError(f"{path} has no feature beside the labels; check the delimiter (--delimiter) and --drop")
    frame = source.frame()
    if not len(frame):
        raise ValueError(f"{path} holds no data; it must hold one row a point")
    X = np.empty((len(frame), len(kept)))
    for column, k in enumerate(kept):
        X[:, column] = numbers(source, frame, k)
    features, out = tuple(names[k] for k in kept), tuple(names[k] for k in left_out)
    return Table(_stem(path), X, labels(source, frame, label_at), path, features, out)


def _form(source: TextTable, table: Table) -> str:
    """How the text was understood, and where that may be wrong."""
    marks = {"\t": "tab", " ": "white space"}
    usual = {".csv": ",", ".tsv": "\t"}.get(_ending(source.path))
    mark = marks.get(source.delimiter, repr(source.delimiter))
    parts = ["header" if source.header else "no header", *([f"delimiter {mark}"] if source.delimiter != usual else [])]
    if not source.stated:
        parts += _doubt(source, bool(np.sum(table.y == table.y[0]) == 1))
    return ", ".join(parts)


def _doubt(source: TextTable, label_alone: bool) -> list[str]:
    """What may be wrong with a header that was seen, or not seen, in the first line."""
    if source.header and any(DIGIT_FIRST.match(cell) for cell in source.first):
        return ["line 1 was taken for names: if it is a point, say --no-header"]
    if not source.header and (label_alone or counts(source.first)):
        return ["line 1 was taken for a point: if it names the columns, say --header"]
    return []


def _from_arrays(path: Path, label: str | int | None, drop: Sequence[str]) -> Table:
    """Arrays ``X`` and ``label`` of an NPZ file."""
    arrays = read_arrays(path)
    name = "y" if label is None else label
    missing = [key for key in ("X", name) if key not in arrays]
    if missing:
        raise ValueError(
            f"{path} has no array {missing[0]!r}; it holds {', '.join(arrays) or 'nothing'}: name the data X, and the "
            "labels y or what --label says"
        )
    try:
        X = check_data(arrays["X"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    y = arrays[str(name)]
    if y.shape != X.shape[:1]:
        raise ValueError(f"{path}: {name} has shape {y.shape}; it must be ({len(X)},): one label for each row of X")
    positions = tuple(map(str, range(X.shape[1])))
    out = dropped(path, positions, False, drop)
    kept = [k for k in range(X.shape[1]) if k not in out]
    features, left_out = tuple(map(str, kept)), tuple(map(str, out))
    return Table(path.stem, X[:, kept], y, path, features, left_out)


def _read_arff(path: Path, encoding: str | None) -> pd.DataFrame:
    """Columns of an ARFF file, as SciPy reads it."""
    import pandas as pd
    from scipy.io import arff

    text = decoded(path, encoding)
    try:
        data, _ = arff.loadarff(io.StringIO(text))
    except Exception as error:  # whatever its parser meets in a damaged file
        raise ValueError(
            f"{path} is no ARFF file that SciPy reads ({error}); it reads numbers and nominal attributes: write others "
            "as CSV"
        ) from error
    loose = next(filter(_is_loose_number, re.split(r"[,\s]+", text)), None)
    if loose is not None:
        raise ValueError(f"{path}: {loose!r} is no number; write it in digits, without underscores")
    frame = pd.DataFrame(data)
    texts = [name for name in frame if frame[name].dtype == object]
    return frame.assign(**{name: frame[name].str.decode("utf-8") for name in texts})


def _is_loose_number(text: str) -> bool:
    """Whether Python, and so SciPy, takes for a number what we do not: with underscores, or digits beyond ASCII."""
    if text.isascii() and "_" not in text:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_parquet(path: Path) -> pd.DataFrame:
    """Columns of a Parquet file."""
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise ValueError(f"{path}: Parquet is read with pyarrow; pip install pyarrow, or write it as CSV") from error
    except Exception as error:  # whatever its reader meets in a damaged file
        raise ValueError(f"{path} is no Parquet file that pandas reads ({error}); write it again") from error


def _oddity(column: FloatArray) -> str:
    """What makes a feature look like no measurement, or nothing."""
    if len(column) < 2:
        return ""
    steps = np.diff(column)
    if not steps.any():
        return "is constant"
    if (steps == 1).all() and len(column) > 2:
        return "counts up by one, like an index"
    whole = bool((column == np.round(column)).all() and np.max(np.abs(column)) < LARGEST_ID)
    return "holds another integer in each row, like an ID" if whole and _all_different(column) else ""


def _all_different(column: npt.NDArray[np.generic]) -> bool:
    """Whether there are enough entries, and no two are equal."""
    return len(column) >= FEWEST_IDS and len(np.unique(column)) == len(column)
