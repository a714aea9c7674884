"""Printed ends of an interval lie outside of it, whichever way the last digit would round."""

from fractions import Fraction

import numpy as np
import pytest

from lmnn_sdp.proof import checker

ENDS = [1 / 3, 2 / 3, 2e-300 / 3, 1e300 / 7, 0.1, 123456.7890123456, 5e-324]


@pytest.mark.parametrize("end", [*ENDS, *np.nextafter(ENDS[:6], 0).tolist()])
def test_a_verdict_prints_its_ends_outwards(end):
    low, high = str(checker.Verdict(True, "", end, end)).removeprefix("PROVED [").partition("]")[0].split(", ")
    assert Fraction(low) <= Fraction(end) <= Fraction(high)
    assert Fraction(high) - Fraction(low) <= Fraction(end) / 10**11
    assert len(low.partition("E")[0].replace(".", "").lstrip("0")) <= 12
