"""Small pictures of numbers as inline SVG, like that of a history: no script, in the colours of the page around."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from lmnn_sdp.display.svg import STYLE, round_step

WIDTH = 440
EDGE = 8  # left and right of what is drawn
ROW = 38  # height of a row: a line of text, and a strip under it
MOST_TICKS = 6
ACCENT, OTHER = "#0072B2", "#8a8a8a"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # told apart by the colour-blind
SHAPES = (
    "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0Z",
    "M-3 -3H3V3H-3Z",
    "M0 -4L4 3H-4Z",
    "M0 -4.4L4.4 0L0 4.4L-4.4 0Z",
)
SIDE = 300  # of a cloud of points
LEGEND = 18  # height of a line of it
GROUPS_A_LINE = 4


@dataclass(frozen=True)
class Dot:
    """A number with an error bar.

    Attributes
    ----------
    label : str
    mean : float
    reach : float
        Half of the bar.
    text : str
        The number in words, at the right.
    strong : bool
        Whether it stands out.
    """

    label: str
    mean: float
    reach: float
    text: str
    strong: bool = False


def dots(title: str, rows: Sequence[Dot], axis: str, marked: float | None = None) -> str:
    """A row a number: its label and text, and under them a dot with an error bar on a common axis.

    Parameters
    ----------
    title : str
        The picture in words, for who cannot see it.
    rows : sequence of Dot
        From the top.
    axis : str
        What the numbers are.
    marked : float, optional
        Where a dashed line stands.

    Returns
    -------
    str
        An ``svg`` element, or nothing without rows.
    """
    if not rows:
        return ""
    ends = [row.mean + sign * row.reach for row in rows for sign in (-1, 1)] + ([] if marked is None else [marked])
    low, high = min(0.0, *ends), max(0.0, *ends)
    span = (high - low) or 1.0
    bottom = ROW * len(rows) + 6

    def place(value: float) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (value - low) / span

    parts = [*_ticks(low, span, bottom, place(0.0) - EDGE, axis)]
    for number, row in enumerate(rows):
        if marked is not None:  # beside the strips only, so that it crosses no text
            parts.append(f'<path d="M{place(marked):.1f} {ROW * number + 19}v16" {_line(0.8)} stroke-dasharray="4 2"/>')
        parts += _dot(row, ROW * number, place)
    return _svg(title, WIDTH, bottom + 40, parts)


def clouds(title: str, points: Sequence[tuple[float, float]], groups: Sequence[int], names: Sequence[str]) -> str:
    """Points in the plane by group, each group with its colour and shape.

    Parameters
    ----------
    title : str
        Stands above, and is the picture in words.
    points : sequence of (float, float)
    groups : sequence of int
        Group of each point.
    names : sequence of str
        Of the groups, for the legend.

    Returns
    -------
    str
        An ``svg`` element.
    """
    xs, ys = zip(*points, strict=True)
    middle, span = _middle(xs), max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    level, inner = _middle(ys), SIDE - 24
    parts = [_text(0, 14, title, "start", "bold"), f'<path d="M0 22H{SIDE}V{22 + SIDE}H0Z" fill="none" {_line(0.3)}/>']
    for x, y, group in zip(xs, ys, groups, strict=True):
        left = SIDE / 2 + inner * (x - middle) / span
        top = 22 + SIDE / 2 - inner * (y - level) / span
        parts.append(_mark(left, top, group))
    lines = math.ceil(len(names) / GROUPS_A_LINE)
    for number, name in enumerate(names):
        left = 8 + SIDE / GROUPS_A_LINE * (number % GROUPS_A_LINE)
        top = 22 + SIDE + LEGEND * (1 + number // GROUPS_A_LINE)
        parts += [
            _mark(left, top - 4, number),
            _text(left + 9, top, name if len(name) < 10 else f"{name[:8]}…", "start"),
        ]
    return _svg(title, SIDE, 22 + SIDE + LEGEND * lines + 8, parts)


def _dot(row: Dot, top: float, place: Callable[[float], float]) -> Iterator[str]:
    """Texts, bar and dot of one row."""
    y, color = top + 27, ACCENT if row.strong else OTHER
    weight = "bold" if row.strong else "normal"
    yield _text(EDGE, top + 15, row.label, "start", weight)
    yield _text(WIDTH - EDGE, top + 15, row.text, "end", weight)
    ends = place(row.mean - row.reach), place(row.mean + row.reach)
    yield f'<path d="M{ends[0]:.1f} {y}H{ends[1]:.1f}" stroke="{color}" stroke-width="3" stroke-opacity=".55"/>'
    yield f'<circle cx="{place(row.mean):.1f}" cy="{y}" r="4.5" fill="{color}"/>'


def _ticks(low: float, span: float, bottom: float, zero: float, axis: str) -> Iterator[str]:
    """A line at zero, and marks at round numbers."""
    yield f'<path d="M{EDGE + zero:.1f} 0V{bottom}" {_line(0.35)}/>'
    yield f'<path d="M{EDGE} {bottom}H{WIDTH - EDGE}" {_line(0.6)}/>'
    step = round_step(span / MOST_TICKS)
    for count in range(math.ceil(low / step), math.floor((low + span) / step) + 1):
        x = EDGE + (WIDTH - 2 * EDGE) * (count * step - low) / span
        yield f'<path d="M{x:.1f} {bottom}v4" {_line(0.6)}/>'
        yield _text(x, bottom + 17, f"{count * step:g}", "middle")
    yield _text(WIDTH / 2, bottom + 34, axis, "middle")


def _middle(values: Sequence[float]) -> float:
    """Between the ends."""
    return (min(values) + max(values)) / 2


def _mark(x: float, y: float, group: int) -> str:
    """A point of a group; groups beyond all pairs of colour and shape are grey."""
    many = group >= len(COLORS) * len(SHAPES)
    color = OTHER if many else COLORS[group % len(COLORS)]
    shape = SHAPES[group // len(COLORS) % len(SHAPES)] if many else SHAPES[(group + group // len(COLORS)) % len(SHAPES)]
    return f'<path d="{shape}" transform="translate({x:.1f} {y:.1f})" fill="{color}" fill-opacity=".85"/>'


def _line(opacity: float) -> str:
    """A thin line."""
    return f'stroke="currentColor" stroke-opacity="{opacity}"'


def _text(x: float, y: float, text: str, anchor: str, weight: str = "normal") -> str:
    """A label."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def _svg(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    """The element."""
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    style = STYLE.replace("11px", "13px")
    return (
        f'<svg role="img" aria-label="{escape(title)}" {size} fill="currentColor" style="{style}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
