"""What was found to be behind the cells that differ from the paper's, by experiment; "open" where nothing was."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Finding:
    """Why cells differ.

    Attributes
    ----------
    rows, columns : str
        Patterns of their names, as of files.
    text : str
        What was found; begins with "open" where it is not known.
    """

    rows: str
    columns: str
    text: str


#: The first that fits counts.
FINDINGS = (
    Finding(
        "kNN PCA",
        "oFaces",
        "the paper's number is that of one neighbour: see the row kNN PCA, 1-NN; its Euclidean row, on nearly the same "
        "distances, is that of three",
    ),
)


def explanation(row: str, column: str) -> str:
    """The finding for a cell."""
    for finding in FINDINGS:
        if fnmatchcase(row, finding.rows) and fnmatchcase(column, finding.columns):
            return finding.text
    return "open: not looked into"
