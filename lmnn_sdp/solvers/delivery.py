"""The metric as it is handed out: its rank decided, its components in canonical form, and certified as these floats.

A solver's last iterate has a tail of small eigenvalues that the optimum has not. Where the spectrum falls furthest,
below a hundredth of the largest eigenvalue, it is cut, provided that the cut metric is proved as good.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmnn_sdp.numerics.linalg import EPS, padded, principal_rows
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.whitening import Whitening
from lmnn_sdp.proof.certificate import Certificate, certify_map
from lmnn_sdp.solvers.monitor import Monitor

TAIL = 1e-2  # the spectrum is cut below this part of the largest eigenvalue
STEP = 10.0  # and where it falls by this factor at least
FLOOR = 1e-12  # part of the largest eigenvalue below which all is rounding, and no step counts
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class Delivery:
    """Components of a metric, and their certificate."""

    components: FloatArray
    certificate: Certificate


def deliver(problem: Problem, white: Whitening, monitor: Monitor) -> Delivery:
    """The best metric of the monitor as a map on the data as given, with the monitor's best multipliers."""
    inside = monitor.primal.L
    if inside.ndim != 2:
        return _certified(problem, white, monitor, inside)
    eigenvalues = np.sum(inside**2, axis=1)
    cut = _step_of(eigenvalues)
    if cut is not None:
        short = _certified(problem, white, monitor, inside[:cut])
        certificate = short.certificate
        if certificate.objective <= monitor.primal.objective or certificate.relative_gap <= monitor.tol:
            return short
    noise = EPS * len(inside) * np.max(eigenvalues, initial=0.0)
    return _certified(problem, white, monitor, inside[eigenvalues > noise])


def canonical(problem: Problem, L: FloatArray) -> FloatArray:
    """Orthogonal rows by falling norm and of a fixed sign, of each factor of a stack; one row of zeros if M is 0.

    The rows of a diagonal metric are so but for their order, and no two may be joined.
    """
    if L.ndim == 3:
        return padded([principal_rows(block) for block in L])
    if not problem.diagonal:
        return principal_rows(L)
    rows = L[np.argsort(-np.sum(L**2, axis=1), kind="stable")]
    return rows if len(rows) else np.zeros((1, problem.n_features))


def _step_of(eigenvalues: FloatArray) -> int | None:
    """How many of these falling eigenvalues come before the widest step of the tail; None without one."""
    relative = np.maximum(eigenvalues, FLOOR * np.max(eigenvalues, initial=TINY))
    fall = np.where(relative[1:] < TAIL * relative[:1], relative[1:] / relative[:-1], 1.0)
    return int(np.argmin(fall)) + 1 if len(fall) and np.min(fall) <= 1 / STEP else None


def _certified(problem: Problem, white: Whitening, monitor: Monitor, inside: FloatArray) -> Delivery:
    """Canonical components of a factor in whitened coordinates."""
    components = canonical(problem, white.outward(inside))
    return Delivery(components, certify_map(problem, components, monitor.dual, white.left_out))
