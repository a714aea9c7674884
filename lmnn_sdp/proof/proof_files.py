"""Proofs as files: what `lmnn_sdp.proof.checker` needs to prove an interval again without this package.

The arrays of the NPZ file are those that the checker names: ``digest``, ``targets``, ``mu``, ``reg``, ``left_out``,
``L``, ``triplets``, ``alpha``, ``kept``, ``T`` and ``interval``. The claimed interval is the one that the checker
itself found, the upper end raised a little: on another processor sums of floats may end in another last digit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lmnn_sdp.numerics.files import write_atomically
from lmnn_sdp.numerics.types import FloatArray, IntArray
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.problem.whitening import Whitening, whiten
from lmnn_sdp.proof.checker import Verdict, check, digest

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

#: Parts by which the multipliers are shortened until the checker, whose bounds are coarser than ours, finds S definite.
SHORTER = 2.0 ** np.arange(-44, -9, 2)
#: Part by which the upper end is raised.
RAISED = 2.0**-44
UNKNOWN = np.array([-1.0, 1.0]) * np.finfo(np.float64).max


@dataclass(frozen=True, eq=False)
class Proof:
    """A proof that the checker has accepted.

    Attributes
    ----------
    arrays : dict
        What the file holds.
    verdict : Verdict
        What the checker says of it.
    """

    arrays: Arrays
    verdict: Verdict

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the arrays to a NumPy ``.npz`` file; it replaces an earlier one at once or not at all."""
        arrays: dict[str, Any] = self.arrays  # NumPy's types take array names for its options
        write_atomically(path, lambda file: np.savez_compressed(file, **arrays))


def prove(problem: Problem, L: FloatArray, triplets: IntArray, alpha: FloatArray) -> Proof:
    """Turn a map and dual feasible multipliers, such as those of a solution, into a proof.

    Parameters
    ----------
    problem : Problem
        Of all triplets.
    L : array, shape (r, d)
        Zero on features that `lmnn_sdp.problem.dependence` leaves out.
    triplets : array, shape (T, 3)
    alpha : array, shape (T,)
        In [0, mu].

    Raises
    ------
    ValueError
        If the problem is restricted to a working set, or the checker refutes what is offered.
    """
    problem.check_plain("a proof file")
    if problem.working_set is not None:
        raise ValueError(
            "the problem is restricted to a working set, but a proof is about all triplets: solve it whole"
        )
    white = whiten(problem)
    kept, T = _square_map(problem, white)
    multiple = np.array_equal(problem.R, problem.R[0, 0] * np.eye(problem.n_features))
    arrays: Arrays = {
        "digest": np.array(digest(problem.X, problem.codes)),
        "targets": problem.targets.astype(np.int64),
        "mu": np.array(problem.mu),
        "reg": problem.R[0, 0] if multiple else problem.R,
        "left_out": np.array(white.left_out, dtype=np.int64),
        "L": L,
        "triplets": triplets.astype(np.int64),
        "alpha": alpha,
        "kept": kept,
        "T": T,
        "interval": UNKNOWN,
    }
    for part in SHORTER:
        arrays["alpha"] = alpha * (1 - part)
        verdict = check(problem.X, problem.codes, arrays)
        if verdict.proved:
            arrays["interval"] = np.array([verdict.lower, verdict.upper * (1 + RAISED)])
            return Proof(arrays, verdict)
    raise ValueError(f"the checker refutes this proof: {verdict.words}; solve again, to a smaller tol")


def check_for(problem: Problem, arrays: Arrays) -> Verdict:
    """The checker's verdict, and a refusal of a proof for another mu, reg or other target neighbours than asked for."""
    verdict = check(problem.X, problem.codes, arrays)
    if not verdict.proved:
        return verdict
    R, k = arrays["reg"] if np.ndim(arrays["reg"]) else arrays["reg"] * np.eye(problem.n_features), problem.n_neighbors
    differs = {
        f"mu = {float(arrays['mu'])}, not {problem.mu}": arrays["mu"] != problem.mu,
        "another reg": not np.array_equal(R, problem.R),
        f"{arrays['targets'].shape[1]} target neighbours, not {k}": arrays["targets"].shape[1] != k,
        "other target neighbours": not (verdict.nearest or np.array_equal(arrays["targets"], problem.targets)),
    }
    other = next((what for what, is_so in differs.items() if is_so), None)
    return verdict if other is None else replace(verdict, proved=False, words=f"it is a proof for {other}")


def _square_map(problem: Problem, white: Whitening) -> tuple[IntArray, FloatArray]:
    """Features and a square map on them under which the dual slack is near the identity less what pushes."""
    d, r = white.T.shape
    if not problem.R.any():
        kept = np.flatnonzero(white.T.any(axis=1))
        return kept, white.T[kept]
    if r < d:  # outside of the data the slack is the trace penalty alone
        outside = np.linalg.qr(white.T, mode="complete")[0][:, r:]
        return np.arange(d), np.c_[white.T, outside / np.sqrt(problem.R[0, 0])]
    return np.arange(d), white.T
