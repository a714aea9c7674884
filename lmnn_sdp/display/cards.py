"""Results as small cards for notebooks: inline styles only, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from lmnn_sdp.display.intervals import interval_text
from lmnn_sdp.display.svg import convergence, gap_text

if TYPE_CHECKING:
    from lmnn_sdp.analysis.audit import Audit
    from lmnn_sdp.numerics.types import FloatArray
    from lmnn_sdp.proof.certificate import Certificate
    from lmnn_sdp.solvers.solution import Solution

Rows = list[tuple[str, str]]

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


def solution_card(solution: Solution) -> str:
    """A Solution: what was proved, what it took, and how it went."""
    rows = [
        *_bounds(solution.lower_bound, solution.objective, solution.relative_gap),
        ("rank of M", f"{solution.certificate.rank} of {len(solution.M)}"),
        _violated(solution.certificate),
        ("solver", solution.effort),
    ]
    return _card("LMNN solution", solution, rows)


def audit_card(audit: Audit) -> str:
    """An Audit: the given metric beside the optimum, and how the optimum was found."""
    low, high = interval_text(*(100 * excess for excess in audit.excess))
    rows = [
        ("objective", f"{audit.objective:.10g}"),
        _interval("optimum in", *audit.optimum),
        ("excess in", f"[{low} %, {high} %] of the optimum" if math.isfinite(audit.excess[0]) else "unknown"),
        ("rank of M", f"{audit.certificate.rank} of {len(audit.solution.M)}"),
        _violated(audit.certificate),
        ("solver", audit.solution.effort),
    ]
    return _card("Audit of a metric", audit.solution, rows)


def estimator_card(components: FloatArray, objective: float, gap: float, solution: Solution) -> str:
    """A fitted estimator: bounds at its components, and the solve that they come from.

    Parameters
    ----------
    components : ndarray of shape (n_components, n_features)
        After the cut to ``n_components``.
    objective, gap : float
        Objective and relative gap at these components.
    solution : Solution
        What the solver returned, before the cut.
    """
    rows = [
        *_bounds(solution.lower_bound, objective, gap),
        ("components_", "{} x {}".format(*components.shape)),
        ("rank of M", f"{solution.certificate.rank} of {len(solution.M)}"),
        _violated(solution.certificate),
        ("solver", solution.effort),
    ]
    if objective != solution.objective:  # the picture and the last rows are those of M
        rows.insert(3, ("gap before the cut", gap_text(solution.relative_gap)))
    return _card("Learned metric", solution, rows)


def _bounds(lower: float, upper: float, gap: float) -> Rows:
    """What was proved."""
    return [_interval("optimum in", lower, upper), ("relative gap", gap_text(gap))]


def _interval(term: str, lower: float, upper: float) -> tuple[str, str]:
    """Row of an interval."""
    return term, "[{}, {}]".format(*interval_text(lower, upper))


def _violated(certificate: Certificate) -> tuple[str, str]:
    """Row of the triplets within their margin."""
    return "violated triplets", f"{certificate.active_triplets:,}"


def _card(heading: str, solution: Solution, rows: Sequence[tuple[str, str]]) -> str:
    """Heading, status, rows of terms and values, and the picture."""
    status = solution.status
    badge = f'<span style="{BADGE}{GREEN if status.solved else AMBER}">{escape(status.name)}</span>'
    items = "".join(
        f'<dt style="{TERM}">{escape(term)}</dt><dd style="{VALUE}">{escape(value)}</dd>' for term, value in rows
    )
    return (
        f'<div style="{CARD}"><div><strong>{escape(heading)}</strong> {badge} {escape(status.value)}</div>'
        f'<div style="{BODY}"><dl style="{LIST}">{items}</dl>{convergence(solution.history)}</div></div>'
    )
