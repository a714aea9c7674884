import numpy as np
import pytest

from lmnn_sdp.datasets import Dataset, load


@pytest.mark.parametrize("exponent", [-1000, -500, 0, 500, 990])
def test_the_unit_of_a_feature_does_not_matter_where_it_is_standardised(exponent):
    data = load("iris")
    units = 2.0 ** np.array([0, exponent, 0, exponent])
    scaled = Dataset("scaled", data.X * units, data.y).standardized()
    assert np.array_equal(scaled.X, data.standardized().X)
    assert scaled.X.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-14)
    assert scaled.X.std(axis=0) == pytest.approx(np.ones(4))


def test_a_constant_feature_becomes_zero():
    X = np.column_stack([np.full(5, 1e300), np.arange(5.0), np.zeros(5)])
    assert not Dataset("constant", X, np.arange(5) % 2).standardized().X[:, [0, 2]].any()
