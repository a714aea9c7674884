"""Symmetric matrices as arrays: vectorisation, PSD projection, factors. Nothing here knows LMNN.

A stack of matrices, shape (B, d, d), is one block-diagonal matrix: its eigenvalues come by block, its factor is a stack
of factors, with rows of zeros where a block has fewer than another. A vector, shape (d,), is a diagonal matrix, and its
factor the vector of roots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from lmnn_sdp.numerics.engine import in_blocks, most_parts
from lmnn_sdp.numerics.parallel import GATHERED, in_parts
from lmnn_sdp.numerics.types import FloatArray, Floats, IntArray

EPS = float(np.finfo(np.float64).eps)


def svec_indices(d: int) -> tuple[IntArray, IntArray]:
    """Row and column of each svec coordinate of a symmetric ``(d, d)`` matrix.

    Returns
    -------
    row, col : arrays, shape (d * (d + 1) / 2,), ``row >= col``

    Notes
    -----
    SCS stacks the *lower* triangle column by column: (0,0), (1,0), ..., (d-1,0), (1,1), (2,1), ...
    NumPy lists triangles row by row, so the wanted order is that of the *upper* triangle with the
    two index arrays exchanged. Asking NumPy for ``tril_indices`` would give the lower triangle row by
    row, a different order as soon as d > 2.
    """
    col, row = np.triu_indices(d)
    return row, col


def svec(A: FloatArray) -> FloatArray:
    """Stack symmetric ``A (d, d)`` into ``(d (d + 1) / 2,)`` so that ``svec(A) @ svec(B) == <A, B>``.

    Off-diagonal entries are multiplied by sqrt(2); the order is that of `svec_indices`.
    """
    row, col = svec_indices(len(A))
    return A[row, col] * np.where(row == col, 1.0, np.sqrt(2.0))


def smat(v: FloatArray) -> FloatArray:
    """Inverse of `svec`: the symmetric ``(d, d)`` matrix of the vector ``v (d (d + 1) / 2,)``."""
    d = int(np.sqrt(2 * len(v)))
    row, col = svec_indices(d)
    A = np.zeros((d, d))
    A[row, col] = A[col, row] = v * np.where(row == col, 1.0, np.sqrt(0.5))
    return A


def svec_outer(D: FloatArray) -> FloatArray:
    """Row ``svec(v v')`` for each row v of ``D (m, d)``, so that ``svec_outer(D) @ svec(M)`` is v'Mv.

    Returns
    -------
    array, shape (m, d * (d + 1) / 2)
    """
    m, d = D.shape
    out = np.empty((m, d * (d + 1) // 2))
    scaled = np.sqrt(2.0) * D
    start = 0
    for j in range(d):  # a column of the lower triangle at a time: slices, no gathers
        stop = start + d - j
        np.multiply(D[:, j:], scaled[:, j, None], out=out[:, start:stop])
        out[:, start] = D[:, j] ** 2
        start = stop
    return out


def transpose(A: FloatArray) -> FloatArray:
    """``A'``, of each matrix of a stack."""
    return np.swapaxes(A, -1, -2)


def symmetrize(A: FloatArray) -> FloatArray:
    """Symmetric part ``(A + A') / 2`` of ``A (d, d)``, or of each of a stack."""
    if A.ndim == 1:
        return A
    return (A + transpose(A)) / 2


def eigh(A: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rising eigenvalues and the eigenvectors, as columns, of symmetric ``A (d, d)``, or of each of a stack.

    Those of a diagonal matrix are not sorted, and of its eigenvectors only the signs are kept.
    """
    if A.ndim == 1:
        return A, np.ones_like(A)
    if A.ndim == 2:
        return scipy.linalg.eigh(A, check_finite=False)
    eigenvalues, Q = zip(*(scipy.linalg.eigh(block, check_finite=False) for block in A), strict=True)
    return np.stack(eigenvalues), np.stack(Q)


def eigvalsh(A: FloatArray, B: FloatArray | None = None) -> FloatArray:
    """Eigenvalues of symmetric ``A (d, d)``, relative to a positive definite B if given; by block of a stack."""
    if A.ndim == 1:
        return A if B is None else A / B
    if A.ndim == 2:
        return scipy.linalg.eigvalsh(A, B, check_finite=False)
    bases = [None] * len(A) if B is None else B
    return np.stack([scipy.linalg.eigvalsh(*pair, check_finite=False) for pair in zip(A, bases, strict=True)])


def assembled(eigenvalues: FloatArray, Q: FloatArray) -> FloatArray:
    """The matrix, or stack, of these eigenvalues and eigenvectors, which need not be the ones of `eigh` alone."""
    if Q.ndim == 1:
        return eigenvalues
    return (Q * eigenvalues[..., None, :]) @ transpose(Q)


def spectral_norm(A: FloatArray) -> float:
    """Largest eigenvalue of symmetric A by magnitude, of all blocks of a stack."""
    return float(np.max(np.abs(eigvalsh(A)), initial=0.0))


def solve_definite(A: FloatArray, b: FloatArray) -> FloatArray:
    """``inv(A) b`` for symmetric positive definite ``A (m, m)``, which is overwritten, and ``b (m,)``.

    Raises
    ------
    numpy.linalg.LinAlgError
        If A is not positive definite to rounding.
    """
    # the transpose of a symmetric matrix in rows is in the routine's own order: no copy
    factor = scipy.linalg.cho_factor(A.T, lower=True, overwrite_a=True, check_finite=False)
    return scipy.linalg.cho_solve(factor, b, check_finite=False)


def psd_factor(A: FloatArray, least: float = 0.0) -> FloatArray:
    """Factor ``L`` with ``L'L`` = the projection of symmetric ``A (d, d)`` onto the PSD cone.

    The projection keeps the eigenpairs with a positive eigenvalue (nearest PSD matrix in the Frobenius
    norm). Rows come by falling eigenvalue; there are as many as positive eigenvalues, none for ``A = 0``.

    Parameters
    ----------
    A : array, shape (d, d), (B, d, d) or (d,)
    least : float
        Kept are eigenvalues above this part of the largest of their block alone.

    Returns
    -------
    L : array, shape (rank, d), or (B, largest rank, d) with rows of zeros, or (d,)
    """
    if A.ndim == 1:
        return np.sqrt(np.where(max(0.0, least * float(np.max(A, initial=0.0))) < A, A, 0.0))
    if A.ndim == 2:
        return _factor(A, least)
    factors = [_factor(block, least) for block in A]
    return padded(factors)


def _factor(A: FloatArray, least: float) -> FloatArray:
    """Of one matrix."""
    eigenvalues, Q = eigh(A)
    kept = eigenvalues > max(0.0, least * np.max(eigenvalues, initial=0.0))
    return (Q[:, kept] * np.sqrt(eigenvalues[kept])).T[::-1]


def padded(factors: list[FloatArray]) -> FloatArray:
    """Factors of shapes (r_b, d) as one stack, with rows of zeros at their ends."""
    out = np.zeros((len(factors), max(map(len, factors)), factors[0].shape[1]))
    for block, factor in zip(out, factors, strict=True):
        block[: len(factor)] = factor
    return out


def metric_of(L: FloatArray) -> FloatArray:
    """``L'L (d, d)``, of each factor of a stack."""
    if L.ndim == 1:
        return L**2
    return transpose(L) @ L


def psd_part(A: FloatArray) -> FloatArray:
    """Nearest PSD matrix to symmetric ``A (d, d)``, or to a stack, in the Frobenius norm."""
    return metric_of(psd_factor(A))


def principal_rows(L: FloatArray) -> FloatArray:
    """The factor of ``L'L`` with orthogonal rows by falling norm and a fixed sign.

    ``L (r, d)`` is replaced by ``Q'L`` for the eigenvectors Q of ``LL'``, so that the squared norms of the rows are
    the eigenvalues of ``M = L'L``. Only rows are combined: features of very different units keep their own accuracy,
    which a singular value decomposition of L would lose. The entry of largest magnitude of each row is made positive.
    Rows that are rounding in every column are dropped, but one row is always kept.

    Returns
    -------
    array, shape (max(rank, 1), d)
    """
    rows = L[L.any(axis=1)]
    if not len(rows):
        return np.zeros((1, L.shape[1]))
    size = float(power_of_two(np.max(np.abs(rows))))  # squares stay within range
    for _ in range(2):  # the second time small rows become orthogonal to large ones beyond the rounding of the first
        scaled = rows / size
        rows = eigh(scaled @ scaled.T)[1].T[::-1] @ rows
    noise = max(L.shape) * EPS * np.max(np.abs(L), axis=0)
    rows = rows[(np.abs(rows) > noise).any(axis=1)]
    rows = rows[np.argsort(-np.sum((rows / size) ** 2, axis=1), kind="stable")]
    peak = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
    return rows * np.sign(peak)[:, None]


def power_of_two(x: FloatArray) -> FloatArray:
    """Powers of two next below ``|x|`` (1 where x is 0): scaling by them is free of rounding."""
    _, exponent = np.frexp(x)
    return np.where(x == 0, 1.0, np.ldexp(1.0, exponent - 1))


#: Rows of a chunk of differences. Sums of chunks are added by pairs, so that the error of long sums stays near that of
#: short ones; with shorter chunks the products take more time.
CHUNK = 64


def gram(A: Floats, B: Floats) -> Floats:
    """``A'B`` for A and B with many rows, shared among threads, in their own precision."""
    parts = in_parts(lambda begin, end: A[begin:end].T @ B[begin:end], len(A), A.shape[1] * B.shape[1])
    return parts[0] if len(parts) == 1 else np.sum(parts, axis=0)


def row_products(A: FloatArray, D: FloatArray) -> FloatArray:
    """``A D`` for A with many rows, shared among threads."""
    out = np.empty((len(A), D.shape[1]), dtype=A.dtype)
    D = D.astype(A.dtype, copy=False)
    in_parts(lambda begin, end: np.matmul(A[begin:end], D, out=out[begin:end]), len(A), D.size)
    return out


def scatter(X: FloatArray, a: IntArray, b: IntArray, weights: FloatArray) -> FloatArray:
    """``sum_p w_p (x_a - x_b)(x_a - x_b)'`` over paired rows of ``X (n, d)``, shape (d, d), by differences.

    Every entry is a sum by pairs of sums of at most `CHUNK` terms: see `scatter_roundings`.
    """
    return symmetrize(np.sum(in_blocks(_Scatter(X, a, b, weights), len(a), X.shape[1] ** 2), axis=0))


@dataclass(frozen=True, eq=False)
class _Scatter:
    """The sum over a range of the pairs."""

    X: FloatArray
    a: IntArray
    b: IntArray
    weights: FloatArray

    def __call__(self, pairs: tuple[int, int]) -> FloatArray:
        """Sums of halves, down to a chunk."""
        begin, end = pairs
        chunks = _chunks(end - begin)
        if chunks <= 1:
            difference = self.X[self.a[begin:end]] - self.X[self.b[begin:end]]
            return (difference * self.weights[begin:end, None]).T @ difference
        middle = begin + chunks // 2 * CHUNK
        total = self((begin, middle))
        total += self((middle, end))
        return total


def scatter_roundings(count: int) -> int:
    """Roundings in a row, at most, between a term of `scatter` over so many pairs and the sum."""
    return min(count, CHUNK) + _chunks(count).bit_length() + most_parts() + 8


def _chunks(count: int) -> int:
    """Chunks of so many rows."""
    return -(-count // CHUNK)


def squared_distances(V: FloatArray, a: IntArray, b: IntArray) -> FloatArray:
    """``||v_a - v_b||^2`` for paired rows of ``V (n, d)``, by differences, so close points lose nothing.

    Work goes in chunks, so that the differences never fill more than a few MiB.
    """
    out = np.empty(len(a))
    chunk = max(1, 2**17 // max(1, V.shape[1]))

    def work(begin: int, end: int) -> None:
        for start in range(begin, end, chunk):
            part = slice(start, min(start + chunk, end))
            difference = V[a[part]] - V[b[part]]
            np.sum(np.square(difference, out=difference), axis=1, out=out[part])

    in_parts(work, len(a), GATHERED * V.shape[1])
    return out
