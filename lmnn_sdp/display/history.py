"""What is shown of a solve on its way: the least that a row of its history must tell."""

from __future__ import annotations

from typing import Protocol


class Moment(Protocol):
    """What was proved at a moment."""

    @property
    def seconds(self) -> float:
        """Time since the solve began."""

    @property
    def relative_gap(self) -> float:
        """Proved gap, relative to the objective."""


class Round(Moment, Protocol):
    """A moment at the end of a round."""

    @property
    def iteration(self) -> int:
        """Number of the round."""

    @property
    def objective(self) -> float:
        """Best objective so far."""

    @property
    def working_set(self) -> int:
        """Triplets that the solver worked on."""
