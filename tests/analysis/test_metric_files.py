"""Metrics of others, from files."""

import os

import numpy as np
import pytest

from lmnn_sdp import solve
from lmnn_sdp.analysis.metric_files import read_metric
from problems import TOL, blobs

L = np.array([[1.0, 2.0, 0.5], [0.0, 1.0, -1.0], [0.0, 0.0, 3.0]])  # square, not symmetric
FLAT = L[:2]
SYMMETRIC = L.T @ L


def save(path, array=None, **arrays):
    """In the format of the path's ending."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".npy":
        np.save(path, array)
    else:
        np.savetxt(path, array, delimiter={".csv": ",", ".tsv": "\t"}.get(path.suffix, " "), fmt="%.17g")
    return path


@pytest.mark.parametrize("ending", [".npy", ".csv", ".tsv", ".txt", ".CSV"])
@pytest.mark.parametrize(("array", "kind"), [(L, "L"), (FLAT, "L"), (FLAT[:1], "L"), (SYMMETRIC, "M")])
def test_one_matrix_is_read_by_its_symmetry(tmp_path, ending, array, kind):
    found = read_metric(save(tmp_path / f"metric{ending}", array), 3)
    assert (found.kind, found.shape) == (kind, array.shape)
    np.testing.assert_allclose(found.M, array if kind == "M" else array.T @ array, rtol=TOL["rounding"])


@pytest.mark.parametrize("array", [L, SYMMETRIC])
def test_kind_overrules_symmetry(tmp_path, array):
    found = read_metric(save(tmp_path / "metric.npy", array), 3, "L")
    np.testing.assert_array_equal(found.M, array.T @ array)


@pytest.mark.parametrize(
    ("arrays", "given", "kind"),
    [
        ({"M": SYMMETRIC}, None, "M"),
        ({"L": SYMMETRIC}, None, "L"),
        ({"components": FLAT, "other": L}, None, "L"),
        ({"components_": FLAT}, None, "L"),
        ({"M": SYMMETRIC, "L": L}, None, "M"),
        ({"M": SYMMETRIC, "L": L}, "L", "L"),
        ({"anything": L}, None, "L"),
        ({"anything": SYMMETRIC}, "L", "L"),
    ],
)
def test_names_in_an_npz_file_tell(tmp_path, arrays, given, kind):
    found = read_metric(save(tmp_path / "metric.npz", **arrays), 3, given)
    chosen = arrays.get(kind, next(iter(arrays.values())))
    assert found.kind == kind
    np.testing.assert_array_equal(found.M, chosen if kind == "M" else chosen.T @ chosen)


def test_a_saved_solution_is_read(tmp_path):
    solution = solve(blobs())
    solution.save(tmp_path / "solution.npz")
    assert read_metric(tmp_path / "solution.npz", 3).kind == "M"
    np.testing.assert_array_equal(read_metric(tmp_path / "solution.npz", 3).M, solution.M)


HOLE = SYMMETRIC.copy()
HOLE[0, 1] = HOLE[1, 0] = np.nan
BAD = {
    "ending": (
        "metric.xls",
        {"array": L},
        None,
        r"ending '\.xls'; metrics are read from \.npz, \.npy, \.csv, \.tsv, \.txt",
    ),
    "columns": (
        "metric.npy",
        {"array": L[:, :2]},
        None,
        r"L has shape \(3, 2\); it must be \(r, 3\): a column for each",
    ),
    "vector": ("metric.npy", {"array": L[0]}, None, r"the metric has shape \(3,\); it must be a matrix"),
    "no rows": ("metric.npy", {"array": L[:0]}, None, r"the metric has shape \(0, 3\); it must be a matrix"),
    "text": ("metric.npy", {"array": np.array([["a"]])}, None, "the metric has the type <U1; it must hold numbers"),
    "smaller": ("metric.npy", {"array": np.eye(2)}, None, r"M has shape \(2, 2\); it must be \(3, 3\)"),
    "nan": ("metric.npy", {"array": HOLE}, None, r"the metric\[0, 1\] is nan; every entry must be finite"),
    "nan as M": ("metric.npy", {"array": HOLE}, "M", r"M\[0, 1\] is nan; every entry must be finite"),
    "nan as text": ("metric.csv", {"array": HOLE}, "M", r"line 1: 'nan' is no number; write one row of the matrix a"),
    "indefinite": ("metric.npy", {"array": np.diag([1, 1, -0.5])}, None, r"negative eigenvalue -0\.5; .* say --as L"),
    "asymmetric": ("metric.npy", {"array": L}, "M", r"M is not symmetric; pass \(M \+ M\.T\) / 2, or L\.T @ L"),
    "names": ("metric.npz", {"A": L, "B": L}, None, r"holds the arrays A, B; name the metric's M or components or "),
    "kind": (
        "metric.npz",
        {"M": L, "B": L},
        "L",
        r"holds the arrays M, B; name the metric's components or components_ ",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_metric_is_refused(tmp_path, case):
    name, content, kind, message = BAD[case]
    with pytest.raises(ValueError, match=message) as caught:
        read_metric(save(tmp_path / name, **content), 3, kind)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metric.csv", b"", "is empty; it must hold one row"),
        (
            "metric.csv",
            b"a,b,c\n1,2,3\n",
            "line 1: 'a' is no number; write one row of the matrix a line, without a header",
        ),
        ("metric.csv", b"1,2,3\n1,2\n", "line 2: 2 columns, but the first line has 3"),
        ("metric.csv", b"1,2,3\n1,1_0,3\n", "line 2: '1_0' is no number"),
        ("metric.csv", b"1,2,3\n1,inf,3\n", "the metric.1, 1. is inf"),
        ("metric.csv", b"\xff\xff", "is no utf-8 text"),
        ("metric.npy", b"", "holds no arrays that can be read .it is neither NPY nor NPZ"),
        ("metric.npz", b"PK broken", "holds no arrays that can be read .File is not a zip file"),
        ("metric.npz", b"1,2,3", "holds no arrays that can be read .it is neither NPY nor NPZ"),
    ],
)
def test_broken_files_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_metric(tmp_path / name, 3)


def test_what_is_no_plain_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "metric.csv")
    (tmp_path / "metric.npy").symlink_to("/dev/zero")
    for name, kind in [("metric.csv", "a FIFO"), ("metric.npy", "a device")]:
        with pytest.raises(ValueError, match=f"{name} is {kind}; only plain files are read"):
            read_metric(tmp_path / name, 3)
