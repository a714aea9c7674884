"""Figures: convergence with proof, working sets, margins, spectrum, the metric in the plane, held-out errors, solvers.

Every function takes plain numbers and returns a matplotlib Figure in the package's style; `save` writes it as SVG
and PNG.
"""

from lmnn_sdp.plots.benchmarks import excess, scaling, solved
from lmnn_sdp.plots.comparison import comparison
from lmnn_sdp.plots.plane import plane
from lmnn_sdp.plots.solutions import convergence, margins, spectrum, working_set
from lmnn_sdp.plots.style import MARKERS, SMALLEST_GAP, STYLE, save, scientific

__all__ = [
    "MARKERS",
    "SMALLEST_GAP",
    "STYLE",
    "comparison",
    "convergence",
    "excess",
    "margins",
    "plane",
    "save",
    "scaling",
    "scientific",
    "solved",
    "spectrum",
    "working_set",
]
