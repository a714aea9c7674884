"""Each check says what is wrong, word for word, and passes on what is right unchanged."""

import numpy as np
import pytest

from lmnn_sdp import Problem
from lmnn_sdp.problem import checks
from lmnn_sdp.problem.whitening import FAR, whiten
from problems import noise

CODES = np.array([0, 0, 0, 1, 1, 1])
TARGETS = np.array([[1], [2], [0], [4], [5], [3]])


def said(check, *arguments):
    """The whole message."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        check(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (TARGETS[:5], "targets has shape (5, 1); it must be (6, k) with k >= 1: a row for each point"),
        (TARGETS[:, 0], "targets has shape (6,); it must be (6, k) with k >= 1: a row for each point"),
        (TARGETS[:, :0], "targets has shape (6, 0); it must be (6, k) with k >= 1: a row for each point"),
        ([[1], [2], [0], [4], [4], [3]], "targets[4] = [4] lists the point itself; list k different points of its "
         "class"),
        ([[1], [2], [3], [4], [5], [3]], "targets[2] = [3] lists a point of another class; list k different points of "
         "its class"),
        ([[1, 2], [2, 0], [0, 1], [4, 5], [5, 5], [3, 4]], "targets[4] = [5, 5] lists a point twice; list k different "
         "points of its class"),
    ],
)  # fmt: skip
def test_targets(targets, message):
    assert said(checks.check_targets, targets, CODES) == message


def test_targets_that_are_right_are_passed_on():
    assert np.array_equal(checks.check_targets(TARGETS.tolist(), CODES), TARGETS)
    two = [[2, 1], [2, 0], [0, 1], [4, 5], [5, 3], [3, 4]]
    assert checks.check_targets(two, CODES).tolist() == two


@pytest.mark.parametrize(
    ("triplets", "message"),
    [
        ([[0, 1]], "triplets has shape (1, 2); it must be (T, 3): rows (i, target neighbour, impostor)"),
        ([0, 1, 3], "triplets has shape (3,); it must be (T, 3): rows (i, target neighbour, impostor)"),
        ([[0, 1, 3], [0, 2, 3]], "triplets[1] = [0, 2, 3]: j is no target neighbour of i; rows are (i, target "
         "neighbour, impostor)"),
        ([[0, 1, 3], [0, 1, 2]], "triplets[1] = [0, 1, 2]: l has the class of i; rows are (i, target neighbour, "
         "impostor)"),
        ([[0, 1, 3], [0, 1, 3]], "triplets lists a triplet twice; remove repetitions with numpy.unique(triplets, "
         "axis=0)"),
    ],
)  # fmt: skip
def test_triplets(triplets, message):
    assert said(checks.check_triplets, triplets, CODES, TARGETS) == message


def test_triplets_that_are_right_are_passed_on():
    rows = [[0, 1, 3], [0, 1, 4], [3, 4, 0]]
    assert checks.check_triplets(rows, CODES, TARGETS).tolist() == rows
    for empty in ([], np.empty((0, 3), dtype=int), np.empty((0, 2), dtype=int)):
        assert checks.check_triplets(empty, CODES, TARGETS).shape == (0, 3)


def test_multipliers():
    assert said(checks.check_multipliers, [0.1], 2) == (
        "alpha has shape (1,); it must be (2,): one multiplier for each triplet"
    )
    assert "alpha[1] is inf" in said(checks.check_multipliers, [0.1, np.inf], 2)
    assert "alpha has the type <U" in said(checks.check_multipliers, ["many"], 1)
    assert checks.check_multipliers([-1, 0.1], 2).tolist() == [-1, 0.1]


@pytest.mark.parametrize(
    ("reg", "message"),
    [
        (-0.5, "reg=-0.5 must be a finite number >= 0, the weight of tr(M)"),
        (np.inf, "reg=inf must be a finite number >= 0, the weight of tr(M)"),
        (np.eye(3), "reg has shape (3, 3); it must be a number, or a symmetric matrix of shape (2, 2)"),
        ([[0, 1], [0, 0]], "reg has shape (2, 2); it must be a number, or a symmetric matrix of shape (2, 2)"),
    ],
)
def test_penalties(reg, message):
    assert said(checks.check_regularizer, reg, 2) == message


def test_penalties_that_are_right():
    assert "reg[0, 1] is nan" in said(checks.check_regularizer, [[0, np.nan], [np.nan, 0]], 2)
    assert "reg has the type <U" in said(checks.check_regularizer, "much", 2)
    assert checks.check_regularizer(0, 2).tolist() == [[0, 0], [0, 0]]
    assert checks.check_regularizer(2, 2).tolist() == [[2, 0], [0, 2]]
    assert checks.check_regularizer([[1, 2], [2, -1]], 2).tolist() == [[1, 2], [2, -1]]


def test_symmetric_matrices():
    assert said(checks.check_symmetric, np.eye(3), 2) == (
        "M has shape (3, 3); it must be (2, 2), for a factor L pass L.T @ L"
    )
    askew = "M is not symmetric; pass (M + M.T) / 2, or L.T @ L for a factor L"
    assert said(checks.check_symmetric, [[1, 0], [1, 1]], 2) == askew
    assert said(checks.check_symmetric, [[1, 0], [1.1e-8, 1]], 2) == askew
    assert checks.check_symmetric([[1, 0], [0.9e-8, 1]], 2).tolist() == [[1, 0.45e-8], [0.45e-8, 1]]
    assert "M[0, 1] is inf" in said(checks.check_symmetric, [[1, np.inf], [np.inf, 1]], 2)
    assert "M has the type <U" in said(checks.check_symmetric, "M", 2)
    largest = np.finfo(float).max
    assert checks.check_symmetric([[largest, largest], [largest, largest]], 2).tolist() == [[largest] * 2] * 2
    assert checks.is_symmetric(np.zeros((2, 2)))


def test_matrices_and_maps():
    assert said(checks.check_matrix, [1.0], "L") == "L has shape (1,); it must be a matrix"
    assert said(checks.check_matrix, np.empty((0, 2)), "A") == "A has shape (0, 2); it must be a matrix"
    assert "L[0, 0] is nan" in said(checks.check_factor, [[np.nan]], 1)
    assert "A has the type <U" in said(checks.check_matrix, "A", "A")
    message = "L has shape (1, 3); it must be (r, 2): a column for each feature of the data"
    assert said(checks.check_factor, [[1, 2, 3]], 2) == message
    assert checks.check_factor([[1, 2]], 2).tolist() == [[1, 2]]


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_metrics(size):
    message = said(checks.check_metric, np.diag([size, -0.5 * size]), 2)
    assert message == (
        f"M has the negative eigenvalue {-0.5 * size:.3g}; project it with lmnn_sdp.numerics.linalg.psd_part first"
    )
    assert "negative eigenvalue" in said(checks.check_metric, np.diag([size, -1.1e-8 * size]), 2)
    for lowest in (-0.9e-8, 0.0, 0.5):
        M = np.diag([size, lowest * size])
        assert np.array_equal(checks.check_metric(M, 2), M)
    assert np.array_equal(checks.check_metric(np.zeros((2, 2)), 2), np.zeros((2, 2)))


# What a problem that cannot be whitened is told.


def test_a_singular_pull_names_the_directions_and_the_remedies():
    X, y = [[0.0, 0], [1, 0], [0, 5], [1, 5]], [0, 0, 1, 1]
    assert said(whiten, Problem.from_data(X, y, 1)) == (
        "the pull vanishes in 1 of the 2 directions in which the data vary: there impostors can be pushed away at no "
        "cost and M is not determined; reduce the data with PCA to at most 1 dimensions, or set reg > 0, for example "
        "reg=0.002"
    )
    X = [[0.0, 0], [0, 0], [0, 5], [0, 5], [3, 1], [3, 1]]
    assert said(whiten, Problem.from_data(X, [0, 0, 1, 1, 0, 0], 1)) == (
        "the pull vanishes in 2 of the 2 directions in which the data vary: there impostors can be pushed away at no "
        "cost and M is not determined; drop repeated points, or set reg > 0, for example reg=0.02"
    )


def test_a_penalty_that_leaves_no_minimum():
    message = "reg makes the cost (1 - mu) C + R indefinite, so the problem has no minimum; use a PSD matrix"
    assert said(whiten, Problem.from_data(noise(d=2).X, noise(d=2).y, 2, reg=[[-1e6, 0], [0, 1]])) == message


def test_a_matrix_on_data_that_do_not_vary_everywhere():
    X = np.c_[noise(d=2).X, np.ones(30)]
    problem = Problem.from_data(X, noise(d=2).y, 2, reg=np.diag([1.0, 2, 3]))
    assert said(whiten, problem) == (
        "reg is a matrix, but the data vary in 2 of 3 directions only; drop constant and dependent features, or pass "
        "a number"
    )


def test_a_row_too_far_away():
    rng = np.random.default_rng(1)
    X = np.r_[rng.normal(size=(4, 2)), np.full((1, 2), 1e17), rng.normal(size=(15, 2))]
    message = said(whiten, Problem.from_data(X, np.arange(20) % 2, 2))
    assert message.startswith("row 4 of X lies ")
    assert message.endswith(
        "e+17 times as far from the others as they lie from each other; no metric in float64 can measure both: leave "
        "the row out, or mend it if it is a fill value"
    )
    assert FAR < 1e17


def test_a_metric_too_large_for_the_data():
    white = whiten(noise(d=2))
    assert said(white.inward, 1e300 * np.eye(2)) == (
        "M, with entries of up to 1e+300, is so large that distances on these data overflow; divide it by "
        "a power of ten"
    )
