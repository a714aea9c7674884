"""Built-in data sets and table files."""

import numpy as np
import pytest

from lmnn_sdp.datasets import DATASETS, load
from lmnn_sdp.datasets.tables import read_table

SHAPES = {
    "balance_scale": (625, 4),
    "breast_cancer": (569, 30),
    "digits": (1797, 64),
    "iris": (150, 4),
    "wine": (178, 13),
}


@pytest.mark.parametrize("name", DATASETS)
def test_built_in_data_have_their_shape(name):
    data = load(name)
    assert data.X.shape == SHAPES[name]
    assert data.y.shape == SHAPES[name][:1]


def test_balance_scale_has_the_published_class_sizes():
    labels, sizes = np.unique(load("balance-scale").y, return_counts=True)
    assert dict(zip(labels.tolist(), sizes.tolist(), strict=True)) == {"B": 49, "L": 288, "R": 288}


def test_balance_scale_labels_follow_the_torque():
    data = load("balance_scale")
    left, right = data.X[:, 0] * data.X[:, 1], data.X[:, 2] * data.X[:, 3]
    expected = np.where(left > right, "L", np.where(left < right, "R", "B"))
    assert np.array_equal(data.y, expected)


def test_standardized_data_have_unit_variance_and_keep_constant_features():
    X = load("digits").standardized().X
    spread = X.std(axis=0)
    assert np.all(np.isclose(spread, 1) | (spread == 0))
    assert np.sum(spread == 0) == 3


def test_a_sample_keeps_the_share_of_each_class_and_its_seed():
    data = load("iris").sample(30)
    assert np.bincount(data.y).tolist() == [10, 10, 10]
    assert np.array_equal(data.X, load("iris").sample(30).X)
    assert load("iris").sample(1000).X.shape == (150, 4)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"'flowers' is unknown; built in are balance_scale"):
        load("flowers")


@pytest.mark.parametrize("label", ["kind", "2", "-1"])
def test_csv_with_a_header(tmp_path, label):
    path = tmp_path / "t.csv"
    path.write_text("a,b,kind\n1,2.5,x\n\n3,4e1,y\n")
    data = read_table(path, label)
    assert data.X.tolist() == [[1, 2.5], [3, 40]]
    assert data.y.tolist() == ["x", "y"]


def test_tsv_without_a_header(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("x\t1\t2\ny\t3\t4\n")
    data = read_table(path, "0")
    assert data.X.tolist() == [[1, 2], [3, 4]]
    assert data.y.tolist() == ["x", "y"]


def test_npz(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.eye(3), y=np.arange(3), other=np.ones(3))
    assert read_table(tmp_path / "t.npz", None).y.tolist() == [0, 1, 2]
    assert read_table(tmp_path / "t.npz", "other").y.tolist() == [1, 1, 1]


BAD_FILES = {
    "empty": ("", "kind", "is empty"),
    "header only": ("a,kind\n", "kind", "header line and no data"),
    "ragged": ("a,b,kind\n1,2,x\n1,x\n", "kind", r"line 3: 2 columns, but the first line has 3"),
    "no such column": ("a,kind\n1,x\n", "class", r"no label column 'class'; columns are a, kind"),
    "no such position": ("1,2\n3,4\n", "5", r"no label column '5'; it has no header and 2 columns"),
    "text": ("a,b,kind\n1,red,x\n", "kind", r"line 2, column 'b': 'red' is no number: encode or drop"),
    "missing": ("a,b,kind\n1,2,x\n1,,x\n", "kind", r"line 3, column 'b': the value is missing: drop or impute"),
    "nan": ("a,kind\n1,x\nnan,x\n", "kind", r"line 3, column 'a': 'nan' is not finite"),
    "infinite": ("a,kind\n-inf,x\n", "kind", r"line 2, column 'a': '-inf' is not finite"),
    "no label": ("a,kind\n1,\n", "kind", r"line 2: the label is missing"),
    "label not named": ("a,kind\n1,x\n", None, r"needs --label"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_tables_name_the_line_and_the_remedy(tmp_path, name):
    text, label, message = BAD_FILES[name]
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_table(path, label)


def test_bad_paths(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        read_table(tmp_path / "none.csv", "y")
    (tmp_path / "t.xlsx").write_text("")
    with pytest.raises(ValueError, match=r"ending '.xlsx'; known are .csv, .tsv and .npz"):
        read_table(tmp_path / "t.xlsx", "y")
    np.savez(tmp_path / "t.npz", A=np.eye(2))
    with pytest.raises(ValueError, match=r"no array 'X'; it holds A"):
        read_table(tmp_path / "t.npz", None)
