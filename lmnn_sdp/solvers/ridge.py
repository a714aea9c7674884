"""LMNN that stays near a metric: a Frobenius penalty, strongly convex, solved in its dual.

    f_lam(M) = f(M) + lam / 2 ||M - M0||_F^2                            over PSD M
    dual       sum_t alpha_t + lam / 2 (||M0||^2 - ||M(alpha)||^2)      0 <= alpha_t <= mu w_i
               M(alpha) = [M0 - S / lam]_+ ,  S = P - sum_t alpha_t A_t

Its gradient is 1 - <A_t, M(alpha)>, so SciPy's L-BFGS-B maximises it over the listed triplets, and impostor passes
renew the list; those that are not listed have alpha = 0. Nothing has to be rescaled, and a singular pull does no harm.
The penalty is not invariant under a change of coordinates, so all is done in the units of the data. The smaller the
penalty, the worse the condition of the dual, 1 / lam: where it is next to nothing, the method stalls, and says so.

Proof. For any alpha in the box, any PSD matrix Z and ``G = S - Z``, every PSD M has

    f_lam(M) >= sum alpha + <S, M> + lam / 2 ||M - M0||^2 >= sum alpha + <G, M0> - ||G||_F^2 / (2 lam)

and with Z = K'K for the float matrix K, which is PSD whatever rounding did, only the norm of G has to be bounded. As
f_lam is strongly convex, ``||M - M*||_F^2 <= 2 (f_lam(M) - bound) / lam``.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.optimize

from lmnn_sdp.numerics.accurate import U, gamma
from lmnn_sdp.numerics.linalg import eigh, metric_of, psd_factor
from lmnn_sdp.numerics.parallel import team
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.checks import check_metric, check_plain
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.scale import euclidean_scale
from lmnn_sdp.proof.certificate import relative_gap
from lmnn_sdp.proof.lower import Weighted, merged, pushed_of, weighted_costs
from lmnn_sdp.proof.upper import bound_above
from lmnn_sdp.solvers.solution import Status
from lmnn_sdp.validation import check_limits

SLACK = 0.5  # triplets this near their margin are listed
STEPS, MORE = 200, 1.5  # of L-BFGS-B in the first round, and their growth from round to round
MAX_FAILURES = 6  # rounds in a row that narrow the interval by less than a hundredth


@dataclass(frozen=True, eq=False)
class RidgeSolution:
    """A metric near another one, with proved bounds.

    Attributes
    ----------
    M : array, shape (d, d)
        Metric in the units of the data.
    L : array, shape (r, d)
        Its factor, as it was certified.
    triplets : array, shape (T, 3)
        Triplets with a positive multiplier.
    alpha : array, shape (T,)
        Their multipliers.
    objective : float
        At least ``f_lam(L'L)`` over all triplets.
    lower_bound : float
        At most the optimum.
    distance : float
        Bound on the Frobenius distance of M to the one optimum.
    status : Status
        Why the solver stopped.
    rounds : int
        Impostor passes.
    seconds : float
        Wall time.
    """

    M: FloatArray
    L: FloatArray
    triplets: IntArray
    alpha: FloatArray
    objective: float
    lower_bound: float
    distance: float
    status: Status
    rounds: int
    seconds: float

    @property
    def relative_gap(self) -> float:
        """``(objective - lower_bound) / objective``."""
        return relative_gap(self.objective, self.lower_bound)


def solve_near(
    problem: Problem,
    ridge: float,
    near: npt.ArrayLike | None = None,
    tol: float = 1e-4,
    max_iter: int | None = None,
    time_limit: float | None = None,
) -> RidgeSolution:
    """Minimise ``f(M) + ridge / 2 ||M - near||_F^2`` and prove how close the answer is.

    Parameters
    ----------
    problem : Problem
        With a single full metric; weights of points and a trace penalty are part of f.
    ridge : float
        Weight of the Frobenius penalty, lam, above 0: in the units of f over those of M squared.
    near : array-like of shape (d, d), optional
        PSD matrix M0 to stay near to; by default 0.
    tol : float
        Relative gap at which to stop.
    max_iter : int, optional
        Rounds at most, an impostor pass each.
    time_limit : float, optional
        Seconds.

    Returns
    -------
    RidgeSolution
        The best metric that was certified, with the best bound.

    Raises
    ------
    ValueError
        For a ridge that is no finite number above 0, a matrix that is not PSD, or a problem of another kind.
    """
    check_plain(problem.blocks is not None, problem.diagonal, False, "solve_near")
    check_limits(tol, max_iter, time_limit)
    if not (isinstance(ridge, float | int) and math.isfinite(ridge) and ridge > 0):
        raise ValueError(f"ridge={ridge!r} must be a finite number above 0; for none use solve")
    d = problem.n_features
    M0 = np.zeros((d, d)) if near is None else check_metric(near, d)
    with team():
        return _Ridge(problem, float(ridge), M0).solve(tol, max_iter, time_limit)


class _Ridge:
    """A solve under way."""

    def __init__(self, problem: Problem, ridge: float, M0: FloatArray) -> None:
        self.problem, self.ridge, self.M0 = problem, ridge, M0
        self._cost = weighted_costs(problem)[0]

    def solve(self, tol: float, max_iter: int | None, time_limit: float | None) -> RidgeSolution:
        """Rounds of L-BFGS-B and a pass until the gap is below the tolerance."""
        begin, problem = time.perf_counter(), self.problem
        L = math.sqrt(euclidean_scale(problem)) * np.eye(problem.n_features)
        graph, alpha = self._listed(L, np.empty((0, 3), dtype=np.intp), np.empty(0))
        upper, lower, kept, failures, rounds = math.inf, -math.inf, L, 0, 0
        proved = graph.triplets[:0], alpha[:0]
        while True:
            rounds += 1
            alpha = self._ascend(graph, alpha, int(STEPS * MORE ** (rounds - 1)))
            L = psd_factor(self._metric(graph, alpha))
            before = relative_gap(upper, lower)
            if (value := self.above(L)) < upper:
                upper, kept = value, L
            if (bound := self.below(graph.triplets, alpha)) > lower:
                lower, proved = bound, (graph.triplets, alpha)
            gap = relative_gap(upper, lower)
            failures = 0 if gap < 0.99 * before else failures + 1
            status = self._status(gap <= tol, rounds, max_iter, failures, time_limit, begin)
            if status is not None:
                break
            graph, alpha = self._listed(L, graph.triplets, alpha)
        used = proved[1] > 0
        distance = math.sqrt(max(0.0, 2 * (upper - lower) / self.ridge)) * (1 + 8 * U)
        seconds = time.perf_counter() - begin
        return RidgeSolution(
            metric_of(kept), kept, proved[0][used], proved[1][used], upper, lower, distance, status, rounds, seconds
        )

    @staticmethod
    def _status(
        done: bool, rounds: int, max_iter: int | None, failures: int, time_limit: float | None, begin: float
    ) -> Status | None:
        """Why to stop, or None to go on."""
        if done:
            return Status.OPTIMAL
        if time_limit is not None and time.perf_counter() - begin >= time_limit:
            return Status.TIME_LIMIT
        if max_iter is not None and rounds >= max_iter:
            return Status.MAX_ITER
        return Status.STALLED if failures == MAX_FAILURES else None

    def _listed(self, L: FloatArray, triplets: IntArray, alpha: FloatArray) -> tuple[TripletGraph, FloatArray]:
        """The triplets near or beyond their margin and those with a multiplier, each with its own."""
        problem, used = self.problem, alpha > 0
        kept = problem.keys(triplets[used])
        keys = np.union1d(problem.keys(problem.hinges(L, SLACK).triplets), kept)
        own = np.zeros(len(keys))
        own[np.searchsorted(keys, kept)] = alpha[used]
        return problem.graph(problem.from_keys(keys)), own

    def _metric(self, graph: TripletGraph, alpha: FloatArray) -> FloatArray:
        """``M0 - S / lam``, whose PSD part is M(alpha)."""
        return self.M0 - (self.problem.cost - graph.adjoint(alpha)) / self.ridge

    def dual(self, graph: TripletGraph, alpha: FloatArray) -> tuple[float, FloatArray]:
        """The dual function over listed triplets, and its gradient."""
        L = psd_factor(self._metric(graph, alpha))
        M = metric_of(L)
        value = float(np.sum(alpha)) + self.ridge / 2 * float(np.sum(self.M0**2) - np.sum(M**2))
        return value, graph.hinges(L)

    def _ascend(self, graph: TripletGraph, alpha: FloatArray, steps: int) -> FloatArray:
        """Maximise the dual over the listed triplets, in units of their caps."""
        caps = np.broadcast_to(np.asarray(self.problem.caps(graph.triplets), dtype=np.float64), alpha.shape)
        unit = np.where(caps > 0, caps, 1.0)

        def negative(shares: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = self.dual(graph, shares * unit)
            return -value, -gradient * unit

        if not len(alpha):
            return alpha
        found = scipy.optimize.minimize(
            negative,
            alpha / unit,
            jac=True,
            method="L-BFGS-B",
            bounds=np.column_stack([np.zeros(len(alpha)), caps / unit]),
            options={"maxiter": steps, "maxfun": 2 * steps, "ftol": 0.0, "gtol": 0.0, "maxcor": 20},
        )
        return np.clip(found.x * unit, 0.0, caps)

    def above(self, L: FloatArray) -> float:
        """At least ``f_lam(L'L)``."""
        size = metric_of(np.abs(L))
        apart = float(np.linalg.norm(metric_of(L) - self.M0)) + gamma(len(L) + 4) * float(np.linalg.norm(size))
        apart += 4 * U * float(np.linalg.norm(self.M0))
        square = apart**2 * (1 + gamma(self.M0.size + 16))
        return (bound_above(self.problem, L, accurate=True).objective + self.ridge / 2 * square) * (1 + 8 * U)

    def below(self, triplets: IntArray, alpha: FloatArray) -> float:
        """At most the optimum: the bound of the module docstring, for the Z that is best without rounding."""
        triplets, alpha = merged(self.problem, triplets, alpha)
        pushed = next(pushed_of(self.problem, triplets, alpha))
        S = self._cost.matrix - pushed.matrix
        d = len(S)
        values, Q = eigh(S - self.ridge * self.M0)
        K = (Q * np.sqrt(np.maximum(values, 0))).T  # Z = K'K is [S - lam M0]_+
        G = S - metric_of(K)
        error = self._error(self._cost, pushed) * math.sqrt(d)
        error += gamma(d + 4) * float(np.linalg.norm(metric_of(np.abs(K)))) + 4 * U * float(np.linalg.norm(S))
        up = 1 + gamma(G.size + 16)
        norm = float(np.linalg.norm(G)) * up + error
        products = np.abs(G) * np.abs(self.M0)
        inner = float(np.sum(G * self.M0)) - gamma(G.size + 4) * float(np.sum(products))
        inner -= error * float(np.linalg.norm(self.M0)) * up
        total = math.nextafter(math.fsum(alpha), -math.inf) + inner - norm**2 / (2 * self.ridge) * up
        return total - 8 * U * (abs(total) + float(np.sum(alpha)) + abs(inner) + norm**2 / self.ridge)

    @staticmethod
    def _error(cost: Weighted, pushed: Weighted) -> float:
        """Of S, in the spectral norm."""
        size = float(np.linalg.norm(cost.matrix) + np.linalg.norm(pushed.matrix))
        return (cost.error + pushed.error + 4 * U * size) * (1 + 16 * U)
