"""Augmented Lagrangian with semismooth Newton steps: the structured solver, matrix-free in the triplets.

    L(M) = <P, M> + sum_t max over a in [0, mu] of { a h_t(M) - (a - alpha_t)^2 / (2 s) } + ||[Z - z M]_+||_F^2 / (2 z)

over free symmetric M, with hinges h_t = 1 - <A_t, M>, multipliers alpha of the hinges and Z of the PSD constraint.
Its gradient is P - sum_t a_t A_t - [Z - z M]_+ with a_t = clip(alpha_t + s h_t, 0, mu), and its generalised Hessian

    H = s sum_{t in J} A_t A_t' + z Omega

where J are the kinks, 0 < a_t < mu, and Omega is diagonal in the eigenbasis of Z - z M: 1 where both eigenvalues
are positive, 0 where both are negative, p / (p - q) for one positive p and one negative q. A round minimises L
roughly, then takes alpha <- a and Z <- [Z - z M]_+. Triplets near their margin are listed by impostor passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np
import scipy.linalg

from lmnn_sdp._typing import FloatArray, IntArray
from lmnn_sdp.certificate import relative_gap
from lmnn_sdp.linalg import psd_factor, psd_part, smat, svec, svec_indices, svec_outer, symmetrize
from lmnn_sdp.problem import Problem
from lmnn_sdp.solution import Status
from lmnn_sdp.solvers import smoothing
from lmnn_sdp.solvers.monitor import Monitor
from lmnn_sdp.solvers.projected_gradient import unit_scale

MAX_DIRECT = 2000  # unknowns up to which the Newton system is formed and factored
INNER = 0.05  # accuracy of a round, relative to the gap and to the norm of the cost
MAX_INNER = 30  # Newton steps of a round
MAX_CG = 300
SINGULAR_ACCURACY = 1e-3  # of conjugate gradients where the factorisation fails
FAST, SLOW = 3, 8  # Newton steps of a round up to which the penalties grow much, and a little
MUCH, LITTLE = 2.0, 1.35
SLACK = 0.5  # triplets this near their margin are listed at first
LEAST_SLACK = 0.05
LOOSEST, TIGHTEST = 0.02, 1e-13  # accuracy of a round at most, gap below which it is not tightened
PASS = 0.4  # fall of the estimated gap, over the certified one, at which an impostor pass is worth its time
SMALLEST_STEP = 1e-6
MAX_FAILURES = 12  # rounds in a row that narrow the interval by less than a hundredth
EVERY = 6  # rounds after which a pass is due, however little the listed gap fell


@dataclass(eq=False)
class Iterate:
    """State of the method: metric, listed triplets with hinges and multipliers, PSD multiplier, penalties."""

    M: FloatArray
    triplets: IntArray
    hinges: FloatArray
    alpha: FloatArray
    Z: FloatArray
    s: float
    z: float


def solve(problem: Problem, monitor: Monitor) -> Status:
    """Rounds of the augmented Lagrangian until the certified gap is below the tolerance."""
    state, stop = _start(problem, monitor)
    slack, failures, certified = SLACK, 0, monitor.relative_gap
    estimate = certified
    for iteration in count(1):
        if stop is not None:
            return stop
        steps = _minimise(problem, state, min(LOOSEST, INNER * max(estimate, TIGHTEST)), monitor)
        monitor.offer(state.triplets, state.alpha)
        estimate = relative_gap(_listed_objective(problem, state), monitor.dual.value)
        if estimate <= max(monitor.tol, PASS * certified) or iteration % EVERY == 0 or monitor.out_of_time:
            stop = monitor.record(
                state.M, state.triplets, state.alpha, iteration=iteration, working_set=len(state.triplets)
            )
            if stop is not None:
                return stop
            failures = failures + 1 if monitor.relative_gap > 0.99 * certified else 0
            certified = monitor.relative_gap
            if failures == MAX_FAILURES:
                return Status.STALLED
            slack = max(LEAST_SLACK, 0.8 * slack)
            _relist(problem, state, slack)
        growth = MUCH if steps <= FAST else LITTLE if steps <= SLOW else 1.0
        state.s *= growth
        state.z *= growth
    raise AssertionError("the loop never ends by itself")


def _start(problem: Problem, monitor: Monitor) -> tuple[Iterate, Status | None]:
    """Metric and both multipliers from the smoothed problem, recorded."""
    M, near = smoothing.approach(problem, monitor)
    stop = monitor.record(M, near.triplets, near.alpha, iteration=0, working_set=len(near.triplets))
    s = problem.mu / smoothing.WIDTHS[-1]
    z = 1 / max(float(np.linalg.norm(M, 2)), unit_scale(problem))  # M may be zero
    Z = psd_part(near.gradient)  # the gradient there is P - sum_t alpha_t A_t
    state = Iterate(M, near.triplets, np.empty(0), near.alpha, Z, s, z)
    _relist(problem, state, SLACK)
    return state, stop


def _relist(problem: Problem, state: Iterate, slack: float) -> None:
    """List the triplets near or beyond their margin at the current metric, and those with a multiplier."""
    near = np.unique(problem.keys(problem.hinges(psd_factor(state.M), slack).triplets))
    keys = problem.keys(state.triplets)
    kept = (state.alpha > 0) | np.isin(keys, near)
    new = np.setdiff1d(near, keys)
    state.triplets = np.concatenate([state.triplets[kept], problem.from_keys(new)])
    state.alpha = np.concatenate([state.alpha[kept], np.zeros(len(new))])
    state.hinges = 1 - problem.apply(state.M, state.triplets)


def _listed_objective(problem: Problem, state: Iterate) -> float:
    """Objective over the listed triplets at the PSD part of the metric."""
    L = psd_factor(state.M)
    hinges = 1 - problem.margins(L, state.triplets)
    return float(np.sum((L @ problem.cost) * L)) + problem.mu * float(np.sum(hinges[hinges > 0]))


def _minimise(problem: Problem, state: Iterate, accuracy: float, monitor: Monitor) -> int:
    """Newton steps until the gradient is below ``accuracy`` times the cost, then both multipliers; how many steps."""
    size = float(np.linalg.norm(problem.cost))
    for steps in range(MAX_INNER + 1):
        a = np.clip(state.alpha + state.s * state.hinges, 0, problem.mu)
        W = symmetrize(state.Z - state.z * state.M)
        eigenvalues, Q = scipy.linalg.eigh(W, check_finite=False)
        Z = (Q * np.maximum(eigenvalues, 0)) @ Q.T
        gradient = problem.cost - problem.adjoint(state.triplets, a) - Z
        error = float(np.linalg.norm(gradient)) / size
        if error <= accuracy or steps == MAX_INNER or monitor.out_of_time:
            break
        kinks = state.triplets[(a > 0) & (a < problem.mu)]
        system = _NewtonSystem.of(problem, kinks, eigenvalues, Q, state, error)
        D = system.solve(gradient, min(0.1, max(1e-3, error)))
        change = -problem.apply(D, state.triplets)
        step = _line_search(problem, state, W, D, change, float(np.sum(gradient * D)))
        state.M = state.M + step * D
        state.hinges = state.hinges + step * change
    state.alpha, state.Z = a, symmetrize(Z)
    return steps


def _line_search(
    problem: Problem, state: Iterate, W: FloatArray, D: FloatArray, change: FloatArray, slope: float
) -> float:
    """Halve the step until the augmented Lagrangian falls enough; hinges are linear along D, so this is cheap."""

    def value(step: float) -> float:
        hinges = state.hinges + step * change
        a = np.clip(state.alpha + state.s * hinges, 0, problem.mu)
        penalty = np.maximum(scipy.linalg.eigvalsh(W - step * state.z * D, check_finite=False), 0)
        return float(
            step * np.sum(problem.cost * D)
            + np.sum(a * hinges - (a - state.alpha) ** 2 / (2 * state.s))
            + np.sum(penalty**2) / (2 * state.z)
        )

    begin, step = value(0.0), 1.0
    while value(step) > begin + 1e-4 * step * slope + 1e-12 * abs(begin) and step > SMALLEST_STEP:
        step /= 2
    return step


@dataclass(frozen=True, eq=False)
class _NewtonSystem:
    """``(s A_J' A_J + z Omega + damping) D = -G`` in the eigenbasis Q, where all but the first term is diagonal."""

    Q: FloatArray
    push: FloatArray  # x_i - x_l of each kink in the basis Q, shape (J, r)
    pull: FloatArray  # x_i - x_j
    diagonal: FloatArray  # z Omega + damping, shape (r, r)
    s: float

    @staticmethod
    def of(
        problem: Problem, kinks: IntArray, eigenvalues: FloatArray, Q: FloatArray, state: Iterate, error: float
    ) -> _NewtonSystem:
        """Set up for the kinks; the damping fades with the gradient, and holds where there are too few kinks."""
        i, j, l = kinks.T
        damping = state.z * max(1e-12, min(1e-3, 0.1 * error))
        push, pull = (problem.X[i] - problem.X[l]) @ Q, (problem.X[i] - problem.X[j]) @ Q
        return _NewtonSystem(Q, push, pull, state.z * _projection_weights(eigenvalues) + damping, state.s)

    def solve(self, gradient: FloatArray, accuracy: float) -> FloatArray:
        """Newton direction, by factorisation where it fits, else by conjugate gradients to a relative residual."""
        G = self.Q.T @ gradient @ self.Q
        r = len(G)
        D = self._direct(G) if r * (r + 1) // 2 <= MAX_DIRECT else self._conjugate_gradients(G, accuracy)
        return symmetrize(self.Q @ D @ self.Q.T)

    def _direct(self, G: FloatArray) -> FloatArray:
        """Cholesky factor of the system in svec coordinates."""
        rows = svec_outer(self.push)
        rows -= svec_outer(self.pull)
        row, col = svec_indices(len(G))
        H = self.s * (rows.T @ rows)
        H[np.diag_indices_from(H)] += self.diagonal[row, col]
        # the transpose of the symmetric H is in the routine's own order: no copy
        try:
            factor = scipy.linalg.cho_factor(H.T, lower=True, overwrite_a=True, check_finite=False)
        except np.linalg.LinAlgError:  # semidefinite to rounding: a few directions have no curvature to speak of
            return self._conjugate_gradients(G, SINGULAR_ACCURACY)
        return smat(scipy.linalg.cho_solve(factor, -svec(G), check_finite=False))

    def _conjugate_gradients(self, G: FloatArray, accuracy: float) -> FloatArray:
        """Conjugate gradients, preconditioned by the diagonal of the whole system."""
        D = np.zeros_like(G)
        residual = -G
        diagonal = self._preconditioner()
        direction = scaled = residual / diagonal
        product = float(np.sum(residual * scaled))
        target = accuracy * float(np.linalg.norm(residual))
        for _ in range(MAX_CG):
            image = self._apply(direction)
            step = product / float(np.sum(direction * image))
            D = D + step * direction
            residual = residual - step * image
            if np.linalg.norm(residual) <= target:
                break
            scaled = residual / diagonal
            product, before = float(np.sum(residual * scaled)), product
            direction = scaled + product / before * direction
        return D

    def _apply(self, D: FloatArray) -> FloatArray:
        """The system's matrix on a symmetric D."""
        change = np.einsum("ij,ij->i", self.push @ D, self.push) - np.einsum("ij,ij->i", self.pull @ D, self.pull)
        weighted = self.s * change[:, None]
        return self.diagonal * D + (self.push * weighted).T @ self.push - (self.pull * weighted).T @ self.pull

    def _preconditioner(self) -> FloatArray:
        """Diagonal ``z Omega + damping + s sum_t (A_t)_ab^2``."""
        u2, v2, uv = self.push**2, self.pull**2, self.push * self.pull
        return self.diagonal + self.s * (u2.T @ u2 - 2 * (uv.T @ uv) + v2.T @ v2)


def _projection_weights(eigenvalues: FloatArray) -> FloatArray:
    """Derivative of the PSD projection in the eigenbasis, shape (r, r): see the module docstring."""
    positive = np.maximum(eigenvalues, 0)
    spread = np.abs(eigenvalues)[:, None] + np.abs(eigenvalues)
    mixed = (positive[:, None] + positive) / np.where(spread > 0, spread, 1.0)
    both = (eigenvalues[:, None] > 0) & (eigenvalues > 0)
    return np.where(both, 1.0, mixed)
