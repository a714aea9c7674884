"""Margins before and after, and spectra: the data of the margin and spectrum figures."""

from __future__ import annotations

from typing import Any

from harness import bench
from lmnn_sdp import Problem, solve
from lmnn_sdp.analysis.summaries import margin_histogram, spectrum, violated

NAMES = ("iris", "wine", "breast_cancer", "balance_scale")


def main() -> None:
    """Solve, count margins, write."""
    options = bench.options(__doc__)
    bench.warm_up()
    results = {name: measure(name) for name in (NAMES[:2] if options.quick else NAMES)}
    header = ["data", "triplets", "violated before", "violated after", "rank"]
    body = [
        [name, f"{r['triplets']:,}", f"{r['violated_before']:,}", f"{r['violated_after']:,}", r["rank"]]
        for name, r in results.items()
    ]
    print(bench.table(header, body))
    print(bench.write("margins", options, {"data": results}))


def measure(name: str) -> dict[str, Any]:
    """Margins under the Euclidean metric times its best factor and under the optimum, and the optimum's spectrum."""
    data = bench.dataset(name, "standardised")
    problem = Problem.from_data(data.X, data.y)
    solution = solve(problem)
    edges, before, after = margin_histogram(problem, solution)
    return {
        "triplets": problem.n_triplets,
        "edges": edges,
        "before": before,
        "after": after,
        "violated_before": violated(edges, before),
        "violated_after": violated(edges, after),
        "eigenvalues": spectrum(solution),
        "rank": solution.certificate.rank,
        "relative_gap": solution.relative_gap,
    }


if __name__ == "__main__":
    main()
