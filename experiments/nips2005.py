"""Figure 2 of Weinberger, Blitzer & Saul (NIPS 2005) on its four small data sets, each LMNN with its proved gap.

The faces need the paper's images (see `lmnn_sdp.datasets.load`), and are left out where these are missing.
"""

from __future__ import annotations

from typing import Any

from harness import bench, paper_data
from harness.reproduction import nips
from lmnn_sdp.datasets import DATASETS
from lmnn_sdp.datasets.local_files import VARIABLE

SPLITS = 100


def main() -> None:
    """Run every split of every data set."""
    options = bench.options(__doc__)
    folder = paper_data.folder()
    results: dict[str, Any] = {}
    for name, row in nips.ROWS.items():
        if row.case.data not in DATASETS and not folder:
            print(f"{name} is left out: {VARIABLE} names no folder with its files")
            continue
        results[name] = found = nips.run(row, 2 if options.quick else SPLITS)
        bars = (f"{bar} {found['mean'][bar]:.1f} ({found['paper'][bar]:.1f})" for bar in nips.BARS)
        print(f"{name}: {', '.join(bars)}", flush=True)
    print("errors in percent, in brackets the paper's")
    print(bench.write("nips2005", options, {"data": results}))


if __name__ == "__main__":
    main()
