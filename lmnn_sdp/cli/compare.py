"""``lmnn-sdp compare``: whether the metric helps on held-out points."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from lmnn_sdp.cli.exits import INTERRUPTED, STOPPED, status_instead_of_warning
from lmnn_sdp.cli.options import OutputOptions, ProblemOptions, check_outputs, figures_option, option, takes
from lmnn_sdp.cli.reports import comparison_as_json, print_comparison


@dataclass(frozen=True)
class CompareOptions:
    """The learner and the splits."""

    components: int | None = option(
        "--components", type=int, help="Dimensions of the learned space; by default as many as it needs."
    )
    splits: int = option("--splits", default=10, help="Random stratified splits into a training and a test part.")
    test_size: float = option("--test-size", default=0.3, help="Share of the points to test on.")
    classifier_neighbors: int = option(
        "--classifier-neighbors", default=3, help="Neighbours that vote on the class of a test point."
    )
    seed: int = option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Chooses the splits.")
    tol: float = option("--tol", default=1e-4, help="Relative gap at which each solve stops.")
    time_limit: float | None = option("--time-limit", type=float, help="Seconds at most for each solve.")


@click.command("compare")
@takes(options=ProblemOptions, how=CompareOptions, output=OutputOptions)
@figures_option
def compare_command(
    data: str, options: ProblemOptions, how: CompareOptions, output: OutputOptions, figures: Path | None
) -> None:
    """Tell whether the metric helps k-NN on held-out points of DATA, before and after on the same splits.

    With --standardize every split takes mean and variance from its training part alone. Exits with 0 whether the
    metric helps or not, with 1 when a solver stopped before --tol, with 130 after Ctrl-C.
    """
    from lmnn_sdp.analysis.comparison import compare  # they need scikit-learn, which is slow to import
    from lmnn_sdp.estimators.lmnn import LMNN

    check_outputs(folder=figures)
    dataset = options.sampled(options.dataset(data, output.silent))
    learner = LMNN(
        n_neighbors=options.neighbors,
        mu=options.mu,
        reg=options.reg,
        minus_one_is_class=options.minus_one_is_class,
        n_components=how.components,
        tol=how.tol,
        time_limit=how.time_limit,
        verbose=not output.quiet,
    )
    try:
        with status_instead_of_warning():
            found = compare(
                dataset.X,
                dataset.y,
                estimator=learner,
                classifier_neighbors=how.classifier_neighbors,
                n_splits=how.splits,
                test_size=how.test_size,
                standardize=options.standardize,
                random_state=how.seed,
            )
    except KeyboardInterrupt:
        click.echo("Interrupted before the last split was done, so there is no comparison.", err=True)
        sys.exit(INTERRUPTED)
    if figures is not None:
        from lmnn_sdp import plots

        plots.save(plots.comparison(found, dataset.name), figures, f"{dataset.name}_comparison")
    if output.as_json:
        click.echo(json.dumps(comparison_as_json(dataset, learner, found), indent=2))
    else:
        print_comparison(dataset, learner, found)
    sys.exit(STOPPED if found.stopped_early else 0)
