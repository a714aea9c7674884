"""How unique the optimum is: the farthest metrics within a gap, and what votes notice of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from harness.optimum import moves
from harness.optimum.corner import Corner
from harness.optimum.moves import Place, Walk
from harness.optimum.parts import Parts, Vote
from lmnn_sdp import Problem, Solution, solve
from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.numerics.types import FloatArray

EASIER = 10  # times the gap of the optimum, that of a tilted one
ASCENTS = 2  # walks along the farthest move so far
ASCENT_LEVEL = 1e-2
CARRIES = 1e-3  # part of the largest eigenvalue from which a direction counts


@dataclass(frozen=True)
class Found:
    """A metric beside the optimum.

    Attributes
    ----------
    direction : str
        Walk that it was found on.
    excess : float
        Proved: at least ``f(M) / f* - 1``.
    move : float
        ``||M - M*||_F / ||M*||_F``.
    seen : float
        The same in whitened coordinates.
    trace : float
        ``tr M / tr M*``.
    carrying : int
        Eigenvalues above `CARRIES` of the largest.
    lost, turned : float
        Shares of test points with other neighbours, and with another vote.
    error : float
        Share of wrong votes.
    """

    direction: str
    excess: float
    move: float
    seen: float
    trace: float
    carrying: int
    lost: float
    turned: float
    error: float


class Study:
    """One data set."""

    def __init__(self, parts: Parts, tol: float) -> None:
        self.parts, self._tol = parts, tol
        self.problem = Problem.from_data(parts.X, parts.codes)
        self.best = solve(self.problem, tol=tol, warn=False)
        self.corner = Corner(self.problem, self.best)
        self._vote = parts.vote(self.best.L)

    def found(self, direction: str, L: FloatArray, objective: float) -> Found:
        """What there is to say of a metric."""
        M, vote = metric_of(L), self.parts.vote(L)
        return Found(
            direction,
            objective / self.best.lower_bound - 1,
            moves.distance(M, self.best.M),
            self.corner.seen(M),
            float(np.trace(M) / np.trace(self.best.M)),
            carrying(M),
            *self._changed(vote),
        )

    def _changed(self, vote: Vote) -> tuple[float, float, float]:
        """Other neighbours, other votes, and errors."""
        return self._vote.lost(vote), self._vote.turned(vote), vote.error

    def farthest(self, levels: Sequence[float], shares: Sequence[float]) -> dict[str, Any]:
        """Walks in all directions; of each, the last metric within each excess, and how far any metric can be."""
        walks = self._fixed(shares)
        places = {name: self._crossings(one, levels) for name, one in walks.items()}
        for number in range(ASCENTS):
            ends = [row[list(levels).index(ASCENT_LEVEL)] for row in places.values()]
            farthest = max(ends, key=lambda place: moves.distance(place.metric, self.best.M))
            name = f"farthest so far, {number + 1}"
            walks[name] = self._walk(farthest.metric - self.best.M, shares)
            places[name] = self._crossings(walks[name], levels)
        rows = []
        for at, level in enumerate(levels):
            found = [self.found(name, row[at].L, row[at].objective) for name, row in places.items()]
            rows.append(
                {
                    "level": level,
                    "at_most": self.corner.at_most(level),
                    "trace": self._traces(walks, found, level),
                    "found": [asdict(one) for one in found],
                }
            )
        return {"levels": rows}

    def _traces(self, walks: dict[str, Walk], found: Sequence[Found], level: float) -> dict[str, list[float]]:
        """Range of the trace over that of the optimum within a level: as found, and as proved."""
        own = [one.trace for one in found]
        size = float(np.trace(self.best.M)) / np.sqrt(len(self.best.M))
        top = (1 + level) * self.best.objective
        proved = [-walks["less trace"].reach(top) / size, walks["more trace"].reach(top) / size]
        return {"found": [min(own), max(own)], "proved": proved}

    def _fixed(self, shares: Sequence[float]) -> dict[str, Walk]:
        """Less and more of everything, towards the Euclidean metric and away from it, and two random ways."""
        M, d = self.best.M, len(self.best.M)
        euclid = np.eye(d) / np.sqrt(d)
        drawn = np.random.default_rng(0).normal(size=(d, d))
        directions = {
            "less trace": -euclid,
            "more trace": euclid,
            "towards Euclid": euclid - M / np.linalg.norm(M),
            "away from Euclid": M / np.linalg.norm(M) - euclid,
            "random": drawn + drawn.T,
            "random, back": -(drawn + drawn.T),
        }
        return {name: self._walk(C, shares) for name, C in directions.items()}

    def _walk(self, C: FloatArray, shares: Sequence[float]) -> Walk:
        return moves.walk(self.problem, self.best, C, shares, EASIER * self._tol)

    def _crossings(self, walk: Walk, levels: Sequence[float]) -> list[Place]:
        """The last metric of a walk within each excess over the proved lower bound."""
        return [moves.crossing(self.problem, walk, (1 + level) * self.best.lower_bound) for level in levels]

    def stopped(self, solver: str, tol: float) -> dict[str, Any]:
        """A solve from the start that stops at a gap."""
        solution: Solution = solve(self.problem, solver=solver, tol=tol, warn=False)
        found = self.found(solver, solution.L, solution.objective)
        return {"tol": tol, "gap": solution.relative_gap, "rank": solution.certificate.rank} | asdict(found)


def carrying(M: FloatArray) -> int:
    """Eigenvalues that are more than a trace of the largest."""
    values = np.linalg.eigvalsh(M)
    return int(np.sum(values > CARRIES * values[-1]))
