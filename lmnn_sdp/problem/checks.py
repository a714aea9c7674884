"""Checks of what a problem is made of: target neighbours, triplets, multipliers, penalties and metrics."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.blocks import Blocks
from lmnn_sdp.validation import as_indices, as_numbers, check_finite

#: Asymmetry and negative eigenvalues of a metric, relative to its largest entry, that pass as rounding.
ROUNDING = 1e-8


def check_targets(targets: npt.ArrayLike, codes: IntArray) -> IntArray:
    """The caller's target neighbours: shape (n, k), same class, not the point itself, no repetition."""
    array = as_indices(targets, "targets", len(codes))
    n = len(codes)
    if array.ndim != 2 or len(array) != n or array.shape[1] == 0:
        raise ValueError(f"targets has shape {array.shape}; it must be ({n}, k) with k >= 1: a row for each point")
    ordered = np.sort(array, axis=1)
    wrong = {
        "lists the point itself": (array == np.arange(n)[:, None]).any(axis=1),
        "lists a point of another class": (codes[array] != codes[:, None]).any(axis=1),
        "lists a point twice": (ordered[:, 1:] == ordered[:, :-1]).any(axis=1),
    }
    for fault, rows in wrong.items():
        if rows.any():
            i = int(np.argmax(rows))
            raise ValueError(f"targets[{i}] = {array[i].tolist()} {fault}; list k different points of its class")
    return array


def check_blocks(blocks: npt.ArrayLike | str | None, labels: npt.NDArray[np.generic], codes: IntArray) -> Blocks | None:
    """The block of each point, under its label: the caller's, or the classes; None for a single metric."""
    if blocks is None:
        return None
    if isinstance(blocks, str):
        if blocks != "class":
            raise ValueError(f"blocks={blocks!r} must be 'class', None, or a label for each point")
        return Blocks(codes, np.unique(labels))
    array = np.asarray(blocks)
    if array.shape != codes.shape:
        raise ValueError(f"blocks has shape {array.shape}; it must be ({len(codes)},): a label for each point")
    if array.dtype.kind not in "biuUS":
        raise ValueError(f"blocks has the type {array.dtype}; its labels must be integers or strings")
    found, place = np.unique(array, return_inverse=True)
    return Blocks(place.astype(np.intp, copy=False), found)


def check_structure(structure: str, R: FloatArray, blocks: Blocks | None) -> bool:
    """Whether the metric is diagonal; then R must be, and there is one metric."""
    if structure not in ("full", "diagonal"):
        raise ValueError(f"structure={structure!r} is unknown; use 'full' or 'diagonal'")
    if structure == "full":
        return False
    if blocks is not None:
        raise ValueError("structure='diagonal' is for a single metric; drop blocks, or use structure='full'")
    if np.count_nonzero(R) > np.count_nonzero(np.diag(R)):
        raise ValueError("reg is a matrix with entries beside its diagonal, which a diagonal metric does not see")
    return True


def check_plain(several: bool, diagonal: bool, weighted: bool, what: str) -> None:
    """Something that is made for a single full metric and points of equal weight alone."""
    kinds = {"several metrics": several, "structure='diagonal'": diagonal, "weights": weighted}
    for kind, there in kinds.items():
        if there:
            raise ValueError(
                f"{what} is for a single full metric without weights, but the problem has {kind}; solver='newton' and "
                "certify know all of them"
            )


def check_weights(weights: npt.ArrayLike | None, n: int) -> FloatArray | None:
    """Weights of the points: finite, none negative, not all 0; None for equal ones."""
    if weights is None:
        return None
    array = as_numbers(weights, "weights")
    if array.shape != (n,):
        raise ValueError(f"weights has shape {array.shape}; it must be ({n},): one weight for each point")
    check_finite(array, "weights")
    if np.min(array) < 0:
        i = int(np.argmin(array))
        raise ValueError(f"weights[{i}] = {array[i]:g} is negative; a weight of 0 leaves the terms of a point out")
    if not array.any():
        raise ValueError("all weights are 0, so nothing is left to minimise; give some points a positive weight")
    return None if np.all(array == 1) else array


def check_diagonal(M: FloatArray) -> FloatArray:
    """The diagonal of a diagonal matrix, shape (d,)."""
    if np.count_nonzero(M) > np.count_nonzero(np.diag(M)):
        raise ValueError("M has entries beside its diagonal, but the problem has structure='diagonal'; use 'full'")
    return np.diag(M).copy()


def check_triplets(triplets: npt.ArrayLike, codes: IntArray, targets: IntArray) -> IntArray:
    """Triplets (i, j, l): j a target neighbour of i, l of another class, none listed twice."""
    array = as_indices(triplets, "triplets", len(codes))
    if array.size and (array.ndim != 2 or array.shape[1] != 3):
        raise ValueError(f"triplets has shape {array.shape}; it must be (T, 3): rows (i, target neighbour, impostor)")
    array = array.reshape(-1, 3)
    i, j, l = array.T
    stranger = ~(targets[i] == j[:, None]).any(axis=1)
    friend = codes[i] == codes[l]
    for fault, rows in {"j is no target neighbour of i": stranger, "l has the class of i": friend}.items():
        if rows.any():
            t = int(np.argmax(rows))
            raise ValueError(f"triplets[{t}] = {array[t].tolist()}: {fault}; rows are (i, target neighbour, impostor)")
    if len(np.unique(array, axis=0)) < len(array):
        raise ValueError("triplets lists a triplet twice; remove repetitions with numpy.unique(triplets, axis=0)")
    return array


def check_comparisons(triplets: npt.ArrayLike, n: int) -> IntArray:
    """Triplets of three different points, at least one, none listed twice."""
    array = as_indices(triplets, "triplets", n)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array):
        raise ValueError(f"triplets has shape {array.shape}; it must be (T, 3) with T >= 1: rows (i, like j, unlike l)")
    i, j, l = array.T
    same = (i == j) | (i == l) | (j == l)
    if same.any():
        t = int(np.argmax(same))
        raise ValueError(f"triplets[{t}] = {array[t].tolist()} names a point twice; a comparison needs three")
    if len(np.unique(array, axis=0)) < len(array):
        raise ValueError("triplets lists a triplet twice; remove repetitions with numpy.unique(triplets, axis=0)")
    return array


def check_multipliers(alpha: npt.ArrayLike, count: int) -> FloatArray:
    """Finite multipliers, one for each triplet."""
    array = as_numbers(alpha, "alpha")
    if array.shape != (count,):
        raise ValueError(f"alpha has shape {array.shape}; it must be ({count},): one multiplier for each triplet")
    check_finite(array, "alpha")
    return array


def check_regularizer(reg: float | npt.ArrayLike, d: int) -> FloatArray:
    """Matrix R (d, d) of the linear term <R, M>; a number stands for that multiple of the identity."""
    array = as_numbers(reg, "reg")
    if array.ndim == 0:
        if not (np.isfinite(array) and array >= 0):
            raise ValueError(f"reg={reg!r} must be a finite number >= 0, the weight of tr(M)")
        return float(array) * np.eye(d)
    check_finite(array, "reg")
    if array.shape != (d, d) or not np.array_equal(array, array.T):
        raise ValueError(f"reg has shape {array.shape}; it must be a number, or a symmetric matrix of shape ({d}, {d})")
    return array


def check_symmetric(M: npt.ArrayLike, d: int) -> FloatArray:
    """A finite symmetric matrix of shape (d, d); asymmetry of rounding size is averaged out."""
    array = as_numbers(M, "M")
    if array.shape != (d, d):
        raise ValueError(f"M has shape {array.shape}; it must be ({d}, {d}), for a factor L pass L.T @ L")
    check_finite(array, "M")
    if not is_symmetric(array):
        raise ValueError("M is not symmetric; pass (M + M.T) / 2, or L.T @ L for a factor L")
    if np.array_equal(array, array.T):
        return array  # halves of subnormal entries would be rounded
    return array / 2 + array.T / 2  # the sum of two large entries may overflow


def check_stack(M: npt.ArrayLike, d: int, blocks: Blocks | None) -> FloatArray:
    """A finite symmetric matrix of shape (d, d), or of several metrics one a block, shape (B, d, d)."""
    if blocks is None:
        return check_symmetric(M, d)
    array = as_numbers(M, "M")
    if array.shape != (len(blocks), d, d):
        raise ValueError(
            f"M has shape {array.shape}; it must be ({len(blocks)}, {d}, {d}), a matrix for each of the blocks"
        )
    return np.stack([check_symmetric(block, d) for block in array])


def is_symmetric(A: FloatArray) -> bool:
    """Whether a square matrix is symmetric up to rounding."""
    return bool(np.max(np.abs(A / 2 - A.T / 2)) <= ROUNDING * np.max(np.abs(A / 2)))


def check_matrix(A: npt.ArrayLike, name: str) -> FloatArray:
    """A finite matrix of any shape but without entries."""
    array = as_numbers(A, name)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} has shape {array.shape}; it must be a matrix")
    check_finite(array, name)
    return array


def check_factor(L: npt.ArrayLike, d: int) -> FloatArray:
    """A finite linear map of shape (r, d), the L of M = L'L."""
    array = check_matrix(L, "L")
    if array.shape[1] != d:
        raise ValueError(f"L has shape {array.shape}; it must be (r, {d}): a column for each feature of the data")
    return array


def check_metric(M: npt.ArrayLike, d: int) -> FloatArray:
    """A symmetric PSD matrix of shape (d, d), up to rounding."""
    array = check_symmetric(M, d)
    largest = float(np.max(np.abs(array))) or 1.0
    lowest = float(np.linalg.eigvalsh(array / largest)[0])  # without a scale it may overflow
    if lowest < -ROUNDING:
        raise ValueError(
            f"M has the negative eigenvalue {lowest * largest:.3g}; project it with "
            "lmnn_sdp.numerics.linalg.psd_part first"
        )
    return array


def check_metrics(M: npt.ArrayLike, d: int, blocks: Blocks | None) -> FloatArray:
    """A symmetric PSD matrix of shape (d, d), or a stack with one for each block."""
    if blocks is None:
        return check_metric(M, d)
    return np.stack([check_metric(block, d) for block in check_stack(M, d, blocks)])
