"""Why a solve ended before its tolerance, in terms of the data: which features, and which remedies bring it there.

Only remedies that work are named. A tolerance of three times the gap that was reached is reached again, rounding
included; the features that nearly repeat others are those whose pivots are least in a QR of the data with pivoting.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg

from lmnn_sdp.numerics.linalg import power_of_two
from lmnn_sdp.problem.dependence import NEGLIGIBLE, directions
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.singular import suggested_reg
from lmnn_sdp.problem.whitening import central_point
from lmnn_sdp.solvers.solution import Status

NEARLY = 1e-6  # part of its own variation that a feature adds to others, below which it nearly repeats them
ROOM = 3.0  # tolerance that is named, over the gap that was reached
LARGEST_TOL = 0.1  # that is of any use
SMALL_REG = 1e-3  # trace penalty, over the suggested one, that is small enough to be to blame


def advice(problem: Problem, status: Status, gap: float) -> str:
    """What to do about a solve that rounding or stalling ended at this gap; empty for other ends."""
    if status not in (Status.ROUNDING, Status.STALLED):
        return ""
    remedies = []
    cause = ""
    if nearly := nearly_dependent(problem):
        names = ", ".join(map(str, sorted(nearly)))
        plural = len(nearly) > 1
        variation = max(nearly.values())
        cause = (
            f"Feature{'s' * plural} {names} repeat{'s' * (not plural)} others to {variation:.0e} of the variation, "
            "and a metric that counts the difference needs more digits than float64 has"
        )
        remedies.append(f"leave out feature{'s' * plural} {names}")
    reg = float(problem.R[0, 0])
    suggested = suggested_reg(problem) if problem.nonnegative else 0.0
    if 0 < reg < SMALL_REG * suggested < math.inf:
        cause = cause or f"reg={reg:.3g} is so small beside the pull that float64 can hardly tell it from none"
        remedies.append(f"raise it, for example reg={suggested:.1g}")
    if gap <= LARGEST_TOL / ROOM:
        remedies.append(f"raise tol to {_rounded_up(ROOM * gap):.0e}")
    if not remedies:
        return ""
    text = ", or ".join(remedies)
    return f"{cause}: {text}." if cause else f"{text[0].upper()}{text[1:]}."


def nearly_dependent(problem: Problem) -> dict[int, float]:
    """Features that add less than `NEARLY` of their own variation to the others, and how much."""
    centred = problem.X - central_point(problem.X)
    unit = power_of_two(np.max(np.abs(centred), axis=0))
    R, order = scipy.linalg.qr(directions(centred / unit), mode="r", pivoting=True)
    pivots = np.abs(np.diag(R[: min(R.shape)]))
    sizes = np.linalg.norm(R, axis=0)[: len(pivots)]
    parts = pivots / np.where(sizes > 0, sizes, 1.0)
    exact = 8 * NEGLIGIBLE * np.sqrt(len(unit))  # a relation that holds up to rounding is no trouble
    return {int(f): float(part) for f, part in zip(order, parts, strict=False) if exact < part < NEARLY}


def _rounded_up(value: float) -> float:
    """To one digit."""
    unit = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return math.ceil(value / unit) * unit
