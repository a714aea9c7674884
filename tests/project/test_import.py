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


def test_the_package_itself_imports_nothing():
    code = "import sys; before = set(sys.modules); import lmnn_sdp; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {
        "importlib",
        "importlib._bootstrap",
        "importlib._bootstrap_external",
        "warnings",
        "lmnn_sdp",
    }


def test_every_public_name_is_where_the_table_says():
    import lmnn_sdp

    assert set(lmnn_sdp._LAZY) == set(lmnn_sdp.__all__) <= set(dir(lmnn_sdp))
    for name in lmnn_sdp.__all__:
        assert getattr(lmnn_sdp, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Metric'"):
        lmnn_sdp.Metric  # noqa: B018
