"""By what a saved solution knows its problem again."""

from __future__ import annotations

import hashlib

import numpy as np

from lmnn_sdp.problem.problem import Problem


def fingerprint(problem: Problem) -> str:
    """A digest of all that the optimum depends on: data, classes, target neighbours, weights, working set, blocks."""
    structure = "diagonal" if problem.diagonal else ""
    digest = hashlib.blake2b(f"{problem.mu!r}{structure}".encode(), digest_size=16)
    blocks = None if problem.blocks is None else problem.blocks.codes
    for array in (problem.X, problem.codes, problem.targets, problem.R, problem.working_set, blocks, problem.weights):
        if array is not None:
            digest.update(repr((array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
