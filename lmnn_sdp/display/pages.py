"""A self-contained HTML page: one file without scripts, fonts or links, readable on paper, phones and in the dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; --edge: rgba(128,128,128,.35); --soft: rgba(128,128,128,.12); }
body { max-width: 68rem; margin: 0 auto; padding: 1rem 1.2rem 3rem; font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: .6rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.verdict { border: 1px solid var(--edge); border-left: .5rem solid #0072B2; border-radius: .4rem; padding: .8rem 1rem; }
.verdict.open { border-left-color: #E69F00; } .verdict p { margin: .3rem 0; } .verdict .say { font-size: 1.2rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
pre { background: var(--soft); padding: .5rem .7rem; border-radius: .3rem; }
.row { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; align-items: flex-start; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--edge); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; }
dt { font-weight: 600; margin-top: .7rem; } dd { margin: 0; } .small { font-size: .87rem; opacity: .8; }
svg { flex: none; }
"""


def document(title: str, body: str) -> str:
    """A page with that title; the body is HTML already."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], strong: int | None = None) -> str:
    """A table of texts; one row may stand out."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    body = "".join(_row(cells, number == strong) for number, cells in enumerate(rows))
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def prose(text: str) -> str:
    """Text whose numbers stay on one line with their signs and units."""
    return escape(text).replace(" %", "\u00a0%").replace(" +- ", "\u00a0±\u00a0")


def bullets(texts: Sequence[str]) -> str:
    """A list of texts."""
    return f"<ul>{''.join(f'<li>{prose(text)}</li>' for text in texts)}</ul>"


def _row(cells: Sequence[str], strong: bool) -> str:
    """One row."""
    style = ' style="font-weight:600"' if strong else ""
    return f"<tr{style}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
