"""What `import lmnn_sdp` loads: nothing slow that a solve can do without."""

import subprocess
import sys

import pytest

SLOW = ("cvxpy", "matplotlib", "pandas", "sklearn")


@pytest.mark.parametrize("module", ["lmnn_sdp", "lmnn_sdp.datasets", "lmnn_sdp.cli"])
def test_slow_packages_are_imported_where_they_are_used(module):
    code = f"import sys, {module}; print([name for name in {SLOW} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
