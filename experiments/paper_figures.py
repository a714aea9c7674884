"""Figures 2, 7, 8 and 13 of Weinberger & Saul (2009) made again, with every convex problem solved to a proved gap.

Figures 8 and 13 need MNIST beside this repository, and are left out where it is missing. What each part does, and what
of it the paper does not give, stands in `harness/paper_figures`.
"""

from __future__ import annotations

import time
from typing import Any

from harness import bench
from harness.paper_data import digits
from harness.paper_figures import circles, digits_plane, reduction, stripes
from harness.paths import SHARED_DATA


def main() -> None:
    """Compute what the four figures show."""
    options = bench.options(__doc__)
    bench.warm_up()
    begin = time.perf_counter()
    results: dict[str, Any] = {"stripes": stripes.run(options.quick)}
    print(stripes_table(results["stripes"]), flush=True)
    results["circles"] = circles.run(options.quick)
    print("\n" + circles_table(results["circles"]), flush=True)
    folder = SHARED_DATA / "mnist"
    if folder.exists():
        training, test = digits(folder, "train"), digits(folder, "t10k")
        results["digits_plane"] = digits_plane.run(*training, options.quick)
        print("\n" + digits_table(results["digits_plane"]) + "\n", flush=True)
        results["reduction"] = reduction.run(training, test, options.quick)
    else:
        print(f"\nno MNIST in {folder}: figures 8 and 13 are left out")
    print(bench.write("paper_figures", options, results | {"seconds": time.perf_counter() - begin}))


def stripes_table(result: dict[str, Any]) -> str:
    """Errors of the plain reading beside the paper's, and those of the variants."""
    runs = [result["plain"], *result["variants"]]
    names = list(result["plain"]["methods"])
    body = [["paper", *(f"{result['plain']['methods'][name]['paper_percent']:.1f}" for name in names)]]
    for run in runs:
        kind = ", ".join(f"{key} {value:g}" for key, value in run["kind"].items())
        cells = [run["methods"].get(name) for name in names]
        body.append([kind, *("-" if cell is None else f"{cell['percent']:.1f}" for cell in cells)])
    return f"Fig. 2: test errors in percent, n = {result['n']}\n" + bench.table(["stripes", *names], body)


def circles_table(result: dict[str, Any]) -> str:
    """Errors by the number of metrics."""
    counts = [row["metrics"] for row in result["plain"]["counts"]]
    papers = [row["paper_percent"] for row in result["plain"]["counts"]]
    body = [["paper", *("-" if paper is None else f"{paper:.0f}" for paper in papers)]]
    for run in [result["plain"], *result["variants"]]:
        errors = [f"{row['percent']:.1f}" for row in run["counts"]]
        kind = ", ".join(f"{key} {value}" for key, value in run["kind"].items())
        body.append([kind, *errors, *["-"] * (len(counts) - len(errors))])
    return "Fig. 7: errors left one out in percent\n" + bench.table(["circles", *map(str, counts)], body)


def digits_table(result: dict[str, Any]) -> str:
    """The ellipse of each class."""
    body = [
        [row["digit"], *(f"{row[key]:.2f}" for key in ("long", "short")), f"{row['degrees']:.0f}"]
        for row in result["classes"]
    ]
    title = f"Fig. 8: {result['n']} digits, gap {result['gap']:.1e}\n"
    return title + bench.table(["digit", "long half axis", "short", "degrees"], body)


if __name__ == "__main__":
    main()
