"""Clocks around functions: parts add up, nothing stays wrapped, and every name exists."""

import sys
import time
from pathlib import Path

import pytest

import lmnn_sdp.problem.problem
from lmnn_sdp import Problem, solve
from problems import blobs

EXPERIMENTS = Path(__file__).resolve().parent.parent / "experiments"


def outer():
    time.sleep(0.02)
    inner()


def inner():
    time.sleep(0.05)


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import parts

    return parts


def test_inner_parts_are_taken_off_the_outer(parts):
    with parts.clocked({"a": [f"{__name__}:outer"], "b": [f"{__name__}:inner"]}) as clocks:
        sys.modules[__name__].outer()
        time.sleep(0.03)
    assert 0.02 <= clocks.seconds["a"] < 0.05
    assert clocks.seconds["b"] >= 0.05
    assert 0.03 <= clocks.seconds[parts.REST] < 0.06


def test_every_part_of_a_solve_is_seen_and_put_back(parts):
    before = lmnn_sdp.problem.problem.scan, vars(Problem)["keys"]
    with parts.clocked() as clocks:
        solution = solve(blobs(n=60, d=3), "newton", tol=1e-8)
    assert solution.relative_gap <= 1e-8
    assert set(clocks.seconds) == {*parts.PARTS, parts.REST}
    assert all(seconds > 0 for seconds in clocks.seconds.values())
    assert (lmnn_sdp.problem.problem.scan, vars(Problem)["keys"]) == before


@pytest.mark.parametrize(
    "name",
    ["lmnn_sdp.problem.problem:nothing", "lmnn_sdp.nowhere:solve", "lmnn_sdp.problem.problem:Nobody.apply"],
)
def test_a_name_that_is_gone_is_told(parts, name):
    with pytest.raises(ValueError, match="does not exist, so its seconds cannot be told"), parts.clocked({"a": [name]}):
        pass


def test_exponents_are_slopes_of_logarithms(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import scaling

    assert scaling.exponent([10, 20, 40], [1.0, 4.0, 16.0]) == pytest.approx(2.0)
