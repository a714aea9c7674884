"""``lmnn-sdp diagnose``: whether a metric is worth learning."""

from __future__ import annotations

import json
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lmnn_sdp.cli.exits import INTERRUPTED
from lmnn_sdp.cli.options import TO_FILE, OutputOptions, ProblemOptions, check_outputs, option, takes
from lmnn_sdp.cli.reports import print_diagnosis
from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.datasets.tables import Table

SHOWN_EVERY = 2.0  # seconds


@dataclass(frozen=True)
class DiagnoseOptions:
    """Time, splits and the page."""

    minutes: float = option("--minutes", default=2.0, help="Time that it keeps.")
    splits: int = option("--splits", default=10, help="Random stratified splits, 70 % of the points to learn from.")
    classifier_neighbors: int = option("--classifier-neighbors", default=3, help="Neighbours that vote on a point.")
    seed: int = option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Chooses sample and splits.")
    html: Path | None = option("--html", type=TO_FILE, help="Write a page with all numbers and pictures.")


@click.command("diagnose")
@takes(options=ProblemOptions, how=DiagnoseOptions, output=OutputOptions)
def diagnose_command(data: str, options: ProblemOptions, how: DiagnoseOptions, output: OutputOptions) -> None:
    """Tell whether a metric is worth learning for DATA, why, and what to run next.

    k-NN, PCA, LDA, NCA, the members of LMNN and SVMs on the same held-out points, within --minutes; what would not fit
    is left out by name. --standardize gives learners standardised features even where k-NN is better without. Exits
    with 0 whatever is recommended, with 130 after Ctrl-C.
    """
    from lmnn_sdp.analysis.diagnosis.diagnosis import diagnose  # it needs scikit-learn, which is slow to import

    check_outputs(how.html, data=data)
    dataset = options.sampled(options.dataset(data, output.silent))
    try:
        found = diagnose(
            _named(dataset),
            dataset.y,
            minutes=how.minutes,
            n_neighbors=options.neighbors,
            classifier_neighbors=how.classifier_neighbors,
            mu=options.mu,
            reg=options.reg,
            standardize=options.standardize,
            minus_one_is_class=options.minus_one_is_class,
            n_splits=how.splits,
            random_state=how.seed,
            name=dataset.name,
            command=_told(data, options),
            callback=None if output.silent else _Pace().follow,
        )
    except KeyboardInterrupt:
        click.echo("Interrupted before all methods were compared, so there is no diagnosis.", err=True)
        sys.exit(INTERRUPTED)
    if how.html is not None:
        found.save_html(how.html)
    if output.as_json:
        click.echo(json.dumps(found.summary(), indent=2))
    else:
        print_diagnosis(found)


class _Pace:
    """Shows on standard error what happens, at most once in a while."""

    def __init__(self) -> None:
        self._next = time.monotonic() + SHOWN_EVERY

    def follow(self, text: str) -> None:
        """A line, unless one was shown a moment ago."""
        if time.monotonic() >= self._next:
            click.echo(f"  {text}", err=True)
            self._next = time.monotonic() + SHOWN_EVERY


def _named(dataset: Dataset) -> Any:
    """The points, with the names of their features where a file has them."""
    if not isinstance(dataset, Table):
        return dataset.X
    import pandas as pd  # slow to import

    return pd.DataFrame(dataset.X, columns=list(dataset.features))


def _told(data: str, options: ProblemOptions) -> str:
    """DATA and the options of reading it, as a shell takes them."""
    words = [data]
    for declaration, value in options.given():
        if isinstance(value, bool):  # --flag, or --yes/--no
            words.append(declaration.split("/")[0 if value else 1])
        else:
            for each in value if isinstance(value, tuple) else (value,):
                words += [declaration, str(each)]
    words += ["--minus-one-is-class"] if options.minus_one_is_class else []
    return shlex.join(words)
