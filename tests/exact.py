"""The judge: objective, dual slack and its definiteness in rational arithmetic, straight from the definitions."""

import math
from collections import defaultdict
from fractions import Fraction


def exact(rows):
    """An array of floats as rows of the rational numbers that they are."""
    return [[Fraction(value) for value in row] for row in rows.tolist()]


def exact_objective(problem, L):
    """``f(L'L)`` over all triplets; of several metrics L is a stack, and each distance has that of its second point."""
    X, mu = exact(problem.X), Fraction(problem.mu)
    maps = [exact(block) for block in (L if L.ndim == 3 else [L])]
    V = [[[sum(l * x for l, x in zip(row, point, strict=True)) for row in rows] for point in X] for rows in maps]
    known = {}

    def distance(a, b):
        block = block_of(problem, b)
        key = block, min(a, b), max(a, b)
        if key not in known:
            known[key] = sum((s - t) ** 2 for s, t in zip(V[block][a], V[block][b], strict=True))
        return known[key]

    pull = push = Fraction(0)
    for i, targets in enumerate(problem.targets.tolist()):
        for j in targets:
            pull += weight_of(problem, i) * distance(i, j)
            for l in range(len(X)):
                if problem.codes[l] != problem.codes[i]:
                    push += weight_of(problem, i) * max(0, 1 + distance(i, j) - distance(i, l))
    R = exact(problem.R)
    linear = sum(
        R[a][b] * row[a] * row[b]
        for rows in maps
        for row in rows
        for a in range(len(R))
        for b in range(len(R))
        if problem.R[a, b]
    )
    return (1 - mu) * pull + mu * push + linear


def block_of(problem, point):
    """Whose metric measures the distance to a point."""
    return 0 if problem.blocks is None else int(problem.blocks.codes[point])


def weight_of(problem, point):
    """Of the terms of a point."""
    return Fraction(1) if problem.weights is None else Fraction(float(problem.weights[point]))


def exact_slack(problem, triplets, alpha, block=0):
    """``S = (1 - mu) C + R - sum_t alpha_t A_t``, of one of several metrics."""
    X, mu, weights = exact(problem.X), Fraction(problem.mu), defaultdict(Fraction)
    for i, targets in enumerate(problem.targets.tolist()):
        for j in targets:
            weights[i, j] += weight_of(problem, i) * (1 - mu)
    for (i, j, l), multiplier in zip(triplets.tolist(), alpha.tolist(), strict=True):
        weights[i, l] -= Fraction(multiplier)
        weights[i, j] += Fraction(multiplier)
    S = exact(problem.R)
    for (a, b), weight in weights.items():
        if block_of(problem, b) != block:
            continue
        difference = [s - t for s, t in zip(X[a], X[b], strict=True)]
        for row in range(len(S)):
            for col in range(len(S)):
                S[row][col] += weight * difference[row] * difference[col]
    return S


def is_psd(S):
    """Whether a rational symmetric matrix is positive semidefinite, by Gaussian elimination."""
    S = [list(row) for row in S]
    for k in range(len(S)):
        if S[k][k] < 0 or (S[k][k] == 0 and any(S[k][j] for j in range(k, len(S)))):
            return False
        for i in range(k + 1, len(S)):
            if S[i][k]:
                factor = S[i][k] / S[k][k]
                for j in range(k, len(S)):
                    S[i][j] -= factor * S[k][j]
    return True


def assert_proved(problem, solution):
    """The interval of a solution is a theorem about its floats; what it lost to rounding on the upper side."""
    found = solution.certificate
    objective = exact_objective(problem, solution.L)
    assert math.isinf(found.objective) or Fraction(found.objective) >= objective
    alpha = [Fraction(value) for value in solution.alpha.tolist()]
    caps = [Fraction(problem.mu) * weight_of(problem, i) for i in solution.triplets[:, 0]]
    assert all(0 <= value <= cap for value, cap in zip(alpha, caps, strict=True))
    if found.lower_bound > 0:
        kept = [f for f in range(problem.n_features) if f not in found.left_out]
        assert Fraction(found.lower_bound) <= sum(alpha)
        for block in range(1 if problem.blocks is None else len(problem.blocks)):
            S = exact_slack(problem, solution.triplets, solution.alpha, block)
            assert is_psd([[S[a][b] for b in kept] for a in kept])
        assert not solution.L[..., list(found.left_out)].any()
    return float(Fraction(found.objective) / objective - 1) if objective and math.isfinite(found.objective) else 0.0
