"""Results as small cards for notebooks: inline styles only, readable on light and dark pages.

A card knows a heading, a badge, rows of terms and values, and a history; whose they are it need not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lmnn_sdp.display.history import Moment
from lmnn_sdp.display.intervals import interval_text
from lmnn_sdp.display.svg import convergence

#: A term and its value.
Row = tuple[str, str]

CARD = (
    "display:inline-block;box-sizing:border-box;max-width:100%;margin:.3em 0;padding:.7em 1em;text-align:left;"
    "border:1px solid rgba(128,128,128,.4);border-radius:6px;font:13px/1.5 system-ui,sans-serif;color:inherit"
)
BADGE = "padding:.1em .5em;border-radius:4px;font-weight:600;background:"
GREEN, AMBER = "rgba(34,197,94,.25)", "rgba(245,158,11,.3)"
BODY = "display:flex;flex-wrap:wrap;gap:.8em 2em;align-items:flex-start;margin-top:.7em"
# Jupyter's own style makes lists as wide as the page, and terms a fifth as wide as what holds them.
LIST = (
    "display:grid;width:auto;grid-template-columns:max-content auto;gap:.1em 1em;margin:0;"
    "font-variant-numeric:tabular-nums"
)
TERM = "grid-column:1;width:auto;margin:0;padding:0;font-weight:normal;opacity:.75"
VALUE = "grid-column:2;width:auto;margin:0;padding:0"


@dataclass(frozen=True)
class Badge:
    """A word that stands out, and what it means.

    Attributes
    ----------
    word : str
    message : str
        A sentence beside the word.
    good : bool
        Green if so, else amber.
    """

    word: str
    message: str
    good: bool


def card(heading: str, badge: Badge | None, rows: Sequence[Row], history: Sequence[Moment] = ()) -> str:
    """An HTML element with a heading, a badge if any, rows of terms and values, and the picture of a history.

    Everything given is text: what is markup in HTML is escaped.
    """
    items = "".join(
        f'<dt style="{TERM}">{escape(term)}</dt><dd style="{VALUE}">{escape(value)}</dd>' for term, value in rows
    )
    return (
        f'<div style="{CARD}"><div><strong>{escape(heading)}</strong>{_badge(badge)}</div>'
        f'<div style="{BODY}"><dl style="{LIST}">{items}</dl>{convergence(history)}</div></div>'
    )


def _badge(badge: Badge | None) -> str:
    """The word in its colour and the sentence beside it, or nothing."""
    if badge is None:
        return ""
    color = GREEN if badge.good else AMBER
    return f' <span style="{BADGE}{color}">{escape(badge.word)}</span> {escape(badge.message)}'


def interval_row(term: str, lower: float, upper: float, unit: str = "") -> Row:
    """A row with an interval that holds the given one, as `interval_text` rounds it."""
    low, high = interval_text(lower, upper)
    return term, f"[{low}{unit}, {high}{unit}]"
