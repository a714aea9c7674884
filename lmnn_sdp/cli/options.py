"""Options that several commands share, and what is checked of them before any work."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import click

from lmnn_sdp.datasets.builtin import DATASETS, load
from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.datasets.tables import read_table
from lmnn_sdp.problem.problem import Problem

Command: TypeAlias = Callable[..., None]


def takes_data(command: Command) -> Command:
    """Add the argument DATA and the options of a problem on it; the command gets the data set and those options."""

    @wraps(command)
    def with_data(data: str, label: str | None, **options: Any) -> None:
        command(_load(data, label), **options)

    return _add(
        with_data,
        click.argument("data"),
        click.option("--label", help="Label column: name or position (CSV, TSV), or array name (NPZ)."),
        click.option(
            "-k",
            "--neighbors",
            type=_neighbors,
            metavar="INTEGER|auto",
            default=3,
            help="Target neighbours of each point; auto: 3, or as many as the smallest class allows.",
        ),
        click.option("--mu", default=0.5, help="Weight of the push term, in (0, 1)."),
        click.option("--reg", default=0.0, help="Weight of a trace penalty on M."),
        click.option("--standardize", is_flag=True, help="Give every feature zero mean and unit variance first."),
        click.option("--points", type=int, help="Use a random sample of about that many points."),
    )


def takes_problem(command: Command) -> Command:
    """The same options, for a command that gets the data's name and the problem built from them."""

    @wraps(command)
    def with_problem(
        dataset: Dataset,
        neighbors: int | str,
        mu: float,
        reg: float,
        standardize: bool,
        points: int | None,
        **options: Any,
    ) -> None:
        if standardize:
            dataset = dataset.standardized()
        if points is not None:
            dataset = dataset.sample(points)
        command(dataset.name, Problem.from_data(dataset.X, dataset.y, neighbors, mu, reg=reg), **options)

    return takes_data(with_problem)


def prints_result(command: Command) -> Command:
    """Add how the result is printed."""
    return _add(
        command,
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option("--quiet", is_flag=True, help="No progress; print nothing but the result."),
    )


def tol_option(description: str, default: float = 1e-6) -> Callable[[Command], Command]:
    """The tolerance of a solve."""
    return click.option("--tol", default=default, help=description)


def time_limit_option(description: str) -> Callable[[Command], Command]:
    """The time of a solve."""
    return click.option("--time-limit", type=float, help=description)


figures_option = click.option(
    "--figures", type=click.Path(file_okay=False, path_type=Path), help="Draw figures into this folder."
)


def _add(command: Command, *decorators: Callable[[Command], Command]) -> Command:
    """Decorate so that the help lists the options in the order given."""
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def _neighbors(text: str) -> int | str:
    """An integer, or the word auto."""
    try:
        return text if text == "auto" else int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither an integer nor auto") from None


def _load(data: str, label: str | None) -> Dataset:
    """Built-in name or file."""
    if data.replace("-", "_") in DATASETS:
        return load(data)
    if Path(data).suffix:
        return read_table(Path(data), label)
    raise ValueError(f"{data!r} is no built-in data set ({', '.join(DATASETS)}) and no CSV, TSV or NPZ file")


def check_writable(*files: Path | None, folder: Path | None = None) -> None:
    """Fail before the solve, not after it, when a result could not be written."""
    wanted = [(path, path.parent) for path in files if path is not None]
    for path, parent in wanted if folder is None else [*wanted, (folder, folder)]:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            probe = parent / f".lmnn-sdp-{os.getpid()}"
            probe.touch()
            probe.unlink()
            if path.is_file():
                path.open("ab").close()
        except OSError as error:
            raise click.ClickException(f"cannot write {path}: {error.strerror}; choose another path") from error
