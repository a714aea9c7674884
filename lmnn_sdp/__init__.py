"""Exact Large Margin Nearest Neighbor metric learning: the global optimum of the SDP, with proof."""

import importlib

TYPE_CHECKING = False  # that of typing, which would take longer to import than this whole file
if TYPE_CHECKING:
    from lmnn_sdp.analysis.audit import Audit, audit, certify
    from lmnn_sdp.analysis.comparison import Comparison, Verdict, compare
    from lmnn_sdp.analysis.diagnosis.diagnosis import Diagnosis, diagnose
    from lmnn_sdp.estimators.energy import EnergyClassifier
    from lmnn_sdp.estimators.kernel_lmnn import KernelLMNN
    from lmnn_sdp.estimators.lmnn import LMNN
    from lmnn_sdp.estimators.lmnn_cv import LMNNCV
    from lmnn_sdp.estimators.low_rank import LowRankLMNN
    from lmnn_sdp.estimators.multi_metric import MultiMetricLMNN
    from lmnn_sdp.estimators.multi_pass import MultiPassLMNN
    from lmnn_sdp.estimators.stochastic import StochasticLMNN
    from lmnn_sdp.estimators.tie_rule import ShrinkingKNN
    from lmnn_sdp.numerics.dask_engine import DaskEngine
    from lmnn_sdp.problem.problem import Problem
    from lmnn_sdp.proof.certificate import Certificate
    from lmnn_sdp.solvers.path import PathPoint, largest_reg, reg_path
    from lmnn_sdp.solvers.ridge import RidgeSolution, solve_near
    from lmnn_sdp.solvers.sampled import ObjectiveInterval, objective_interval
    from lmnn_sdp.solvers.solution import Solution, Status
    from lmnn_sdp.solvers.solve import solve

__version__ = "0.1.0"

__all__ = [
    "LMNN",
    "LMNNCV",
    "Audit",
    "Certificate",
    "Comparison",
    "DaskEngine",
    "Diagnosis",
    "EnergyClassifier",
    "KernelLMNN",
    "LowRankLMNN",
    "MultiMetricLMNN",
    "MultiPassLMNN",
    "ObjectiveInterval",
    "PathPoint",
    "Problem",
    "RidgeSolution",
    "ShrinkingKNN",
    "Solution",
    "Status",
    "StochasticLMNN",
    "Verdict",
    "audit",
    "certify",
    "compare",
    "diagnose",
    "largest_reg",
    "objective_interval",
    "reg_path",
    "solve",
    "solve_near",
]

#: Where each name is. It is imported when it is first asked for: scikit-learn and numba are slow to import, and the
#: command line hears Ctrl-C from its first moment.
_LAZY = {
    "Audit": "analysis.audit",
    "audit": "analysis.audit",
    "certify": "analysis.audit",
    "Comparison": "analysis.comparison",
    "Verdict": "analysis.comparison",
    "compare": "analysis.comparison",
    "Diagnosis": "analysis.diagnosis.diagnosis",
    "diagnose": "analysis.diagnosis.diagnosis",
    "EnergyClassifier": "estimators.energy",
    "KernelLMNN": "estimators.kernel_lmnn",
    "LMNN": "estimators.lmnn",
    "LMNNCV": "estimators.lmnn_cv",
    "LowRankLMNN": "estimators.low_rank",
    "MultiMetricLMNN": "estimators.multi_metric",
    "MultiPassLMNN": "estimators.multi_pass",
    "StochasticLMNN": "estimators.stochastic",
    "ShrinkingKNN": "estimators.tie_rule",
    "DaskEngine": "numerics.dask_engine",
    "Problem": "problem.problem",
    "Certificate": "proof.certificate",
    "RidgeSolution": "solvers.ridge",
    "solve_near": "solvers.ridge",
    "PathPoint": "solvers.path",
    "largest_reg": "solvers.path",
    "reg_path": "solvers.path",
    "ObjectiveInterval": "solvers.sampled",
    "objective_interval": "solvers.sampled",
    "Solution": "solvers.solution",
    "Status": "solvers.solution",
    "solve": "solvers.solve",
}


def __getattr__(name: str) -> object:
    """Import a public name."""
    if name in _LAZY:
        found = getattr(importlib.import_module(f"lmnn_sdp.{_LAZY[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Lazy names too."""
    return sorted({*globals(), *_LAZY})
