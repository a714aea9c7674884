import numpy as np
import pytest

from lmnn_sdp.numerics.sampling import stratified_rows

LABELS = np.repeat(["a", "b", "c"], [60, 30, 10])


@pytest.mark.parametrize("size", [0, 1, 10, 33, 99, 100])
def test_every_label_keeps_its_share_rounded_up(size):
    rows = stratified_rows(LABELS, size)
    expected = [-(-count * size // 100) for count in (60, 30, 10)]
    assert [np.count_nonzero(LABELS[rows] == label) for label in "abc"] == expected
    assert np.all(np.diff(rows) > 0)


def test_the_seed_chooses_the_rows():
    assert np.array_equal(stratified_rows(LABELS, 50, seed=1), stratified_rows(LABELS, 50, seed=1))
    assert not np.array_equal(stratified_rows(LABELS, 50, seed=1), stratified_rows(LABELS, 50, seed=2))
