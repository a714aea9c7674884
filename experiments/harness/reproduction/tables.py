"""The report's tables as rows of text, for Markdown and for HTML alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from harness import markdown
from harness.reproduction import paper
from harness.reproduction.explained import explanation
from harness.reproduction.report import Cell

Cells = dict[str, dict[str, Cell]]
WORDS = "why"  # heading of a column of sentences


@dataclass(frozen=True)
class Text:
    """A table of text: a heading for each column, and rows."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """For a page."""
        sides = "".join("l" if name == WORDS else "r" for name in self.header[1:])
        return markdown.table(self.header, self.rows, f"l{sides}")

    def html(self) -> str:
        """For the report; cells with a star are marked."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.header)
        body = "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cell(text: str) -> str:
    """A cell."""
    return f'<td class="flag">{escape(text)}</td>' if text.endswith("*") else f"<td>{escape(text)}</td>"


def columns_of(cells: Cells) -> list[str]:
    """Columns of the paper that were run."""
    return [column for column in paper.COLUMNS if any(column in row for row in cells.values())]


def errors(cells: Cells) -> Text:
    """Test errors: here with the deviation over the splits, and the paper's in brackets; a star where they differ."""
    columns = columns_of(cells)
    splits = {column: _splits(cells, column) for column in columns}
    rows = [
        (row, *(_error(found.get(column), splits[column]) for column in columns))
        for row, found in cells.items()
        if any(cell.mean is not None for cell in found.values())
    ]
    return Text(("test error, %", *columns), (("splits", *map(str, splits.values())), *rows))


def _error(cell: Cell | None, splits: int) -> str:
    """A cell; in square brackets how many splits it has, where these are fewer than in its column."""
    if cell is None:
        return "not run"
    here = "N/A" if cell.mean is None else f"{cell.mean:.2f}"
    spread = "" if not cell.sd else f" +- {cell.sd:.2f}"
    beside = "" if cell.paper is None else f" ({cell.paper:.2f})"
    fewer = f" [{cell.splits}]" if 0 < cell.splits < splits else ""
    return here + spread + beside + fewer + ("*" if cell.differs else "")


def _splits(cells: Cells, column: str) -> int:
    """How many splits were run."""
    return max(found[column].splits for found in cells.values() if column in found)


def proofs(cells: Cells) -> Text:
    """Of one metric and of several: largest gap, processor seconds, triplets with a positive hinge, and the paper's."""
    columns = columns_of(cells)
    rows: list[tuple[str, ...]] = []
    for name, row, seconds, active in (
        ("one metric", "LMNN PCA", paper.CPU_ONE, paper.ACTIVE_ONE),
        ("a metric a class", "LMNN multiple metrics", paper.CPU_SEVERAL, paper.ACTIVE_SEVERAL),
    ):
        found = [cells.get(row, {}).get(column) for column in columns]
        places = [paper.COLUMNS.index(column) for column in columns]
        rows.append((f"{name}: largest gap", *(_number(None if cell is None else cell.gap, ".0e") for cell in found)))
        rows.append(
            (
                f"{name}: CPU s (paper)",
                *(
                    f"{_number(None if cell is None else cell.cpu_seconds, '.1f')} ({seconds[at]:,})"
                    for cell, at in zip(found, places, strict=True)
                ),
            )
        )
        rows.append(
            (
                f"{name}: violated triplets (paper: active)",
                *(
                    f"{_number(None if cell is None else cell.violated, ',.0f')} ({active[at]:,})"
                    for cell, at in zip(found, places, strict=True)
                ),
            )
        )
    for name, row in {
        "LDA first": "LMNN LDA",
        "passes": "LMNN multiple passes",
        "stopped": "LMNN PCA, stopped by validation",
    }.items():
        found = [cells.get(row, {}).get(column) for column in columns]
        rows.append((f"{name}: largest gap", *(_number(None if cell is None else cell.gap, ".0e") for cell in found)))
    return Text(("", *columns), tuple(rows))


def _number(value: float | None, form: str) -> str:
    """A number, or a dash."""
    return "-" if value is None else format(value, form)


def training(cells: Cells) -> Text:
    """Leave-one-out training errors of the vote, in percent."""
    columns = columns_of(cells)
    rows = [
        (row, *(_number(found[c].training if c in found else None, ".2f") for c in columns))
        for row, found in cells.items()
        if any(cell.training is not None for cell in found.values()) and row in paper.ERRORS
    ]
    return Text(("training error, %", *columns), tuple(rows))


def flags(cells: Cells) -> Text:
    """Every cell whose number differs from the paper's, and what was found to be behind it."""
    rows = [
        (f"{row}, {column}", f"{cell.mean:.2f}", f"{cell.paper:.2f}", explanation(row, column))
        for row, found in cells.items()
        for column, cell in found.items()
        if cell.differs
    ]
    return Text(("cell", "here", "paper", WORDS), tuple(rows))


def by_key(cells: dict[str, dict[str, tuple[float, float]]], columns: Sequence[str], what: str) -> Text:
    """Means and deviations of errors by gap, or by choice, in the columns that have any."""
    columns = [column for column in columns if any(column in found for found in cells.values())]
    rows = [
        (key, *(_mean_sd(found.get(column)) for column in columns))
        for key, found in cells.items()
        if any(column in found for column in columns)
    ]
    return Text((what, *columns), tuple(rows))


def _mean_sd(pair: tuple[float, float] | None) -> str:
    """A mean with its deviation."""
    if pair is None:
        return "-"
    return f"{pair[0]:,.2f}" + (f" +- {pair[1]:,.2f}" if pair[1] else "")


def bars_of_2005(data: dict[str, dict[str, Any]]) -> Text:
    """Errors beside those of the figure of 2005 in brackets, a row for each data set."""
    bars = list(next(iter(data.values()))["paper"])
    rows = [
        (
            name,
            str(found["splits"]),
            *(f"{found['mean'][bar]:.1f} +- {found['sd'][bar]:.1f} ({found['paper'][bar]:.1f})" for bar in bars),
            f"{found['largest_gap']:.0e}",
        )
        for name, found in data.items()
    ]
    return Text(("errors, %", "splits", *bars, "largest gap"), tuple(rows))
