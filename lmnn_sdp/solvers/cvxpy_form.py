"""The slack SDP in CVXPY: the oracle for small problems, and the way to any conic solver that CVXPY knows."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse

from lmnn_sdp.numerics.linalg import svec_indices, svec_outer
from lmnn_sdp.numerics.types import FloatArray
from lmnn_sdp.problem.sdp import SlackSDP
from lmnn_sdp.solvers.conic import PrimalDual

DEFAULT = "CLARABEL"


def solve_sdp(sdp: SlackSDP, name: str = DEFAULT) -> PrimalDual:
    """Solve the SDP through CVXPY: one matrix variable, one vector of slacks, one block of rows.

    Parameters
    ----------
    sdp : SlackSDP
    name : str
        Any installed solver by CVXPY's name (CLARABEL, SCS, MOSEK, ...), at its default accuracy.

    Raises
    ------
    ValueError
        If the solver is not installed, or ended without an answer.
    """
    import cvxpy as cp  # as slow to import as all the rest together, and only the oracle needs it

    if name not in cp.installed_solvers():
        raise ValueError(f"CVXPY has no solver {name!r} here; installed are {', '.join(cp.installed_solvers())}")
    d, unit = sdp.X.shape[1], sdp.unit()
    M = cp.Variable((d, d), PSD=True)
    xi = cp.Variable(len(sdp.triplets), nonneg=True)
    margin = _rows(sdp, unit) @ cp.vec(M, order="C") >= 1 - xi
    problem = cp.Problem(cp.Minimize(cp.sum(cp.multiply(unit**2 * sdp.Q, M)) + sdp.mu * cp.sum(xi)), [margin])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Solution may be inaccurate")  # the certificate tells by how much
        try:
            problem.solve(solver=name)
        except cp.SolverError as error:
            raise ValueError(f"{name} failed; try another solver") from error
    if M.value is None:
        raise ValueError(f"{name} ended with the status {problem.status!r} and no answer; try another solver")
    return PrimalDual(unit**2 * M.value, np.asarray(margin.dual_value))


def _rows(sdp: SlackSDP, unit: float) -> scipy.sparse.csr_array:
    """Rows ``vec(A_t)`` over all d^2 entries of M in C order."""
    push, pull = sdp.differences()
    packed = svec_outer(unit * push) - svec_outer(unit * pull)
    return scipy.sparse.csr_array(packed @ _unpack(sdp.X.shape[1]))


def _unpack(d: int) -> FloatArray:
    """Matrix (d (d + 1) / 2, d^2) that takes vec(M) to svec(M) for symmetric M."""
    row, col = svec_indices(d)
    k = np.arange(len(row))
    unpack = np.zeros((len(row), d * d))
    weight = np.where(row == col, 0.5, np.sqrt(0.5))
    unpack[k, row * d + col] += weight
    unpack[k, col * d + row] += weight
    return unpack
