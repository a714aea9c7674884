"""Convergence as a small inline SVG: no script and no style sheet, in the colours of the page around it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from lmnn_sdp.display.history import Moment
from lmnn_sdp.display.intervals import gap_text

WIDTH, HEIGHT = 380, 190
LEFT, RIGHT, TOP, BOTTOM = 44, WIDTH - 62, 30, HEIGHT - 38  # edges of the plot; right of it is the last gap's label
MOST_TICKS = 5
SHORTEST = 1e-6  # seconds; no time axis is shorter
LINE = "#3b82f6"  # stands out from white and from black
STYLE = "max-width:100%;height:auto;font:11px system-ui,sans-serif;overflow:visible"

Point = tuple[float, float]


def convergence(history: Sequence[Moment]) -> str:
    """Certified relative gap on a logarithmic scale against seconds.

    The line is a staircase: what is proved at any moment is the gap of the last round before it. A gap of 0 lies on
    the lower edge, which is then labelled so.

    Returns
    -------
    str
        An ``svg`` element, or nothing for a history without a finite gap.
    """
    points = [(row.seconds, max(row.relative_gap, 0.0)) for row in history]
    points = [point for point in points if all(map(math.isfinite, point))]
    if not points:
        return ""
    scale = _Scale.of(points)
    parts = [*_gap_axis(scale), *_time_axis(scale), *_staircase(points, scale), *_last_gap(points[-1], scale)]
    title = escape(_title(points))
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return (
        f'<svg role="img" aria-label="{title}" {size} fill="currentColor" style="{STYLE}">'
        f"<title>{title}</title>{''.join(parts)}</svg>"
    )


@dataclass(frozen=True)
class _Scale:
    """Seconds and gaps -> places in the picture.

    Attributes
    ----------
    seconds : float
        Right end of the time axis.
    low, high : int
        Decades at which the axis of gaps begins and ends.
    zero : bool
        Whether the lower edge stands for a gap of 0.
    """

    seconds: float
    low: int
    high: int
    zero: bool

    @classmethod
    def of(cls, points: Sequence[Point]) -> _Scale:
        """The scale that holds all points."""
        seconds = max(second for second, _ in points)
        exponents = [math.log10(gap) for _, gap in points if gap > 0] or [0.0]
        low, high = math.floor(min(exponents)), math.ceil(max(exponents))
        zero = any(gap == 0 for _, gap in points)
        return cls(max(seconds, SHORTEST), low - (zero or low == high), high, zero)

    def x(self, seconds: float) -> float:
        """Horizontal place of a moment."""
        return LEFT + (RIGHT - LEFT) * max(0.0, seconds / self.seconds)

    def y(self, exponent: float) -> float:
        """Vertical place of the gap ``10 ** exponent``."""
        return BOTTOM - (BOTTOM - TOP) * (exponent - self.low) / (self.high - self.low)

    def place(self, point: Point) -> Point:
        """Place of a gap at a moment."""
        seconds, gap = point
        return self.x(seconds), self.y(math.log10(gap) if gap > 0 else self.low)


def _gap_axis(scale: _Scale) -> Iterator[str]:
    """Grid lines at powers of ten."""
    yield _text(LEFT, TOP - 14, "certified relative gap", "start")
    step = math.ceil((scale.high - scale.low) / MOST_TICKS)
    for exponent in range(scale.low, scale.high + 1, step):
        y = scale.y(exponent)
        label = "0" if scale.zero and exponent == scale.low else f"1e{exponent}" if exponent else "1"
        yield f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="currentColor" stroke-opacity=".18"/>'
        yield _text(LEFT - 6, y + 4, label, "end")


def _time_axis(scale: _Scale) -> Iterator[str]:
    """Marks at round numbers of seconds."""
    yield f'<path d="M{LEFT} {BOTTOM}H{RIGHT}" stroke="currentColor" stroke-opacity=".6"/>'
    yield _text((LEFT + RIGHT) / 2, BOTTOM + 32, "seconds", "middle")
    step = round_step(scale.seconds / MOST_TICKS)
    for count in range(math.floor(scale.seconds / step) + 1):
        x = scale.x(count * step)
        yield f'<path d="M{x:.1f} {BOTTOM}v4" stroke="currentColor" stroke-opacity=".6"/>'
        yield _text(x, BOTTOM + 16, f"{count * step:g}", "middle")


def round_step(least: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least or factor == 10)


def _staircase(points: Sequence[Point], scale: _Scale) -> Iterator[str]:
    """The line, with one point for each column of the picture: a long history draws no more than can be seen."""
    columns = {round(x): (x, y) for x, y in map(scale.place, points)}
    (x, y), *later = columns.values()
    steps = "".join(f"H{x:.1f}V{y:.1f}" for x, y in later)
    yield f'<path d="M{x:.1f} {y:.1f}{steps}" fill="none" stroke="{LINE}" stroke-width="2" stroke-linejoin="round"/>'


def _last_gap(point: Point, scale: _Scale) -> Iterator[str]:
    """A dot at the end of the line, with its gap."""
    x, y = scale.place(point)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{LINE}"/>'
    yield _text(x + 8, y + 4, gap_text(point[1]), "start", "bold")


def _text(x: float, y: float, text: str, anchor: str, weight: str = "normal") -> str:
    """A label."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'


def _title(points: Sequence[Point]) -> str:
    """The picture in words."""
    first, last = (f"{gap_text(gap)} after {seconds:.3g} s" for seconds, gap in (points[0], points[-1]))
    return f"Certified relative gap against seconds: {first}, {last}"
