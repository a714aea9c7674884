"""The parts of the exact mode and of proof files on whole numbers."""

import math
from dataclasses import replace
from fractions import Fraction

import flint
import numpy as np
import pytest
from exact import exact_objective, exact_slack

from lmnn_sdp import Problem, certify
from lmnn_sdp.proof import exact as exact_mode
from lmnn_sdp.proof import proof_files
from lmnn_sdp.proof.exact import exact_interval, exact_of_map, is_psd
from lmnn_sdp.proof.proof_files import Proof, check_for, prove

REG = np.array([[3.0, 1, 0], [1, 2, 0], [0, 0, 1]])
L = np.array([[1.0, -1, 2], [0, 2, 1]]) / 4
NONE = np.empty((0, 3), dtype=np.intp), np.empty(0)


def grid(reg=REG, mu=0.25, **options):
    X = np.random.default_rng(0).integers(-4, 5, size=(12, 3)).astype(float)
    return replace(Problem.from_data(X, np.arange(12) % 3, 2, mu, reg=reg), **options)


def multipliers(problem, size=2.0**-8):
    triplets = problem.all_triplets()[::7]
    return triplets, size * np.arange(len(triplets))


def said(call, *arguments, **options):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("reg", [0.0, 2.0, REG])
def test_both_bounds_are_those_of_the_definitions(reg):
    problem = grid(reg, mu=0.3)
    triplets, alpha = multipliers(problem)
    found = exact_of_map(problem, L, triplets, alpha)
    f = exact_objective(problem, L)
    assert Fraction(math.nextafter(found.objective, 0)) < f <= Fraction(found.objective)
    assert found.lower_bound == float(sum(map(Fraction, alpha.tolist())))
    assert found.scale == 1
    assert found.active_triplets == len(problem.hinges(L).values)
    cost, pushed = exact_mode._dual(problem, triplets, alpha, ())
    S = exact_slack(problem, triplets, alpha)
    difference = cost - pushed
    assert all(S[a][b] == Fraction(str(difference[a, b])) for a in range(3) for b in range(3))


def test_a_metric_that_is_no_product_of_floats():
    problem = grid()
    M = flint.fmpq_mat(3, 3, [flint.fmpq(int(a == b), 3) for a in range(3) for b in range(3)])
    found = exact_interval(problem, M, *NONE)
    X, third = problem.X.tolist(), Fraction(1, 3)
    apart = lambda a, b: third * sum(Fraction(s - t) ** 2 for s, t in zip(X[a], X[b], strict=True))  # noqa: E731
    pull = push = 0
    for i, j, l in problem.all_triplets().tolist():
        push += max(0, 1 + apart(i, j) - apart(i, l))
    for i, row in enumerate(problem.targets.tolist()):
        pull += sum(apart(i, j) for j in row)
    f = Fraction(3, 4) * pull + Fraction(1, 4) * push + third * 6
    assert Fraction(math.nextafter(found.objective, 0)) < f <= Fraction(found.objective)
    assert (found.lower_bound, found.scale) == (0, 1)


def test_features_left_out_are_not_in_the_slack():
    problem = grid(0.0)
    problem = replace(problem, X=np.c_[problem.X[:, :2], problem.X[:, 0] + problem.X[:, 1]])  # singular, exactly
    triplets, alpha = multipliers(problem, 2.0**-12)
    kept = exact_mode._dual(problem, triplets, alpha, (1,))[0]
    assert (kept.nrows(), kept.ncols()) == (2, 2)
    assert exact_of_map(problem, L * [1, 0, 1], triplets, alpha, (1,)).scale == 1


def test_scales_are_tried_from_one_down_to_zero():
    scales = exact_mode._scales()
    assert scales[:3] == [1.0, 1 - 2.0**-52, 1 - 2.0**-50]
    assert scales[-2:] == [1 - 2.0**-2, 0.0]
    assert sorted(scales, reverse=True) == scales
    problem = grid(0.0)
    triplets = problem.all_triplets()
    found = exact_interval(problem, flint.fmpq_mat(3, 3), triplets, np.full(len(triplets), 0.25))
    assert (found.scale, found.lower_bound) == (0, 0)
    indefinite = exact_interval(grid(-1e3 * REG), flint.fmpq_mat(3, 3), *NONE)
    assert (indefinite.scale, indefinite.lower_bound) == (-math.inf, -math.inf)
    assert found.active_triplets == problem.n_triplets
    assert found.objective == 0.25 * problem.n_triplets


@pytest.mark.parametrize(
    ("S", "psd"),
    [
        ([[0]], True),
        ([[-1]], False),
        ([[2]], True),
        ([[1, 2], [2, 4]], True),
        ([[1, 2], [2, 3]], False),
        ([[-1, 0], [0, -1]], False),
        ([[0, 1], [1, 0]], False),
        ([[2, -1, 0], [-1, 2, -1], [0, -1, 2]], True),
        ([[1, 0, 0], [0, 0, 0], [0, 0, -1]], False),
        ([[-1, 0, 0], [0, -1, 0], [0, 0, 1]], False),
    ],
)
def test_definiteness(S, psd):
    assert is_psd(flint.fmpq_mat(len(S), len(S), [entry for row in S for entry in row])) is psd


@pytest.mark.parametrize("sign", [-1, 1])
def test_numbers_are_rounded_to_the_next_float_on_a_side(sign):
    third, largest = sign * Fraction(1, 3), np.finfo(np.float64).max
    below, above = exact_mode._rounded(third, -math.inf), exact_mode._rounded(third, math.inf)
    assert Fraction(below) < third < Fraction(above)
    assert math.nextafter(below, math.inf) == above
    assert exact_mode._rounded(Fraction(sign, 4), math.inf) == exact_mode._rounded(Fraction(sign, 4), -math.inf)
    huge = sign * Fraction(10) ** 400
    assert exact_mode._rounded(huge, math.inf) == (math.inf if sign > 0 else -largest)
    assert exact_mode._rounded(huge, -math.inf) == (largest if sign > 0 else -math.inf)


def test_the_lowest_direction():
    assert exact_mode._lowest(np.diag([3.0, -2.0, 5])) == -2
    assert exact_mode._lowest(np.array([[0.0, 1], [1, 0]])) == pytest.approx(-1, rel=1e-15)


def test_what_the_exact_mode_refuses_word_for_word(monkeypatch):
    problem = grid()
    triplets, alpha = multipliers(problem)
    assert said(certify, problem, -np.eye(3), triplets, alpha, exact=True) == (
        "M is not exactly PSD: a direction v has v'Mv = -1 |v|^2; add a little more than that to its diagonal, or take "
        "exact=False, which projects M"
    )
    part = problem.restrict(problem.all_triplets()[:5])
    assert said(exact_mode.check_exact, part) == (
        "the problem is restricted to a working set, but exact arithmetic takes all triplets"
    )
    monkeypatch.setattr(exact_mode, "LARGEST_SIZE", 144 + 192)
    monkeypatch.setattr(exact_mode, "LARGEST_DIMENSION", 3)
    exact_mode.check_exact(problem)
    monkeypatch.setattr(exact_mode, "LARGEST_SIZE", 335)
    message = (
        "12 points, 3 features and 192 triplets are too many for exact arithmetic (limits: {} triplets and pairs of "
        "points, {} features); take a random sample, --points N"
    )
    assert said(exact_mode.check_exact, problem) == message.format(335, 3)
    monkeypatch.setattr(exact_mode, "LARGEST_SIZE", 1_000)
    monkeypatch.setattr(exact_mode, "LARGEST_DIMENSION", 2)
    assert said(exact_mode.check_exact, problem) == message.format("1,000", 2)
    monkeypatch.setattr(exact_mode, "flint", None)
    assert said(exact_mode.check_exact, problem) == (
        'exact arithmetic needs python-flint; install it with pip install "lmnn-sdp[exact]"'
    )


def test_an_exact_certificate_replaces_bounds_and_counts_alone():
    problem = grid()
    triplets, alpha = multipliers(problem)
    M = L.T @ L
    plain, found = certify(problem, M, triplets, alpha), certify(problem, M, triplets, alpha, exact=True)
    interval = exact_of_map(problem, L, triplets, alpha)
    assert found == replace(
        plain,
        objective=interval.objective,
        lower_bound=interval.lower_bound,
        active_triplets=interval.active_triplets,
    )
    twice = certify(problem, M, triplets, np.where(alpha > 0, 1.0, -1.0), exact=True)  # clipped to [0, mu]
    assert twice.lower_bound <= found.objective


# Proof files.


@pytest.mark.parametrize("reg", [0.0, 2.0, REG])
def test_a_proof_holds_the_problem(reg):
    problem = grid(reg)
    triplets, alpha = multipliers(problem)
    proof = prove(problem, L, triplets, alpha)
    arrays = proof.arrays
    assert np.array_equal(arrays["targets"], problem.targets)
    assert np.array_equal(arrays["triplets"], triplets)
    assert {arrays[name].dtype for name in ("targets", "triplets", "left_out")} == {np.dtype(np.int64)}
    assert arrays["mu"] == 0.25
    assert arrays["mu"].shape == ()
    assert np.shape(arrays["reg"]) == ((3, 3) if reg is REG else ())
    assert np.array_equal(arrays["reg"], reg)
    assert arrays["L"] is L
    assert arrays["left_out"].shape == (0,)
    assert arrays["kept"].tolist() == [0, 1, 2]
    assert arrays["T"].shape == (3, 3)
    assert np.array_equal(arrays["alpha"], alpha * (1 - 2.0**-44))
    assert arrays["interval"].tolist() == [proof.verdict.lower, proof.verdict.upper * (1 + 2.0**-44)]
    assert check_for(problem, arrays) == proof.verdict


def test_multipliers_are_shortened_until_they_are_accepted(monkeypatch):
    problem = grid()
    tried = []

    def accepts(X, codes, arrays):
        assert X is problem.X
        assert codes is problem.codes
        tried.append(1 - arrays["alpha"][-1] / alpha[-1])
        assert arrays["interval"].tolist() == [-np.finfo(float).max, np.finfo(float).max]
        return proof_files.Verdict(len(tried) == 3, "no", 1.0, 2.0)

    monkeypatch.setattr(proof_files, "check", accepts)
    triplets, alpha = multipliers(problem)
    proof = prove(problem, L, triplets, alpha)
    np.testing.assert_allclose(tried, [2.0**-44, 2.0**-42, 2.0**-40], rtol=1e-2)
    assert proof.arrays["interval"].tolist() == [1.0, 2 * (1 + 2.0**-44)]
    monkeypatch.setattr(proof_files, "check", lambda *_: proof_files.Verdict(False, "too bold"))
    message = "the checker refutes this proof: too bold; solve again, to a smaller tol"
    assert said(prove, problem, L, triplets, alpha) == message
    assert proof_files.SHORTER.tolist() == [2.0**-k for k in range(44, 9, -2)]
    part = problem.restrict(problem.all_triplets()[:5])
    assert said(prove, part, L, triplets, alpha) == (
        "the problem is restricted to a working set, but a proof is about all triplets: solve it whole"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mu": 0.5}, "it is a proof for mu = 0.25, not 0.5"),
        ({"reg": 1.0}, "it is a proof for another reg"),
        ({"n_neighbors": 1}, "it is a proof for 2 target neighbours, not 1"),
        ({"n_neighbors": 3}, "it is a proof for 2 target neighbours, not 3"),
    ],
)
def test_a_proof_of_another_problem(change, words):
    problem = grid()
    proof = prove(problem, L, *multipliers(problem))
    other = Problem.from_data(problem.X, problem.y, **{"n_neighbors": 2, "mu": 0.25, "reg": REG, **change})
    verdict = check_for(other, proof.arrays)
    assert (verdict.proved, verdict.words) == (False, words)
    assert (verdict.lower, verdict.upper) == (proof.verdict.lower, proof.verdict.upper)
    broken = check_for(problem, {**proof.arrays, "mu": np.array(2.0)})
    assert broken.words == "mu is not between 0 and 1, or the interval has not two ends"


def test_a_proof_for_targets_of_ones_own(tmp_path):
    problem = grid(0.5)
    furthest = [[j for j in range(12) if j != i and j % 3 == i % 3][-2:] for i in range(12)]
    own = Problem.from_data(problem.X, problem.y, mu=0.25, targets=furthest, reg=0.5)
    proof = prove(own, L, *NONE)
    assert not proof.verdict.nearest
    assert check_for(own, proof.arrays).proved
    assert check_for(problem, proof.arrays).words == "it is a proof for other target neighbours"
    nearest = prove(problem, L, *NONE)
    nearest.save(tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz") as held:
        assert {name: held[name].tolist() for name in held} == {
            name: np.asarray(array).tolist() for name, array in nearest.arrays.items()
        }
    assert isinstance(nearest, Proof)


@pytest.mark.parametrize("reg", [0.0, 0.5])
def test_the_map_of_a_proof_spans_the_features_kept(reg):
    problem = grid(reg)
    X = np.c_[problem.X[:, :2], np.ones(12), problem.X[:, 0]]
    wide = Problem.from_data(X, problem.y, 2, 0.25, reg=reg)
    arrays = prove(wide, np.c_[L, L[:, :1]] * [1, 1, 0, 0], *multipliers(wide, 2.0**-12)).arrays
    d = len(arrays["kept"])
    assert d == (4 if reg else 2)
    assert arrays["T"].shape == (d, d)
    S = wide.cost[np.ix_(arrays["kept"], arrays["kept"])]
    np.testing.assert_allclose(arrays["T"].T @ S @ arrays["T"], np.eye(d), atol=1e-9)
