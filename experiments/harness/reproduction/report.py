"""From results on single splits to the table: paper, here, difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness import bench
from harness.reproduction import paper
from harness.reproduction.protocol import CASES

#: Rows of errors: what the paper calls it, the method here, and by which rule it classifies.
ROWS: tuple[tuple[str, str, str], ...] = (
    ("kNN Euclidean", "euclidean", "vote"),
    ("kNN PCA", "pca", "vote"),
    ("kNN LDA", "lda", "vote"),
    ("kNN RCA", "rca", "vote"),
    ("kNN MMC", "mmc", "vote"),
    ("kNN NCA", "nca", "vote"),
    ("LMNN PCA", "lmnn", "vote"),
    ("LMNN LDA", "lmnn_lda", "vote"),
    ("LMNN energy", "lmnn", "energy"),
    ("LMNN multiple passes", "passes", "vote"),
    ("LMNN multiple metrics", "metrics", "vote"),
    ("multiclass SVM", "svm", "vote"),
    ("kNN PCA, 1-NN", "pca", "1-NN"),
    ("kNN PCA, unit length", "pca", "unit length"),
    ("LMNN PCA, all that tie vote", "lmnn", "all that tie"),
    ("LMNN PCA, stopped by validation", "lmnn_stopped", "vote"),
    ("LMNN energy, margin 0", "lmnn", "energy, margin 0"),
    ("LMNN multiple metrics, energy", "metrics", "energy"),
)


@dataclass(frozen=True)
class Cell:
    """A cell of the table.

    Attributes
    ----------
    mean, sd : float
        Of the test errors over the splits, in percent; the deviation of a single split is 0.
    splits : int
        How many.
    training : float or None
        Mean training error, in percent.
    gap : float or None
        Largest relative gap of its LMNN.
    violated : float or None
        Mean number of triplets with a positive hinge.
    cpu_seconds : float or None
        Mean processor seconds of the fit.
    paper : float or None
        The paper's error.
    note : str
        Why there is no number, or what was done otherwise.
    """

    mean: float | None
    sd: float | None
    splits: int
    training: float | None
    gap: float | None
    violated: float | None
    cpu_seconds: float | None
    paper: float | None
    note: str

    @property
    def differs(self) -> bool:
        """Whether the paper's number lies outside two standard deviations, or off by 0.3 points on a single split."""
        if self.mean is None or self.paper is None or self.sd is None:
            return False
        return abs(self.mean - self.paper) > max(2 * self.sd, 0.3)


def summary(records: Sequence[dict[str, Any]]) -> dict[str, dict[str, Cell]]:
    """Cells by row and column, of what was run."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        task = record["task"]
        found.setdefault((task["method"], task["column"]), []).append(record["outcome"])
    return {
        row: {
            column: _cell(found[method, column], rule, _papers(row, column))
            for column in CASES
            if (method, column) in found
        }
        for row, method, rule in ROWS
    }


def _papers(row: str, column: str) -> float | None:
    """The paper's number; it has no row of the ones added here, and no column of a part of letters."""
    there = row in paper.ERRORS and column in paper.COLUMNS
    return paper.ERRORS[row][paper.COLUMNS.index(column)] if there else None


def _cell(outcomes: Sequence[dict[str, Any]], rule: str, papers: float | None) -> Cell:
    """Means over the splits."""
    errors = [100 * one["errors"][rule] for one in outcomes if rule in one["errors"]]
    notes = sorted({one["note"] for one in outcomes if one["note"]})
    return Cell(
        mean=float(np.mean(errors)) if errors else None,
        sd=float(np.std(errors, ddof=1)) if len(errors) > 1 else (0.0 if errors else None),
        splits=len(errors),
        training=_mean(
            None if one["training_error"] is None else 100 * one["training_error"] for one in outcomes if rule == "vote"
        ),
        gap=max((one["proof"]["relative_gap"] for one in outcomes if one["proof"]), default=None),
        violated=_mean(one["proof"].get("violated") for one in outcomes),
        cpu_seconds=_mean(one["cpu_seconds"] for one in outcomes),
        paper=papers,
        note="; ".join(notes[:1]),
    )


def _mean(values: Any) -> float | None:
    """Of those that are there."""
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def keyed(records: Sequence[dict[str, Any]], method: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Mean and deviation in percent of every entry of a method that tries several things, by entry and column."""
    values: dict[str, dict[str, list[float]]] = {}
    for record in records:
        if record["task"]["method"] == method:
            for key, value in record["outcome"]["errors"].items():
                values.setdefault(key, {}).setdefault(record["task"]["column"], []).append(100 * value)
    return {
        key: {column: (float(np.mean(found)), float(np.std(found))) for column, found in columns.items()}
        for key, columns in values.items()
    }


def packed(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is committed: all results, those of a task in one line of columns, and the cells made of them."""
    kept = [
        {**record["task"], **record["outcome"], "seconds": record["seconds"], "commit": record["commit"]}
        for record in records
    ]
    cells = {row: {column: vars(cell) for column, cell in columns.items()} for row, columns in summary(records).items()}
    return {"cells": cells, "runs": kept}


def unpacked(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of a committed file, as they were kept one by one."""
    keys = ("column", "method", "split")
    beside = (*keys, "seconds", "commit")
    return [
        {
            "task": {key: run[key] for key in keys},
            "outcome": {key: value for key, value in run.items() if key not in beside},
            "seconds": run["seconds"],
            "commit": run["commit"],
        }
        for run in result["runs"]
    ]


def text(cells: dict[str, dict[str, Cell]]) -> str:
    """Here and the paper, a row for each of the paper's; a star where they differ by more than the splits do."""
    columns = [column for column in CASES if any(column in row for row in cells.values())]
    body = [[row, *(_entry(found.get(column)) for column in columns)] for row, found in cells.items() if found]
    return bench.table(["test error, %: here (paper)", *columns], body)


def _entry(cell: Cell | None) -> str:
    """A cell in a few characters."""
    if cell is None:
        return ""
    if cell.mean is None:
        return "N/A"
    beside = "" if cell.paper is None else f" ({cell.paper:.2f})"
    return f"{cell.mean:.2f}{beside}{'*' if cell.differs else ''}"
