"""Three tilted clouds in the plane, before and after: the data of the neighbourhood figure."""

from __future__ import annotations

import numpy as np

from harness import bench
from lmnn_sdp import Problem, solve

POINTS, QUICK_POINTS = 40, 10  # of each class
TILT = 0.5  # radians


def main() -> None:
    """Draw the points, solve, write points and metric."""
    options = bench.options(__doc__)
    rng = np.random.default_rng(1)
    n = QUICK_POINTS if options.quick else POINTS
    clouds = [np.column_stack([rng.normal(c, 0.35, n), rng.normal(0, 3, n)]) for c in (0, 1.3, 2.6)]
    turn = np.array([[np.cos(TILT), -np.sin(TILT)], [np.sin(TILT), np.cos(TILT)]])
    X, y = np.concatenate(clouds) @ turn, np.repeat([1, 2, 3], n)
    solution = solve(Problem.from_data(X, y))
    print(solution)
    result = {"X": X.tolist(), "y": y.tolist(), "M": solution.M.tolist(), "solution": solution.summary()}
    print(bench.write("plane", options, result))


if __name__ == "__main__":
    main()
