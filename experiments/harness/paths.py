"""The one list of directories."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "experiments" / "results"  # committed JSON, full size
FIGURES = ROOT / "figures"  # drawn from RESULTS
OUT = ROOT / "out"  # quick runs and the demo, not committed
SHARED_DATA = ROOT.parent / "shared" / "data"  # the paper's data sets, where they are at hand
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"  # environment of the packages compared with (make peers-env)
PYLMNN_PYTHON = ROOT / ".venv-pylmnn" / "bin" / "python"  # and of PyLMNN, which needs old versions of what it uses
