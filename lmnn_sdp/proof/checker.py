"""Checks the proof of an LMNN interval anew from the raw data: this file and NumPy are all that is to be trusted.

    python checker.py DATA.npz PROOF.npz    DATA.npz holds X (n, d), y (n,); exit code 0: proved, 1: refuted, 2: neither

Claim: in exact arithmetic on the numbers that the floats are, lower <= min over PSD M of f(M) <= f(L'L) <= upper, with

    f(M) = (1 - mu) sum_ij D(i, j) + mu sum_ijl [1 + D(i, j) - D(i, l)]_+ + <R, M>,  D(a, b) = (x_a - x_b)'M(x_a - x_b)

over points i, their targets j and all l of other classes. A proof holds a digest of the data, targets (n, k), mu, reg
(a number, or R), L, triplets (i, j, l) with alpha in [0, mu], the interval, features kept, a square matrix T on them,
and features left out, on which L is zero: the claim is about the data without them.

Model of rounding: binary64 to nearest, u = 2^-53, overflow seen, underflow far below TINY; sums and matrix products in
any order, fused or not: n roundings in a row cost gamma_n = n u / (1 - n u). eigh and lstsq may err as they like.

* Maps: (x - c) T in double-double, rounded once, errs by e = u |v| + 4 (d + 8)^2 u^2 sum_f |x_f - c_f| |T_f| a row.
* Upper: |v_a - v_b| is known to e_a + e_b and a part gamma. Pairs (i, l) within rho = sqrt(1 + max_j D(i, j)) count, so
  only if |v_i|^2 - s^2 + |v_l|^2 - e_l^2 < 2 (v_i v_l + s e_l), s = rho + e_i: one product over all pairs proposes,
  with a margin 2 gamma (|v_i|^2 + s^2 + |v_l|^2 + e_l^2); differences decide.
* Lower: f(M) >= sum alpha + <S, M>, S = (1 - mu) C + R - sum alpha_t A_t, so sum alpha is a bound if S is PSD, as it is
  if T'ST is positive definite, whatever T. As a sum over edges z = T'(x_a - x_b) of weights w it errs by
  sum |w| (2 |z| h + h^2 + gamma |z|^2), h = e_a + e_b + u |z|. Any F with T'ST = FF' + s I + E and |E|_F + errors < s
  proves it. The other features have to be rational combinations of those kept, in exact arithmetic.
"""

import hashlib
import math
import sys
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile

Array = np.ndarray[Any, Any]
U, TINY, SLACK = 2.0**-53, 2.0**-400, 1 + 2.0**-20  # SLACK pays for the roundings of an error bound itself
SPLIT, BLOCK = 2.0**27 + 1, 2**21  # Veltkamp's constant; pairs at a time
FLOATS = {"mu": 0, "reg": 0, "L": 2, "alpha": 1, "T": 2, "interval": 1}  # dimensions of each array
INDICES = {"targets": 2, "triplets": 2, "kept": 1, "left_out": 1}


@dataclass(frozen=True)
class Verdict:
    """An interval that holds the optimum, or none, and in words: of which problem, or why none."""

    proved: bool
    words: str
    lower: float = -math.inf
    upper: float = math.inf
    nearest: bool = False  # the targets are nearest neighbours, up to rounding

    def __str__(self) -> str:
        low, high = (Context(prec=12, rounding=way) for way in (ROUND_FLOOR, ROUND_CEILING))
        outwards = f"[{low.plus(Decimal(self.lower))}, {high.plus(Decimal(self.upper))}]"
        return f"PROVED {outwards} for {self.words}" if self.proved else f"REFUTED: {self.words}"


def check(X: Any, y: Any, proof: Any) -> Verdict:
    """Whether the arrays of a proof, by name, prove an interval for ``X (n, d)`` with labels ``y (n,)``, and which."""
    try:
        with np.errstate(all="ignore"):
            p = _read(X, y, proof)
            nearest, lower, upper, (low, high) = _nearest(p), _lower(p), _upper(p), p.interval.tolist()
            _need(low <= lower <= upper <= high, f"it claims [{low}, {high}], but [{lower}, {upper}] is proved")
    except (ValueError, OverflowError) as reason:
        return Verdict(False, str(reason))
    reg = "a matrix" if p.reg.ndim else p.reg
    words = f"{p.targets.shape[1]} {'nearest neighbours' if nearest else 'chosen targets'}, mu = {p.mu}, reg = {reg}"
    words += f", without features {p.left_out.tolist()}" * bool(len(p.left_out))
    return Verdict(True, words, lower, upper, nearest)


def digest(X: Array, codes: Array) -> str:
    """Of the data: shape and bytes of X, and the number of each class in the order of the labels."""
    return hashlib.sha256(b"%d %d" % X.shape + X.astype("<f8").tobytes() + codes.astype("<i8").tobytes()).hexdigest()


def _need(true: Any, why: str) -> None:
    if not true:
        raise ValueError(why)


def _read(X: Any, y: Any, proof: Any) -> SimpleNamespace:
    p = SimpleNamespace(X=np.ascontiguousarray(X, dtype=np.float64), codes=np.unique(y, return_inverse=True)[1])
    _need(p.X.ndim == 2 and p.codes.shape == p.X.shape[:1] and p.X.size, "X and y do not fit together")
    _need(np.max(np.abs(p.X)) <= 2.0**1000, "X has entries that are not finite, or beyond 2**1000")
    _need(str(proof.get("digest")) == digest(p.X, p.codes), "it is for other data, the digest says")
    n, d = p.X.shape
    for name, ndim in (FLOATS | INDICES).items():
        array, (kind, to) = np.asarray(proof.get(name)), ("f", np.float64) if name in FLOATS else ("iu", np.int64)
        right = array.dtype.kind in kind and (array.ndim == ndim or name == "reg")
        _need(right, f"{name} is missing, or has the wrong type or shape")
        inside = (array >= 0) & (array < (n if ndim == 2 else d)) if name in INDICES else np.isfinite(array)
        _need(np.all(inside), f"{name} has an entry that is not finite, or out of range")
        setattr(p, name, array.astype(to)[()])  # of mu a number
    _need(0 < p.mu < 1 and p.interval.shape == (2,), "mu is not between 0 and 1, or the interval has not two ends")
    p.R = p.reg if p.reg.ndim else p.reg * np.eye(d)
    _need(p.R.shape == (d, d) and np.array_equal(p.R, p.R.T), "reg is no symmetric matrix, nor a number")
    _need(len(p.targets) == n and p.targets.size, "targets has not a row for each point")
    _need(np.all(np.diff(np.sort(np.c_[p.targets, range(n)])) > 0), "a target is listed twice, or is the point itself")
    _need(np.all(p.codes[p.targets] == p.codes[:, None]), "a target has another class than its point")
    _need(p.L.shape[1] == d and not p.L[:, p.left_out].any(), "L is no map of these features less those left out")
    _need(p.triplets.shape == (len(p.alpha), 3), "triplets and alpha do not fit together")
    i, j, l = p.triplets.T
    own = p.targets[i] == j[:, None]
    _need(np.all(own.any(axis=1) & (p.codes[i] != p.codes[l])), "a triplet is none of the problem")
    keys = (i * p.targets.shape[1] + own.argmax(axis=1)) * n + l
    _need(len(np.unique(keys)) == len(keys), "a triplet is listed twice")
    _need(np.all((p.alpha >= 0) & (p.alpha <= p.mu)), "alpha is not within [0, mu]")
    p.i, p.j = np.repeat(np.arange(n), p.targets.shape[1]), p.targets.ravel()
    return p


def _upper(p: SimpleNamespace) -> float:  # at least f(L'L)
    (V, e), g = _image(p.X, p.L.T), (len(p.L) + 8) * U * SLACK
    pull = (_apart(V, p.i, p.j) * (1 + g) + e[p.i] + e[p.j]) ** 2 * (1 + 16 * U) + TINY
    pulls, push = pull.reshape(len(V), -1), [0.0]
    for i, l in _near(V, e, np.sqrt(1 + pulls.max(axis=1)) * (1 + 8 * U), p.codes, own=False):
        below = np.maximum(_apart(V, i, l) * (1 - g) - (e[i] + e[l]) * (1 + 4 * U), 0.0) ** 2
        hinges = (1 + pulls[i]) * (1 + 4 * U) - (below * (1 - 16 * U))[:, None]
        push.append(math.fsum(hinges[hinges > 0]))
    size = float(np.sum((np.abs(p.L) @ np.abs(p.R)) * np.abs(p.L)))
    linear = float(np.sum((p.L @ p.R) * p.L)) + 2 * (2 * len(p.R) + p.L.size + 16) * U * SLACK * size + TINY
    return math.nextafter(((1 - p.mu) * math.fsum(pull) + p.mu * math.fsum(push)) * (1 + 16 * U) + linear, math.inf)


def _lower(p: SimpleNamespace) -> float:  # at most the sum of alpha, a bound because S is PSD
    if not p.alpha.any() and p.reg.ndim == 0 and p.reg >= 0:
        return 0.0
    for f in np.setdiff1d(np.arange(p.X.shape[1]), np.append(p.kept, p.left_out)).tolist():
        exact = not p.R.any() and _is_combination(p.X, f, p.kept)
        _need(exact, f"feature {f} is neither kept nor left out, nor a combination of those kept")
    X, R, costs = p.X[:, p.kept], p.R[np.ix_(p.kept, p.kept)], np.full(len(p.i), 1 - p.mu)
    (i, j, l), (n, d), T = p.triplets.T, X.shape, p.T
    _need(T.shape == (d, d) and len(set(p.kept.tolist())) == d > 0, "T is not square on the features kept")
    a, b = np.concatenate([p.i, i, i]), np.concatenate([p.j, j, l])
    keys, place = np.unique(np.minimum(a, b) * n + np.maximum(a, b), return_inverse=True)
    weights = np.bincount(place, np.concatenate([costs, p.alpha, -p.alpha]))  # those of an edge have one sign
    S, error = _weighted(*_image(X, T), keys // n, keys % n, weights, int(np.bincount(place).max()) + 2)
    size = np.linalg.norm(np.abs(T.T) @ np.abs(R) @ np.abs(T))
    error += (2 * d + 16) * U * SLACK * size + 4 * U * (np.linalg.norm(S) + size)
    S, g = S + T.T @ R @ T, (d + 8) * U * SLACK
    s = (error + 4 * g * np.sum(np.abs(np.diag(S)))) * SLACK**2 + TINY
    w, Q = np.linalg.eigh((S + S.T) / 2)
    F = Q * np.sqrt(np.maximum(w - s, 0.0))
    E = np.linalg.norm((S + S.T) / 2 - F @ F.T - s * np.eye(d)) + g * (np.sum(F**2) + np.linalg.norm(S) + s)
    _need((E + error) * SLACK < s, "the dual slack S(alpha) is not proved positive semidefinite")
    return math.nextafter(math.fsum(p.alpha), -math.inf) if p.alpha.any() else 0.0


def _nearest(p: SimpleNamespace) -> bool:  # none of its class is nearer to a point than its targets, beyond rounding
    unit, norm, (n, d) = _power_of_two(np.max(np.abs(p.X))), np.hypot.reduce, p.X.shape  # hypot has no underflow
    V, g = (p.X - np.median(p.X, axis=0)) / unit, (d + 8) * U
    furthest = _apart(p.X, p.i, p.j, norm).reshape(n, -1).max(axis=1)
    pairs = _near(V, 2 * U * np.linalg.norm(V, axis=1) + TINY, furthest / unit * (1 + g), p.codes, own=True)
    others = ((i, l, (i != l) & (p.targets[i] != l[:, None]).all(axis=1)) for i, l in pairs)
    return all(np.all((_apart(p.X, i, l, norm) * (1 + g) >= furthest[i] * (1 - g))[other]) for i, l, other in others)


def _power_of_two(x: Array) -> Array:
    return np.where(x == 0, 1.0, np.ldexp(1.0, np.frexp(x)[1]))


def _image(X: Array, T: Array) -> tuple[Array, Array]:  # (X - c) T for a centre c, and the error of each row at most
    unit = _power_of_two(np.max(np.abs(X), axis=0))
    X, T, d = X / unit, T * unit[:, None], len(T)
    _need(np.max(np.abs(T), initial=0.0) <= 2.0**400, "a map is too large for these data")
    centre, V, e = np.median(X, axis=0), np.zeros((len(X), T.shape[1])), np.zeros(len(X))
    upper_T = SPLIT * T - (SPLIT * T - T)
    for rows in (slice(start, start + 4096) for start in range(0, len(X), 4096)):
        high, low = _two_sum(X[rows], -centre)
        upper = SPLIT * high - (SPLIT * high - high)
        total = rest = np.zeros_like(V[rows])
        for f in range(d):
            product, a, b = high[:, f, None] * T[f], upper[:, f, None], (high - upper)[:, f, None]
            lost = b * (T - upper_T)[f] - (((product - a * upper_T[f]) - b * upper_T[f]) - a * (T - upper_T)[f])
            total, back = _two_sum(total, product)
            rest = rest + ((back + lost) + low[:, f, None] * T[f])
        V[rows] = total + rest
        e[rows] = U * np.linalg.norm(V[rows], axis=1) + 4 * (d + 8) ** 2 * U**2 * (np.abs(high) @ np.abs(T).sum(axis=1))
    return V, e * SLACK + TINY


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    total = a + b
    return total, (a - (total - (total - a))) + (b - (total - a))


def _apart(V: Array, a: Array, b: Array, norm: Any = np.linalg.norm) -> Array:
    parts = np.array_split(np.stack([a, b]), 1 + a.size * V.shape[1] // 2**20, axis=1)
    return np.concatenate([norm(V[i] - V[l], axis=1) for i, l in parts])


def _near(V: Array, e: Array, reach: Array, codes: Array, own: bool) -> Any:
    """All pairs (i, l) of one class (own), or of two, with ``|v_i - v_l| < reach_i``, and some more."""
    order, n = np.argsort(codes, kind="stable"), len(V)
    s, c, norms = (reach + e) * (1 + 4 * U), 2 * (V.shape[1] + 16) * U * SLACK, np.sum(V**2, axis=1)
    W, Z = np.c_[V, s][order], np.c_[V, e][order]
    A, B = (((norms - r**2) / 2 - c * (norms + r**2))[order] for r in (s, e))
    _need(np.isfinite(A + B).all(), "L is too large for these data")
    for code in range(codes.max() + 1):
        first, last = np.searchsorted(codes[order], [code, code + 1])
        for start in range(first, last, 1 + BLOCK // n):
            rows = slice(start, min(start + 1 + BLOCK // n, last))
            for columns in [slice(first, last)] if own else [slice(0, first), slice(last, n)]:
                i, l = np.nonzero(W[rows] @ Z[columns].T >= A[rows, None] + B[columns])
                yield order[rows][i], order[columns][l]


def _weighted(Z: Array, e: Array, a: Array, b: Array, weights: Array, roundings: int) -> tuple[Array, Any]:
    """``sum_e w_e (z_a - z_b)(z_a - z_b)'`` and a bound on its error in the spectral norm."""
    step, S, error = math.isqrt(len(a)) + 1, np.zeros((Z.shape[1], Z.shape[1])), TINY
    for rows in (slice(start, start + step) for start in range(0, len(a), step)):
        D, w = Z[a[rows]] - Z[b[rows]], weights[rows]
        S += (D * w[:, None]).T @ D
        length = np.linalg.norm(D, axis=1)
        h = e[a[rows]] + e[b[rows]] + U * length
        error += np.abs(w) @ ((2 * length + h) * h + (2 * step + roundings + 8) * U * SLACK * length**2)
    return S, error * SLACK


def _is_combination(X: Array, f: int, kept: Array) -> bool:  # a constant plus a rational one of those kept, exactly
    unit = _power_of_two(np.ptp(X, axis=0))
    Y = (X - X[0]) / unit
    found = np.nan_to_num(np.linalg.lstsq(Y[:, kept], Y[:, f], rcond=None)[0] * (unit[f] / unit[kept]))
    terms = [(g, Fraction(c).limit_denominator(1024)) for g, c in zip(kept.tolist(), found.tolist(), strict=True)]
    return len({Fraction(x[f]) - sum(c * Fraction(x[g]) for g, c in terms if c) for x in X.tolist()}) == 1


def _judge(data: str, proof: str) -> Verdict:
    with open(data, "rb") as points, open(proof, "rb") as file:
        X, y = map(NpzFile(points).__getitem__, "Xy")
        try:
            arrays = dict(NpzFile(file))
        except Exception as error:  # NumPy, zipfile and zlib have a dozen kinds of them for a damaged file
            return Verdict(False, f"it holds no arrays that can be read: {error}")
    return check(X, y, arrays)


if __name__ == "__main__":
    try:
        found = _judge(*sys.argv[1:])
    except Exception as error:
        print("There is no DATA.npz with X and y, or no PROOF.npz:", *str(error).split(), file=sys.stderr)
        sys.exit(2)
    print(found)
    sys.exit(not found.proved)
