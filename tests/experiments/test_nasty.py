"""Nasty problems are problems, and their judge knows what is true."""

import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import fuzz
import numpy as np
import pytest
from exact import exact_objective, exact_slack
from exact import is_psd as is_psd_by_fractions

from harness import judge, nasty
from lmnn_sdp import Problem, solve
from lmnn_sdp.proof.upper import bound_above
from problems import blobs


@pytest.fixture(scope="module")
def solved():
    problem = blobs(n=14, d=3, reg=0.25)
    return problem, solve(problem)


@pytest.mark.parametrize("kind", nasty.KINDS)
def test_every_kind_makes_problems(kind):
    for recipe in nasty._drawn(nasty.recipes(kind), 0, 4):
        problem, again = recipe.problem(), recipe.problem()
        assert np.isfinite(problem.X).all()
        assert np.array_equal(problem.X, again.X)
        assert np.array_equal(problem.R, again.R)
        assert judge.is_psd(judge.Dyadic.of(problem.R).whole)
        assert problem.n_points <= nasty.FEW_ROWS


def test_a_seed_draws_all_kinds_and_the_same_again():
    recipes = nasty.drawn(5, 70)
    assert recipes == nasty.drawn(5, 70)
    assert {recipe.kind for recipe in recipes} == set(nasty.KINDS)
    assert len(set(recipes)) == 70


@pytest.mark.parametrize("recipe", nasty.drawn(1, 12), ids=lambda recipe: recipe.kind)
def test_the_judge_agrees_with_fractions(recipe):
    problem = recipe.problem()
    rng = np.random.default_rng(recipe.seed)
    L = rng.normal(size=(2, problem.n_features)) / np.max(np.abs(problem.X), axis=0, initial=1e-300)
    assert judge.fraction(judge.objective(problem, judge.factor(L))) == exact_objective(problem, L)
    triplets = problem.all_triplets()[:20]
    alpha = problem.mu * rng.random(len(triplets))
    expected, found = exact_slack(problem, triplets, alpha), judge.slack(problem, triplets, alpha).tolist()
    pairs = [(Fraction(int(f)), e) for f, e in zip(chain(*found), chain(*expected), strict=True)]
    scales = {f / e for f, e in pairs if e}
    assert len(scales) <= 1  # one multiple for all
    assert all(scale > 0 for scale in scales)
    assert all(f == 0 for f, e in pairs if not e)
    assert judge.is_psd(judge.slack(problem, triplets, alpha)) is is_psd_by_fractions(expected)


@pytest.mark.parametrize(
    ("rows", "psd"),
    [
        ([[1, 2], [2, 4]], True),
        ([[1, 2], [2, 3]], False),
        ([[0, 0], [0, 1]], True),
        ([[0, 1], [1, 5]], False),
        ([[2, 1, 1], [1, 2, -1], [1, -1, 2]], True),
        ([[2, 1, 1], [1, 2, -1], [1, -1, 1]], False),
    ],
)
def test_definiteness_is_decided_exactly(rows, psd):
    assert judge.is_psd(judge.fmpz_mat(rows)) is psd


def test_the_judge_finds_what_is_false(solved):
    problem, solution = solved
    assert judge.faults(problem, solution) == []

    def stated(**changes):
        return judge.faults(problem, replace(solution, certificate=replace(solution.certificate, **changes)))

    assert stated(objective=solution.objective * (1 - 1e-12)) == ["false objective"]
    assert stated(objective=float("nan")) == ["false objective"]
    assert stated(lower_bound=float(np.sum(solution.alpha)) * (1 + 1e-12)) == ["false lower bound"]
    assert stated(left_out=(0,)) == ["measures on a feature left out"]
    assert judge.faults(problem, replace(solution, alpha=1.001 * solution.alpha)) == ["false lower bound"]
    assert judge.faults(problem, replace(solution, alpha=-solution.alpha)) == ["false lower bound"]
    assert judge.faults(problem, replace(solution, M=solution.M * (1 + 1e-14))) == ["M is not L'L"]
    exact = judge.factor(solution.L)
    certificate = replace(solution.certificate, objective=solution.objective / 2)
    assert judge.certificate_faults(problem, exact, certificate) == ["false objective of M"]
    certificate = replace(solution.certificate, lower_bound=2 * solution.objective)
    assert judge.certificate_faults(problem, exact, certificate) == ["lower bound above f(M)"]


def test_nothing_false_is_said_of_nasty_problems():
    done = fuzz.piece(2, len(nasty.KINDS), fuzz.QUICK_LIMITS)
    assert done["findings"] == []
    assert set(done["counts"]) == set(nasty.KINDS)


def test_what_goes_wrong_is_a_finding(monkeypatch):
    recipe = nasty.drawn(0, 1)[0]

    def found(solve):
        monkeypatch.setattr(fuzz, "solve", solve)
        return fuzz.judged(recipe)

    def warns(*_, **__):
        warnings.warn("overflow", RuntimeWarning, stacklevel=1)
        raise ValueError("row 3 of X lies 1e+20 times as far away; leave it out")

    assert found(lambda *_, **__: 1 // 0).status == "crash"
    assert found(warns).status == "crash"  # no line of the package said so
    monkeypatch.setattr(fuzz, "PACKAGE", Path(__file__).parent)
    outcome = found(warns)
    assert outcome.status == "row # of X lies # times as far away"
    assert outcome.findings[0].startswith("RuntimeWarning: overflow (test_nasty.py:")


def forever():
    while True:
        pass


@pytest.mark.clock
def test_a_solve_that_takes_too_long_is_ended():
    with pytest.raises(fuzz.HangError), fuzz.limited(0.05):
        forever()


def test_classes_far_away_do_not_blur_the_others():
    # three classes, one of them a single point far away: centring by the mean rounded all others
    for seed in range(5):
        X = np.random.default_rng(seed).normal(size=(15, 1))
        X[2::3] = 1e8
        problem = Problem.from_data(X, np.arange(15) % 3, 2)
        L = np.array([[seed + 0.5]])
        assert judge.exact(bound_above(problem, L, accurate=True).objective) >= judge.objective(
            problem, judge.factor(L)
        )
