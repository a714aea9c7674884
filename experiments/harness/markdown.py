"""Tables of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], body: Iterable[Sequence[str]], sides: str = "l") -> str:
    """A table under the names of its columns.

    Parameters
    ----------
    header : sequence of str
        A name for each column.
    body : iterable of sequences of str
        Cells, row by row.
    sides : str
        Each column set to the left (l) or to the right (r); those that are not told are set to the right.
    """
    rule = "|".join("---" if side == "l" else "---:" for side in sides.ljust(len(header), "r"))
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *body)]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])
