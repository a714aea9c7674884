"""One metric a class or a cluster, solved together: against CVXPY, known values, and exact arithmetic."""

import warnings

import cvxpy as cp
import numpy as np
import pytest
from exact import assert_proved
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from lmnn_sdp import Problem, Solution, Status, certify, solve
from lmnn_sdp.numerics.linalg import eigh, symmetrize
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers import kink_system, newton_system
from lmnn_sdp.solvers.newton_system import NewtonSystem, projection_weights


def tiny(seed):
    """Twenty-odd points in two to four dimensions: a metric a class, or a cluster that crosses classes."""
    rng = np.random.default_rng(seed)
    n, d, classes = int(rng.integers(18, 28)), int(rng.integers(2, 5)), int(rng.integers(2, 4))
    y = np.arange(n) % classes
    X = rng.normal(size=(classes, d))[y] + rng.normal(size=(n, d))
    blocks = "class" if seed % 2 else np.arange(n) // classes % 2
    return Problem.from_data(X, y, 2, float(rng.choice([0.3, 0.5, 0.8])), blocks=blocks, reg=0.1 * (seed % 3))


def oracle(problem):
    """The optimum by CVXPY, from the definition alone, and how far to trust it: a distance is a row of numbers."""
    d, codes = problem.n_features, problem.blocks.codes
    M = [cp.Variable((d, d), PSD=True) for _ in range(len(problem.blocks))]
    entries = cp.hstack([cp.vec(block, order="C") for block in M])

    def distance(a, b):
        difference, row = problem.X[a] - problem.X[b], np.zeros((len(M), d * d))
        row[codes[b]] = np.outer(difference, difference).ravel()
        return row.ravel()

    pull = sum(distance(i, j) for i, j in zip(*problem.target_pairs(), strict=True))
    hinges = np.array([distance(i, j) - distance(i, l) for i, j, l in problem.all_triplets()])
    push = cp.sum(cp.pos(1 + hinges @ entries))
    reg = sum(cp.trace(problem.R @ block) for block in M)
    program = cp.Problem(cp.Minimize((1 - problem.mu) * (pull @ entries) + problem.mu * push + reg))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")  # the status tells it too
        best = program.solve(solver=cp.CLARABEL, tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    return best, 1e-7 if program.status == cp.OPTIMAL else 1e-5


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 20))])
def test_intervals_hold_the_optimum_of_cvxpy(seed):
    problem = tiny(seed)
    solution = solve(problem, tol=1e-7)
    best, accuracy = oracle(problem)
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= best * (1 + accuracy)
    assert solution.objective >= best * (1 - accuracy)
    assert solution.M.shape == (len(problem.blocks), problem.n_features, problem.n_features)


@pytest.mark.parametrize("seed", range(6))
def test_intervals_are_true_in_exact_arithmetic(seed):
    problem = tiny(seed)
    solution = solve(problem, tol=1e-6)
    assert assert_proved(problem, solution) < 1e-11
    again = certify(problem, solution.M, solution.triplets, solution.alpha)
    assert again.overlaps(solution.certificate)


@pytest.mark.parametrize(("load", "optimum"), [(load_iris, 193.363878), (load_wine, 109.2553567)])
def test_known_optima(load, optimum):
    X, y = load(return_X_y=True)
    solution = solve(Problem.from_data(StandardScaler().fit_transform(X), y, blocks="class"), tol=1e-8)
    assert solution.status is Status.OPTIMAL
    assert solution.lower_bound <= optimum * (1 + 3e-9)
    assert solution.objective >= optimum * (1 - 3e-9)


def test_more_metrics_cannot_cost_more():
    X, y = load_iris(return_X_y=True)
    single = solve(Problem.from_data(X, y), tol=1e-4)
    several = solve(Problem.from_data(X, y, blocks="class"), tol=1e-4, start=single)
    assert several.objective <= single.objective * (1 + 1e-12)
    assert several.history[0].objective <= single.objective * (1 + 1e-9)


def test_a_solution_survives_its_file_and_starts_another(tmp_path):
    problem = tiny(1)
    solution = solve(problem, tol=1e-6)
    solution.save(tmp_path / "solution.npz")
    again = Solution.load(tmp_path / "solution.npz")
    assert np.array_equal(again.M, solution.M)
    warm = solve(problem, tol=1e-6, start=again)
    assert warm.rounds <= 1
    with pytest.raises(ValueError, match=r"start has \d metrics, but the problem 1"):
        solve(problem.alone, start=again)


@pytest.mark.parametrize("solver", ["scs", "pgd", "cvxpy", "scs-full"])
def test_other_solvers_refuse_by_name(solver):
    with pytest.raises(
        ValueError,
        match=f"solver='{solver}' is for a single full metric without weights, but the problem has several metrics",
    ):
        solve(tiny(1), solver)


def dense_apply(X, graph, maps, kinks, W, s, z, damping, D):
    """The system's matrix from sums over the matrices of each kink, block by block."""
    codes = graph.blocks.codes
    out = np.zeros_like(D)
    for i, j, l in graph.triplets[kinks]:
        rows = [(1.0, codes[l], maps[codes[l]].T @ (X[i] - X[l])), (-1.0, codes[j], maps[codes[j]].T @ (X[i] - X[j]))]
        margin = sum(sign * (v @ D[block] @ v) for sign, block, v in rows)
        for sign, block, v in rows:
            out[block] += s * margin * sign * np.outer(v, v)
    for block in range(len(D)):
        w, Q = eigh(W[block])
        out[block] += z * (Q @ (projection_weights(w) * (Q.T @ D[block] @ Q)) @ Q.T) + z * damping * D[block]
    return out


@pytest.mark.parametrize("way", ["direct", "kinks", "conjugate gradients"])
@pytest.mark.parametrize("seed", range(4))
def test_newton_systems_meet_the_dense_system(monkeypatch, seed, way):
    rng = np.random.default_rng(seed)
    problem = whiten(tiny(seed)).problem
    graph = problem.graph(problem.all_triplets())
    kinks = np.sort(rng.permutation(len(graph.triplets))[:12])
    W, G = (symmetrize(rng.normal(size=problem.identity.shape)) for _ in range(2))
    monkeypatch.setattr(newton_system, "MAX_DIRECT", 10**6 if way == "direct" else 0)
    monkeypatch.setattr(newton_system, "few_enough", lambda *sizes: way == "kinks")
    eigenvalues, Q = eigh(W)
    D = NewtonSystem.of(graph, kinks, Q, eigenvalues, 3.0, 2.0, 1e-2, 1e-4).solve(G)
    residual = dense_apply(problem.X, graph, problem.blocks.maps, kinks, W, 3.0, 2.0, 1e-2, D) + G
    bound = 2e-4 if way == "conjugate gradients" else 1e-9
    assert np.linalg.norm(residual) <= bound * np.linalg.norm(G)


def test_kinks_are_factored_where_they_are_few_and_never_of_one_metric():
    assert kink_system.few_enough(100, 10, 30, 1e-3)
    assert not kink_system.few_enough(100, 1, 30, 1e-3)
    assert not kink_system.few_enough(0, 10, 30, 1e-3)
    assert not kink_system.few_enough(kink_system.MOST + 1, 10, 500, 1e-8)


def test_digits_reduced_by_pca(digits_to_30):
    solution = solve(Problem.from_data(*digits_to_30, blocks="class"), tol=1e-3)
    assert solution.lower_bound <= 916.2177 + 0.001
    assert solution.objective >= 916.2177 - 0.001


@pytest.fixture(scope="module")
def digits_to_30():
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return PCA(30, svd_solver="full").fit_transform(StandardScaler().fit_transform(X)), y
