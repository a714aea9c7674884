"""The checker against the judge in rational arithmetic: on data out to break it, and on proofs tampered with."""

import ast
import shutil
import subprocess
import sys
import warnings
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from exact import exact, exact_objective, exact_slack, is_psd
from hypothesis import given, settings
from hypothesis import strategies as st
from test_exact import KINDS, nasty

from lmnn_sdp import Problem, solve
from lmnn_sdp.proof import checker
from lmnn_sdp.proof.proof_files import prove
from problems import blobs, noise

FOREVER = np.array([-1e300, 1e300])
NOTHING = np.zeros((1, 2)), np.empty((0, 3), dtype=int), np.empty(0)  # a map and no multipliers


@cache
def proved(kind="noise"):
    """A small problem and its proof."""
    problem = {"noise": noise, "blobs": blobs}[kind](n=14, d=2, k=2, classes=2)
    solution = solve(problem, tol=1e-8)
    return problem, prove(problem, solution.L, solution.triplets, solution.alpha)


def assert_true(X, y, arrays, verdict):
    """What is said to be proved is so, for the problem that the arrays tell."""
    problem = Problem.from_data(X, y, mu=float(arrays["mu"]), targets=arrays["targets"], reg=arrays["reg"])
    alpha = [Fraction(value) for value in arrays["alpha"].tolist()]
    assert all(0 <= value <= Fraction(problem.mu) for value in alpha)
    assert len(problem.own_triplets(arrays["triplets"])) == len(alpha)
    assert Fraction(verdict.upper) >= exact_objective(problem, arrays["L"])
    assert Fraction(verdict.lower) <= sum(alpha)
    if any(alpha):
        kept = [f for f in range(problem.n_features) if f not in arrays["left_out"]]
        S = exact_slack(problem, arrays["triplets"], arrays["alpha"])
        assert is_psd([[S[a][b] for b in kept] for a in kept])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_proved_is_true(kind, seed):
    problem = nasty(kind, seed, 7, most=18)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            solution = solve(problem, max_iter=30)
        except ValueError as error:
            assert any(word in str(error) for word in ("pull vanishes", "row 0 of X lies"))  # noqa: PT017
            return
    proof = prove(problem, solution.L, solution.triplets, solution.alpha)
    assert proof.verdict.proved
    assert proof.verdict.nearest
    assert_true(problem.X, problem.y, proof.arrays, proof.verdict)
    again = checker.check(problem.X, problem.y, proof.arrays)
    assert (again.lower, again.upper) == (proof.verdict.lower, proof.verdict.upper)


def changed(arrays, **changes):
    """A copy with some arrays replaced, and a claim that asks for nothing."""
    return {**arrays, "interval": FOREVER, **changes}


def with_entry(array, place, value):
    copy = np.array(array)
    copy.flat[place % max(1, copy.size)] = value
    return copy


VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, np.nextafter(0.5, 1), np.nextafter(1.0, 0), 1e-310, 1e160, -1e-9]),
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    kind=st.sampled_from(["noise", "blobs"]),
    name=st.sampled_from(["L", "alpha", "T", "mu", "reg", "targets", "triplets", "kept", "left_out"]),
    place=st.integers(0, 10**6),
    factor=st.one_of(st.none(), st.floats(-2, 2), st.floats(1 - 1e-6, 1 + 1e-6)),
    value=VALUES,
    index=st.integers(-2, 15),
)
def test_a_number_changed_is_refuted_or_still_proves_something_true(kind, name, place, factor, value, index):
    problem, proof = proved(kind)
    array = proof.arrays[name]
    if array.dtype.kind == "i":
        new = with_entry(array, place, index) if array.size else np.array([index])
    else:
        new = with_entry(array, place, value if factor is None else factor * array.flat[place % array.size])
    arrays = changed(proof.arrays, **{name: new})
    verdict = checker.check(problem.X, problem.y, arrays)
    if verdict.proved:
        assert_true(problem.X, problem.y, arrays, verdict)
        if name in ("L", "alpha", "T", "triplets", "kept"):  # the same problem: both intervals hold its optimum
            assert verdict.lower <= proof.verdict.upper
            assert verdict.upper >= proof.verdict.lower


def definite(problem, arrays, scale):
    """Whether S is exactly PSD with the multipliers scaled, as floats."""
    return is_psd(exact_slack(problem, arrays["triplets"], arrays["alpha"] * scale))


@pytest.mark.parametrize("kind", ["noise", "blobs"])
def test_the_edge_of_definiteness(kind):
    problem, proof = proved(kind)
    inside, outside = 1.0, 2.0
    while outside - inside > 2.0**-50:
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if definite(problem, proof.arrays, middle) else (inside, middle)
    for distance in 2.0 ** np.arange(-50, -20):  # beyond it nothing is proved, and little is lost within
        for scale in (outside + distance, inside - distance):
            arrays = changed(proof.arrays, alpha=np.minimum(proof.arrays["alpha"] * scale, problem.mu))
            verdict = checker.check(problem.X, problem.y, arrays)
            assert not verdict.proved or is_psd(exact_slack(problem, arrays["triplets"], arrays["alpha"]))
            assert verdict.proved or scale > inside - 2.0**-40


def twice(arrays):
    return {"triplets": np.repeat(arrays["triplets"], 2, axis=0), "alpha": np.repeat(arrays["alpha"] / 2, 2)}


def foreign(arrays, row):
    return {"triplets": np.r_[arrays["triplets"][1:], [row]]}


NOT_PSD = "the dual slack S(alpha) is not proved positive semidefinite"
NOT_NUMBERS = "mu is not between 0 and 1, or the interval has not two ends"
NOT_KEPT = "feature 1 is neither kept nor left out, nor a combination of those kept"
TWICE = "a target is listed twice, or is the point itself"
OTHER_CLASS = "a target has another class than its point"
NO_MAP = "L is no map of these features less those left out"
OUTSIDE = "alpha is not within [0, mu]"
BEYOND = " has an entry that is not finite, or out of range"
MISSING = " is missing, or has the wrong type or shape"
FAULTS = {
    "digest": (lambda p: {"digest": np.array("0" * 64)}, "it is for other data, the digest says"),
    "no digest": (lambda p: {"digest": None}, "it is for other data, the digest says"),
    "alpha above mu": (
        lambda p: {"alpha": with_entry(p["alpha"], 0, np.nextafter(0.5, 1))},
        OUTSIDE,
    ),
    "negative alpha": (lambda p: {"alpha": with_entry(p["alpha"], 0, -1e-300)}, OUTSIDE),
    "alpha NaN": (
        lambda p: {"alpha": with_entry(p["alpha"], 0, np.nan)},
        "alpha" + BEYOND,
    ),
    "alpha too large for S": (
        lambda p: {"alpha": np.full(len(p["alpha"]), 0.5)},
        NOT_PSD,
    ),
    "alpha short": (lambda p: {"alpha": p["alpha"][1:]}, "triplets and alpha do not fit together"),
    "alpha complex": (lambda p: {"alpha": p["alpha"] + 0j}, "alpha" + MISSING),
    "repeated triplets": (twice, "a triplet is listed twice"),
    "triplet of no target": (lambda p: foreign(p, [0, 0, 1]), "a triplet is none of the problem"),
    "triplet of one class": (lambda p: foreign(p, [0, p["targets"][0, 0], 2]), "a triplet is none of the problem"),
    "triplet beyond": (
        lambda p: foreign(p, [0, p["targets"][0, 0], 14]),
        "triplets" + BEYOND,
    ),
    "target of another class": (
        lambda p: {"targets": with_entry(p["targets"], 0, 1)},
        OTHER_CLASS,
    ),
    "target itself": (
        lambda p: {"targets": with_entry(p["targets"], 0, 0)},
        TWICE,
    ),
    "target twice": (
        lambda p: {"targets": p["targets"][:, [0, 0]]},
        TWICE,
    ),
    "targets short": (lambda p: {"targets": p["targets"][1:]}, "targets has not a row for each point"),
    "no targets": (lambda p: {"targets": p["targets"][:, :0]}, "targets has not a row for each point"),
    "targets as floats": (
        lambda p: {"targets": p["targets"] * 1.0},
        "targets" + MISSING,
    ),
    "mu": (lambda p: {"mu": np.array(1.0)}, NOT_NUMBERS),
    "mu below alpha": (lambda p: {"mu": np.array(0.4)}, OUTSIDE),
    "reg": (lambda p: {"reg": np.ones(2)}, "reg is no symmetric matrix, nor a number"),
    "reg askew": (lambda p: {"reg": np.array([[0.0, 1], [0, 0]])}, "reg is no symmetric matrix, nor a number"),
    "reg negative": (lambda p: {"reg": np.array(-1e9)}, NOT_PSD),
    "L of another shape": (lambda p: {"L": p["L"][:, :1]}, NO_MAP),
    "L on what is left out": (
        lambda p: {"left_out": np.array([0])},
        NO_MAP,
    ),
    "L too large": (lambda p: {"L": p["L"] * 1e200}, "a map is too large for these data"),
    "L infinite": (
        lambda p: {"L": with_entry(p["L"], 0, np.inf)},
        "L" + BEYOND,
    ),
    "T singular": (lambda p: {"T": np.ones((2, 2))}, NOT_PSD),
    "T not square": (lambda p: {"T": p["T"][:, :1]}, "T is not square on the features kept"),
    "feature forgotten": (
        lambda p: {"kept": np.array([0]), "T": np.eye(1)},
        NOT_KEPT,
    ),
    "feature twice": (
        lambda p: {"kept": np.array([0, 0])},
        NOT_KEPT,
    ),
    "half a claim": (
        lambda p: {"interval": np.zeros(1)},
        NOT_NUMBERS,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(fault):
    problem, proof = proved()
    tamper, words = FAULTS[fault]
    verdict = checker.check(problem.X, problem.y, changed(proof.arrays, **tamper(proof.arrays)))
    assert verdict == checker.Verdict(False, words)
    assert str(verdict) == f"REFUTED: {words}"


def test_a_claim_may_be_as_narrow_as_what_is_proved_and_no_narrower():
    problem, proof = proved()
    lower, upper = proof.verdict.lower, proof.verdict.upper
    for claim in ([lower, upper], [np.nextafter(lower, np.inf), upper], [lower, np.nextafter(upper, 0)], [1e3, 1e300]):
        verdict = checker.check(problem.X, problem.y, {**proof.arrays, "interval": np.array(claim)})
        if claim == [lower, upper]:
            assert verdict == proof.verdict
        else:
            words = f"it claims [{float(claim[0])}, {float(claim[1])}], but [{lower}, {upper}] is proved"
            assert verdict == checker.Verdict(False, words)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros((13, 2)), "X and y do not fit together"),
        (np.zeros(14), "X and y do not fit together"),
        (np.zeros((14, 0)), "X and y do not fit together"),
        (np.full((14, 2), np.nan), "X has entries that are not finite, or beyond 2**1000"),
        (np.full((14, 2), np.nextafter(2.0**1000, np.inf)), "X has entries that are not finite, or beyond 2**1000"),
        (np.full((14, 2), 2.0**1000), "it is for other data, the digest says"),
    ],
)
def test_data_that_no_proof_is_about(X, words):
    problem, proof = proved()
    assert checker.check(X, problem.y, proof.arrays).words == words


def test_other_targets_are_a_problem_of_their_own_and_it_says_so():
    problem, _ = proved()
    same = [np.flatnonzero(problem.codes == code) for code in problem.codes]
    targets = np.array([[members[members != i][-1]] for i, members in enumerate(same)])
    own = Problem.from_data(problem.X, problem.y, targets=targets)
    solution = solve(own)
    verdict = prove(own, solution.L, solution.triplets, solution.alpha).verdict
    assert "1 chosen targets" in str(verdict)
    assert "2 nearest neighbours" in str(proved()[1].verdict)


@pytest.mark.parametrize("fill", [1e6, 1e150, 1e200, 1e301])
def test_chosen_targets_are_told_beside_a_fill_value_of_any_size(fill):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), np.arange(20) % 2
    X[3, 1] = fill
    problem = Problem.from_data(X, y, 1)
    assert "1 nearest neighbours" in str(prove(problem, *NOTHING).verdict)
    targets = problem.targets.copy()
    targets[4] = next(j for j in range(0, 20, 2) if j not in (4, targets[4, 0]))
    assert "1 chosen targets" in str(prove(Problem.from_data(X, y, targets=targets), *NOTHING).verdict)


def test_the_printed_interval_is_rounded_outwards():
    low, high = str(checker.Verdict(True, "", 1 / 3, 2 / 3)).removeprefix("PROVED [").partition("]")[0].split(", ")
    assert 0 < Fraction(1 / 3) - Fraction(low) < Fraction(1, 10**12)
    assert 0 < Fraction(high) - Fraction(2 / 3) < Fraction(1, 10**12)


def test_rows_of_a_map_err_by_less_than_is_said():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(15, 4)) * 10.0 ** rng.integers(-8, 9, 4) + 10.0 ** rng.integers(0, 12, 4)
    T = rng.normal(size=(4, 3)) * 10.0 ** rng.integers(-8, 9, (4, 1))
    V, errors = checker._image(X, T)
    centre, rows, columns = exact(np.median(X, axis=0)[None])[0], exact(X), list(zip(*exact(T), strict=True))
    for a, row in enumerate(rows):
        true = [sum((x - c) * t for x, c, t in zip(row, centre, column, strict=True)) for column in columns]
        squared = sum((Fraction(v) - t) ** 2 for v, t in zip(V[a].tolist(), true, strict=True))
        assert squared <= Fraction(errors[a]) ** 2
    assert np.all(errors <= 1e-14 * np.linalg.norm(V, axis=1) + 1e-20)


@pytest.mark.parametrize("mu", [0.01, 0.99])
@pytest.mark.parametrize("part", [-1e-3, 1e-3])  # all images too near to each other, or too far apart
def test_errors_of_a_map_are_paid_for_in_full(mu, part, monkeypatch):
    X = np.array([[-1.0], [1], [-3], [3]])  # targets lie opposite, where the errors of both ends add up
    problem = Problem.from_data(X, [0, 0, 1, 1], 1, mu)
    arrays = {"targets": problem.targets, "mu": np.array(mu), "reg": np.array(0.0), "left_out": np.empty(0, dtype=int)}
    arrays |= {"L": np.ones((1, 1)), "triplets": np.empty((0, 3), dtype=int), "alpha": np.empty(0)}
    arrays |= {"kept": np.array([0]), "T": np.ones((1, 1)), "digest": np.array(checker.digest(X, problem.codes))}
    arrays |= {"interval": FOREVER}
    exactly = checker._image

    def rough(X, T):
        V, errors = exactly(X, T)
        return V * (1 + part), errors + abs(part) * np.linalg.norm(V, axis=1)

    monkeypatch.setattr(checker, "_image", rough)
    verdict = checker.check(X, problem.y, arrays)
    objective = exact_objective(problem, arrays["L"])
    assert objective <= Fraction(verdict.upper) <= objective * Fraction(11, 10)


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10**6), far=st.sampled_from([0.0, 1e3, 1e8, 1e12]), own=st.booleans())
def test_no_pair_within_reach_is_missed(seed, far, own):
    rng = np.random.default_rng(seed)
    V, codes = rng.normal(size=(25, 3)) + far * rng.normal(size=3), rng.integers(0, 3, 25)
    reach, errors = rng.uniform(0, 2, 25), 1e-12 * rng.uniform(0, 1, 25)
    pairs = checker._near(V, errors, reach, np.unique(codes, return_inverse=True)[1], own)
    found = {pair for i, l in pairs for pair in zip(i.tolist(), l.tolist(), strict=True)}
    for i in range(25):
        for l in range(25):
            if (codes[i] == codes[l]) == own and np.linalg.norm(V[i] - V[l]) < reach[i]:
                assert (i, l) in found


def test_the_checker_is_one_short_file_that_needs_numpy_only():
    with open(checker.__file__) as file:
        source = file.read()
    assert source.count("\n") <= 250
    nodes = list(ast.walk(ast.parse(source)))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in named} - set(sys.stdlib_module_names) == {"numpy"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A folder with the checker, data, their proof, and files that are none of the two."""
    folder = tmp_path_factory.mktemp("alone")
    problem, proof = proved()
    shutil.copy(checker.__file__, folder / "alone.py")
    np.savez(folder / "data.npz", X=problem.X, y=problem.y)
    proof.save(folder / "proof.npz")
    np.savez(folder / "other.npz", X=-problem.X, y=problem.y)
    content = (folder / "proof.npz").read_bytes()
    (folder / "truncated.npz").write_bytes(content[: len(content) // 2])
    (folder / "flipped.npz").write_bytes(content[:200] + bytes(255 - byte for byte in content[200:260]) + content[260:])
    (folder / "empty.npz").touch()
    (folder / "text.npz").write_text("1,2,a\n3,4,b\n")
    np.save(folder / "array.npy", problem.X)
    np.savez(folder / "objects.npz", X=np.array([{}]), y=np.array([None]))
    (folder / "folder.npz").mkdir()
    return folder


def run_alone(folder, *files):
    command = [sys.executable, "-I", "alone.py", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert (done.stdout + done.stderr).count("\n") == 1
    assert bool(done.stderr) == (done.returncode == 2)
    return done.returncode, done.stdout + done.stderr


def test_it_runs_alone(alone):
    assert run_alone(alone, "data.npz", "proof.npz") == (0, f"{proved()[1].verdict}\n")
    code, words = run_alone(alone, "other.npz", "proof.npz")
    assert code == 1
    assert words.startswith("REFUTED: it is for other data")


@pytest.mark.parametrize("file", ["truncated.npz", "flipped.npz", "empty.npz", "text.npz", "array.npy", "objects.npz"])
def test_a_file_that_is_no_proof_proves_nothing(alone, file):
    code, words = run_alone(alone, "data.npz", file)
    assert code == 1
    assert words.startswith("REFUTED: ")
    code, words = run_alone(alone, file, "proof.npz")
    assert code == 2
    assert words.startswith("There is no DATA.npz with X and y, or no PROOF.npz: ")


@pytest.mark.parametrize(
    "files",
    [
        (),
        ("data.npz",),
        ("data.npz", "proof.npz", "more.npz"),
        ("data.npz", "missing.npz"),
        ("missing.npz", "proof.npz"),
        ("data.npz", "folder.npz"),
        ("folder.npz", "proof.npz"),
        ("proof.npz", "proof.npz"),
    ],
)
def test_without_data_and_a_proof_there_is_no_verdict(alone, files):
    assert run_alone(alone, *files)[0] == 2


@pytest.mark.parametrize("size", 10.0 ** np.arange(70, 160, 5))
def test_what_overflows_is_refuted_and_no_error(size):
    problem, proof = proved()
    verdict = checker.check(problem.X, problem.y, changed(proof.arrays, L=proof.arrays["L"] * size))
    assert verdict.upper >= size**2 if verdict.proved else verdict.words
