"""Figures 4 and 5 of Weinberger & Saul (2009) from ``galleries.json``: nothing is computed here."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lmnn_sdp.plots.style import styled

NAMES = {"oFaces": "paper_04", "mnist": "paper_05"}
ROWS = {
    "test": "test image",
    "entered": "of its class,\nnear only\nafter learning",
    "left": "of another\nclass, near only\nbefore learning",
}


def pictures(result: dict[str, Any]) -> dict[str, Figure]:
    """A figure for each data set that the result has."""
    return {NAMES[name]: gallery(found) for name, found in result["galleries"].items()}


@styled
def gallery(found: dict[str, Any]) -> Figure:
    """Mended test images, and below each the neighbour that entered and the one that left."""
    height, width = found["pixels"]
    columns = len(found["shown"])
    figure = Figure(figsize=(1.6 + 1.25 * columns, 0.9 + 3 * 1.25 * height / width))
    panels = figure.subplots(len(ROWS), columns, squeeze=False)
    for row, (part, name) in zip(panels, ROWS.items(), strict=True):
        for axes, images in zip(row, found["shown"], strict=True):
            axes.imshow(np.reshape(images[part]["grey"], (height, width)), cmap="gray", vmin=0, vmax=255)
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            for spine in axes.spines.values():
                spine.set_visible(False)
            axes.set_xlabel(images[part]["label"], labelpad=2)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
    before, after = found["errors_percent"]
    what = "the number is the class" if height == width else "the number is the person"
    counts = f"{found['mended']} of {found['n_test']:,} test images mended, {found['spoilt']} spoilt"
    figure.suptitle(f"Errors of 3-NN {before:.1f} % before, {after:.1f} % after: {counts}; {what}", fontsize=11)
    return figure
