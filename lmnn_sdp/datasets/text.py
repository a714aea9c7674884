"""Delimited text: how it is written, and its cells.

pandas reads the cells. The csv module, which counts lines, tells how the first lines are written and where an error is.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pandas is slow to import
    import pandas as pd

#: Cells that stand for a missing value, also as a label.
MISSING = ("", "?", "NA", "N/A", "<NA>", "NaN", "nan", "NULL", "null")
#: Marks at the beginning of a file that tell its encoding; UTF-32 first, whose mark begins like that of UTF-16.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: Delimiters that are looked for, in this order: a comma may also be a decimal comma, a blank may stand in names.
DELIMITERS = ("\t", ";", "|", ",", " ")
DELIMITER_NAMES = {"tab": "\t", r"\t": "\t", "space": " "}
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf(inity)?", re.IGNORECASE)
UNPACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
}
LOOKED_AT = 20  # first lines that tell the delimiter and whether there is a header


@dataclass(frozen=True)
class TextFormat:
    """What the caller knows of how a text file is written; None stands for what its first lines tell.

    Attributes
    ----------
    header : bool, optional
        Whether the first line names the columns. By default it does if it holds no number and no missing mark.
    delimiter : str, optional
        One character, or ``"tab"`` or ``"space"``, which stands for any white space.
    decimal : {".", ","}
        The decimal mark.
    encoding : str, optional
        As Python names it. By default UTF-8, or what a mark at the beginning of the file tells.
    """

    header: bool | None = None
    delimiter: str | None = None
    decimal: str = "."
    encoding: str | None = None


@dataclass(frozen=True, eq=False)
class TextTable:
    """A text file whose form is known and whose cells are still to be read.

    Attributes
    ----------
    path : Path
    text : str
    delimiter, decimal : str
    header : bool
    stated : bool
        Whether the caller said so, or it was seen.
    names : tuple of str
        Names of the columns, or their positions "0", "1", ... in a file without a header.
    first : tuple of str
        Cells of the first line.
    """

    path: Path
    text: str
    delimiter: str
    decimal: str
    header: bool
    stated: bool
    names: tuple[str, ...]
    first: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """The cells as they are written.

        Raises
        ------
        ValueError
            For a line with more or fewer cells than the first (with its number), a quote that does not end, no data.
        """
        import pandas as pd  # slow, and of no use to those who bring their own arrays

        stream = io.StringIO(self.text, newline="")
        if self.header:
            next(_records(stream, self.delimiter))
        try:
            frame = pd.read_csv(
                stream,
                sep=r"\s+" if self.delimiter == " " else self.delimiter,
                header=None,
                dtype=object,  # text: what pandas takes for numbers differs in the last bit between its versions
                na_filter=False,
                skipinitialspace=True,
                low_memory=False,
            )
        except pd.errors.EmptyDataError:
            raise ValueError(f"{self.path} has a header line and no data; it must hold one row a point") from None
        except (pd.errors.ParserError, OverflowError) as error:
            self._check_widths()
            raise _no_table(self.path, str(error).removeprefix("Error tokenizing data. C error: ").strip()) from error
        if frame.shape[1] != len(self.names) or (frame.iloc[:, -1] == "").any():  # pandas fills up short lines
            self._check_widths()
        if frame.shape[1] != len(self.names):
            raise _no_table(self.path, "quotes that do not pair up")
        return frame

    def where(self, row: int) -> str:
        """Where a row of the frame stands in the file."""
        records = _records(io.StringIO(self.text, newline=""), self.delimiter)
        try:
            line, _ = next(islice(records, row + self.header, None))
        except (csv.Error, StopIteration):
            return f"row {row + 1}"
        return f"line {line}"

    def _check_widths(self) -> None:
        """Every line has as many cells as the first."""
        width = len(self.names)
        try:
            for line, cells in _records(io.StringIO(self.text, newline=""), self.delimiter):
                if len(cells) != width:
                    raise ValueError(
                        f"{self.path}, line {line}: {len(cells)} columns, but the first line has {width}; mend the "
                        "line, or say the delimiter (--delimiter)"
                    )
        except csv.Error as error:
            raise _no_table(self.path, str(error)) from error


def open_text(path: Path, form: TextFormat) -> TextTable:
    """Decode a text file and see how it is written.

    Parameters
    ----------
    path : Path
        A plain file; compressed where it ends in .gz, .bz2 or .xz.
    form : TextFormat

    Raises
    ------
    ValueError
        For a file that is damaged, empty or of another encoding.
    """
    text = decoded(path, form.encoding)
    lines = list(islice((line for line in io.StringIO(text, newline="") if line.strip()), LOOKED_AT))
    if not lines:
        raise ValueError(f"{path} is empty; it must hold one row a point")
    delimiter = _delimiter(lines, path) if form.delimiter is None else _one_character(form.delimiter)
    if delimiter == form.decimal:
        raise ValueError(f"{form.decimal!r} cannot be the delimiter and the decimal mark of {path} at once")
    try:
        first = tuple(next(_records(lines, delimiter))[1])
    except (csv.Error, StopIteration) as error:
        raise _no_table(path, str(error) or "its first line holds nothing") from error
    header = looks_like_names(first) if form.header is None else form.header
    names = tuple(" ".join(cell.split()) for cell in first) if header else tuple(map(str, range(len(first))))
    return TextTable(path, text, delimiter, form.decimal, header, form.header is not None, names, first)


def decoded(path: Path, encoding: str | None = None) -> str:
    """Text of a file, unpacked where its ending says that it is packed."""
    content = _unpacked(path)
    known = encoding or next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(known).removeprefix("\ufeff")
    except LookupError as error:
        raise ValueError(f"{path}: {error}; name one that Python knows, such as utf-8, latin-1, utf-16-le") from error
    except UnicodeError as error:
        raise ValueError(
            f"{path} is no {known} text ({error}); say its encoding, for example --encoding latin-1 or utf-16"
        ) from error
    if "\0" in text:
        raise ValueError(
            f"{path} holds characters of value 0, so it is no {known} text; say its encoding, for example --encoding "
            "utf-16-le, or mend it"
        )
    return text


def _unpacked(path: Path) -> bytes:
    """Content of a plain file, unpacked where its ending says that it is packed."""
    unpack = UNPACKERS.get(path.suffix.lower(), bytes)
    try:
        return unpack(path.read_bytes())
    except (EOFError, ValueError, zlib.error, lzma.LZMAError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{path} cannot be read ({reason}); check that it is whole and yours to read") from error
    except MemoryError as error:
        raise ValueError(f"{path} holds more than fits into memory; give a part of it") from error


def _no_table(path: Path, reason: str) -> ValueError:
    """What to say of text that does not split into cells."""
    return ValueError(f"{path} is no table ({reason}); mend its quotes, or say the delimiter (--delimiter)")


def looks_like_names(cells: tuple[str, ...]) -> bool:
    """Whether a first line names the columns: no number and no missing mark, or what pandas writes beside an index."""
    if cells[0] == "" and counts(cells[1:]):
        return True
    return not any(is_number(cell) or is_number(cell, ",") or (cell and cell in MISSING) for cell in cells)


def counts(cells: tuple[str, ...]) -> bool:
    """Whether the numbers among the cells are 0, 1, 2, ... or 1, 2, 3, ..., as in names that were never given."""
    numbers = [cell for cell in cells if is_number(cell)]
    return any(numbers == [str(k + first) for k in range(len(numbers))] for first in (0, 1))


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether the text is a number in digits of ASCII, without underscores, or an infinity."""
    if decimal == ".":
        return NUMBER.fullmatch(cell) is not None
    return "." not in cell and NUMBER.fullmatch(cell.replace(decimal, ".")) is not None


def _one_character(delimiter: str) -> str:
    """The delimiter that the caller means."""
    mark = DELIMITER_NAMES.get(delimiter, delimiter)
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in '"\r\n\0.+-':
        raise ValueError(
            f"delimiter {delimiter!r} must be one character that no number has, or 'tab', or 'space' (any white space)"
        )
    return mark


def _delimiter(lines: list[str], path: Path) -> str:
    """The first mark that splits all of the first lines into equally many cells, or else the one found most often."""
    if ".tsv" in (ending.lower() for ending in path.suffixes):
        return "\t"
    for mark in DELIMITERS:
        try:
            widths = {len(cells) for _, cells in _records(lines, mark)}
        except csv.Error:
            continue
        if len(widths) == 1 and widths.pop() > 1:
            return mark
    return max((",", *DELIMITERS[:3]), key=lines[0].count)


def _records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each line that is not blank."""
    if delimiter == " ":
        lines = (" ".join(line.split()) for line in lines)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        if len(row) > 1 or "".join(row).strip():
            yield reader.line_num, [cell.strip() for cell in row]
