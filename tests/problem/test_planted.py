"""Planted problems satisfy each optimality condition by themselves, before any solver sees them."""

import numpy as np
import pytest

from lmnn_sdp.problem.planted import plant, triplet_matrices
from problems import TOL, naive_objective


@pytest.fixture(params=range(5), scope="module")
def planted(request):
    return plant(request.param, n=20, d=4)


def test_the_metric_is_psd(planted):
    assert np.linalg.eigvalsh(planted.M)[0] > -TOL["rounding"] * np.abs(planted.M).max()


def test_the_dual_slack_is_psd(planted):
    assert np.linalg.eigvalsh(planted.S)[0] > -TOL["rounding"] * np.abs(planted.S).max()


def test_slack_and_metric_are_complementary(planted):
    assert np.abs(planted.S @ planted.M).max() < TOL["kkt"] * np.abs(planted.S).max() * np.abs(planted.M).max()


def test_stationarity(planted):
    weighted = np.einsum("t,tab->ab", planted.alpha, triplet_matrices(planted.problem.X, planted.triplets))
    np.testing.assert_allclose(planted.problem.cost, planted.S + weighted, atol=TOL["kkt"] * np.abs(weighted).max())


def test_multipliers_fit_the_margins(planted):
    margins = np.einsum("tab,ab->t", triplet_matrices(planted.problem.X, planted.triplets), planted.M)
    kink = np.isin(np.arange(len(margins)), planted.kinks)
    assert np.all(np.abs(margins[kink] - 1) < TOL["kkt"])
    assert np.all((planted.alpha[kink] > 0) & (planted.alpha[kink] < planted.problem.mu))
    assert np.all(planted.alpha[~kink & (margins < 1)] == planted.problem.mu)
    assert np.all(planted.alpha[~kink & (margins > 1)] == 0)


def test_the_value_is_the_objective(planted):
    assert naive_objective(planted.problem, planted.M) == pytest.approx(planted.optimum, rel=TOL["gap"])


def test_impossible_requests_say_what_to_change(monkeypatch):
    monkeypatch.setattr("lmnn_sdp.problem.planted.MAX_DRAWS", 0)
    with pytest.raises(ValueError, match="raise n or lower n_kinks"):
        plant(n=8)
