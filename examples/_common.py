"""What the examples share: how an interval is printed, the style of the pictures and the folder where they go."""

from __future__ import annotations

import argparse
import sys
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from lmnn_sdp import plots
from lmnn_sdp.plots import MARKERS, scientific

__all__ = ["MARKERS", "interval", "save_picture", "scientific"]

plt.style.use(plots.STYLE)


def interval(lower_bound: float, objective: float, unit: str = "0.001") -> str:
    """The interval rounded outward to multiples of a unit: what is printed is proved, and the same on every machine."""
    low, high = Decimal(lower_bound) / Decimal(unit), Decimal(objective) / Decimal(unit)
    low, high = low.to_integral_value(ROUND_FLOOR), high.to_integral_value(ROUND_CEILING)
    return f"{low * Decimal(unit)} <= optimum <= {high * Decimal(unit)}"


def save_picture(figure: Figure) -> None:
    """Write the figure as a PNG file named like the example that was started."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("out/examples"), help="folder of the picture")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{Path(sys.argv[0]).stem}.png"
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})
    print(f"picture: {path}")
