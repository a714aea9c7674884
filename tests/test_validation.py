"""Each wrong input raises a ValueError that names the value, the rule that it breaks and the remedy."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from lmnn_sdp import LMNN, Problem, certify, solve
from lmnn_sdp.validation import check_data
from problems import noise

X = np.random.default_rng(0).normal(size=(8, 2))
y = np.arange(8) % 2
TARGETS = [[(i + 2) % 8] for i in range(8)]


def with_entry(array, where, value):
    changed = np.array(array, dtype=float if isinstance(value, float) else object)
    changed[where] = value
    return changed


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (scipy.sparse.csr_array(X), r"X is sparse; LMNN needs dense data: reduce it first.*TruncatedSVD"),
        (X[:, 0], r"X has shape \(8,\); it must be \(n, d\) with d >= 1: one row a point"),
        (X[None], r"X has shape \(1, 8, 2\); it must be \(n, d\)"),
        (X[:, :0], r"X has shape \(8, 0\); it must be \(n, d\) with d >= 1"),
        (3.0, r"X has shape \(\); it must be \(n, d\)"),
        (with_entry(X, (3, 1), np.nan), r"X\[3, 1\] is nan; every entry must be finite: drop or impute it"),
        (with_entry(X, (7, 0), -np.inf), r"X\[7, 0\] is -inf; every entry must be finite: drop or impute it"),
        (with_entry(X, (2, 0), None), r"X\[2, 0\] is nan; every entry must be finite: drop or impute it"),
        (X + 1j, r"X is complex; it must hold real numbers"),
        (X.astype(str), r"X has the type <U.*; it must hold numbers: encode or drop other columns"),
        (np.full((8, 2), "2020-01-01", dtype="M8[D]"), r"X has the type datetime64.*; it must hold numbers"),
        (with_entry(X, (0, 0), "red"), r"X cannot be read as numbers .*red.*; encode or drop other columns"),
    ],
)
def test_wrong_data(data, message):
    with pytest.raises(ValueError, match=message):
        Problem.from_data(data, y, 2)


def test_the_first_of_many_bad_entries_is_named():
    data = X.copy()
    data[1:, 1] = np.inf
    with pytest.raises(ValueError, match=r"X\[1, 1\] is inf"):
        Problem.from_data(data, y, 2)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (y[:5], r"y has shape \(5,\); it must be \(8,\): one label for each row of X"),
        (y[:, None], r"y has shape \(8, 1\); it must be \(8,\): one label for each row of X"),
        (0, r"y has shape \(\); it must be \(8,\)"),
        (with_entry(y, 4, np.nan), r"y\[4\] is not finite; every point needs a label"),
        (with_entry(y, 6, np.inf), r"y\[6\] is not finite; every point needs a label"),
        (with_entry(y, 2, None), r"y\[2\] is None; every point needs a label"),
        (np.array(["a", float("nan")] * 4, dtype=object), r"y\[1\] is nan; every point needs a label"),
        (
            np.array([{1}, {2}] * 4, dtype=object),
            r"y holds labels of the types set; use strings only, or integers only",
        ),
        (
            np.array(["a", 1] * 4, dtype=object),
            r"y holds labels of the types int, str; use strings only, or integers only",
        ),
        (np.array([-1, 0, 1, 0] * 2), r"y holds -1 beside 2 other labels, which is scikit-learn's mark .*: drop such"),
        (["-1", "a", "b", "a"] * 2, r"y holds '-1' beside 2 .* a class with minus_one_is_class=True"),
        (np.array([-1.0, 0, 1, 0] * 2), r"y holds -1.0 beside 2 other labels"),
        (np.zeros(8, dtype=int), r"y has only the class \[0\]; a metric needs at least two classes to part"),
        (["one"] * 8, r"y has only the class \['one'\]; a metric needs at least two classes to part"),
    ],
)
def test_wrong_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        Problem.from_data(X, labels, 2)


def test_minus_one_is_a_class_beside_one_other_or_where_the_caller_says_so():
    assert Problem.from_data(X, np.array([-1, 1] * 4), 2).codes.tolist() == [0, 1] * 4
    labels = np.array([-1, 0, 1, 0] * 2)
    assert len(set(Problem.from_data(X, labels, 1, minus_one_is_class=True).codes)) == 3


@pytest.mark.parametrize("make", [np.array, pd.Series, pd.Categorical, pd.Index])
def test_strings_of_numpy_are_strings(make):
    names = [np.str_("a"), np.str_("b")] * 4
    labels = np.array(names, dtype=object) if make is np.array else make(names)
    assert Problem.from_data(X, labels, 2).codes.tolist() == [0, 1] * 4
    mixed = np.array([np.str_("a"), "b"] * 4, dtype=object)
    assert Problem.from_data(X, mixed, 2).codes.tolist() == [0, 1] * 4


def test_integers_beyond_float64_are_refused_as_data():
    with pytest.raises(ValueError, match=r"X cannot be read as numbers \(int too large.*\); encode or drop"):
        Problem.from_data(np.array([[10**400, 1]] * 8, dtype=object), y, 2)


def test_no_points():
    with pytest.raises(ValueError, match=r"y has only the class \[\]; a metric needs at least two classes"):
        Problem.from_data(np.empty((0, 2)), [])


@pytest.mark.parametrize("mu", [0, 1, -0.5, 1.5, np.nan, np.inf, "half", None, 0.5j, [0.5]])
def test_wrong_mu(mu):
    with pytest.raises(ValueError, match=r"mu=.* must lie strictly between 0 and 1; it weighs the push term, 1 - mu"):
        Problem.from_data(X, y, 2, mu=mu)


@pytest.mark.parametrize("k", [0, -1, 1.0, 2.5, "3", True, np.float64(2)])
def test_wrong_number_of_neighbors(k):
    with pytest.raises(ValueError, match=r"n_neighbors=.* must be an integer >= 1, or 'auto'; the paper uses 3"):
        Problem.from_data(X, y, k)


@pytest.mark.parametrize("k", [1, np.int64(2), np.uint8(3)])
def test_numbers_of_neighbors_of_any_integer_type_are_taken(k):
    assert Problem.from_data(X, y, k).n_neighbors == k


@pytest.mark.parametrize("k", ["auto", None])
@pytest.mark.parametrize(("small", "chosen"), [(2, 1), (3, 2), (4, 3), (6, 3)])
def test_automatic_number_of_neighbors(k, small, chosen):
    points = np.random.default_rng(0).normal(size=(7 + small, 2))
    assert Problem.from_data(points, [0] * 7 + [1] * small, k).n_neighbors == chosen


@pytest.mark.parametrize("k", ["auto", None, 1, 3])
def test_a_class_of_one_point_is_named(k):
    with pytest.raises(ValueError, match=r"class 'b' has 1 \(n_samples=8, n_features=2\): leave the class out, or"):
        Problem.from_data(X, ["a"] * 7 + ["b"], k)


@pytest.mark.parametrize(("labels", "name"), [([0] * 6 + [7] * 2, "7"), (["a"] * 6 + ["b"] * 2, "'b'")])
def test_too_small_a_class(labels, name):
    message = rf"n_neighbors=2 needs at least 3 points in each class; class {name} has 2 \(n_s.*\): lower n_neighbors"
    with pytest.raises(ValueError, match=message):
        Problem.from_data(X, labels, 2)
    assert Problem.from_data(X, labels, 1).n_neighbors == 1


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (TARGETS[:5], r"targets has shape \(5, 1\); it must be \(8, k\) with k >= 1: a row for each point"),
        (np.ravel(TARGETS), r"targets has shape \(8,\); it must be \(8, k\)"),
        (np.empty((8, 0), dtype=int), r"targets has shape \(8, 0\); it must be \(8, k\) with k >= 1"),
        (np.array(TARGETS, dtype=float), r"targets has the type float64; it must hold integer row numbers"),
        (np.array(TARGETS, dtype=bool), r"targets has the type bool; it must hold integer row numbers"),
        ([[2], [3], [4], [5], [6], [7], [8], [1]], r"targets names rows 1\.\.8; they must lie in 0\.\.7"),
        ([[2], [3], [4], [5], [6], [7], [0], [-1]], r"targets names rows -1\.\.7; they must lie in 0\.\.7"),
        ([[2], [3], [2], [5], [6], [7], [0], [1]], r"targets\[2\] = \[2\] lists the point itself; list k different"),
        ([[1], [3], [4], [5], [6], [7], [0], [1]], r"targets\[0\] = \[1\] lists a point of another class; list k"),
        ([[j, j] for (j,) in TARGETS], r"targets\[0\] = \[2, 2\] lists a point twice; list k different points"),
    ],
)
def test_wrong_targets(targets, message):
    with pytest.raises(ValueError, match=message):
        Problem.from_data(X, y, targets=targets)


def test_targets_make_the_number_of_neighbors_and_class_sizes_irrelevant():
    assert Problem.from_data(X, y, n_neighbors=99, targets=TARGETS).n_neighbors == 1


@pytest.mark.parametrize(
    ("reg", "message"),
    [
        (-1.0, r"reg=-1.0 must be a finite number >= 0, the weight of tr\(M\)"),
        (np.nan, r"reg=nan must be a finite number >= 0"),
        (np.inf, r"reg=inf must be a finite number >= 0"),
        ("a", r"reg has the type <U1; it must hold numbers"),
        (1j, r"reg is complex; it must hold real numbers"),
        (np.eye(3), r"reg has shape \(3, 3\); it must be a number, or a symmetric matrix of shape \(2, 2\)"),
        ([1.0, 2.0], r"reg has shape \(2,\); it must be a number, or a symmetric matrix of shape \(2, 2\)"),
        ([[1.0, 2], [0, 1]], r"reg has shape \(2, 2\); it must be a number, or a symmetric matrix of shape \(2, 2\)"),
        (np.diag([1.0, np.inf]), r"reg\[1, 1\] is inf; every entry must be finite"),
    ],
)
def test_wrong_reg(reg, message):
    with pytest.raises(ValueError, match=message):
        Problem.from_data(X, y, 2, reg=reg)


@pytest.mark.parametrize(
    ("M", "message"),
    [
        (np.eye(3), r"M has shape \(3, 3\); it must be \(2, 2\), for a factor L pass L\.T @ L"),
        (np.ones(2), r"M has shape \(2,\); it must be \(2, 2\)"),
        ([[1.0, 0], [0, np.nan]], r"M\[1, 1\] is nan; every entry must be finite"),
        ([[1.0, 0.5], [0, 1]], r"M is not symmetric; pass \(M \+ M\.T\) / 2, or L\.T @ L for a factor L"),
        ([["a", "b"], ["c", "d"]], r"M has the type <U1; it must hold numbers"),
        (np.eye(2) * 1j, r"M is complex; it must hold real numbers"),
    ],
)
@pytest.mark.parametrize("use", [Problem.objective, certify], ids=["objective", "certify"])
def test_wrong_metric(use, M, message):
    with pytest.raises(ValueError, match=message):
        use(Problem.from_data(X, y, 2), M)


def test_objective_refuses_a_negative_eigenvalue():
    with pytest.raises(ValueError, match=r"M has the negative eigenvalue -0\.5; project it with .*psd_part first"):
        Problem.from_data(X, y, 2).objective(np.diag([1.0, -0.5]))


def test_rounding_in_a_metric_is_forgiven():
    problem = Problem.from_data(X, y, 2)
    f = problem.objective(np.diag([1.0, 0]))
    assert problem.objective(np.array([[1.0, 1e-12], [0, -1e-12]])) == pytest.approx(f)


@pytest.mark.parametrize(
    ("triplets", "message"),
    [
        ([[0, 4, 1]], r"triplets\[0\] = \[0, 4, 1\]: j is no target neighbour of i; rows are \(i, target neighbour"),
        ([[0, 2, 1], [0, 2, 4]], r"triplets\[1\] = \[0, 2, 4\]: l has the class of i; rows are \(i, target neighbour"),
        ([[0, 2, 1], [0, 2, 3], [0, 2, 1]], r"triplets lists a triplet twice; remove repetitions with numpy\.unique"),
        ([[0, 2, 8]], r"triplets names rows 0\.\.8; they must lie in 0\.\.7"),
        ([[0, 2, -1]], r"triplets names rows -1\.\.2; they must lie in 0\.\.7"),
        ([[0.0, 2, 1]], r"triplets has the type float64; it must hold integer row numbers"),
        ([["a", "b", "c"]], r"triplets has the type <U1; it must hold integer row numbers"),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda problem, triplets: problem.restrict(triplets),
        lambda problem, triplets: certify(problem, np.eye(2), triplets, np.zeros(len(triplets))),
    ],
    ids=["restrict", "certify"],
)
def test_wrong_triplets(use, triplets, message):
    with pytest.raises(ValueError, match=message):
        use(Problem.from_data(X, y, targets=TARGETS), triplets)


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        ([0.1, 0.2], r"alpha has shape \(2,\); it must be \(1,\): one multiplier for each triplet"),
        (0.1, r"alpha has shape \(\); it must be \(1,\)"),
        ([np.inf], r"alpha\[0\] is inf; every entry must be finite"),
        (["x"], r"alpha has the type <U1; it must hold numbers"),
    ],
)
def test_wrong_multipliers(alpha, message):
    with pytest.raises(ValueError, match=message):
        certify(Problem.from_data(X, y, targets=TARGETS), np.eye(2), [[0, 2, 1]], alpha)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"tol": -1e-6}, r"tol=-1e-06 must be a number >= 0: the relative gap at which to stop"),
        ({"tol": np.nan}, r"tol=nan must be a number >= 0"),
        ({"tol": "small"}, r"tol='small' must be a number >= 0"),
        ({"tol": None}, r"tol=None must be a number >= 0"),
        ({"max_iter": 0}, r"max_iter=0 must be an integer >= 1, or None for no limit"),
        ({"max_iter": 2.5}, r"max_iter=2\.5 must be an integer >= 1, or None for no limit"),
        ({"max_iter": "9"}, r"max_iter='9' must be an integer >= 1"),
        ({"time_limit": 0}, r"time_limit=0 must be a positive number of seconds, or None for no limit"),
        ({"time_limit": -1.0}, r"time_limit=-1\.0 must be a positive number of seconds"),
        ({"time_limit": np.nan}, r"time_limit=nan must be a positive number of seconds"),
        ({"time_limit": "1 s"}, r"time_limit='1 s' must be a positive number of seconds"),
    ],
)
def test_wrong_limits(limits, message):
    with pytest.raises(ValueError, match=message):
        solve(noise(), **limits)


@pytest.mark.parametrize("name", ["simplex", "", "SCS", "scs:QDLDL", "pgd:fast"])
def test_unknown_solver(name):
    with pytest.raises(ValueError, match=r"solver='.*' is unknown; use 'auto', 'scs'.* or 'cvxpy:NAME'"):
        solve(noise(), solver=name)


@pytest.mark.parametrize("kind", [list, np.float32, np.int64, object])
def test_numbers_of_any_type_are_taken(kind):
    whole = np.round(10 * X)
    data = whole.tolist() if kind is list else whole.astype(kind)
    problem = Problem.from_data(data, y.tolist(), 2)
    assert problem.X.dtype == np.float64
    assert np.array_equal(problem.X, whole)


def test_object_labels_are_named_in_errors():
    y = np.array(["a"] * 28 + ["b"] * 2, dtype=object)
    with pytest.raises(ValueError, match="class 'b' has 2"):
        Problem.from_data(np.random.default_rng(0).normal(size=(30, 2)), y, 3)


LABELS = {
    "mixed": (np.array([1, "1"] * 15, dtype=object), "labels of the types int, str; use strings only"),
    "containers": (np.array([[1], (2,)] * 15 + [None], dtype=object)[:30], "labels of the types list, tuple"),
    "complex": (np.array([1j, 2j] * 15, dtype=object), "labels of the types complex"),
    "no time": (np.array(["2020-01-01", "NaT"] * 15, dtype="datetime64[D]"), r"y\[1\] is not a time"),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_that_are_no_labels(name):
    y, message = LABELS[name]
    with pytest.raises(ValueError, match=message):
        Problem.from_data(np.random.default_rng(0).normal(size=(30, 2)), y)


def test_ragged_data_are_named():
    with pytest.raises(ValueError, match="X has rows of different lengths"):
        Problem.from_data([[1, 2], [3]], [0, 1])


@pytest.mark.parametrize("shape", [(3, 2), (6,), (1, 2, 3)])
def test_triplets_of_another_shape(shape):
    problem = Problem.from_data(np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2)
    with pytest.raises(ValueError, match=r"triplets has shape .*; it must be \(T, 3\)"):
        problem.restrict(problem.all_triplets()[:2].reshape(shape))


def masked(array, *where):
    """The array with that entry under a mask, and a number there that must not be used."""
    hidden = np.ma.array(array)
    hidden[where] = np.ma.masked
    return hidden


PROBLEM = Problem.from_data(np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            lambda: Problem.from_data(masked(X, 3, 1), y, 2),
            r"X\[3, 1\] is masked; .* fill or drop masked entries first",
        ),
        (lambda: Problem.from_data(X, masked(y, 5), 2), r"y\[5\] is masked; every entry must be there"),
        (lambda: Problem.from_data(X, y, targets=masked(TARGETS, 0, 0)), r"targets\[0, 0\] is masked"),
        (lambda: Problem.from_data(X, y, 2, reg=masked(np.eye(2), 1, 1)), r"reg\[1, 1\] is masked"),
        (lambda: PROBLEM.restrict(masked(PROBLEM.all_triplets(), 4, 2)), r"triplets\[4, 2\] is masked"),
        (lambda: PROBLEM.objective(masked(np.eye(2), 0, 1)), r"M\[0, 1\] is masked"),
        (
            lambda: certify(PROBLEM, np.eye(2), PROBLEM.all_triplets()[:3], masked(np.ones(3), 2)),
            r"alpha\[2\] is masked",
        ),
        (lambda: LMNN().fit(masked(X, 3, 1), y), r"X\[3, 1\] is masked"),
        (lambda: LMNN().fit(X, masked(y, 5)), r"y\[5\] is masked"),
        (lambda: LMNN(n_neighbors=1).fit(X, y).transform(masked(X, 0, 0)), r"X\[0, 0\] is masked"),
    ],
)
def test_masked_entries_are_refused(use, message):
    with pytest.raises(ValueError, match=message):
        use()


def test_a_mask_that_hides_nothing_is_no_obstacle():
    problem = Problem.from_data(np.ma.array(X), np.ma.array(y, mask=np.zeros(8, dtype=bool)), 2)
    assert np.array_equal(problem.X, X)


@pytest.mark.parametrize(
    "mu", [np.longdouble(1) - np.longdouble(1e-19), Fraction(10**40 - 1, 10**40), Fraction(1, 10**400)]
)
def test_a_mu_that_rounds_to_a_bound_is_refused(mu):
    if mu in (0, 1):
        pytest.skip("longdouble is float64 here")
    with pytest.raises(ValueError, match=r"mu=.* becomes (1\.0|0\.0) in float64; it must lie strictly between"):
        Problem.from_data(X, y, 2, mu=mu)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"solver": None}, r"solver=None is unknown; use 'auto', 'scs'.* or 'cvxpy:NAME'"),
        ({"solver": 3}, r"solver=3 is unknown; use 'auto'"),
        ({"solver": b"newton"}, r"solver=b'newton' is unknown; use 'auto'"),
        ({"start": "x"}, r"start is of the type str; it must be a Solution, or None: read one with Solution.load"),
        ({"start": Path("s.npz")}, r"start is of the type PosixPath; it must be a Solution"),
        ({"start": np.eye(2)}, r"start is of the type ndarray; it must be a Solution"),
        ({"checkpoint": 3}, r"checkpoint=3 must be the path of a file, or None"),
        ({"checkpoint": b"c.npz"}, r"checkpoint=b'c.npz' must be the path of a file"),
        ({"callback": "x"}, r"callback='x' must be a function of a HistoryRow, or None"),
    ],
)
def test_arguments_of_the_wrong_kind(arguments, message):
    with pytest.raises(ValueError, match=message):
        solve(noise(), **arguments)


@pytest.mark.parametrize("value", [1.7e308, -1.2e301])
def test_entries_that_overflow_in_differences_are_refused(value):
    X, y = noise(n=20, d=2).X.copy(), np.arange(20) % 2
    X[3, 1] = value
    for use in (Problem.from_data, LMNN(n_neighbors=1).fit):
        with pytest.raises(ValueError, match=r"X\[3, 1\] is .* differences of points overflow: divide feature 1"):
            use(X, y)
    X[3, 1] = 1e301
    assert solve(Problem.from_data(X, y, 1)).status.solved


def test_a_memory_map_that_is_only_read_is_not_copied(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 3))
    np.save(tmp_path / "x.npy", X)
    for mode, shared in (("r", True), ("r+", False), ("c", False)):
        mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)
        checked = check_data(mapped)
        assert np.shares_memory(checked, mapped) == shared
        np.testing.assert_array_equal(checked, X)
    np.save(tmp_path / "x.npy", X.astype(np.float32))
    assert check_data(np.load(tmp_path / "x.npy", mmap_mode="r")).dtype == np.float64


def test_an_array_of_dask_is_gathered_and_float32_is_lifted():
    dask_array = pytest.importorskip("dask.array", reason="an extra")
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = np.arange(40) % 2
    plain = Problem.from_data(X.astype(np.float64), y)
    blocks = Problem.from_data(dask_array.from_array(X, chunks=(15, 3)), dask_array.from_array(y, chunks=15))
    assert blocks.X.dtype == np.float64
    assert np.array_equal(blocks.X, plain.X)
    assert np.array_equal(blocks.targets, plain.targets)
