"""The look of every figure: style sheet, colours, and how a figure is saved."""

from __future__ import annotations

from collections.abc import Callable
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
