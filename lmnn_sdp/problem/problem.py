"""The LMNN problem: data, target neighbours and weights, and the operators that every solver needs.

    minimise    f(M) = (1 - mu) sum_{i, j in N_i} d_M(i, j) + mu sum_t [1 + d_M(i, j) - d_M(i, l)]_+ + <R, M>
    subject to  M positive semidefinite

with d_M(a, b) = (x_a - x_b)' M (x_a - x_b), target neighbours N_i, and one triplet t = (i, j, l) for every j in N_i
and every l of another class than i. Point l is an impostor of (i, j) where the hinge is positive.
Of several metrics (`lmnn_sdp.problem.blocks`) M is a stack of matrices, shape (B, d, d), and d_M(a, b) takes that of
the block of b; every matrix has its own <R, M_b>.
Source: Weinberger & Saul (2009), eq. 14 and 16; the trace-like term <R, M> is ours and zero by default.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.engine import product
from lmnn_sdp.numerics.linalg import psd_factor, scatter, squared_distances, symmetrize
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import factors
from lmnn_sdp.problem.checks import (
    check_blocks,
    check_comparisons,
    check_diagonal,
    check_metrics,
    check_regularizer,
    check_structure,
    check_targets,
    check_triplets,
    check_weights,
)
from lmnn_sdp.problem.graph import TripletGraph
from lmnn_sdp.problem.hinges import HingePass, Hinges, Terms, View
from lmnn_sdp.problem.neighbors import target_neighbors
from lmnn_sdp.problem.statement import Statement
from lmnn_sdp.validation import check_data, check_labels, check_mu, check_neighbors


@dataclass(frozen=True, eq=False, repr=False)
class Problem(Statement):
    """An LMNN problem, ready to be solved; build it with `Problem.from_data`, or with `Problem.from_triplets`.

    Attributes
    ----------
    X : array, shape (n, d)
        Data, float64.
    y : array, shape (n,)
        Labels as given.
    codes : integer array, shape (n,)
        Index of each label among the sorted classes.
    targets : integer array, shape (n, k)
        Target neighbours of each point.
    mu : float
        Weight of the push term, in (0, 1); the pull term has ``1 - mu``.
    R : array, shape (d, d)
        Symmetric matrix of the extra linear term <R, M>: ``reg * I`` for a trace penalty, else 0.
    working_set : integer array, shape (T, 3), or None
        The triplets that count; None stands for every (i, j in N_i, l of another class).
    coordinates : Coordinates or None
        What a change of coordinates did to X; None for data as given.
    blocks : Blocks or None
        Which metric measures the distance to each point; None where there is one for all.
    diagonal : bool
        Whether M is diagonal: a weight for each feature. Inside, M and its factor are then vectors, shape (d,).
    weights : array, shape (n,), or None
        Weight w_i of all terms of point i, of its pulls and of its hinges; None for 1.
    """

    @classmethod
    def from_data(
        cls,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        n_neighbors: int | str | None = 3,
        mu: float = 0.5,
        targets: npt.ArrayLike | None = None,
        reg: float | npt.ArrayLike = 0.0,
        minus_one_is_class: bool = False,
        blocks: npt.ArrayLike | str | None = None,
        structure: str = "full",
        weights: npt.ArrayLike | None = None,
    ) -> Problem:
        """Check the data and choose the target neighbours.

        Parameters
        ----------
        X : array-like, shape (n, d)
            Finite numbers.
        y : array-like, shape (n,)
            Labels, at least two classes.
        n_neighbors : int, "auto" or None
            Target neighbours of each point (k in the paper); every class needs more members than that. ``"auto"`` and
            None take 3, or as many as the smallest class allows. Not used when ``targets`` is given.
        mu : float
            Weight of the push term, strictly between 0 and 1 (Weinberger & Saul, 2009, eq. 14). Texts that put mu
            on the pull term mean ``1 - mu`` here.
        targets : array-like, shape (n, k), optional
            The caller's own target neighbours: row i lists k different points of the class of i, without i itself.
        reg : float or array-like of shape (d, d)
            Trace penalty ``reg * tr(M)``, or a symmetric matrix R for the linear term ``<R, M>``.
        minus_one_is_class : bool
            Whether -1 beside two or more other labels is a class. By default it is refused: scikit-learn marks points
            without a label so. Beside one other label, such as 1, it is always a class.
        blocks : array-like of shape (n,), "class", or None
            For several metrics: a label for each point, whose metric measures the distances to it; labels may cross
            classes. ``"class"`` stands for the classes, None for a single metric.
        structure : str
            ``"full"``, or ``"diagonal"`` for a metric that weights the features and turns none into another.
        weights : array-like of shape (n,), optional
            Weight of each point's own terms in the objective, at least 0 and not all 0. A point of weight 0 is pulled
            to nothing, but keeps its targets' and impostors' places; all weights times c multiply f by c.

        Raises
        ------
        ValueError
            Naming the value, the rule it breaks and the remedy.
        """
        X = check_data(X)
        labels, codes = check_labels(y, len(X), minus_one_is_class)
        mu = check_mu(mu)
        if targets is None:
            chosen = target_neighbors(X, codes, check_neighbors(n_neighbors, labels, X.shape[1]))
        else:
            chosen = check_targets(targets, codes)
        R, several = check_regularizer(reg, X.shape[1]), check_blocks(blocks, labels, codes)
        diagonal = check_structure(structure, R, several)
        own = check_weights(weights, len(X))
        return cls(X, labels, codes, chosen, mu, R, blocks=several, diagonal=diagonal, weights=own)

    @classmethod
    def from_triplets(
        cls, X: npt.ArrayLike, triplets: npt.ArrayLike, mu: float = 0.5, reg: float | npt.ArrayLike = 0.0
    ) -> Problem:
        """The problem of the caller's own comparisons: (i, j, l) says that i is more like j than like l.

        Every pair (i, j) is pulled once, however many triplets it has, and only the given triplets are pushed. No
        labels and no k nearest neighbours are needed.

        Parameters
        ----------
        X : array-like, shape (n, d)
            Finite numbers.
        triplets : array-like, shape (T, 3)
            Rows of three different points, none twice.
        mu : float
            As in `from_data`.
        reg : float or array-like of shape (d, d)
            As in `from_data`.

        Raises
        ------
        ValueError
            Naming the value, the rule it breaks and the remedy.
        """
        X = check_data(X)
        rows = check_comparisons(triplets, len(X))
        pairs = np.unique(rows[:, :2], axis=0)
        place = np.arange(len(pairs)) - np.searchsorted(pairs[:, 0], pairs[:, 0])
        # points have as many target neighbours as the one with the most; themselves, at no distance, fill up
        targets = np.repeat(np.arange(len(X))[:, None], int(np.max(place)) + 1, axis=1)
        targets[pairs[:, 0], place] = pairs[:, 1]
        own = np.arange(len(X))  # every point is a class of its own
        return cls(X, own, own, targets, check_mu(mu), check_regularizer(reg, X.shape[1]), working_set=rows)

    @cached_property
    def pull(self) -> FloatArray:
        """Pull matrix ``C = sum_{i, j in N_i} (x_i - x_j)(x_i - x_j)'``, shape (d, d); of each metric in a stack."""
        i, j = self.target_pairs()
        w = self.weight_of(i)
        if self.blocks is None:
            C = scatter(self.X, i, j, w)
            return np.diag(C).copy() if self.diagonal else C
        parts = [inside[j] for inside in self.blocks.members]
        return np.stack([scatter(self.X, i[part], j[part], w[part]) for part in parts])

    @cached_property
    def cost(self) -> FloatArray:
        """Matrix ``P = (1 - mu) C + R`` of the linear term of f, shape (d, d), of what a metric here stands for."""
        P = symmetrize((1 - self.mu) * self.pull + self.penalty)
        return P if self.blocks is None else self.blocks.congruent(P)

    @property
    def alone(self) -> Problem:
        """The same with a single metric."""
        return replace(self, blocks=None)

    def restrict(self, triplets: npt.ArrayLike) -> Problem:
        """The same problem with only the given ``triplets (T, 3)``.

        A relaxation: its optimum is a lower bound of the optimum over all triplets.

        Parameters
        ----------
        triplets : array-like, shape (T, 3)
            Rows (i, j, l), each a triplet of this problem.

        Returns
        -------
        Problem
            Over these alone.
        """
        return replace(self, working_set=self.own_triplets(triplets))

    def own_triplets(self, triplets: npt.ArrayLike) -> IntArray:
        """The given triplets as an array of shape (T, 3), after a check that all of them count in this problem."""
        checked = check_triplets(triplets, self.codes, self.targets)
        if self.working_set is not None:
            foreign = ~np.isin(self.keys(checked), self.keys(self.working_set))
            if foreign.any():
                row = int(np.argmax(foreign))
                raise ValueError(
                    f"triplets[{row}] = {checked[row].tolist()} is not in the working set of this restricted problem; "
                    "use the problem that it was restricted from"
                )
        return checked

    def objective(self, M: npt.ArrayLike) -> float:
        """``f(M)`` over all triplets.

        Parameters
        ----------
        M : array-like, shape (d, d)
            Symmetric PSD matrix, or a stack of them, in the units of the data.

        Returns
        -------
        float
            Pull, push and penalty, weighted.

        Raises
        ------
        ValueError
            If M is not symmetric PSD up to rounding.
        """
        metric = check_metrics(M, self.n_features, self.blocks)
        if self.diagonal:
            metric = check_diagonal(metric)
        return self.value(psd_factor(metric))

    def value(self, L: FloatArray) -> float:
        """``f(L'L)`` over all triplets, L of shape (r, d)."""
        return self.total(self.terms(L), L)

    def total(self, terms: Terms, L: FloatArray) -> float:
        """The objective from its terms at ``M = L'L``."""
        L = self.outward(L)
        return (1 - self.mu) * terms.pull + self.mu * terms.push + float(np.sum((L @ self.R) * L))

    def terms(self, L: FloatArray) -> Terms:
        """Pull and push at ``M = L'L``, L of shape (r, d)."""
        if not L.any():  # every margin is 0
            return Terms(0.0, self.push_at_zero, self.n_triplets)
        images = [product(self.centred, factor.T) for factor in factors(self.outward(L))]
        pulls = self.target_distances(images)
        weighted = pulls.ravel() if self.weights is None else (self.weights[:, None] * pulls).ravel()
        return Terms(math.fsum(weighted), *self.passes.push(self.views(images, pulls)))

    def hinges(self, L: FloatArray, slack: float = 0.0) -> Hinges:
        """List the triplets whose hinge value exceeds ``-slack`` at ``M = L'L``, L of shape (r, d)."""
        images = [product(self.centred, factor.T) for factor in factors(self.outward(L))]
        return self.passes.hinges(self.views(images, self.target_distances(images)), slack)

    @property
    def passes(self) -> HingePass:
        """Passes over the triplets that count."""
        return HingePass(self.codes, self.targets, self.working_set, self.weights)

    def outward(self, L: FloatArray) -> FloatArray:
        """Factor on X of a factor L of this problem: several metrics may stand for others (see `Blocks.maps`)."""
        return L if self.blocks is None else self.blocks.outward(L)

    def target_distances(self, images: list[FloatArray]) -> FloatArray:
        """Squared distance of each point to its target neighbours under the map of each metric, shape (n, k)."""
        i, j = self.target_pairs()
        return self.distances(images, i, j).reshape(self.targets.shape)

    def distances(self, images: list[FloatArray], a: IntArray, b: IntArray) -> FloatArray:
        """``D(a, b)`` for pairs of points, from the points under the map of each metric."""
        if self.blocks is None:
            return squared_distances(images[0], a, b)
        out = np.empty(len(a))
        for V, inside in zip(images, self.blocks.members, strict=True):
            part = inside[b]
            out[part] = squared_distances(V, a[part], b[part])
        return out

    def views(self, images: Iterable[FloatArray], pulls: FloatArray) -> Iterator[View]:
        """What a pass sees: the points under the map of each metric, with the impostors that it measures."""
        members = (None,) if self.blocks is None else self.blocks.members
        return (View(V, pulls, inside) for V, inside in zip(images, members, strict=True))

    def all_triplets(self) -> IntArray:
        """Every triplet (i, j, l) that counts, shape (n_triplets, 3); meant for small problems."""
        return self.hinges(self.zero).triplets

    def margins(self, L: FloatArray, triplets: IntArray) -> FloatArray:
        """``<A_t, M> = d_M(i, l) - d_M(i, j)`` of each triplet at ``M = L'L``; shape (T,)."""
        i, j, l = triplets.T
        images = [self.centred @ factor.T for factor in factors(self.outward(L))]
        return self.distances(images, i, l) - self.distances(images, i, j)

    def graph(self, triplets: IntArray) -> TripletGraph:
        """The operators <A_t, D> and sum_t alpha_t A_t of a list of triplets."""
        return TripletGraph.of(self.centred, triplets, self.blocks, self.diagonal)
