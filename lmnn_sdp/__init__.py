"""Exact Large Margin Nearest Neighbor metric learning: the global optimum of the SDP, with proof."""

from lmnn_sdp.audit import Audit, audit, certify
from lmnn_sdp.certificate import Certificate
from lmnn_sdp.problem import Problem
from lmnn_sdp.solution import Solution, Status
from lmnn_sdp.solvers import solve

__version__ = "0.1.0"

__all__ = ["Audit", "Certificate", "Problem", "Solution", "Status", "audit", "certify", "solve"]
