"""Nonzeros and speed of the slack SDP's cone forms in SCS: which variables should the dense rows be shared through?

rows      a dense row for each triplet, no pair variables
pairs     every pair distance a variable
chosen    pair variables where that leaves fewer nonzeros (what the package builds)
points    vectors u_a = M x_a as variables, so that no row of a triplet is dense
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import scs

from harness import bench
from lmnn_sdp import Problem, solve
from lmnn_sdp.numerics.linalg import smat, svec, svec_indices
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers.conic import ConicForm, Share, build

ACCURACY = 1e-6
MAX_ITERS = 4000
BANDS = {"iris": (None, 0.2), "wine": (1.0, 0.2), "breast_cancer": (0.05,)}  # None: all triplets in the SDP


def main() -> None:
    """Build every form of a few SDPs, solve each, and write the table."""
    options = bench.options(__doc__)
    bench.warm_up()
    names = ("iris",) if options.quick else tuple(BANDS)
    results = [
        measure(name, band, form)
        for name in names
        for band in BANDS[name]
        if band or not options.quick
        for form in ("rows", "pairs", "chosen", "points")
    ]
    header = ["sdp", "form", "rows x columns", "nonzeros", "set-up s", "ms an iteration", "iterations"]
    print(bench.table(header, [list(result["text"]) for result in results]))
    print(bench.write("sdp_forms", options, {"accuracy": ACCURACY, "forms": results}))


def measure(name: str, band: float | None, form: str) -> dict[str, Any]:
    """One form of one SDP: the triplets within ``band`` of their kink at the optimum, the violated ones frozen."""
    data = bench.dataset(name, "standardised")
    white = whiten(Problem.from_data(data.X, data.y))
    problem = white.problem
    if band is None:
        sdp = SlackSDP.of(problem)
    else:
        hinges = problem.hinges(solve(problem, tol=1e-5).L, slack=band)
        near = np.abs(hinges.values) <= band
        sdp = SlackSDP.of(problem, hinges.triplets[near], hinges.triplets[~near])
    if form == "points":
        A, b, c, cone = points_form(sdp)
    else:
        share = {"rows": Share.NEVER, "pairs": Share.ALWAYS, "chosen": Share.WHERE_CHEAPER}[form]
        built: ConicForm = build(sdp, share)
        A, b, c, cone = built.A, built.b, built.c, built.cone
    settings = {"eps_abs": ACCURACY, "eps_rel": ACCURACY, "max_iters": MAX_ITERS, "verbose": False}
    solver, setup = bench.timed(
        lambda: scs.SCS({"A": A, "b": b, "c": c}, cone, linear_solver=scs.LinearSolver.QDLDL, **settings)
    )
    outcome, seconds = bench.timed(solver.solve)
    info = outcome["info"]
    label = f"{name}, {len(sdp.triplets):,} triplets" + (" (all)" if band is None else "")
    return {
        "sdp": label,
        "form": form,
        "shape": list(A.shape),
        "nonzeros": int(A.nnz),
        "setup_seconds": setup,
        "solve_seconds": seconds,
        "iterations": info["iter"],
        "status": info["status"],
        "objective": info["pobj"] + sdp.constant,
        "text": [
            label,
            form,
            f"{A.shape[0]:,} x {A.shape[1]:,}",
            f"{A.nnz:,}",
            f"{setup:.2f}",
            f"{1000 * seconds / info['iter']:.2f}",
            info["iter"] if info["status"] == "solved" else f"{info['iter']} (not solved)",
        ],
    }


def points_form(sdp: SlackSDP) -> tuple[scipy.sparse.csc_array, np.ndarray, np.ndarray, dict[str, Any]]:
    """Variables svec M, u_a = M x_a for every point a in use, and slacks; a triplet's row has 6 d entries at most."""
    reference = build(sdp)
    used, position = np.unique(sdp.triplets, return_inverse=True)
    i, j, l = position.reshape(sdp.triplets.shape).T
    X = reference.unit * sdp.X[used]
    n, d = X.shape
    m, p = len(sdp.triplets), d * (d + 1) // 2
    packed = np.stack([smat(e) for e in np.eye(p)])  # basis matrices
    row, _ = svec_indices(d)
    U = scipy.sparse.csc_array(np.einsum("prc,nc->nrp", packed, X).reshape(n * d, p))
    triplet = np.repeat(np.arange(m), d)
    feature = np.tile(np.arange(d), m)
    # d(a, b) = (x_a - x_b)' (u_a - u_b)
    blocks = [(i, X[i] - X[l]), (l, X[l] - X[i]), (i, X[j] - X[i]), (j, X[i] - X[j])]
    values = np.concatenate([difference.ravel() for _, difference in blocks])
    columns = np.concatenate([np.repeat(point, d) * d + feature for point, _ in blocks])
    G = scipy.sparse.csc_array((values, (np.tile(triplet, 4), columns)), shape=(m, n * d))
    eye_m, eye_p, eye_u = (scipy.sparse.eye_array(size) for size in (m, len(row), n * d))
    A = scipy.sparse.block_array(
        [[-U, eye_u, None], [None, None, -eye_m], [None, -G, -eye_m], [-eye_p, None, None]], format="csc"
    )
    b = np.concatenate([np.zeros(n * d + m), -np.ones(m), np.zeros(p)])
    c = np.concatenate([svec(reference.unit**2 * sdp.Q), np.zeros(n * d), np.full(m, sdp.mu)])
    return A, b, c, {"z": n * d, "l": 2 * m, "s": [d]}


if __name__ == "__main__":
    main()
