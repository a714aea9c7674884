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
import numpy.typing as npt
import os
DEBUG=os.environ.get('DBG')
CGS=0

from lmnn_sdp._typing import FloatArray, IntArray
from lmnn_sdp.certificate import relative_gap
from lmnn_sdp.linalg import eigh, eigvalsh, psd_part, smat, solve_definite, spectral_norm, svec, svec_indices, svec_outer, symmetrize
from lmnn_sdp.graph import TripletGraph
from lmnn_sdp.problem import Problem
from lmnn_sdp.scale import unit_scale
from lmnn_sdp.solution import Status
from lmnn_sdp.solvers import smoothing
from lmnn_sdp.solvers.monitor import Monitor

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
    graph: TripletGraph
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
        estimate = _estimated_gap(problem, state)
        if DEBUG: print(f"    {monitor.seconds:.1f} round {iteration} steps {steps} est {estimate:.1e} s {state.s:.1e} z {state.z:.1e} listed {len(state.alpha)} kinks {np.sum((state.alpha>0)&(state.alpha<problem.mu))} cg {CGS}", flush=True)
        if estimate <= max(monitor.tol, PASS * certified) or iteration % EVERY == 0 or monitor.out_of_time:
            slack = max(LEAST_SLACK, 0.8 * slack)
            stop = _record(monitor, state, iteration, slack)
            failures = failures + 1 if monitor.relative_gap > 0.99 * certified else 0
            certified = monitor.relative_gap
            if failures == MAX_FAILURES:
                return stop or Status.STALLED
            _relist(problem, state, monitor)
        growth = MUCH if steps <= FAST else LITTLE if steps <= SLOW else 1.0
        state.s *= growth
        state.z *= growth
    raise AssertionError("the loop never ends by itself")


def _start(problem: Problem, monitor: Monitor) -> tuple[Iterate, Status | None]:
    """Metric and both multipliers from the smoothed problem, recorded."""
    M, near = smoothing.approach(problem, monitor)
    s = problem.mu / smoothing.WIDTHS[-1]
    z = 1 / max(spectral_norm(M), unit_scale(problem))  # M may be zero
    state = Iterate(M, near.graph, np.empty(0), near.alpha, psd_part(near.gradient()), s, z)
    if DEBUG: print("    approach", monitor.seconds)
    stop = _record(monitor, state, 0, SLACK)
    _relist(problem, state, monitor)
    return state, stop


def _record(monitor: Monitor, state: Iterate, iteration: int, slack: float) -> Status | None:
    """Certify; the same pass lists the triplets near their margin."""
    triplets = state.graph.triplets
    return monitor.record(
        state.M, triplets, state.alpha, iteration=iteration, working_set=len(triplets), slack=slack
    )


def _relist(problem: Problem, state: Iterate, monitor: Monitor) -> None:
    """List the triplets near or beyond their margin at the current metric, and those with a multiplier."""
    assert monitor.near is not None
    used = state.alpha > 0
    kept, alpha = problem.keys(state.graph.triplets[used]), state.alpha[used]
    keys = np.union1d(problem.keys(monitor.near.triplets), kept)
    state.graph = problem.graph(problem.from_keys(keys))
    state.alpha = np.zeros(len(keys))
    state.alpha[np.searchsorted(keys, kept)] = alpha
    state.hinges = 1 - state.graph.margins(state.M)


def _estimated_gap(problem: Problem, state: Iterate) -> float:
    """Relative gap over the listed triplets, as if no other counted."""
    M = psd_part(state.M)
    hinges = 1 - state.graph.margins(M)
    objective = float(np.sum(problem.cost * M)) + problem.mu * float(np.sum(hinges[hinges > 0]))
    weighted = state.graph.adjoint(state.alpha)
    top = float(eigvalsh(weighted, problem.cost)[-1])
    return relative_gap(objective, float(np.sum(state.alpha)) / max(1.0, top))


def _minimise(problem: Problem, state: Iterate, accuracy: float, monitor: Monitor) -> int:
    """Newton steps until the gradient is below ``accuracy`` times the cost, then both multipliers; how many steps."""
    size = float(np.linalg.norm(problem.cost))
    for steps in range(MAX_INNER + 1):
        a = np.clip(state.alpha + state.s * state.hinges, 0, problem.mu)
        W = symmetrize(state.Z - state.z * state.M)
        eigenvalues, Q = eigh(W)
        Z = (Q * np.maximum(eigenvalues, 0)) @ Q.T
        gradient = problem.cost - state.graph.adjoint(a) - Z
        error = float(np.linalg.norm(gradient)) / size
        if error <= accuracy or steps == MAX_INNER or monitor.out_of_time:
            break
        kinks = np.flatnonzero((a > 0) & (a < problem.mu))
        system = _NewtonSystem.of(state, kinks, eigenvalues, Q, error)
        D = system.solve(gradient, min(0.1, max(1e-3, error)))
        change = -state.graph.margins(D)
        step = _line_search(problem, state, W, D, change, float(np.sum(gradient * D)))
        if DEBUG: print(f"        {monitor.seconds:.1f} error {error:.1e} kinks {len(kinks)} step {step} cg {CGS}", flush=True)
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
        penalty = np.maximum(eigvalsh(W - step * state.z * D), 0)
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
    edges: FloatArray  # x_a - x_b of each edge of a kink in the basis Q, shape (E, r)
    push: IntArray  # edges of each kink, shape (J,)
    pull: IntArray
    diagonal: FloatArray  # z Omega + damping, shape (r, r)
    s: float

    @staticmethod
    def of(state: Iterate, kinks: IntArray, eigenvalues: FloatArray, Q: FloatArray, error: float) -> _NewtonSystem:
        """Set up for the kinks; the damping fades with the gradient, and holds where there are too few kinks."""
        graph, J = state.graph, len(kinks)
        used, inverse = np.unique(np.concatenate([graph.push[kinks], graph.pull[kinks]]), return_inverse=True)
        edges = (graph.X[graph.a[used]] - graph.X[graph.b[used]]) @ Q
        damping = state.z * max(1e-12, min(1e-3, 0.1 * error))
        diagonal = state.z * _projection_weights(eigenvalues) + damping
        return _NewtonSystem(Q, edges, inverse[:J], inverse[J:], diagonal, state.s)

    def solve(self, gradient: FloatArray, accuracy: float) -> FloatArray:
        """Newton direction, by factorisation where it fits, else by conjugate gradients to a relative residual."""
        G = self.Q.T @ gradient @ self.Q
        r = len(G)
        D = self._direct(G) if r * (r + 1) // 2 <= MAX_DIRECT else self._conjugate_gradients(G, accuracy)
        return symmetrize(self.Q @ D @ self.Q.T)

    def _direct(self, G: FloatArray) -> FloatArray:
        """Cholesky factor of the system in svec coordinates."""
        outer = svec_outer(self.edges)
        rows = outer[self.push] - outer[self.pull]
        row, col = svec_indices(len(G))
        H = self.s * (rows.T @ rows)
        H[np.diag_indices_from(H)] += self.diagonal[row, col]
        try:
            return smat(solve_definite(H, -svec(G)))
        except np.linalg.LinAlgError:  # semidefinite to rounding: a few directions have no curvature to speak of
            return self._conjugate_gradients(G, SINGULAR_ACCURACY)

    def _conjugate_gradients(self, G: FloatArray, accuracy: float) -> FloatArray:
        """Conjugate gradients, preconditioned by the diagonal of the whole system.

        Products are in float32: the direction needs a few digits, and the line search and the next gradient,
        in float64, see what it is worth.
        """
        global CGS
        edges = self.edges.astype(np.float32)
        D = np.zeros_like(G)
        residual = -G
        diagonal = self._preconditioner(edges)
        direction = scaled = residual / diagonal
        product = float(np.sum(residual * scaled))
        target = accuracy * float(np.linalg.norm(residual))
        for _ in range(MAX_CG):
            CGS += 1
            image = self._apply(edges, direction)
            step = product / float(np.sum(direction * image))
            D = D + step * direction
            residual = residual - step * image
            if np.linalg.norm(residual) <= target:
                break
            scaled = residual / diagonal
            product, before = float(np.sum(residual * scaled)), product
            direction = scaled + product / before * direction
        return D

    def _apply(self, edges: npt.NDArray[np.float32], D: FloatArray) -> FloatArray:
        """The system's matrix on a symmetric D."""
        unit = float(np.max(np.abs(D)))
        q = np.einsum("ij,ij->i", edges @ (D / unit).astype(np.float32), edges)
        change = (unit * self.s) * (q[self.push] - q[self.pull]).astype(np.float64)
        w = np.bincount(self.push, change, len(edges)) - np.bincount(self.pull, change, len(edges))
        image = (edges * w.astype(np.float32)[:, None]).T @ edges
        return self.diagonal * D + symmetrize(image.astype(np.float64))

    def _preconditioner(self, edges: npt.NDArray[np.float32]) -> FloatArray:
        """Diagonal ``z Omega + damping + s sum_t (A_t)_ab^2``."""
        u, v = edges[self.push], edges[self.pull]
        u2, v2, uv = u**2, v**2, u * v
        return self.diagonal + self.s * (u2.T @ u2 - 2 * (uv.T @ uv) + v2.T @ v2).astype(np.float64)


def _projection_weights(eigenvalues: FloatArray) -> FloatArray:
    """Derivative of the PSD projection in the eigenbasis, shape (r, r): see the module docstring."""
    positive = np.maximum(eigenvalues, 0)
    spread = np.abs(eigenvalues)[:, None] + np.abs(eigenvalues)
    mixed = (positive[:, None] + positive) / np.where(spread > 0, spread, 1.0)
    both = (eigenvalues[:, None] > 0) & (eigenvalues > 0)
    return np.where(both, 1.0, mixed)
