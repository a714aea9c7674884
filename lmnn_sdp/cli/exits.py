"""Exit codes, and errors as one sentence."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from lmnn_sdp.numerics.engine import WorkerMemoryError
from lmnn_sdp.solvers.solution import Status

STOPPED = 1  # before the tolerance was reached, or refuted
WRONG = 2  # input or usage
INTERRUPTED = 130

DOES_NOT_FIT = "this does not fit into memory; allow the process more, or take a random sample with --points N"

EXIT_CODES = """\b
Exit codes:
  0    done
  1    a solver stopped before its tolerance, two certified intervals do not overlap, or a proof is refuted
  2    wrong input or usage; one sentence says what is wrong and what to do
  130  interrupted"""


class WrongInput(click.ClickException):
    """What is wrong with the input, in one sentence."""

    exit_code = WRONG


class Group(click.Group):
    """Commands whose errors are one sentence each, without a traceback."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the arguments; an interrupt exits with `INTERRUPTED`."""
        try:
            return super().make_context(*arguments, **options)
        except KeyboardInterrupt:
            raise interrupted() from None

    def invoke(self, context: click.Context) -> Any:
        """Run a command; what is wrong with the input exits with `WRONG`, an interrupt with `INTERRUPTED`."""
        try:
            return super().invoke(context)
        except (KeyboardInterrupt, click.Abort):
            raise interrupted() from None
        except BrokenPipeError:  # whoever reads our output has seen enough, as in `| head`
            raise
        except (ValueError, OSError, OverflowError, MemoryError, ImportError) as error:
            if out_of_memory(error) and not isinstance(error, WorkerMemoryError):
                raise WrongInput(DOES_NOT_FIT) from error
            if isinstance(error, ImportError):  # an optional package, or a damaged installation
                raise
            raise WrongInput(str(error)) from error


def interrupted() -> click.exceptions.Exit:
    """What ends the process after Ctrl-C."""
    click.echo("Interrupted.", err=True)
    return click.exceptions.Exit(INTERRUPTED)


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: for arrays, for the system, or for a library that was to be loaded."""
    unmapped = isinstance(error, ImportError) and "failed to map segment" in str(error)
    return unmapped or isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM


def exit_code(status: Status) -> int:
    """0 when the tolerance was reached, 1 when not, 130 after Ctrl-C as is the custom."""
    return INTERRUPTED if status is Status.INTERRUPTED else 0 if status.solved else STOPPED


@contextmanager
def status_instead_of_warning() -> Iterator[None]:
    """No ConvergenceWarning: the status is printed."""
    from sklearn.exceptions import ConvergenceWarning  # slow to import; ``--help`` need not wait for it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
