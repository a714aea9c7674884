"""Exact Large Margin Nearest Neighbor metric learning: the global optimum of the SDP, with proof."""

import importlib
from typing import TYPE_CHECKING

from lmnn_sdp.analysis.audit import Audit, audit, certify
from lmnn_sdp.problem.problem import Problem
from lmnn_sdp.proof.certificate import Certificate
from lmnn_sdp.solvers.solution import Solution, Status
from lmnn_sdp.solvers.solve import solve

if TYPE_CHECKING:
    from lmnn_sdp.analysis.comparison import Comparison, Verdict, compare
    from lmnn_sdp.estimators.lmnn import LMNN
    from lmnn_sdp.estimators.lmnn_cv import LMNNCV

__version__ = "0.1.0"

__all__ = [
    "LMNN",
    "LMNNCV",
    "Audit",
    "Certificate",
    "Comparison",
    "Problem",
    "Solution",
    "Status",
    "Verdict",
    "audit",
    "certify",
    "compare",
    "solve",
]

#: What needs scikit-learn, which is slow to import, and where it is.
_LAZY = {
    "LMNN": "estimators.lmnn",
    "LMNNCV": "estimators.lmnn_cv",
    "Comparison": "analysis.comparison",
    "Verdict": "analysis.comparison",
    "compare": "analysis.comparison",
}


def __getattr__(name: str) -> object:
    """Import what needs scikit-learn when it is first asked for."""
    if name in _LAZY:
        return getattr(importlib.import_module(f"lmnn_sdp.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Lazy names too."""
    return sorted({*globals(), *_LAZY})
