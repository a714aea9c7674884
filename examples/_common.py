"""What the examples share: the style of the pictures, and ``--out FOLDER``, where the picture goes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from lmnn_sdp import plots

plt.style.use(plots.STYLE)


def save_picture(figure: Figure) -> None:
    """Write the figure as a PNG file named like the example that was started."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("out/examples"), help="folder of the picture")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{Path(sys.argv[0]).stem}.png"
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})
    print(f"picture: {path}")
