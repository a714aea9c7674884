"""Options that several commands share, each list written once: as a dataclass that a decorator builds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeAlias

import click
from click.shell_completion import CompletionItem

from lmnn_sdp.datasets.builtin import DATASETS, PUBLISHED, load
from lmnn_sdp.datasets.dataset import Dataset
from lmnn_sdp.datasets.tables import Table, read_table
from lmnn_sdp.datasets.text import TextFormat
from lmnn_sdp.numerics.files import check_writable
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.validation import check_data

Command: TypeAlias = Callable[..., None]

TO_FILE = click.Path(dir_okay=False, path_type=Path)
FROM_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def option(*declarations: str, **settings: Any) -> Any:
    """A field of a dataclass of options, with what the command line says of it."""
    return field(metadata={"declarations": declarations, "settings": settings})


def takes(**kinds: type) -> Callable[[Command], Command]:
    """Add the options of dataclasses to a command, which gets an object of each under its keyword."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_options(**given: Any) -> None:
            built = {
                keyword: kind(**{name.name: given.pop(name.name) for name in fields(kind)})
                for keyword, kind in kinds.items()
            }
            command(**built, **given)

        listed = [one for kind in kinds.values() for one in fields(kind)]
        decorated: Command = with_options
        for one in reversed(listed):  # the help lists them in the order of the fields
            decorated = click.option(*one.metadata["declarations"], one.name, **one.metadata["settings"])(decorated)
        return click.argument("data", shell_complete=_data)(decorated)

    return decorate


def _data(context: click.Context, argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """What a shell may complete DATA to: files, and the built-in names that begin so."""
    names = [CompletionItem(name) for name in sorted({*DATASETS, *PUBLISHED}) if name.startswith(begun)]
    return [CompletionItem(begun, type="file"), *names]


def _neighbors(text: str) -> int | str:
    """An integer, or the word auto."""
    try:
        return text if text == "auto" else int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither an integer nor auto") from None


@dataclass(frozen=True)
class FileOptions:
    """How DATA is read where it is a file."""

    label: str | None = option("--label", metavar="NAME", help="Name of the label column, or of the label array (NPZ).")
    label_position: int | None = option(
        "--label-position", type=int, help="Position of the label column instead: 0 is the first, -1 the last."
    )
    drop: tuple[str, ...] = option(
        "--drop", multiple=True, metavar="NAME", help="Leave out a column: a name, or a position without a header."
    )
    header: bool | None = option(
        "--header/--no-header",
        default=None,
        help="Whether the first line names the columns; by default it is looked at.",
    )
    delimiter: str | None = option(
        "--delimiter", metavar="CHAR", help="Between cells: a character, tab, or space; by default it is looked for."
    )
    decimal: str = option("--decimal", type=click.Choice([".", ","]), default=".", help="Decimal mark.")
    encoding: str | None = option("--encoding", help="Of text files; by default UTF-8, or what their first bytes tell.")
    fetch: bool = option(
        "--fetch", is_flag=True, help="Let scikit-learn download one of the paper's data sets that has no local file."
    )

    def read(self, data: str) -> Dataset:
        """The built-in data set of that name, or the file."""
        if data.replace("-", "_") in (*DATASETS, *PUBLISHED):
            self._check_unused(data)
            return load(data, self.fetch).training()
        if not Path(data).suffix:
            raise ValueError(
                f"{data!r} is no built-in data set ({', '.join(DATASETS)}), none of the paper's larger ones "
                f"({', '.join(PUBLISHED)}) and no file with an ending such as .csv"
            )
        if self.label is not None and self.label_position is not None:
            raise click.UsageError("--label and --label-position say the same thing twice; give one of them")
        form = TextFormat(self.header, self.delimiter, self.decimal, self.encoding)
        label = self.label if self.label_position is None else self.label_position
        return read_table(data, label, drop=self.drop, text=form)

    def _check_unused(self, data: str) -> None:
        """Built-in data need none of these options."""
        for declaration, _ in self.given():
            if declaration != "--fetch":
                raise click.UsageError(f"{declaration} is for files, and {data} is built in")

    def given(self) -> Iterator[tuple[str, Any]]:
        """First declaration and value of each option of reading that is not at its default."""
        for one in fields(FileOptions):
            settings, value = one.metadata["settings"], getattr(self, one.name)
            if value not in (None, (), settings.get("default", False if "is_flag" in settings else None)):
                yield one.metadata["declarations"][0], value


@dataclass(frozen=True)
class NamedProblem:
    """A problem, the name of its data, and what their columns are."""

    name: str
    problem: Problem
    columns: str = "features"


@dataclass(frozen=True)
class ProblemOptions(FileOptions):
    """A data set and a problem on it."""

    minus_one_is_class: bool = option(
        "--minus-one-is-class", is_flag=True, help="Labels of -1 beside two or more others are a class, not a mark."
    )
    neighbors: int | str = option(
        "-k",
        "--neighbors",
        type=_neighbors,
        metavar="INTEGER|auto",
        default=3,
        help="Target neighbours of each point; auto: 3, or as many as the smallest class allows.",
    )
    mu: float = option("--mu", default=0.5, help="Weight of the push term, in (0, 1).")
    reg: float = option("--reg", default=0.0, help="Weight of a trace penalty on M.")
    standardize: bool = option(
        "--standardize", is_flag=True, help="Give every feature zero mean and unit variance first."
    )
    points: int | None = option(
        "--points", type=click.IntRange(min=1), help="Use a random sample of about that many points."
    )

    def dataset(self, data: str, quiet: bool) -> Dataset:
        """DATA as it is; tells how a file was understood, unless quiet."""
        dataset = self.read(data)
        if isinstance(dataset, Table) and not quiet:
            click.echo(dataset.summary(), err=True)
            for warning in dataset.warnings():
                click.echo(f"Warning: {warning}", err=True)
        return dataset

    def sampled(self, dataset: Dataset) -> Dataset:
        """The random sample that is asked for, or all of it."""
        return dataset if self.points is None else dataset.sample(self.points)

    def problem(self, data: str, quiet: bool) -> NamedProblem:
        """The problem on DATA that the options say."""
        dataset = self.dataset(data, quiet)
        dataset = dataset.standardized() if self.standardize else dataset
        dataset = self.mapped(self.sampled(dataset))
        problem = Problem.from_data(
            dataset.X,
            dataset.y,
            self.neighbors,
            self.mu,
            reg=self.reg,
            minus_one_is_class=self.minus_one_is_class,
            **self.family(dataset),
        )
        return NamedProblem(dataset.name, problem, self.columns)

    @property
    def columns(self) -> str:
        """What the columns of the problem's data are."""
        return "features"

    def mapped(self, dataset: Dataset) -> Dataset:
        """The points that the problem is on: the data themselves."""
        return dataset

    def family(self, dataset: Dataset) -> dict[str, Any]:
        """What else the problem is made of: nothing, for a single full metric."""
        return {}


@dataclass(frozen=True)
class FamilyOptions(ProblemOptions):
    """The same for all of the family."""

    metrics: str = option(
        "--metrics",
        metavar="one|class|N",
        default="one",
        help="One metric for all, one a class, or one for each of N clusters of k-means.",
    )
    structure: str = option(
        "--structure", type=click.Choice(["full", "diagonal"]), default="full", help="diagonal: a weight a feature."
    )

    kernel: str | None = option(
        "--kernel",
        type=click.Choice(["linear", "poly", "rbf", "sigmoid", "cosine"]),
        help="Learn in the coordinates of a kernel PCA; the solution is a metric on these.",
    )
    kernel_components: int | None = option(
        "--kernel-components", type=int, help="Coordinates; by default 50, or a third of the points if that is less."
    )
    gamma: float | None = option("--gamma", type=float, help="Of rbf, poly and sigmoid; by default 1 / features.")

    def mapped(self, dataset: Dataset) -> Dataset:
        """The points, or their coordinates in a kernel PCA."""
        if self.kernel is None:
            if self.kernel_components is not None or self.gamma is not None:
                raise click.UsageError("--kernel-components and --gamma belong to --kernel; say which kernel")
            return dataset
        n = len(check_data(dataset.X))
        if self.kernel_components is not None and not 1 <= self.kernel_components <= n:
            raise click.UsageError(
                f"--kernel-components {self.kernel_components} must be from 1 to the number of points, {n}"
            )
        from lmnn_sdp.estimators.kernel_lmnn import kernel_pca  # scikit-learn is slow to import

        pca = kernel_pca(dataset.X, self.kernel_components, kernel=self.kernel, gamma=self.gamma)
        return replace(dataset, name=f"{dataset.name}_{self.kernel}", X=pca.transform(dataset.X))

    @property
    def columns(self) -> str:
        """Features, or coordinates of a kernel PCA."""
        return "features" if self.kernel is None else "kernel coordinates"

    def family(self, dataset: Dataset) -> dict[str, Any]:
        """Blocks and structure."""
        return {"blocks": self._blocks(dataset), "structure": self.structure}

    def _blocks(self, dataset: Dataset) -> Any:
        """For `Problem.from_data`."""
        if self.metrics in ("one", "class"):
            return None if self.metrics == "one" else "class"
        if not self.metrics.isdigit() or not 1 <= int(self.metrics) <= len(dataset.X):
            raise click.UsageError(f"--metrics {self.metrics} must be one, class, or a number of clusters")
        from sklearn.cluster import KMeans  # scikit-learn is slow to import

        return KMeans(int(self.metrics), n_init=10, random_state=0).fit(dataset.X).labels_


@dataclass(frozen=True)
class OutputOptions:
    """How the result is printed."""

    as_json: bool = option("--json", is_flag=True, help="Print one JSON object.")
    quiet: bool = option("--quiet", is_flag=True, help="No progress; print nothing but the result.")

    @property
    def silent(self) -> bool:
        """Whether nothing is said of how the data were understood."""
        return self.quiet or self.as_json


def tol_option(description: str, default: float = 1e-6) -> Callable[[Command], Command]:
    """The tolerance of a solve."""
    return click.option("--tol", default=default, help=description)


def time_limit_option(description: str) -> Callable[[Command], Command]:
    """The time of a solve."""
    return click.option("--time-limit", type=float, help=description)


figures_option = click.option(
    "--figures", type=click.Path(file_okay=False, path_type=Path), help="Draw figures into this folder."
)


def check_outputs(*files: Path | None, folder: Path | None = None, data: str = "") -> None:
    """Fail before the solve, not after it, when a result could not be written, or would be written over the data."""
    named = [path for path in files if path is not None]
    for number, path in enumerate(named):
        if os.path.realpath(path) == os.path.realpath(data):
            raise ValueError(f"{path} holds the data, which would be lost; name another file for the result")
        if os.path.realpath(path) in map(os.path.realpath, named[:number]):
            raise ValueError(f"{path} is named for two results, of which one would be lost; name two files")
    wanted = [(path, path.parent) for path in files if path is not None]
    for path, parent in wanted if folder is None else [*wanted, (folder, folder)]:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            probe = parent / f".lmnn-sdp-{os.getpid()}"
            probe.touch()
            probe.unlink()
            if path != folder:
                check_writable(path)
        except OSError as error:
            raise ValueError(f"cannot write {path}: {error.strerror or error}; choose another path") from error
