"""How many coordinates a kernel has on given points, after a check that it is one."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from sklearn.decomposition import KernelPCA
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.preprocessing import KernelCenterer

from lmnn_sdp.numerics.linalg import EPS
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.checks import is_symmetric
from lmnn_sdp.validation import check_finite

KERNELS = ("cosine", "linear", "poly", "precomputed", "rbf", "sigmoid")  # of scikit-learn's KernelPCA
#: Part of the largest eigenvalue of the centred kernel that counts as rounding, of kernels in float32 too.
ROUNDING = 1e-6
#: Rounding makes eigenvalues of 0 negative and positive alike; up to so many times the most negative one are from it.
BOTH_WAYS = 10


def kernel_rank(pca: KernelPCA, X: FloatArray) -> int:
    """Coordinates beyond rounding, after a check that the kernel has any: finite, symmetric, and PSD once centred.

    LMNN does not care how small a coordinate is, so one of rounding errors would count as much as the others.
    """
    _check_parameters(pca)
    if pca.kernel == "precomputed" and len(X) != X.shape[1]:
        raise ValueError(f"X has shape {X.shape}; a precomputed kernel must be square: a column for each point")
    if callable(pca.kernel):
        options = pca.kernel_params or {}
    else:
        gamma = 1 / X.shape[1] if pca.gamma is None else pca.gamma
        options = {"gamma": gamma, "degree": pca.degree, "coef0": pca.coef0}
    K = pairwise_kernels(X, metric=pca.kernel, filter_params=True, **options)
    check_finite(K, "kernel")
    if not is_symmetric(K):
        raise ValueError(f"kernel={pca.kernel!r} is not symmetric on these points; take (k(a, b) + k(b, a)) / 2")
    eigenvalues = np.linalg.eigvalsh(KernelCenterer().fit_transform(K))
    rounding = len(K) * EPS * float(np.max(np.abs(K)))
    if not ROUNDING * eigenvalues[-1] > rounding:
        raise ValueError(
            f"kernel={pca.kernel!r} has the same features for all points, up to rounding; choose another kernel "
            "or gamma, or standardise the data"
        )
    if eigenvalues[0] < -ROUNDING * eigenvalues[-1]:
        raise ValueError(
            f"kernel={pca.kernel!r} is not positive semidefinite on these points: once centred it has the "
            f"eigenvalue {eigenvalues[0]:.3g} beside {eigenvalues[-1]:.3g}, so that no features have these inner "
            "products; choose another kernel, such as 'rbf', or other parameters of it"
        )
    return int(np.sum(eigenvalues > max(rounding, BOTH_WAYS * -eigenvalues[0])))


def _check_parameters(pca: KernelPCA) -> None:
    """Kernel by name, and its numbers."""
    if not (callable(pca.kernel) or pca.kernel in KERNELS):
        raise ValueError(f"kernel={pca.kernel!r} must be one of {', '.join(KERNELS)}, or a function of two points")
    for name, lowest in (("gamma", 0.0), ("degree", 0.0), ("coef0", -math.inf)):
        value = getattr(pca, name)
        if value is None and name == "gamma":
            continue
        if not (isinstance(value, Real) and math.isfinite(value) and float(value) >= lowest):
            raise ValueError(f"{name}={value!r} must be a finite number" + " >= 0" * (lowest == 0))
