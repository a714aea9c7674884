"""The look of every figure: style sheet, colours, and how a figure is saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import ParamSpec

import matplotlib.style
from matplotlib.figure import Figure

from lmnn_sdp.numerics.files import write_atomically

STYLE = Path(__file__).with_name("lmnn.mplstyle")
BEFORE, AFTER, KINK = "#999999", "#0072B2", "#D55E00"
OTHERS = "#777777"  # beyond the colours of the style's cycle
MARKERS = "osD^vPX*"
SMALLEST_GAP = 1e-14  # drawn for gaps that rounding makes zero
LEGEND_STROKE = "#555555"  # of what a legend says about line styles, whatever the colour

P = ParamSpec("P")


@dataclass(frozen=True)
class Look:
    """How a curve looks, and what the legend calls it.

    Attributes
    ----------
    label, color, marker : str
    """

    label: str
    color: str
    marker: str


#: Every solver looks the same in every figure. SCS on all triplets is one method, with or without CVXPY: one colour.
SOLVERS = {
    "newton": Look("newton (the default)", "C0", "o"),
    "scs": Look("scs (SCS, working sets)", "C1", "s"),
    "scs-full": Look("scs-full (SCS, all triplets)", "C2", "D"),
    "cvxpy": Look("cvxpy (Clarabel, all triplets)", "C3", "^"),
    "cvxpy:SCS": Look("cvxpy:SCS (SCS, all triplets)", "C2", "p"),
    "pgd": Look("pgd (subgradient descent)", "C4", "v"),
    "NCA": Look("NCA (scikit-learn)", "C5", "P"),
    "metric-learn": Look("metric-learn", "C6", "X"),
    "mlpack": Look("mlpack", OTHERS, "*"),
}


def look(name: str, place: int) -> Look:
    """The look of a solver, or of whatever else is drawn in this place among several.

    Parameters
    ----------
    name : str
        A solver as `lmnn_sdp.solve` and the experiments call it, or any other name.
    place : int
        Where it stands among the curves of its figure, from 0.

    Returns
    -------
    Look
        Of `SOLVERS` by its name, otherwise by its place.

    Examples
    --------
    >>> look("newton", 3).color, look("wine", 3)
    ('C0', Look(label='wine', color='C3', marker='^'))
    """
    return SOLVERS.get(name, Look(name, f"C{place % 7}", MARKERS[place % len(MARKERS)]))


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the package's style, whatever the caller's own settings."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.style.context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def scientific(value: float) -> str:
    """A tolerance or a gap in one digit: ``1e-6``, whatever its size.

    Parameters
    ----------
    value : float
        A positive number.

    Returns
    -------
    str
        The digit and the power of ten.

    Examples
    --------
    >>> scientific(1e-4), scientific(1e-06), scientific(0.18)
    ('1e-4', '1e-6', '2e-1')
    """
    digits, exponent = f"{value:.0e}".split("e")
    return f"{digits}e{int(exponent)}"


def save(figure: Figure, directory: Path, name: str) -> list[Path]:
    """Write ``name.svg`` and ``name.png`` into a folder.

    Parameters
    ----------
    figure : Figure
        What to write.
    directory : Path
        The folder; it is made where it is missing.
    name : str
        Name of both files without its ending.

    Returns
    -------
    list of Path
        Both files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.{ending}" for ending in ("svg", "png")]
    with matplotlib.style.context(STYLE):
        for path in paths:
            # no date in the file: the same numbers give the same bytes
            metadata = {"Date": None} if path.suffix == ".svg" else None
            write_atomically(path, partial(figure.savefig, format=path.suffix[1:], metadata=metadata))
    return paths
