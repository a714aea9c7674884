"""How far a metric is from the optimum: the proof for one that comes with multipliers, or a solve for one without."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy.typing as npt

from lmnn_sdp.display.cards import card, interval_row
from lmnn_sdp.display.intervals import bound_text
from lmnn_sdp.problem.checks import check_stack
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.proof.certificate import Certificate, certify_pair, metric_rows
from lmnn_sdp.solvers.monitor import Callback
from lmnn_sdp.solvers.solution import Solution
from lmnn_sdp.solvers.solve import solve


@dataclass(frozen=True, eq=False)
class Audit:
    """A given metric beside the optimum.

    Attributes
    ----------
    certificate : Certificate
        Of the given metric: its objective over all triplets, and the lower bound that the solution's multipliers prove.
    solution : Solution
        The metric that the solver found, with its own certificate, status and history.
    """

    certificate: Certificate
    solution: Solution

    @property
    def objective(self) -> float:
        """Objective of the given metric over all triplets."""
        return self.certificate.objective

    @property
    def optimum(self) -> tuple[float, float]:
        """Proved interval that holds the optimum; both metrics bound it from above."""
        return self.certificate.lower_bound, min(self.objective, self.solution.objective)

    @property
    def excess(self) -> tuple[float, float]:
        """Interval that holds ``objective / optimum - 1``, proved but for the rounding that `objective` allows for.

        Infinite where the optimum may be 0.
        """
        lower, upper = self.optimum
        return _excess(self.objective, upper), _excess(self.objective, lower)

    def summary(self) -> dict[str, Any]:
        """The numbers of the audit as a dictionary, for JSON; None stands for an infinite excess."""
        return {
            "status": self.solution.status.name,
            "objective": self.objective,
            "optimum": list(self.optimum),
            "excess": [value if math.isfinite(value) else None for value in self.excess],
            "rank": self.certificate.rank,
            "active_triplets": self.certificate.active_triplets,
            "residuals": asdict(self.certificate.residuals),
            "solution": self.solution.summary(),
        }

    def _repr_html_(self) -> str:
        """A card with both metrics and the excess, for notebooks."""
        lower, upper = (100 * excess for excess in self.excess)
        excess = interval_row("excess in", lower, upper, " %") if math.isfinite(lower) else ("excess in", "unknown")
        rows = [
            ("objective", bound_text(self.objective)),
            interval_row("optimum in", *self.optimum),
            excess,
            *metric_rows(self.certificate, len(self.solution.M)),
            ("solver", self.solution.effort),
        ]
        return card("Audit of a metric", self.solution.status.badge, rows, self.solution.history)


def audit(
    problem: Problem,
    M: npt.ArrayLike,
    *,
    tol: float = 1e-6,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> Audit:
    """Tell how far a metric from anywhere is from the optimum, by solving the problem beside it.

    Parameters
    ----------
    problem : Problem
        What the metric should be good at.
    M : array-like, shape (d, d)
        Symmetric matrix in the units of the data, such as ``L.T @ L`` of a linear map L; projected onto the PSD cone.
    tol : float
        Relative width of the optimum's interval at which to stop, as in `solve`.
    time_limit : float, optional
        Seconds.
    callback : callable, optional
        Called with each `HistoryRow` of the solve.

    Returns
    -------
    Audit
        Valid whatever the solver reached: an early stop leaves a wider interval, told by ``solution.status`` and a
        ConvergenceWarning.

    Raises
    ------
    ValueError
        For an M of the wrong shape or kind, or so large that distances overflow, or a singular pull.
    """
    M = check_stack(M, problem.n_features, problem.blocks)
    whiten(problem).inward(M)  # one that overflows is refused before the solve, not after it
    solution = solve(problem, tol=tol, time_limit=time_limit, callback=callback)
    return Audit(certify_pair(problem, M, solution.triplets, solution.alpha), solution)


def certify(
    problem: Problem,
    M: npt.ArrayLike,
    triplets: npt.ArrayLike | None = None,
    alpha: npt.ArrayLike | None = None,
    *,
    exact: bool = False,
    tol: float = 1e-6,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> Certificate:
    """The proved interval from a metric to the optimum below it, with every optimality residual.

    With triplets and their multipliers no solver runs. Without them the lower bound is solved for, as in `audit`.

    Parameters
    ----------
    problem : Problem
        What the metric should be good at.
    M : array-like, shape (d, d)
        Symmetric matrix in the units of the data; projected onto the PSD cone.
    triplets : array-like, shape (T, 3), optional
        Triplets (i, j, l) that carry the multipliers.
    alpha : array-like, shape (T,), optional
        Multipliers; they are clipped to [0, mu] and rescaled.
    exact : bool
        Whether both bounds come from rational arithmetic and are rounded outwards once, for small problems; this needs
        python-flint (the extra ``exact``) and an M that is exactly PSD.
    tol : float
        As in `audit`; no effect where multipliers are given.
    time_limit : float, optional
        As in `audit`; no effect where multipliers are given.
    callback : callable, optional
        As in `audit`; no effect where multipliers are given.

    Returns
    -------
    Certificate
        Of the given metric.

    Raises
    ------
    ValueError
        For arrays of the wrong shape or kind, triplets that are none of the problem's, a singular pull, and for
        triplets without multipliers or the reverse. In exact mode also for an M that is not exactly PSD, a problem
        that is too large, and where python-flint is missing.
    """
    if (triplets is None) != (alpha is None):
        raise ValueError("certify needs triplets and alpha together: the multipliers and whose they are; or neither")
    if exact:
        from lmnn_sdp.proof.exact import check_exact, exact_certificate  # python-flint is slow to import

        check_exact(problem)
    if triplets is None or alpha is None:
        found = audit(problem, M, tol=tol, time_limit=time_limit, callback=callback)
        certificate, triplets, alpha = found.certificate, found.solution.triplets, found.solution.alpha
    else:
        certificate = certify_pair(problem, M, triplets, alpha)
    return exact_certificate(problem, M, triplets, alpha, certificate) if exact else certificate


def _excess(objective: float, optimum: float) -> float:
    """``objective / optimum - 1``, with 0 over 0 as no excess."""
    if optimum > 0:
        return objective / optimum - 1
    return math.inf if objective > 0 else 0.0
