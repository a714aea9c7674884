"""Each rule of the checker broken by itself on whole numbers: what it says of it, word for word."""

from fractions import Fraction

import numpy as np
import pytest
from test_checker_parts import REG, ROUGH, L, T, grid, read

from lmnn_sdp.proof import checker

BEYOND = " has an entry that is not finite, or out of range"
MISSING = " is missing, or has the wrong type or shape"


def with_row(arrays, row):
    return {"triplets": np.r_[arrays["triplets"][1:], [row]]}


def targets(arrays):
    return arrays["targets"].copy()


def other_class(arrays):
    changed = targets(arrays)
    changed[0, 0] = 1
    return {"targets": changed}


RULES = {
    "foreign": (lambda a: {"digest": np.array("0")}, "it is for other data, the digest says"),
    "rows of targets": (lambda a: {"targets": targets(a)[1:]}, "targets has not a row for each point"),
    "no targets": (lambda a: {"targets": targets(a)[:, :0]}, "targets has not a row for each point"),
    "same target": (lambda a: {"targets": targets(a)[:, [1, 1]]}, "a target is listed twice, or is the point itself"),
    "own target": (
        lambda a: {"targets": np.c_[targets(a)[:, :1], np.arange(12)]},
        "a target is listed twice, or is the point itself",
    ),
    "target of another class": (other_class, "a target has another class than its point"),
    "narrow L": (lambda a: {"L": L[:, :2]}, "L is no map of these features less those left out"),
    "L on what is left out": (
        lambda a: {"left_out": np.array([1])},
        "L is no map of these features less those left out",
    ),
    "one alpha less": (lambda a: {"alpha": a["alpha"][1:]}, "triplets and alpha do not fit together"),
    "triplet of the own class": (
        lambda a: with_row(a, [0, a["targets"][0, 0], 3]),
        "a triplet is none of the problem",
    ),
    "triplet of no target": (lambda a: with_row(a, [0, 1, 2]), "a triplet is none of the problem"),
    "triplet twice": (lambda a: with_row(a, a["triplets"][1]), "a triplet is listed twice"),
    "alpha below": (lambda a: {"alpha": a["alpha"] - 2.0**-60}, "alpha is not within [0, mu]"),
    "alpha above": (lambda a: {"alpha": a["alpha"] + 0.25}, "alpha is not within [0, mu]"),
    "half an interval": (
        lambda a: {"interval": np.zeros(1)},
        "mu is not between 0 and 1, or the interval has not two ends",
    ),
    "reg as a vector": (lambda a: {"reg": np.ones(3)}, "reg is no symmetric matrix, nor a number"),
    "L of whole numbers": (lambda a: {"L": np.ones((2, 3), dtype=int)}, "L" + MISSING),
    "triplets of floats": (lambda a: {"triplets": a["triplets"] * 1.0}, "triplets" + MISSING),
    "alpha without end": (lambda a: {"alpha": np.full(len(a["alpha"]), np.inf)}, "alpha" + BEYOND),
    "kept beyond": (lambda a: {"kept": np.array([0, 1, 3])}, "kept" + BEYOND),
    "T of two features": (lambda a: {"T": T[:2, :2]}, "T is not square on the features kept"),
    "a feature twice": (
        lambda a: {"kept": np.array([0, 1, 1])},
        "feature 2 is neither kept nor left out, nor a combination of those kept",
    ),
    "T without rank": (
        lambda a: {"T": np.ones((3, 3))},
        "the dual slack S(alpha) is not proved positive semidefinite",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_what_is_said_of_a_broken_rule(rule):
    problem, arrays = grid()
    tamper, words = RULES[rule]
    assert checker.check(problem.X, problem.y, arrays).proved
    assert checker.check(problem.X, problem.y, arrays | tamper(arrays)) == checker.Verdict(False, words)


@pytest.mark.parametrize("X", [np.ones((12, 3, 1)), np.ones((11, 3)), np.ones((12, 0))])
def test_data_and_labels_fit_together(X):
    problem, arrays = grid()
    assert checker.check(X, problem.y, arrays).words == "X and y do not fit together"


@pytest.mark.parametrize("entry", [np.nan, np.inf, np.nextafter(2.0**1000, np.inf)])
def test_data_are_finite_and_in_range(entry):
    problem, arrays = grid()
    problem.X[1, 1] = entry
    assert checker.check(problem.X, problem.y, arrays).words == "X has entries that are not finite, or beyond 2**1000"


@pytest.mark.parametrize("reg", [0.0, 0.5])
def test_without_multipliers_and_with_a_trace_penalty_no_map_is_needed(reg):
    problem, arrays = grid(reg)
    arrays |= {"alpha": np.zeros(len(arrays["alpha"])), "T": np.ones((1, 1))}
    assert checker._lower(read(problem, arrays)) == 0
    with pytest.raises(ValueError, match="T is not square on the features kept"):
        checker._lower(read(problem, arrays | {"reg": REG}))


@pytest.mark.parametrize("low", [0, 1])
@pytest.mark.parametrize("high", [0, 1])
def test_a_claim_holds_what_is_proved_its_ends_included(low, high):
    problem, arrays = grid()
    found = checker.check(problem.X, problem.y, arrays)
    narrower = np.nextafter(found.lower, np.inf), np.nextafter(found.upper, -np.inf)
    claim = [narrower[0] if low else found.lower, narrower[1] if high else found.upper]
    verdict = checker.check(problem.X, problem.y, arrays | {"interval": np.array(claim)})
    assert verdict.proved is not bool(low or high)
    if not verdict.proved:
        assert verdict.words == f"it claims [{claim[0]}, {claim[1]}], but [{found.lower}, {found.upper}] is proved"


@pytest.mark.parametrize("offset", [0.0, 1e9, 1e15])
def test_rows_under_a_map_err_by_no_more_than_is_said(offset):
    rng = np.random.default_rng(5)
    X, map_ = rng.normal(size=(40, 3)) + offset * rng.normal(size=3), rng.normal(size=(3, 2))
    X[20:] *= 1 + 2.0**-30  # so that differences to the centre have more bits than a float
    X[::3] /= 3
    V, e = checker._image(X, map_)
    centre = np.median(X / checker._power_of_two(np.max(np.abs(X), axis=0)), axis=0)
    centre = centre * checker._power_of_two(np.max(np.abs(X), axis=0))
    for x, v, allowed in zip(X.tolist(), V.tolist(), e.tolist(), strict=True):
        moved = [Fraction(a) - Fraction(c) for a, c in zip(x, centre.tolist(), strict=True)]
        true = [sum(m * Fraction(t) for m, t in zip(moved, column, strict=True)) for column in map_.T.tolist()]
        wrong = sum((Fraction(a) - b) ** 2 for a, b in zip(v, true, strict=True))
        assert wrong <= Fraction(allowed) ** 2


def test_two_files_are_read_and_judged(tmp_path):
    problem, arrays = grid()
    data, proof = (str(tmp_path / name) for name in ("data.npz", "proof.npz"))
    np.savez(data, X=problem.X, y=problem.y)
    np.savez(proof, **arrays)
    assert checker._judge(data, proof) == checker.check(problem.X, problem.y, arrays)
    verdict = checker._judge(data, data)
    assert verdict == checker.Verdict(False, "it is for other data, the digest says")
    with open(proof, "r+b") as file:
        file.truncate(100)
    verdict = checker._judge(data, proof)
    assert not verdict.proved
    assert verdict.words.startswith("it holds no arrays that can be read: ")
    with pytest.raises(FileNotFoundError):
        checker._judge(str(tmp_path / "none.npz"), proof)


def test_a_sum_over_edges_pays_for_the_rounding_of_each_difference(monkeypatch):
    monkeypatch.setattr(checker, "U", ROUGH)
    Z, e = np.array([[0.0, 0], [3, 4]]), np.zeros(2)
    _, error = checker._weighted(Z, e, np.array([0]), np.array([1]), np.array([2.0]), 0)
    h = 5 * ROUGH  # of a difference of length 5
    summed = (2 * 2 + 8) * ROUGH * checker.SLACK * 25
    assert error == pytest.approx(2 * ((10 + h) * h + summed) * checker.SLACK, rel=1e-12)
