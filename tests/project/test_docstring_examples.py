"""The examples in docstrings run, and give what they say."""

import doctest
import importlib

import pytest

from harness.paths import ROOT

WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "lmnn_sdp").rglob("*.py")
    if ">>> " in path.read_text()
)
pytestmark = pytest.mark.printed


def test_estimators_and_comparison_have_an_example():
    named = {"lmnn_sdp.estimators.lmnn", "lmnn_sdp.estimators.lmnn_cv", "lmnn_sdp.analysis.comparison"}
    assert named <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_run_and_give_what_they_say(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
