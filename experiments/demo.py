"""The demo: LMNN to a proved optimum on four data sets, as one table, one result file and figures."""

from __future__ import annotations

from harness import bench
from harness.paths import OUT
from lmnn_sdp import Problem, plots, solve
from lmnn_sdp.analysis.summaries import margin_histogram, spectrum
from lmnn_sdp.display.intervals import gap_text, interval_text

NAMES = ("iris", "wine", "breast_cancer", "balance_scale")


def main() -> None:
    """Solve, print, write, draw."""
    options = bench.options(__doc__)
    folder = options.out if options.quick else OUT / "demo"
    names = NAMES[:1] if options.quick else NAMES
    print("LMNN with k = 3 and mu = 0.5 on standardised data, to a proved relative gap of 1e-6", flush=True)
    print(f"kernels compiled or loaded in {bench.warm_up():.1f} s", flush=True)
    problems = {name: _problem(name) for name in names}
    solutions = {name: solve(problem, tol=1e-6) for name, problem in problems.items()}
    body = [
        [
            name,
            f"{problem.n_points} x {problem.n_features}",
            f"{problem.n_triplets:,}",
            *interval_text(solutions[name].lower_bound, solutions[name].objective),
            gap_text(solutions[name].relative_gap),
            solutions[name].certificate.rank,
            f"{solutions[name].seconds:.2f}",
        ]
        for name, problem in problems.items()
    ]
    print(bench.table(["data", "n x d", "triplets", "lower bound", "objective", "gap", "rank", "seconds"], body))
    result = {name: s.summary() | {"history": bench.rows(s.history)} for name, s in solutions.items()}
    print("drawing the figures ...", flush=True)
    path = bench.write("demo", bench.Options(options.quick, folder), {"solutions": result})
    histories = {name: s.history for name, s in solutions.items()}
    plots.save(plots.convergence(histories, one_problem=False), folder, "convergence")
    plots.save(
        plots.working_set(histories, {name: problem.n_triplets for name, problem in problems.items()}),
        folder,
        "working_set",
    )
    features = {name: problem.n_features for name, problem in problems.items()}
    plots.save(plots.spectrum({name: spectrum(s) for name, s in solutions.items()}, features), folder, "spectrum")
    for name, problem in problems.items():
        figure = plots.margins(*margin_histogram(problem, solutions[name]), name=name)
        plots.save(figure, folder, f"margins_{name}")
    print(f"\nresults: {path}\nfigures: {folder}")


def _problem(name: str) -> Problem:
    """Standardised data with k = 3 and mu = 0.5."""
    data = bench.dataset(name, "standardised")
    return Problem.from_data(data.X, data.y)


if __name__ == "__main__":
    main()
