"""Clocks around functions: parts add up, nothing stays wrapped, and every name exists."""

import sys
from types import SimpleNamespace

import pytest

import lmnn_sdp.problem.hinges
import scaling
from harness import clocks
from lmnn_sdp import solve
from lmnn_sdp.problem.statement import Statement
from problems import blobs


class Clock:
    """Goes on only when told to, so that no other process has a say in what it shows."""

    now = 0


def outer():
    Clock.now += 2
    inner()


def inner():
    Clock.now += 5


def test_inner_parts_are_taken_off_the_outer(monkeypatch):
    monkeypatch.setattr(clocks, "time", SimpleNamespace(perf_counter=lambda: Clock.now))
    with clocks.clocked({"a": [f"{__name__}:outer"], "b": [f"{__name__}:inner"]}) as found:
        sys.modules[__name__].outer()
        Clock.now += 3
    assert found.seconds == {"a": 2, "b": 5, clocks.REST: 3}


def test_every_part_of_a_solve_is_seen_and_put_back():
    before = lmnn_sdp.problem.hinges.scan, vars(Statement)["keys"]
    with clocks.clocked() as found:
        solution = solve(blobs(n=60, d=3), "newton", tol=1e-8)
    assert solution.relative_gap <= 1e-8
    assert set(found.seconds) == {*clocks.PARTS, clocks.REST}
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert (lmnn_sdp.problem.hinges.scan, vars(Statement)["keys"]) == before


@pytest.mark.parametrize(
    "name",
    ["lmnn_sdp.problem.problem:nothing", "lmnn_sdp.nowhere:solve", "lmnn_sdp.problem.problem:Nobody.apply"],
)
def test_a_name_that_is_gone_is_told(name):
    with (
        pytest.raises(ValueError, match="does not exist, so its seconds cannot be told"),
        clocks.clocked({"a": [name]}),
    ):
        pass


def test_exponents_are_slopes_of_logarithms():
    assert scaling.exponent([10, 20, 40], [1.0, 4.0, 16.0]) == pytest.approx(2.0)
