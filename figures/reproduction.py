"""Pictures and pages of the reproduction, from experiments/results/reproduce.json: nothing is computed here."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experiments"))

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.paths import FIGURES, RESULTS, ROOT
from harness.reproduction import paper, report, tables
from harness.reproduction.tables import Cells
from lmnn_sdp import plots
from lmnn_sdp.numerics.files import write_text_atomically

PAGE = ROOT / "docs" / "reproduction.html"
LMNN_ROWS = ("LMNN PCA", "LMNN LDA", "LMNN energy", "LMNN multiple passes", "LMNN multiple metrics")
STYLE = """
:root{--ink:#222;--paper:#fff;--line:#ccc;--flag:#fde9c9}
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:86em;padding:0 1em}
body{color:var(--ink);background:var(--paper)}
p{max-width:60em}
div.wide,figure{overflow-x:auto}
figure{margin:1.5em 0}
table{border-collapse:collapse;font-size:12px;font-variant-numeric:tabular-nums;margin:1em 0}
th,td{padding:.25em .4em;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}
td.flag{background:var(--flag)}
div.reasons th:last-child,div.reasons td:last-child{text-align:left;white-space:normal;max-width:60em}
svg{max-width:100%;height:auto}
@media (max-width:40em){svg{width:36em;max-width:none}td:first-child{white-space:normal;min-width:9em}
div.reasons tr{display:grid;grid-template-columns:1fr 4em 4em;border-bottom:1px solid var(--line)}
div.reasons th,div.reasons td{border:0}
div.reasons th:last-child,div.reasons td:last-child{grid-column:1/-1}}
@media (prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#181818;--line:#444;--flag:#5a4210}svg{background:#fff}}
"""


def main() -> None:
    """Draw the pictures and write the page."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else FIGURES
    result = json.loads((source / "reproduce.json").read_text())
    for name, figure in figures(result).items():
        plots.save(figure, target, name)
    page = PAGE if target == FIGURES else target / PAGE.name
    write_text_atomically(page, lambda file: file.write(html(result)))


def figures(result: dict[str, Any]) -> dict[str, Figure]:
    """Every picture by its name."""
    records = report.unpacked(result)
    cells = report.summary(records)
    return {
        "paper_table1": beside_the_paper(cells),
        "paper_03": training_and_test(cells),
        "paper_06_09": relative(cells),
        "error_and_gap": by_gap(records),
    }


def beside_the_paper(cells: Cells) -> Figure:
    """Every error of LMNN here against the paper's."""
    with matplotlib.style.context(plots.STYLE):
        figure = Figure(figsize=(6.4, 5.2))
        axes = figure.subplots()
        low, high = 0.8, 60.0
        axes.plot([low, high], [low, high], color="#777777", linewidth=1, label="as in the paper")
        band = np.array([low, high])
        axes.fill_between(band, band / 1.5, 1.5 * band, color="#eeeeee", linewidth=0, label="within a factor of 1.5")
        for number, row in enumerate(("kNN Euclidean", *LMNN_ROWS)):
            found = [cell for cell in cells.get(row, {}).values() if cell.mean is not None and cell.paper is not None]
            axes.errorbar(
                [cell.paper or low for cell in found],
                [max(cell.mean or low, low) for cell in found],
                [cell.sd or 0.0 for cell in found],
                fmt="osD^vP"[number],
                markersize=5,
                linewidth=0.8,
                label=row,
            )
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        axes.set(xlabel="test error in the paper, %", ylabel="test error here, %")
        axes.set_title(f"{100 * _alike(cells):.0f} % of the errors are within a factor of 1.5 of the paper's")
        ticks = [1, 2, 5, 10, 20, 50]
        axes.set_xticks(ticks, list(map(str, ticks)))
        axes.set_yticks(ticks, list(map(str, ticks)))
        axes.minorticks_off()
        axes.legend(fontsize=8, title="bars: sd over the splits", title_fontsize=8, alignment="left")
        return figure


def _alike(cells: Cells) -> float:
    """Share of the errors drawn that are within a factor of 1.5 of the paper's."""
    pairs = [(cell.mean, cell.paper) for row in ("kNN Euclidean", *LMNN_ROWS) for cell in cells.get(row, {}).values()]
    ratios = [mean / paper for mean, paper in pairs if mean and paper]
    return float(np.mean([1 / 1.5 <= ratio <= 1.5 for ratio in ratios]))


def training_and_test(cells: Cells) -> Figure:
    """Training errors above test errors, a panel a data set: the paper's Figure 3."""
    columns = paper.COLUMNS[: len(paper.FIGURE_3["kNN PCA"].test)]
    with matplotlib.style.context(plots.STYLE):
        figure = Figure(figsize=(10.4, 5.6))
        panels = figure.subplots(2, len(columns), sharex=True, sharey="col")
        moved: list[float] = []
        for number, column in enumerate(columns):
            moved += _bars(panels[0, number], cells, column, "training")
            moved += _bars(panels[1, number], cells, column, "test")
            panels[0, number].set_title(column)
            panels[0, number].set_ylim(bottom=0)
        panels[0, 0].set_ylabel("training error, %")
        panels[1, 0].set_ylabel("test error, %")
        near, absent = sum(abs(change) <= 1 for change in moved), 2 * len(columns) * len(paper.FIGURE_3) - len(moved)
        without = f"; {absent} of its bars have no number here" if absent else ""
        title = f"{near} of {len(moved)} errors are within a point of the paper's{without}"
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        return figure


def _bars(axes: Axes, cells: Cells, column: str, kind: Literal["training", "test"]) -> list[float]:
    """A panel; returns by how much each bar is above the paper's mark."""
    found = [cells.get(row, {}).get(column) for row in paper.FIGURE_3]
    ours = [None if cell is None else cell.training if kind == "training" else cell.mean for cell in found]
    errors, place = np.array(ours, dtype=float), np.arange(len(ours))
    marks = np.array([getattr(bars, kind)[paper.COLUMNS.index(column)] for bars in paper.FIGURE_3.values()])
    was_run = ~np.isnan(errors)
    axes.bar(place[was_run], errors[was_run], 0.7, color="#0072B2", label="here")
    axes.plot(place, marks, "_", color="black", markersize=12, markeredgewidth=2, clip_on=False, label="paper")
    low = np.full(np.count_nonzero(~was_run), 0.04)  # of the height of the panel
    across = axes.get_xaxis_transform()
    axes.plot(place[~was_run], low, "x", color="#D55E00", transform=across, label="no number here")
    axes.set_xticks(place, [bars.name for bars in paper.FIGURE_3.values()], rotation=90)
    axes.grid(visible=False, axis="x")
    moved: list[float] = (errors - marks)[was_run].tolist()
    return moved


def relative(cells: Cells) -> Figure:
    """Errors of several passes and of several metrics over those of one: the paper's Figures 6 and 9."""
    with matplotlib.style.context(plots.STYLE):
        figure = Figure(figsize=(9.2, 3.7))
        for axes, row in zip(figure.subplots(1, 2, sharey=True), LMNN_ROWS[3:], strict=True):
            columns = [c for c in tables.columns_of(cells) if _ratio(cells, row, c) is not None]
            here = [_ratio(cells, row, column) or 0.0 for column in columns]
            theirs = [_papers_ratio(row, column) for column in columns]
            place = np.arange(len(columns))
            axes.bar(place - 0.2, theirs, 0.38, color="#999999", label="paper")
            axes.bar(place + 0.2, here, 0.38, color="#0072B2", label="here")
            axes.axhline(1, color="#333333", linewidth=1, label="as many as one metric")
            axes.set_xticks(place, columns, rotation=30)
            fewer, theirs_fewer = (sum(ratio < 1 for ratio in ratios) for ratios in (here, theirs))
            kind = row.removeprefix("LMNN ").capitalize()
            axes.set_title(f"{kind}: better on {fewer} of {len(columns)}, paper {theirs_fewer}")
            axes.grid(visible=False, axis="x")
        figure.axes[0].set_ylabel("test error over that of one metric")
        figure.axes[0].legend(loc="upper left", ncols=3)
        figure.axes[0].set_ylim(0, 1.2 * figure.axes[0].get_ylim()[1])
        return figure


def _ratio(cells: Cells, row: str, column: str) -> float | None:
    """Error over that of one metric, here."""
    own, single = cells.get(row, {}).get(column), cells["LMNN PCA"].get(column)
    if own is None or single is None or own.mean is None or not single.mean:
        return None
    return own.mean / single.mean


def _papers_ratio(row: str, column: str) -> float:
    """The same in the paper."""
    place = paper.COLUMNS.index(column)
    return (paper.ERRORS[row][place] or 0.0) / (paper.ERRORS["LMNN PCA"][place] or 1.0)


def by_gap(records: list[dict[str, Any]]) -> Figure:
    """Test error against the proved gap, over that at the smallest gap."""
    found = {key: value for key, value in report.keyed(records, "gaps").items() if key.startswith("gap ")}
    columns = sorted({column for entry in found.values() for column in entry}, key=paper.COLUMNS.index)
    with matplotlib.style.context(plots.STYLE):
        figure = Figure(figsize=(6.4, 4.0))
        axes = figure.subplots()
        moved: list[float] = []
        for number, column in enumerate(columns):
            keys = [key for key in found if column in found[key]]
            gaps = [float(key.removeprefix("gap ")) for key in keys]
            errors = [found[key][column][0] for key in keys]
            style: dict[str, Any] = {"marker": "osD^vPX*p"[number], "linestyle": ("-", "--", ":")[number % 3]}
            axes.plot(gaps, errors, label=column, markersize=7 - 1.5 * (number % 3), **style)
            moved.append(max(errors) - min(errors))
        axes.set(xscale="log", xlabel="proved gap (the optimum is to the right)", ylabel="test error, %")
        axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
        axes.invert_xaxis()
        axes.set_title(f"On the way to the optimum no error moves by more than {max(moved, default=0):.1f} points")
        axes.legend(ncols=3)
        return figure


def html(result: dict[str, Any]) -> str:
    """The report as one page that needs no other file."""
    cells = report.summary(report.unpacked(result))
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'>",
        f"<title>Weinberger and Saul (2009) again</title><style>{STYLE}</style></head><body>",
        "<h1>Weinberger &amp; Saul (2009), row by row, at the proved optimum</h1>",
        "<p>Mean test error over random splits, its standard deviation, and in brackets the paper's number. A star and "
        "a colour mark cells whose paper number lies outside two standard deviations (0.3 points on a single split). "
        "LMNN rows are solved to the gap that the second table tells.</p>",
        _wide(tables.errors(cells).html()),
        "<h2>What is proved, and what it took</h2>",
        _wide(tables.proofs(cells).html()),
        "<h2>Every cell that differs</h2>",
        _wide(tables.flags(cells).html(), "reasons"),
        *(f"<figure>{_svg(figure)}</figure>" for figure in figures(result).values()),
        f"<p><code>{result['command']}</code> at {result['commit']}; Python {result['versions']['python']}.</p>",
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _wide(table: str, kind: str = "") -> str:
    """A table that scrolls where the page is narrow; one of ``reasons`` ends its rows with a sentence."""
    return f"<div class='{f'wide {kind}'.strip()}'>{table}</div>"


def _svg(figure: Figure) -> str:
    """A figure as an element."""
    out = io.StringIO()
    with matplotlib.style.context(plots.STYLE):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]


if __name__ == "__main__":
    main()
