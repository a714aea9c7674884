"""A diagnosis as a table for notebooks, and as one HTML page with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from lmnn_sdp.analysis.diagnosis.evidence import Evidence
from lmnn_sdp.analysis.diagnosis.recommendation import Recommendation, percent
from lmnn_sdp.analysis.diagnosis.sentences import findings
from lmnn_sdp.analysis.diagnosis.trials import Trial
from lmnn_sdp.display.cards import Badge, card
from lmnn_sdp.display.charts import Dot, clouds, dots
from lmnn_sdp.display.pages import bullets, document, prose, table

MOST_FEATURES = 15  # that are drawn
MOST_CLASSES = 12  # columns of the table of errors by class


def headline(found: Evidence) -> str:
    """The data in a line."""
    return f"{found.name}: {found.n:,} points, {found.d} features, {len(found.labels)} classes"


def notebook(found: Evidence, advised: Recommendation) -> str:
    """A card with the advice, and a row a method."""
    doubt = "" if advised.sure or not advised.advice.judged else " (Not sure.)"
    badge = Badge(advised.advice.name, f"{advised.advice.value}{doubt}", advised.sure)
    rows = [(_marked(trial, advised), _row_text(trial)) for trial in found.trials]
    follow = [("next", advised.command or advised.code or advised.doubts[0])]
    return card(f"Diagnosis of {found.name}", badge, [*rows, *follow])


def page(found: Evidence, advised: Recommendation, spent: str) -> str:
    """The whole page; ``spent`` tells how long it took."""
    parts = [f"<h1>Is a metric worth learning? {escape(headline(found))}</h1>", _verdict(found, advised)]
    parts += ["<h2>Why</h2>", bullets(advised.reasons), "<h2>What would change this</h2>", bullets(advised.doubts)]
    if any(trial.judged for trial in found.trials):
        both = f"{_errors(found, advised)}{_table(found, advised)}"
        parts += ["<h2>Errors on points held out</h2>", f'<div class="row">{both}</div>', _caption(found)]
    parts += _planes(found)
    answers = "".join(f"<dt>{escape(q)}</dt><dd>{prose(a)}</dd>" for q, a in findings(found))
    parts += [f"<h2>Questions and answers</h2><dl>{answers}</dl>", _relevance(found), _by_class(found)]
    if found.notes:
        parts += ["<h2>To be known beside the numbers</h2>", bullets(found.notes)]
    parts.append(f'<p class="small">Made by lmnn-sdp diagnose {escape(spent)}.</p>')
    return document(f"Diagnosis of {found.name}", "\n".join(part for part in parts if part))


def _verdict(found: Evidence, advised: Recommendation) -> str:
    """The advice and the command that follows it."""
    chosen = found.judged(advised.method) if advised.method else None
    title = "" if chosen is None else f"Recommended: {chosen.contender.title}, {percent(chosen)} of errors. "
    sure = (
        f"{title}{'Sure, as far as these data can tell.' if advised.sure else 'Not sure: see what would change this.'}"
    )
    code = [f"<pre>{escape(text)}</pre>" for text in (advised.command, advised.code) if text]
    kind = "verdict" if advised.sure else "verdict open"
    say = f'<p class="say"><strong>{escape(advised.advice.value)}</strong></p>'
    return f'<div class="{kind}">{say}<p>{prose(sure)}</p>{"".join(code)}</div>'


def _marked(trial: Trial, advised: Recommendation) -> str:
    """The name of a method, with an arrow before the one that is recommended."""
    return f"{'→ ' if trial.contender.key == advised.method else ''}{trial.contender.title}"


def _row_text(trial: Trial) -> str:
    """Error and seconds, or that there are none."""
    return f"{_error_text(trial)}, {np.mean(trial.seconds):.2g} s" if trial.judged else "left out"


def _error_text(trial: Trial) -> str:
    """Mean and standard deviation of the error."""
    return percent(trial).replace("+-", "±")


def _errors(found: Evidence, advised: Recommendation) -> str:
    """A dot a method."""
    judged = [trial for trial in found.trials if trial.judged]
    rows = [
        Dot(
            trial.contender.title,
            100 * trial.error.mean,
            100 * trial.error.sd,
            _error_text(trial),
            trial.contender.key == advised.method,
        )
        for trial in judged
    ]
    guess = 100 * found.guess
    marked = guess if guess < 2 * max(row.mean for row in rows) else None
    return dots("Error of every method on points held out", rows, "misclassified, %", marked)


def _table(found: Evidence, advised: Recommendation) -> str:
    """The numbers of the picture, and seconds."""
    keys = [trial.contender.key for trial in found.trials]
    strong = keys.index(advised.method) if advised.method in keys else None
    rows = [_cells(trial) for trial in found.trials]
    return table(("method", "error, %", "±", "splits", "seconds a fit"), rows, strong)


def _cells(trial: Trial) -> Sequence[str]:
    """A row of the table."""
    if not trial.judged:
        return (trial.contender.title, "left out", "", "", "")
    error = trial.error
    seconds = f"{np.mean(trial.seconds):.2g}"
    return (trial.contender.title, f"{100 * error.mean:.2f}", f"{100 * error.sd:.2f}", str(len(error.values)), seconds)


def _caption(found: Evidence) -> str:
    """What the picture shows."""
    n_train, n_test = next((one.n_train, one.n_test) for one in found.trials if one.judged)
    learners = "standardised features" if found.setting.standardize else "the features as they are"
    return (
        f'<p class="small">Mean and standard deviation over random splits into {n_train:,} points to learn from and '
        f"{n_test:,} to test on; all methods see the same splits. Dashed, where it is near: always naming the largest "
        f"class, {100 * found.guess:.1f} %. Learners and SVMs see {learners}. A gain counts as seen where the 95 % "
        "interval of the difference on the same splits, corrected for the points that splits share, lies below zero."
        "</p>"
    )


def _planes(found: Evidence) -> list[str]:
    """The clouds."""
    if not found.planes:
        return []
    drawn = "".join(clouds(one.title, one.points.tolist(), one.codes.tolist(), found.labels) for one in found.planes)
    text = (
        "Points of the first test part, which neither map has seen. Two coordinates do not show all that a metric does."
    )
    return [f'<h2>Before and after</h2><div class="row">{drawn}</div><p class="small">{text}</p>']


def _relevance(found: Evidence) -> str:
    """A dot a feature, those that matter most first."""
    means, reaches = 100 * found.relevance.means, 100 * found.relevance.reaches
    first = np.argsort(-means, kind="stable")[:MOST_FEATURES]
    matter = set(found.relevance.matter.tolist())
    rows = [
        Dot(found.features[f], means[f], reaches[f], f"{means[f]:+.1f} ± {reaches[f]:.1f}", f in matter)
        for f in first.tolist()
    ]
    if not rows:
        return ""
    shown = f", the first {len(first)} of {found.d}" if len(first) < found.d else ""
    drawn = dots("Rise of the error where a feature is shuffled", rows, "rise of the error where shuffled, points")
    text = f"Mean and 95 % interval{shown}; blue where the interval lies above zero. Copies of a feature hide it."
    return f'<h2>Which features matter to k-NN</h2>{drawn}<p class="small">{text}</p>'


def _by_class(found: Evidence) -> str:
    """Errors of each class, of the methods that stand for one metric and several."""
    shown = [one for key in ("raw", "standardised", "lmnn", "multi") if (one := found.judged(key)) is not None]
    if not shown or len(found.labels) < 2:
        return ""
    worst = np.argsort(-shown[-1].by_class, kind="stable")[:MOST_CLASSES]
    rows = [[found.labels[c], *(f"{100 * trial.by_class[c]:.1f}" for trial in shown)] for c in worst.tolist()]
    header = ["class", *(trial.contender.title for trial in shown)]
    more = f", the worst {MOST_CLASSES} of {len(found.labels)}" if len(found.labels) > MOST_CLASSES else ""
    return f"<h2>Error by class, %{more}</h2>{table(header, rows)}"
