"""What the command line prints: results as text or as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from lmnn_sdp.analysis.audit import Audit
from lmnn_sdp.analysis.metric_files import GivenMetric
from lmnn_sdp.cli.options import NamedProblem
from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.display.intervals import bound_text, gap_text, interval_text
from lmnn_sdp.proof.certificate import Certificate
from lmnn_sdp.solvers.passes import SolvedPass
from lmnn_sdp.solvers.solution import Solution

if TYPE_CHECKING:  # scikit-learn is slow to import
    from lmnn_sdp.analysis.comparison import Comparison, PerSplit
    from lmnn_sdp.analysis.diagnosis.diagnosis import Diagnosis
    from lmnn_sdp.analysis.diagnosis.trials import Trial
    from lmnn_sdp.estimators.lmnn import LMNN


def solution_as_json(named: NamedProblem, solution: Solution, kept: Solution) -> dict[str, Any]:
    """What ``solve --json`` prints of a solution and of what was kept of it: fewer rows, or all."""
    before = {} if kept is solution else {"of_any_rank": {"objective": solution.objective, **_rank_and_gap(solution)}}
    return {**_problem_as_json(named), **kept.summary(), **before, "message": solution.message}


def _rank_and_gap(solution: Solution) -> dict[str, Any]:
    """What fewer rows change."""
    return {"rank": solution.certificate.rank, "relative_gap": solution.relative_gap}


def passes_as_json(found: Sequence[SolvedPass]) -> dict[str, Any]:
    """What ``solve --json`` prints of several passes; nothing of one."""
    if len(found) == 1:
        return {}
    keys = ("objective", "lower_bound", "relative_gap")
    return {"passes": [{key: getattr(one.solution, key) for key in keys} for one in found]}


def audit_as_json(named: NamedProblem, metric: GivenMetric, found: Audit) -> dict[str, Any]:
    """What ``audit --json`` prints."""
    read = {"read_as": metric.kind, "shape": list(metric.shape)}
    message = found.solution.message
    return {**_problem_as_json(named), "metric": read, **found.summary(), "message": message}


def comparison_as_json(dataset: Dataset, learner: LMNN, found: Comparison) -> dict[str, Any]:
    """What ``compare --json`` prints."""
    n, d = dataset.X.shape
    asked = {"data": dataset.name, "n": n, "d": d, "k": learner.n_neighbors, "mu": learner.mu}
    asked["components"] = learner.n_components
    return {**asked, **found.summary(), "message": found.verdict.value}


def print_solution(named: NamedProblem, solution: Solution, kept: Solution) -> None:
    """What ``solve`` prints of a solution and of what was kept of it: fewer rows, or all."""
    problem = named.problem
    _print_problem(named)
    click.echo(f"  triplets       {problem.n_triplets:,}, {kept.certificate.active_triplets:,} violated")
    lower, upper = interval_text(kept.lower_bound, kept.objective)
    click.echo(f"  objective      {upper}   (over all triplets)")
    click.echo(f"  lower bound    {lower}   (proved)")
    click.echo(f"  relative gap   {gap_text(kept.relative_gap)}")
    _print_left_out(kept.certificate)
    if problem.blocks is None:
        click.echo(f"  rank of M      {kept.certificate.rank} of {problem.n_features}")
    else:
        metrics = len(problem.blocks)
        click.echo(
            f"  metrics        {metrics}, ranks {kept.certificate.rank} of {metrics * problem.n_features} together"
        )
    if kept is not solution:
        whole = f"objective {bound_text(solution.objective)}, relative gap {gap_text(solution.relative_gap)}"
        click.echo(f"  of any rank    {whole}, rank of M {solution.certificate.rank}")
    click.echo(f"  solver         {solution.effort}")
    click.echo(f"  {'Of any rank: ' if kept is not solution else ''}{solution.message}")


def print_passes(found: Sequence[SolvedPass]) -> None:
    """A line for each of several passes; objectives are of other targets, and a lower one need not be better."""
    for number, one in enumerate(found if len(found) > 1 else [], start=1):
        low, high = interval_text(one.solution.lower_bound, one.solution.objective)
        click.echo(f"pass {number}: optimum in [{low}, {high}]")


def print_audit(named: NamedProblem, metric: GivenMetric, found: Audit) -> None:
    """What ``audit`` prints."""
    problem = named.problem
    rows, columns = metric.shape
    reading = f"L ({rows} x {columns}), M = L'L" if metric.kind == "L" else f"M ({rows} x {columns})"
    residuals = [f"{condition} {value:.1e}" for condition, value in asdict(found.certificate.residuals).items()]
    _print_problem(named)
    click.echo(f"  metric         read as {reading}, rank {found.certificate.rank}")
    click.echo(f"  triplets       {problem.n_triplets:,}, {found.certificate.active_triplets:,} violated")
    click.echo(f"  objective      {bound_text(found.objective)}   (over all triplets)")
    click.echo("  optimum        {} to {}   (proved)".format(*interval_text(*found.optimum)))
    excess = interval_text(*(100 * end for end in found.excess))
    click.echo("  excess         {} % to {} %   (of the optimum)".format(*excess))
    _print_left_out(found.certificate)
    click.echo(f"  residuals      {', '.join(residuals[:2])},")
    click.echo(f"                 {', '.join(residuals[2:])}")
    click.echo(f"  solver         {found.solution.effort}. {found.solution.message}")


def print_comparison(dataset: Dataset, learner: LMNN, found: Comparison) -> None:
    """What ``compare`` prints."""
    n, d = dataset.X.shape
    _print_headline(dataset.name, n, f"{d} features", learner.n_neighbors, learner.mu)
    use = "train and standardise" if found.standardize else "train"
    click.echo(f"  splits         {found.n_splits}: {found.n_train} points to {use} on, {found.n_test} to test on")
    click.echo(f"  held-out error of {found.classifier_neighbors}-NN, mean +- standard deviation over the splits")
    click.echo(f"    before       {_percent(found.before)}   (Euclidean)")
    click.echo(f"    after        {_percent(found.after)}   (learned metric)")
    click.echo(f"    difference   {_percent(found.difference, sign='+')}   ({_interval(found)})")
    if found.largest_gap is not None:
        early = f", {found.stopped_early} of {found.n_splits} solves stopped early" if found.stopped_early else ""
        cut = f", with the cut to {learner.n_components} dimensions" if learner.n_components is not None else ""
        click.echo(f"  relative gap   {gap_text(found.largest_gap)} at most   (proved{cut}{early})")
    click.echo(f"  fits           {found.seconds.sum():.2f} s in all")
    click.echo(f"  {found.verdict.value}")


def print_diagnosis(found: Diagnosis) -> None:
    """What ``diagnose`` prints."""
    from lmnn_sdp.analysis.diagnosis.sentences import findings  # they need scikit-learn, which is slow to import

    evidence, advised = found.evidence, found.recommendation
    click.echo(f"{evidence.name}: {evidence.n:,} points, {evidence.d} features, {len(evidence.labels)} classes")
    if evidence.trials:
        click.echo(f"  {'held-out error, mean +- standard deviation over the splits':<62}seconds a fit")
    for trial in evidence.trials:
        click.echo(_trial_text(trial, trial.contender.key == advised.method))
    for question, answer in findings(evidence):
        click.echo(f"\n  {question}")
        _print_wrapped(answer)
    for heading, lines in (("Why", advised.reasons), ("What would change this", advised.doubts)):
        click.echo(f"\n  {heading}")
        for line in lines:
            _print_wrapped(line, "- ")
    for note in evidence.notes:
        click.echo("")
        _print_wrapped(note, "Note: ")
    click.echo(f"\n  {advised.advice.value}{'' if advised.sure or not advised.advice.judged else ' (Not sure.)'}")
    for follow in (advised.command, advised.code):
        if follow is not None:
            click.echo(f"    {follow}")
    click.echo(f"  {found.seconds:.1f} s of {60 * found.minutes:g} s")


def _trial_text(trial: Trial, recommended: bool) -> str:
    """A method in a line."""
    title = f"  {'>' if recommended else ' '} {trial.contender.title:<30}"
    if not trial.judged:
        return f"{title}left out"
    return f"{title}{_percent(trial.error):<32}{float(trial.seconds.mean()):.2g}"


def _print_wrapped(text: str, mark: str = "") -> None:
    """A paragraph, indented."""
    click.echo(textwrap.fill(text, 100, initial_indent=f"    {mark}", subsequent_indent=" " * (4 + len(mark))))


def print_table(solutions: list[Solution]) -> None:
    """A row for each solver."""
    click.echo(f"{'solver':<10}{'objective':>16}{'lower bound':>16}{'gap':>10}{'rank':>6}{'seconds':>9}  status")
    for s in solutions:
        lower, upper = interval_text(s.lower_bound, s.objective)
        click.echo(
            f"{s.solver:<10}{upper:>16}{lower:>16}{gap_text(s.relative_gap):>10}"
            f"{s.certificate.rank:>6}{s.seconds:>9.2f}  {s.status.name}"
        )


def _print_left_out(certificate: Certificate) -> None:
    """What the interval says nothing about, if anything."""
    if certificate.left_out:
        features = ", ".join(map(str, certificate.left_out))
        click.echo(f"  left out       features {features} (counted from 0): others repeat them up to rounding, and the")
        click.echo("                 interval is proved for the data without them")


def _problem_as_json(named: NamedProblem) -> dict[str, Any]:
    """The problem's part of a JSON report."""
    problem = named.problem
    return {
        "data": named.name,
        "n": problem.n_points,
        "d": problem.n_features,
        "k": problem.n_neighbors,
        "mu": problem.mu,
        "triplets": problem.n_triplets,
    }


def _print_problem(named: NamedProblem) -> None:
    """First line of a report on one problem."""
    problem = named.problem
    columns = f"{problem.n_features} {named.columns}"
    _print_headline(named.name, problem.n_points, columns, problem.n_neighbors, problem.mu)


def _print_headline(name: str, n: int, columns: str, k: int | str, mu: float) -> None:
    """First line of a report."""
    click.echo(f"{name}: {n} points, {columns}, k = {k}, mu = {mu:g}")


def _percent(errors: PerSplit, sign: str = "") -> str:
    """Mean and standard deviation."""
    return f"{100 * errors.mean:{sign}6.2f} % +- {100 * errors.sd:5.2f} %"


def _interval(found: Comparison) -> str:
    """The interval of the difference in words."""
    if found.interval is None:
        return "the same on every split"
    lower, upper = found.interval
    return f"95 % interval {100 * lower:+.2f} % to {100 * upper:+.2f} %"
