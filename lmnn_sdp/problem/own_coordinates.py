"""Of several metrics each in its own whitened coordinates, in which its cost is the identity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lmnn_sdp.numerics.linalg import eigh, transpose
from lmnn_sdp.numerics.types import IntArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.singular import penalty

SINGULAR = 1e-12  # part of its largest eigenvalue below which an eigenvalue of a block's cost counts as rounding
MOST_NAMED = 5  # blocks that a message names


def whiten_blocks(inside: Problem, problem: Problem) -> Problem:
    """A problem whose data are whitened together, with maps ``T_b`` such that ``T_b' P_b T_b = I``.

    Parameters
    ----------
    inside : Problem
        In common coordinates.
    problem : Problem
        The same as given.

    Raises
    ------
    ValueError
        If the cost of a block vanishes in a direction where the data vary. Impostors in the block can then be pushed
        away at no cost by letting its metric grow there, and the metric is not determined.
    """
    assert inside.blocks is not None
    weights, Q = eigh(inside.cost)
    free = np.sum(weights <= SINGULAR * np.maximum(weights[:, -1:], np.max(weights) * SINGULAR), axis=1)
    if free.any():
        raise ValueError(_singular(problem, inside, free))
    roots = np.sqrt(weights)[:, None, :]
    return replace(inside, blocks=replace(inside.blocks, maps=Q / roots, inverses=transpose(Q * roots)))


def _singular(problem: Problem, inside: Problem, free: IntArray) -> str:
    """The message for blocks whose pull vanishes in so many directions."""
    assert inside.blocks is not None
    names = [f"{inside.blocks.labels[b]} ({free[b]})" for b in np.flatnonzero(free)]
    named = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    d = inside.n_features
    remedies = [] if (size := d - int(free.max())) < 1 else [f"reduce the data with PCA to at most {size} dimensions"]
    return (
        f"the pull of some blocks vanishes in some of the {d} directions in which the data vary (block, directions): "
        f"{named}. There impostors can be pushed away at no cost, and the metric of the block is not determined; "
        + ", or ".join([*remedies, penalty(problem)])
    )
