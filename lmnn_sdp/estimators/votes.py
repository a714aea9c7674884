"""The paper's vote of neighbours: where it is tied, the farthest one leaves."""

from __future__ import annotations

import numpy as np

from lmnn_sdp.numerics.types import IntArray


def shrinking_votes(codes: IntArray) -> IntArray:
    """The class of most votes in each row; a tied row loses its last vote until one class has more than any other.

    Parameters
    ----------
    codes : integer array, shape (q, k)
        Classes of the neighbours of q points, nearest first, from 0.

    Returns
    -------
    array, shape (q,)
        One neighbour alone is never tied, so every row ends with a class.

    Notes
    -----
    The rule of the experiments of Weinberger & Saul (2009).
    """
    q, k = codes.shape
    rows, winners, tied = np.arange(q), np.empty(q, dtype=np.intp), np.ones(q, dtype=bool)
    counts = np.zeros((q, int(codes.max(initial=0)) + 1), dtype=np.intp)
    for column in codes.T:
        counts[rows, column] += 1
    for last in range(k - 1, -1, -1):
        most = counts.max(axis=1)
        decided = tied & (np.sum(counts == most[:, None], axis=1) == 1)
        winners[decided] = np.argmax(counts[decided], axis=1)
        tied &= ~decided
        counts[rows, codes[:, last]] -= 1
    return winners
