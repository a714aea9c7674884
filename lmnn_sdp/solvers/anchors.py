"""Random anchors, whose triplets tell what those of all points would, at little cost."""

from __future__ import annotations

import numpy as np

from lmnn_sdp.numerics.linalg import metric_of
from lmnn_sdp.numerics.sampling import stratified_rows
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.blocks import factors
from lmnn_sdp.problem.problem import Problem

ANCHORS, PAIRS = 100, 2**23  # points whose hinges are looked at, and pairs with others up to which there are so many


def sampled(problem: Problem, L: FloatArray) -> tuple[float, FloatArray]:
    """The part that the anchors have in the linear term of the objective at ``L'L``, and their margins."""
    V = problem.centred @ next(factors(L)).T
    penalty = float(np.sum((L @ problem.R) * L))
    if problem.working_set is not None:
        pull = float(np.sum(problem.pull * metric_of(L)))
        return (1 - problem.mu) * pull + penalty, problem.margins(L, problem.working_set)
    anchors = stratified_rows(problem.codes, min(problem.n_points, ANCHORS, max(1, PAIRS // problem.n_points)))
    pulls = np.sum((V[anchors, None] - V[problem.targets[anchors]]) ** 2, axis=2)
    sizes = np.sum(V**2, axis=1)
    distances = sizes[anchors, None] + sizes - 2 * (V[anchors] @ V.T)
    other = problem.codes[anchors, None] != problem.codes
    margins = np.concatenate([(distances - pull[:, None])[other] for pull in pulls.T])
    share = len(anchors) / problem.n_points
    return (1 - problem.mu) * float(np.sum(pulls)) + share * penalty, margins


def reach_of(problem: Problem, L: FloatArray, most: float, farthest: float) -> float:
    """How far beyond their margin at ``L'L`` triplets are listed, at most, for a list of about ``most`` a point."""
    _, margins = sampled(problem, L)
    # of margins evenly spread over the anchors the one that ends such a list
    place = round(most * len(margins) / problem.n_triplets * problem.n_points)
    if place >= len(margins):
        return farthest
    return float(np.clip(np.partition(margins, place)[place] - 1, 0, farthest))
