"""The corner that the optimum sits in: triplets exactly at their margin, counted against the dimension of the face.

Let S = P - sum alpha_t A_t be the dual slack, and K the kinks: triplets with 0 < alpha_t < mu, whose hinge is exactly
at its kink, 0. For every PSD M, with c_t = min(alpha_t, mu - alpha_t),

    f(M) - sum alpha_t  >=  <S, M> + sum_{t in K} c_t |1 - <A_t, M>| .                                            (1)

At the optimum both sides are 0. Let the columns of Q1 span the null space of S, of dimension q. Then all optimal
metrics are M = Q1 N Q1' with N PSD (q, q), and <Q1'A_tQ1, N> = 1 for every kink. So where the matrices Q1'A_tQ1 of the
kinks span all symmetric ones, q (q + 1) / 2 dimensions, the optimum is unique; it takes at least as many kinks. On the
other side the parts of the A_t in the tangent space of metrics of rank q, of d q - q (q - 1) / 2 dimensions, are
independent where the multipliers are unique. Without ties the number of kinks lies between the two.

How far a metric can be whose f exceeds sum alpha by e (`Growth`) follows from (1) too. With blocks 11, 12, 22 of all
matrices in the eigenvectors [Q1 Q2] of S, s the least eigenvalue of S on Q2, and D the difference to the solution,

    tr M_22 <= e / s ,   ||M_12||_F^2 <= lambda_max(M_11) tr M_22 ,
    sigma ||D_11||_F <= e + e' + kappa_12 ||D_12||_F + kappa_22 ||D_22||_F ,

where e' is the excess of the solution, and the rows c_t A_t of the kinks, as operators on the blocks, have the least
singular value sigma on 11 and the norms kappa_12 and kappa_22 on the others. So a metric turns out of its face by at
most the root of its excess, and moves within it in proportion.

All this is done in whitened coordinates (P = I), in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lmnn_sdp import Problem, Solution
from lmnn_sdp.numerics.linalg import eigh
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.whitening import whiten

OFF_CAPS = 1e-4  # a kink's multiplier is so far from 0 and from mu, both times mu
AT_MARGIN = 1e-4  # and a hinge that counts as violated so far from 0
SLACK = 1e-4  # eigenvalues of S below this, where P = I, count as zero
SPANS = 1e-9  # squared singular values above this part of the largest count
ROUNDS = 60  # of the fixed point of a bound


@dataclass(frozen=True)
class Counts:
    """Counts at an optimum.

    Attributes
    ----------
    n, d : int
        Points, and dimensions in which they vary.
    triplets : int
        All of them.
    gap : float
        Relative gap of the solution.
    rank : int
        Of the metric.
    null : int
        Dimension q of the null space of the dual slack by `SLACK`: the rank, where complementarity is strict.
    slack : float
        Smallest eigenvalue of S outside of it.
    active : int
        Triplets that are violated beyond `AT_MARGIN`.
    kinks : int
        Triplets with a multiplier strictly between 0 and mu by `OFF_CAPS`.
    off : float
        The largest hinge, by magnitude, of a kink.
    face, tangent, all : int
        ``q (q + 1) / 2``, ``d q - q (q - 1) / 2`` and ``d (d + 1) / 2``.
    spanned : int
        Dimensions of the face that the kinks span: ``face`` where the optimum is unique.
    """

    n: int
    d: int
    triplets: int
    gap: float
    rank: int
    null: int
    slack: float
    active: int
    kinks: int
    off: float
    face: int
    tangent: int
    all: int
    spanned: int


class Corner:
    """A solution of a small gap, seen in whitened coordinates."""

    def __init__(self, problem: Problem, solution: Solution) -> None:
        self._problem, self._solution = problem, solution
        self._white = whiten(problem)
        inside = self._white.problem
        self._d = inside.n_features
        slack = inside.cost - inside.graph(solution.triplets).adjoint(solution.alpha)
        self._values, self._Q = eigh(slack)
        self._q = int(np.sum(self._values < SLACK))
        self._slack = float(np.min(self._values[self._q :], initial=1.0))
        weights = np.minimum(solution.alpha, problem.mu - solution.alpha)
        kink = weights > OFF_CAPS * problem.mu
        self._weights, self._triplets = weights[kink], solution.triplets[kink]

    def counts(self) -> Counts:
        """What lies at the corner."""
        solution, d, q = self._solution, self._d, self._q
        listed = self._problem.hinges(solution.L)
        off = np.abs(1 - self._problem.margins(solution.L, self._triplets))
        return Counts(
            n=self._problem.n_points,
            d=d,
            triplets=self._problem.n_triplets,
            gap=solution.relative_gap,
            rank=solution.certificate.rank,
            null=q,
            slack=self._slack,
            active=int(np.sum(listed.values > AT_MARGIN)),
            kinks=len(self._triplets),
            off=float(np.max(off, initial=0.0)),
            face=q * (q + 1) // 2,
            tangent=d * q - q * (q - 1) // 2,
            all=d * (d + 1) // 2,
            spanned=self._spanned,
        )

    def seen(self, M: FloatArray) -> float:
        """``||M - M*||_F / ||M*||_F`` in whitened coordinates, where every direction is pulled alike."""
        best = self._white.inward(self._solution.M)
        return float(np.linalg.norm(self._white.inward(M) - best) / np.linalg.norm(best))

    def at_most(self, gap: float) -> float:
        """No metric with ``f <= (1 + gap) f*`` is further away, as `seen` measures; infinite where (1) does not tell.

        The size of M_11 is itself bounded by the distance, so the bound is the limit of an increasing sequence; every
        step at least halves what is left, as the distance enters under a root.
        """
        if self._spanned < self._q * (self._q + 1) // 2:
            return float("inf")
        upper, lower = self._solution.objective, self._solution.lower_bound
        e, own = (1 + gap) * upper - lower, upper - lower
        sigma, kappa12, kappa22 = self._operators
        best = self._white.inward(self._solution.M)
        largest = float(np.max(eigh(best)[0]))
        outside, own_outside = (e / self._slack, own / self._slack) if self._q < self._d else (0.0, 0.0)
        inner = 0.0
        for _ in range(ROUNDS):
            turned = np.sqrt((largest + inner) * outside) + np.sqrt(largest * own_outside)
            inner = (e + own + kappa12 * turned + kappa22 * (outside + own_outside)) / sigma
        whole = np.sqrt(inner**2 + 2 * turned**2 + (outside + own_outside) ** 2)
        return float(whole / np.linalg.norm(best))

    @cached_property
    def _spanned(self) -> int:
        """Dimension of the span of the ``Q1'A_tQ1``."""
        rows = self._face_rows
        values = np.linalg.eigvalsh(rows.T @ rows)
        return int(np.sum(values > SPANS * np.max(values, initial=0.0)))

    @cached_property
    def _face_rows(self) -> FloatArray:
        """``Q1'A_tQ1`` of each kink, its upper triangle as a vector of the same norm."""
        q = self._q
        above = np.triu_indices(q)
        weight = np.where(above[0] == above[1], 1.0, np.sqrt(2.0))
        push, pull = self._edges
        products = push[:, above[0]] * push[:, above[1]] - pull[:, above[0]] * pull[:, above[1]]
        return np.asarray(weight * products)

    @property
    def _edges(self) -> tuple[FloatArray, FloatArray]:
        """``x_i - x_l`` and ``x_i - x_j`` of each kink in the eigenvectors of S, both of shape (kinks, d)."""
        Z = self._white.problem.X @ self._Q
        i, j, l = self._triplets.T
        return Z[i] - Z[l], Z[i] - Z[j]

    @cached_property
    def _operators(self) -> tuple[float, float, float]:
        """sigma, kappa_12 and kappa_22."""
        c, q = self._weights[:, None], self._q
        face = c * self._face_rows
        values = np.linalg.eigvalsh(face.T @ face)
        sigma = float(np.sqrt(max(values[0], 0.0)))
        if q == self._d:
            return sigma, 0.0, 0.0
        push, pull = self._edges

        def norm(left: slice, right: slice) -> float:
            products = push[:, left, None] * push[:, None, right] - pull[:, left, None] * pull[:, None, right]
            return float(np.linalg.norm(c * products.reshape(len(c), -1), 2))

        return sigma, 2 * norm(slice(q), slice(q, None)), norm(slice(q, None), slice(q, None))
