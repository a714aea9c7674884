"""The picture with a slider on the page about LMNN in a picture: ``python figures/slider.py``.

Points, targets and metric are those of the page's first block of code. The picture needs no server and no library: the
map goes from a multiple of the identity to the root of M, positions are sums of a few products, and a circle is a
circle since distances are Euclidean after the map.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "experiments"))

from harness.paths import ROOT
from lmnn_sdp.numerics.files import write_text_atomically
from lmnn_sdp.problem.scale import euclidean_scale

PAGE = ROOT / "docs" / "lmnn_in_a_picture.md"
PICTURE = PAGE.with_suffix(".html")
FOCUS = 4  # the point that is chosen at first
TEMPLATE = Path(__file__).with_suffix(".html")


def main() -> None:
    """Write the picture beside its page."""
    text = drawn()
    write_text_atomically(PICTURE, lambda file: file.write(text))


def drawn() -> str:
    """The picture as a piece of HTML."""
    names: dict[str, Any] = {}
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None, f"{PAGE} has no block of code"
    exec(found[1], names)
    problem, M = names["problem"], names["solution"].M
    values, vectors = np.linalg.eigh(M)
    root = (vectors * np.sqrt(values)) @ vectors.T
    data = {
        "points": np.round(problem.X, 4).tolist(),
        "classes": problem.y.tolist(),
        "targets": problem.targets.tolist(),
        "before": (np.sqrt(euclidean_scale(problem)) * np.eye(2)).round(4).tolist(),
        "after": root.round(4).tolist(),
        "mu": problem.mu,
        "focus": FOCUS,
    }
    return TEMPLATE.read_text().replace("{data}", json.dumps(data))


if __name__ == "__main__":
    main()
