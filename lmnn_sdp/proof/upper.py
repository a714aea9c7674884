"""The upper bound: f(L'L) over all triplets, from above, whatever rounding did.

Let v_a be the exact image ``L (x_a - centre)`` and V its float rows, off by at most e_a in norm. With distances D of V,
computed by differences to a part ``g = gamma_{r + 4}``,

    ||v_i - v_j||^2  <=  (sqrt(D_ij (1 + g)) + e_i + e_j)^2  =: p_ij
    ||v_i - v_l||   >=  sqrt(D_il (1 - g)) - e_i - e_l .

An impostor l is anyone, so e_l needs a bound by what i knows: e_l <= kappa ||V_l|| + e0 for all l, and
||V_l|| <= ||V_i|| + sqrt(D_il). Put

    rho_i = (sqrt(1 + max_j p_ij) + e_i + kappa ||V_i|| + e0) / (1 - kappa - g) .

Beyond ``D_il >= rho_i^2`` the hinge of (i, j, l) is zero; within, ``e_l <= E_i = kappa (||V_i|| + rho_i) + e0``, and

    [1 + ||v_i - v_j||^2 - ||v_i - v_l||^2]_+  <=  [1 + p_ij + q_i - D_il]_+ ,   q_i = 2 rho_i (e_i + E_i + g rho_i) .

Since ``rho_i^2 <= 1 + max_j p_ij + q_i``, the right side is zero only where the left is. So one ordinary pass with the
pull distances raised to ``p + q`` is a bound: errors enter where they arise, a row at a time.

Of several metrics, p_ij is that of the metric of j, and all else is bounded anew for the points under each metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from lmnn_sdp.numerics.accurate import TINY, U, accurate_rows, gamma, plain_rows, sum_up
from lmnn_sdp.numerics.linalg import power_of_two, squared_distances
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import factors
from lmnn_sdp.problem.hinges import Hinges, Terms, View
from lmnn_sdp.problem.problem import Problem

USUAL = 16.0  # errors up to this multiple of the median count as usual


@dataclass(frozen=True)
class PrimalBound:
    """A metric ``L'L`` and a bound on its objective over all triplets.

    Attributes
    ----------
    L : array, shape (r, d)
        In the coordinates of the problem.
    objective : float
        At least ``f(L'L)`` in exact arithmetic.
    terms : Terms
        The sums that it is made of.
    near : Hinges or None
        The triplets within the slack that was asked for.
    """

    L: FloatArray
    objective: float
    terms: Terms
    near: Hinges | None = None


def bound_above(
    problem: Problem,
    L: FloatArray,
    slack: float | None = None,
    *,
    accurate: bool = False,
    given: FloatArray | None = None,
) -> PrimalBound:
    """Bound f(L'L) from above, for L of shape (r, d) in the coordinates of ``problem``.

    Parameters
    ----------
    problem : Problem
    L : array, shape (r, d)
    slack : float, optional
        The same pass lists the triplets whose hinge exceeds ``-slack``.
    accurate : bool
        Map the points in twice the precision. An ordinary product will do in whitened coordinates.
    given : array, shape (d, d), optional
        A PSD matrix M near ``L'L``, or a stack: the bound is then one on f(M).
    """
    count = problem.n_triplets
    if not L.any() and (given is None or not given.any()):  # every margin is 0
        near = None if slack is None else problem.hinges(L, slack)
        push = problem.push_at_zero
        return PrimalBound(L, problem.mu * push * (1 + 4 * U), Terms(0.0, push, count), near)
    images = _Images(problem, L, accurate, given)
    pulls = images.pulls()
    if not np.isfinite(pulls).all():
        return PrimalBound(L, math.inf, Terms(math.inf, math.inf, count))
    pull = sum_up((pulls if problem.weights is None else problem.weights[:, None] * pulls).ravel())
    views = images.views(pulls)
    if slack is None:
        near, (push, active) = None, problem.passes.push(views)
    else:
        near = problem.passes.hinges(views, slack)
        push, active = problem.passes.sum_of(near)
    push *= 1 + 8 * U
    # (1 - mu) is a float, its rounding, two products and two sums, and the products with weights
    linear = ((1 - problem.mu) * pull + _linear(problem.R, problem.outward(L), given)) * (1 + 8 * U)
    return PrimalBound(L, (linear + problem.mu * push) * (1 + 8 * U), Terms(pull, push, active), near)


@dataclass(frozen=True, eq=False)
class Image:
    """Points under the map of one metric.

    Attributes
    ----------
    V : array, shape (n, r)
    errors : array, shape (n,)
        Bound on the norm of the difference of each row to the exact one.
    departures : array, shape (n,)
        a: squared distances under the metric that is bounded differ by at most ``(a_i + a_l)^2``, see `_departures`.
    """

    V: FloatArray
    errors: FloatArray
    departures: FloatArray


class _Images:
    """Points under the map of each metric: of a single one they are kept, of several computed whenever needed."""

    def __init__(self, problem: Problem, L: FloatArray, accurate: bool, given: FloatArray | None) -> None:
        self._problem = problem
        maps = list(factors(problem.outward(L)))
        metrics = [None] * len(maps) if given is None else given.reshape(-1, *given.shape[-2:])
        made = [partial(_image, problem, F, accurate, M) for F, M in zip(maps, metrics, strict=True)]
        self._made: list[Callable[[], Image]] = [cache(made[0])] if len(made) == 1 else [*made]

    def pulls(self) -> FloatArray:
        """Bounds p on the squared distances to target neighbours, shape (n, k); infinite where an image overflows."""
        problem = self._problem
        i, j = problem.target_pairs()
        members = (np.ones(problem.n_points, dtype=bool),) if problem.blocks is None else problem.blocks.members
        pulls = np.empty(len(i))
        for make, inside in zip(self._made, members, strict=True):
            image, part = make(), inside[j]
            if not np.isfinite(image.errors).all():  # nothing is known of its impostors either
                return np.full(problem.targets.shape, math.inf)
            pulls[part] = pulls_above(image, problem, i[part], j[part])
        return pulls.reshape(problem.targets.shape)

    def views(self, pulls: FloatArray) -> Iterator[View]:
        """What a pass sees of each: with ``p + q``."""
        blocks = self._problem.blocks
        for number, make in enumerate(self._made):
            image = make()
            yield View(image.V, raised(image, pulls), None if blocks is None else blocks.members[number])


def _image(problem: Problem, L: FloatArray, accurate: bool, given: FloatArray | None = None) -> Image:
    """Points under L, and the error of each row, that of the points themselves included."""
    L = L if len(L) else np.zeros((1, problem.n_features))
    if accurate:
        V, errors = accurate_rows(problem.X, np.median(problem.X, axis=0), L.T)
    else:
        V, errors = plain_rows(problem.X, L.T)
    if problem.coordinates is not None:
        errors = (errors + float(np.linalg.norm(L)) * (1 + gamma(L.size)) * problem.coordinates.errors) * (1 + 4 * U)
    return Image(V, errors, np.zeros(len(V)) if given is None else _departures(given, L, problem))


def pulls_above(image: Image, problem: Problem, i: IntArray, j: IntArray) -> FloatArray:
    """Bounds p on the squared distances of pairs of points under one metric."""
    up = 1 + 16 * U  # for the few roundings of these lines themselves
    squared = squared_distances(image.V, i, j)
    roots = np.sqrt(squared * (1 + gamma(image.V.shape[1] + 6))) + (image.errors[i] + image.errors[j])
    roots[problem.are_equal(squared, i, j)] = 0.0
    return (roots**2 + (image.departures[i] + image.departures[j]) ** 2) * up + TINY


def raised(image: Image, pulls: FloatArray) -> FloatArray:
    """``p + q`` of the module docstring, shape (n, k), for impostors under one metric."""
    V, errors, a = image.V, image.errors, image.departures
    up = 1 + 16 * U
    g = gamma(V.shape[1] + 6)
    others = (a + np.max(a)) ** 2 * up
    sizes = np.sqrt(np.sum(V**2, axis=1)) * (1 + g)
    reach = np.sqrt(1 + pulls.max(axis=1) + others) * up
    usual = min(USUAL * float(np.median(errors)), float(errors.max()))
    far = errors > usual
    with np.errstate(over="ignore"):
        ratio = float(np.max(errors[far] / np.maximum(sizes[far], TINY), initial=0.0)) * (1 + 4 * g)
    candidates = [_allowance(reach, errors, sizes, kappa, e0, g) for kappa, e0 in ((0.0, errors.max()), (ratio, usual))]
    return (pulls + (others + np.minimum(*candidates))[:, None]) * up


def _allowance(
    reach: FloatArray, errors: FloatArray, sizes: FloatArray, kappa: float, e0: float, g: float
) -> FloatArray:
    """The allowance q of each row, for errors of impostors below ``kappa ||V_l|| + e0``; infinite for a large kappa."""
    if not kappa + g < 0.5:
        return np.full(len(reach), np.inf)
    up = 1 + 32 * U
    rho = (reach + errors + kappa * sizes + e0) / (1 - kappa - g) * up
    return 2 * rho * (errors + (kappa * (sizes + rho) + e0) + g * rho) * up + TINY


def _departures(M: FloatArray, L: FloatArray, problem: Problem) -> FloatArray:
    """a, shape (n,), with ``|d_M(i, l) - d_L'L(i, l)| <= (a_i + a_l)^2`` for all points i and l.

    ``a_i = sqrt(eps) sum_f |x_if - centre_f| / unit_f``, where eps bounds every entry of M - L'L in these units.
    """
    centred = np.abs(problem.X - np.median(problem.X, axis=0)) * (1 + 4 * U)
    spread = np.max(centred, axis=0)
    unit = np.where(spread > 0, power_of_two(spread), 0.0)  # of a constant feature no entry counts
    scaled = L * unit
    entries = np.abs(M * unit * unit[:, None] - scaled.T @ scaled)
    entries += gamma(len(L) + 8) * (np.abs(scaled).T @ np.abs(scaled)) + TINY
    sizes = np.sum(centred / np.where(unit > 0, unit, 1.0), axis=1)
    return np.sqrt(np.max(entries)) * sizes * (1 + gamma(M.size + 32))


def _linear(R: FloatArray, L: FloatArray, given: FloatArray | None) -> float:
    """At least ``<R, M>``, for ``M = L'L`` or the given one."""
    if not R.any():
        return 0.0
    if given is not None:
        return float(np.sum(R * given)) + gamma(given.size + 8) * float(np.sum(np.abs(R * given)))
    size = float(np.sum((np.abs(L) @ np.abs(R)) * np.abs(L)))
    return float(np.sum((L @ R) * L)) + 2 * gamma(2 * len(R) + L.size + 16) * size
