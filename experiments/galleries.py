"""Figures 4 and 5 of Weinberger & Saul (2009): faces and digits with the neighbours that enter and leave by learning.

Both need the paper's images (see `lmnn_sdp.datasets.load`), and are left out where these are missing.
"""

from __future__ import annotations

from typing import Any

from harness import bench, paper_data
from harness.paper_figures.neighbours import Gallery, run
from harness.reproduction.protocol import CASES, split
from lmnn_sdp.datasets.local_files import VARIABLE

GALLERIES = {"oFaces": Gallery((38, 31), 30, 6, 1e-6), "mnist": Gallery((28, 28), 164, 6, 1e-3)}
QUICK = {"oFaces": Gallery((38, 31), 30, 2, 1e-2)}


def main() -> None:
    """Learn on each data set and keep the images."""
    options = bench.options(__doc__)
    folder = paper_data.folder()
    results: dict[str, Any] = {}
    for name, gallery in (QUICK if options.quick else GALLERIES).items():
        if not folder:
            print(f"{name} is left out: {VARIABLE} names no folder with its files")
            continue
        results[name] = found = run(split(CASES[name], 0), gallery)
        before, after = found["errors_percent"]
        print(f"{name}: errors {before:.2f} % before, {after:.2f} % after (gap {found['gap']:.0e}); ", end="")
        print(f"{found['mended']} of {found['n_test']:,} mended, {found['spoilt']} spoilt", flush=True)
    print(bench.write("galleries", options, {"galleries": results}))


if __name__ == "__main__":
    main()
