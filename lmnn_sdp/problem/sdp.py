"""The slack-variable SDP over a list of triplets.

    minimise    <Q, M> + mu sum_t xi_t + constant
    subject to  d_M(i, l) - d_M(i, j) >= 1 - xi_t   for each listed triplet t = (i, j, l)
                M positive semidefinite,  xi_t >= 0

With every triplet listed, Q is the cost P and the constant is 0: the SDP of Weinberger & Saul (2009), section 3.2.

Triplets may also be *frozen*: replaced by the linear lower bound mu (1 - <A_t, M>) of their term, which is exact while
their hinge is positive. Their multiplier is then mu, which is dual feasible, so Q = P - mu sum_frozen A_t, the
constant is mu times their number, and every lower bound of this SDP is one of the whole problem. Only triplets
near the kink of their hinge then need a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.problem import Problem


@dataclass(frozen=True, eq=False)
class SlackSDP:
    """Data of the SDP in the module docstring.

    Attributes
    ----------
    X : array, shape (n, d)
        Points that the triplets refer to.
    triplets : array, shape (m, 3)
        Triplets that have a row and a slack.
    Q : array, shape (d, d)
        Linear cost.
    mu : float
        Cost of a unit of slack.
    constant : float
        ``mu`` times the number of frozen triplets.
    """

    X: FloatArray
    triplets: IntArray
    Q: FloatArray
    mu: float
    constant: float = 0.0

    @classmethod
    def of(cls, problem: Problem, triplets: IntArray | None = None, frozen: IntArray | None = None) -> SlackSDP:
        """The SDP over ``triplets (m, 3)`` (default: all) with the ``frozen (f, 3)`` ones linearised."""
        problem.check_plain("the SDP with a row for each triplet")
        rows = problem.all_triplets() if triplets is None else triplets
        if frozen is None or not len(frozen):
            return cls(problem.X, rows, problem.cost, problem.mu)
        mu = np.full(len(frozen), problem.mu)
        return cls(
            problem.X, rows, problem.cost - problem.graph(frozen).adjoint(mu), problem.mu, problem.mu * len(frozen)
        )

    def differences(self) -> tuple[FloatArray, FloatArray]:
        """``x_i - x_l`` and ``x_i - x_j`` of each triplet, two arrays of shape (m, d)."""
        i, j, l = self.triplets.T
        return self.X[i] - self.X[l], self.X[i] - self.X[j]

    def unit(self) -> float:
        """Factor on the points that makes the mean squared distance to a target neighbour 1; solvers work there."""
        _, pull = self.differences()
        mean = float(np.sum(pull**2)) / max(1, len(pull))
        return 1 / float(np.sqrt(mean)) if mean > 0 else 1.0
