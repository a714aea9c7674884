"""The parts of the checker on whole numbers, where floats round nothing: each number is the one of the definitions."""

import itertools
import math
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from exact import exact_objective, exact_slack

from lmnn_sdp import Problem
from lmnn_sdp.proof import checker

FOREVER = np.array([-1e300, 1e300])
REG = np.array([[3.0, 1, 0], [1, 2, 0], [0, 0, 1]])
T = np.array([[1.0, 2, -1], [0, 1, 3], [0, 0, -2]])
L = np.array([[1.0, -1, 2], [0, 2, 1]]) / 4
ROUGH = 2.0**-24  # a unit roundoff so large that every allowance shows


def grid(reg=REG, mu=0.25, alpha=2.0**-8):
    """A problem on whole numbers and arrays that prove an interval of it; alpha on a few triplets."""
    X = np.random.default_rng(0).integers(-4, 5, size=(12, 3)).astype(float)
    problem = Problem.from_data(X, np.arange(12) % 3, 2, mu, reg=reg)
    triplets = problem.all_triplets()[::7]
    arrays = {
        "digest": np.array(checker.digest(X, problem.codes)),
        "targets": problem.targets,
        "mu": np.array(mu),
        "reg": np.array(reg),
        "left_out": np.empty(0, dtype=int),
        "L": L,
        "triplets": triplets,
        "alpha": alpha * np.arange(len(triplets)),
        "kept": np.arange(3),
        "T": T,
        "interval": FOREVER,
    }
    return problem, arrays


def read(problem, arrays):
    return checker._read(problem.X, problem.y, arrays)


def transformed(S, T):
    """``T'ST``, all entries whole numbers times a power of two."""
    S = np.array([[float(entry) for entry in row] for row in S])
    return T.T @ S @ T


@pytest.mark.parametrize(("reg", "told"), [(REG, "a matrix"), (0.5, "0.5")])
def test_a_proof_is_accepted_and_says_of_which_problem(reg, told):
    problem, arrays = grid(reg)
    verdict = checker.check(problem.X, problem.y, arrays)
    f = exact_objective(problem, L)
    assert f < Fraction(verdict.upper) < f * (1 + Fraction(1, 10**12))
    assert verdict.lower == np.nextafter(arrays["alpha"].sum(), 0)
    assert verdict.nearest is True
    assert verdict.words == f"2 nearest neighbours, mu = 0.25, reg = {told}"


def test_chosen_targets_and_features_left_out_are_named():
    problem, arrays = grid(0.0)
    furthest = [[j for j in range(12) if j != i and j % 3 == i % 3][-1:] for i in range(12)]
    arrays |= {"targets": np.array(furthest), "left_out": np.array([2]), "kept": np.array([0, 1]), "T": T[:2, :2]}
    arrays |= {"L": L * [1, 1, 0], "alpha": np.zeros(0), "triplets": np.empty((0, 3), dtype=int)}
    verdict = checker.check(problem.X, problem.y, arrays)
    assert verdict.nearest is False
    assert verdict.words == "1 chosen targets, mu = 0.25, reg = 0.0, without features [2]"


def test_a_verdict_is_printed_with_twelve_digits_rounded_outwards():
    assert str(checker.Verdict(True, "it", 1 / 3, 2 / 3)) == "PROVED [0.333333333333, 0.666666666667] for it"
    assert str(checker.Verdict(False, "it", 1 / 3, 2 / 3)) == "REFUTED: it"
    assert checker.Verdict(False, "") == checker.Verdict(False, "", -math.inf, math.inf, False)


@pytest.mark.parametrize(
    ("name", "array", "fault"),
    [
        ("kept", [0, 1, 3], "has an entry that is not finite, or out of range"),
        ("kept", [0, 1, -1], "has an entry that is not finite, or out of range"),
        ("left_out", [3], "has an entry that is not finite, or out of range"),
        ("targets", np.full((12, 2), 12), "has an entry that is not finite, or out of range"),
        ("triplets", [[0, 3, -1]], "has an entry that is not finite, or out of range"),
        ("reg", np.inf, "has an entry that is not finite, or out of range"),
        ("T", np.full((3, 3), np.nan), "has an entry that is not finite, or out of range"),
        ("mu", [0.25], "is missing, or has the wrong type or shape"),
        ("mu", 1, "is missing, or has the wrong type or shape"),
        ("kept", [[0, 1, 2]], "is missing, or has the wrong type or shape"),
        ("kept", [True, True, True], "is missing, or has the wrong type or shape"),
        ("T", None, "is missing, or has the wrong type or shape"),
    ],
)
def test_arrays_that_cannot_be_read(name, array, fault):
    problem, arrays = grid()
    verdict = checker.check(problem.X, problem.y, {**arrays, name: None if array is None else np.array(array)})
    assert verdict.words == f"{name} {fault}"


@pytest.mark.parametrize("mu", [0.0, -0.5, 1.0, 1.5])
def test_mu_lies_between_0_and_1(mu):
    problem, arrays = grid()
    arrays |= {"mu": np.array(mu), "alpha": np.zeros(0), "triplets": np.empty((0, 3), dtype=int)}
    verdict = checker.check(problem.X, problem.y, arrays)
    assert verdict.words == "mu is not between 0 and 1, or the interval has not two ends"


@pytest.mark.parametrize("interval", [[0.0], [0.0, 1, 2]])
def test_an_interval_has_two_ends(interval):
    problem, arrays = grid()
    verdict = checker.check(problem.X, problem.y, {**arrays, "interval": np.array(interval)})
    assert verdict.words == "mu is not between 0 and 1, or the interval has not two ends"


@pytest.mark.parametrize("reg", [np.eye(2), np.ones((3, 2)), np.ones(3), np.triu(np.ones((3, 3)))])
def test_reg_is_a_number_or_symmetric(reg):
    problem, arrays = grid()
    words = checker.check(problem.X, problem.y, {**arrays, "reg": reg}).words
    assert words == "reg is no symmetric matrix, nor a number"


def test_numbers_of_other_widths_and_kinds_of_labels_will_do():
    problem, arrays = grid(mu=0.25)
    narrow = {name: array.astype("f4") if array.dtype.kind == "f" and name != "interval" else array
              for name, array in arrays.items()}  # fmt: skip
    narrow |= {name: arrays[name].astype("u1") for name in ("targets", "triplets", "kept")}
    whole = checker.check(problem.X, problem.y, arrays)
    assert checker.check(problem.X, problem.y, narrow) == whole
    assert checker.check(problem.X.astype(int).tolist(), [f"class {label}" for label in problem.y], arrays) == whole
    p = read(problem, narrow)
    kinds = {name: getattr(p, name).dtype for name in ("L", "alpha", "T", "targets", "triplets", "kept", "X")}
    assert set(kinds.values()) == {np.dtype("f8"), np.dtype("i8")}


def test_every_multiplier_up_to_mu_and_every_order_of_triplets_will_do():
    problem, arrays = grid(reg=1e3)
    triplets = problem.all_triplets()[::-1]
    arrays |= {"triplets": triplets, "alpha": np.where(np.arange(len(triplets)) % 2, 0.25, 0.0)}
    verdict = checker.check(problem.X, problem.y, arrays)
    assert verdict.lower == np.nextafter(0.25 * (len(triplets) // 2), 0)


def test_a_digest_tells_shapes_numbers_and_classes_apart():
    X, codes = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    digests = [
        checker.digest(X, codes),
        checker.digest(X.reshape(2, 3), codes),
        checker.digest(X, 1 - codes),
        checker.digest(-X, codes),
    ]
    assert len(set(digests)) == 4
    # what proofs of the past hold, on machines of either byte order
    assert digests[0] == "53c22ff59eaffbef63cfb16885e2e0250f086a57b8bfd80ba323fbf7cee58286"
    assert checker.digest(X.astype(">f8"), codes.astype(">i4")) == digests[0]


def test_the_dual_slack_is_that_of_the_definitions(monkeypatch):
    problem, arrays = grid()
    seen, eigh = [], np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda S: (seen.append(S), eigh(S))[1])
    assert checker._lower(read(problem, arrays)) == np.nextafter(arrays["alpha"].sum(), 0)
    true = transformed(exact_slack(problem, arrays["triplets"], arrays["alpha"]), T)
    assert np.array_equal(seen[0], true)


@pytest.mark.parametrize(
    ("reg", "lower"),
    [
        (0.0, 0.0),
        (1.0, 0.0),
        (REG, 0.0),
        (-1.0, 0.0),  # the pull makes up for it
        (-1e6, None),
        (-1e6 * REG, None),
    ],
)
def test_without_multipliers_the_cost_has_to_be_definite_where_it_is_not_plainly_so(reg, lower):
    problem, arrays = grid()
    arrays |= {"reg": np.array(reg), "alpha": np.zeros(len(arrays["alpha"]))}
    if lower is None:
        with pytest.raises(ValueError, match=r"^the dual slack S\(alpha\) is not proved positive semidefinite$"):
            checker._lower(read(problem, arrays))
    else:
        assert checker._lower(read(problem, arrays)) == lower


@pytest.mark.parametrize("kept", [[0, 1], [0, 1, 1]])
def test_a_map_on_other_features_than_those_kept_is_refused(kept):
    problem, arrays = grid(0.0)
    X = np.c_[problem.X[:, :2], problem.X[:, 0]]  # a copy, so that two features suffice
    arrays |= {"digest": np.array(checker.digest(X, problem.codes)), "kept": np.array(kept), "L": L * [1, 1, 0]}
    targets = Problem.from_data(X, problem.y, 2).targets
    arrays |= {"targets": targets, "triplets": np.array([[0, targets[0, 0], 1]]), "alpha": np.array([2.0**-8])}
    assert checker.check(X, problem.y, arrays).words == "T is not square on the features kept"
    square = {**arrays, "kept": np.array([0, 1]), "T": T[:2, :2]}
    assert checker.check(X, problem.y, square).lower == np.nextafter(2.0**-8, 0)
    # with a penalty the copy matters, although the data can do without it
    penalised = {**square, "reg": np.array(0.5)}
    words = "feature 2 is neither kept nor left out, nor a combination of those kept"
    assert checker.check(X, problem.y, penalised).words == words


def test_a_map_that_overflows_is_refuted_in_silence():
    problem, arrays = grid()
    verdict = checker.check(problem.X, problem.y, {**arrays, "T": 1e100 * T})
    assert verdict.words == "the dual slack S(alpha) is not proved positive semidefinite"
    verdict = checker.check(problem.X, problem.y, {**arrays, "T": 2.0**399 * T})
    assert verdict.words == "a map is too large for these data"


# Roundings, as large as the model allows: U is raised until each allowance shows beside whole numbers.


def test_the_upper_bound_pays_for_each_rounding(monkeypatch):
    problem, arrays = grid()
    p = read(problem, arrays)
    monkeypatch.setattr(checker, "U", ROUGH)
    V, e = checker._image(p.X, L.T)
    g = (len(L) + 8) * ROUGH
    norm = lambda a, b: float(np.linalg.norm(V[a] - V[b]))  # noqa: E731
    pull, push = 0.0, 0.0
    for i, targets in enumerate(problem.targets.tolist()):
        for j in targets:
            own = (norm(i, j) * (1 + g) + e[i] + e[j]) ** 2
            pull += own
            for l in np.flatnonzero(problem.codes != problem.codes[i]).tolist():
                push += max(0.0, 1 + own - max(0.0, norm(i, l) * (1 - g) - e[i] - e[l]) ** 2)
    linear, size = (float(np.sum(A @ B * A)) for A, B in ((L, REG), (np.abs(L), np.abs(REG))))
    linear += 2 * (2 * 3 + L.size + 16) * ROUGH * size
    bound = 0.75 * pull + 0.25 * push + linear
    assert bound < checker._upper(p) < bound * (1 + 50 * ROUGH)


@pytest.mark.parametrize("side", [-1, 1])
def test_distances_may_err_by_as_much_as_is_said(side, monkeypatch):
    problem, arrays = grid()
    p = read(problem, arrays)
    monkeypatch.setattr(checker, "U", ROUGH)
    exactly = checker._apart

    def rough(V, a, b):  # pulls come out too short, pushes too long, or the other way round
        own = p.codes[a] == p.codes[b]
        return exactly(V, a, b) * (1 + side * np.where(own, -1, 1) * (V.shape[1] + 4) * ROUGH)

    monkeypatch.setattr(checker, "_apart", rough)
    assert checker._upper(p) > exact_objective(problem, L)


def test_rows_of_an_image_are_exact_and_their_error_is_the_formula():
    rng = np.random.default_rng(1)
    X = rng.integers(-9, 10, size=(5000, 3)).astype(float)
    V, e = checker._image(X, T)
    centred = X - np.median(X, axis=0)
    assert np.array_equal(V, centred @ T)
    u = 2.0**-53
    said = u * np.linalg.norm(V, axis=1) + 4 * (3 + 8) ** 2 * u**2 * (np.abs(centred) @ np.abs(T).sum(axis=1))
    np.testing.assert_allclose(e, said, rtol=1e-5)
    assert np.all(e >= said)


def test_an_image_of_nothing_and_one_too_large():
    V, e = checker._image(np.ones((4, 2)), np.ones((2, 3)))
    assert np.array_equal(V, np.zeros((4, 3)))
    assert np.all((e > 0) & (e < 1e-100))
    assert checker._image(np.ones((4, 2)), np.ones((2, 0)))[0].shape == (4, 0)
    X = np.array([[0.75], [0.5]])  # of unit 1
    checker._image(X, np.array([[2.0**400]]))
    with pytest.raises(ValueError, match=r"^a map is too large for these data$"):
        checker._image(X, np.array([[np.nextafter(2.0**400, np.inf)]]))


@pytest.mark.parametrize("exponent", [-60, -53, -30, 0, 30, 60])
def test_a_sum_and_its_rounding_are_exact(exponent):
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=20), 2.0**exponent * rng.normal(size=20)
    total, lost = checker._two_sum(a, b)
    for terms in zip(a.tolist(), b.tolist(), total.tolist(), lost.tolist(), strict=True):
        one, two, s, t = map(Fraction, terms)
        assert one + two == s + t
        assert abs(t) <= abs(s) * Fraction(2) ** -53


def test_distances_in_parts():
    V = np.random.default_rng(3).integers(-5, 6, size=(7, 2**12)).astype(float)
    a, b = np.arange(700) % 7, np.arange(700) % 5
    found = checker._apart(V, a, b)
    assert found.shape == (700,)
    np.testing.assert_allclose(found**2, ((V[:, None] - V[None]) ** 2).sum(axis=2)[a, b], rtol=1e-14)
    assert checker._apart(V, a[:0], b[:0]).shape == (0,)
    tiny = checker._apart(np.array([[0.0, 0], [3e-200, 4e-200]]), np.array([0]), np.array([1]), np.hypot.reduce)
    assert tiny == pytest.approx(5e-200, rel=1e-14)


def test_powers_of_two():
    assert checker._power_of_two(np.array([0, 0.75, 1, 3, 4, 2.0**-40])).tolist() == [1, 1, 2, 4, 8, 2.0**-39]


@pytest.mark.parametrize("block", [2**21, 1])
@pytest.mark.parametrize("own", [False, True])
def test_pairs_within_reach_are_found_once_and_hardly_others(own, block, monkeypatch):
    monkeypatch.setattr(checker, "BLOCK", block)
    rng = np.random.default_rng(4)
    V, codes = rng.normal(size=(40, 3)) + 5, np.sort(rng.integers(0, 4, 40))[rng.permutation(40)]
    reach, e = rng.uniform(0.5, 2, 40), rng.uniform(0, 0.5, 40)
    found = [
        pair for i, l in checker._near(V, e, reach, codes, own) for pair in zip(i.tolist(), l.tolist(), strict=True)
    ]
    true = {
        (i, l)
        for i, l in itertools.product(range(40), repeat=2)
        if (codes[i] == codes[l]) == own and np.linalg.norm(V[i] - V[l]) < reach[i] + e[i] + e[l]
    }
    assert len(found) == len(set(found))
    assert set(found) == true


def test_pairs_of_numbers_too_large_are_refused():
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"^L is too large for these data$"):
        list(checker._near(np.full((2, 1), 1e200), np.zeros(2), np.ones(2), np.array([0, 1]), False))


@pytest.mark.parametrize(("norm", "e"), [(1.0, 0.5), (3.0, 2.0**-10)])
def test_a_weighted_sum_errs_by_what_its_ends_do(norm, e):
    Z = np.array([[0.0, 0], [norm, 0], [0, norm], [norm, norm]])
    a, b, weights = np.array([0, 0, 2]), np.array([1, 2, 3]), np.array([2.0, -1, 0.5])
    S, error = checker._weighted(Z, np.full(4, e), a, b, weights, 0)
    assert np.array_equal(S, norm**2 * np.diag([2.5, -1]))
    worst = 3.5 * (2 * norm * 2 * e + (2 * e) ** 2)  # all ends move apart
    assert worst <= error <= worst * (1 + 1e-5)
    moved = Z + e * np.array([[-1, 0], [1, 0], [0, 1], [0, 1]])
    true = sum(w * np.outer(moved[s] - moved[t], moved[s] - moved[t]) for s, t, w in zip(a, b, weights, strict=True))
    assert np.linalg.norm(true - S, 2) <= error


@pytest.mark.parametrize("edges", [1, 10, 1000])
def test_a_weighted_sum_of_many_edges_is_exact_on_whole_numbers(edges):
    rng = np.random.default_rng(edges)
    Z = rng.integers(-5, 6, size=(30, 3)).astype(float)
    a, b, weights = rng.integers(0, 30, edges), rng.integers(0, 30, edges), rng.integers(-4, 5, edges).astype(float)
    S, error = checker._weighted(Z, np.zeros(30), a, b, weights, 5)
    D = Z[a] - Z[b]
    assert np.array_equal(S, np.einsum("e,ea,eb->ab", weights, D, D))
    size = np.abs(weights) @ np.sum(D**2, axis=1) * 2.0**-53
    rows = math.isqrt(edges) + 1  # each sum has so many terms, and there are as many sums
    assert (2 * rows + 5) * size < error < (2 * rows + 5 + 20) * size + 1e-100


# Nearest neighbours, and features that others make up.


@pytest.mark.parametrize(
    ("other", "nearest"),
    [(1.0, True), (np.nextafter(1.0, 0), True), (1 - 2.0**-30, False), (0.5, False), (-0.5, False), (2.0, True)],
)
def test_targets_are_nearest_up_to_rounding(other, nearest):
    x = np.array([0.0, 1, other])
    apart = np.abs(x[:, None] - x) + 9 * np.eye(3)
    targets = np.argmin(apart, axis=1)
    targets[0] = 1
    p = SimpleNamespace(X=x[:, None], codes=np.zeros(3, dtype=int), targets=targets[:, None], i=np.arange(3), j=targets)
    assert checker._nearest(p) is nearest
    two = SimpleNamespace(**{**vars(p), "X": np.r_[p.X, p.X + 100], "codes": np.repeat([0, 1], 3)})
    two.targets, two.i, two.j = np.r_[p.targets, p.targets + 3], np.arange(6), np.r_[targets, targets + 3]
    assert checker._nearest(two) is nearest


def column(values):
    return np.array(values, dtype=float)


A, B = column([0, 3, 1, 5, 7, 2]), column([2, 1, 8, 1, 0, 4])


@pytest.mark.parametrize(
    ("feature", "found"),
    [
        (column([4, 4, 4, 4, 4, 4]), True),
        (A, True),
        (5 - 3 * A + 2 * B, True),
        (A / 4 + B / 1024, True),
        (A / 4 + B / 2048, False),  # of too large a denominator to be found
        (A * B, False),
        (A + column([0, 0, 0, 0, 0, 2.0**-40]), False),
        (1024 * A - B, True),
    ],
)
def test_exact_combinations_are_told_from_those_up_to_rounding(feature, found):
    X = np.c_[A, feature, B]
    assert checker._is_combination(X, 1, np.array([0, 2])) is found


def test_a_constant_needs_no_other_feature():
    assert checker._is_combination(np.ones((3, 1)), 0, np.array([], dtype=int))
