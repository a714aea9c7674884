"""Built-in data sets and table files."""

import bz2
import csv
import gzip
import lzma
import os

import numpy as np
import pandas as pd
import pytest

from lmnn_sdp.datasets import DATASETS, load
from lmnn_sdp.datasets.tables import read_table
from lmnn_sdp.datasets.text import TextFormat

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


def write(path, text, encoding="utf-8"):
    """The file, packed where its ending says so."""
    content = text.encode(encoding)
    pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}.get(path.suffix.lower(), bytes)
    path.write_bytes(pack(content))
    return path


def refused(path, message, label=-1, **options):
    """One sentence that begins with the file's name."""
    with pytest.raises(ValueError, match=message) as caught:
        read_table(path, label, **options)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("label", ["kind", 2, -1])
def test_csv_with_a_header(tmp_path, label):
    data = read_table(write(tmp_path / "t.csv", "a,b, kind\n1,2.5, x \n\n3,4e1,y\n"), label)
    assert data.X.tolist() == [[1, 2.5], [3, 40]]
    assert data.y.tolist() == ["x", "y"]
    assert data.summary() == f"{tmp_path / 't.csv'}: 2 points, 2 features, 2 classes (x 1, y 1); header"


FORMS = {
    "t.tsv": "x\t1\t2\ny\t3\t4\n",
    "t.csv": "x;1;2\r\ny;3;4\r\n",
    "t.txt": "x  1 2\n y\t3  4 \n",
    "t.data": "x,1,2\ny,3,4",
    "t.TXT": "x|1|2\n\n  \ny|3|4\n",
    "T.CSV": '"x","1","2"\n"y","3","4"\n',
    "t.csv.gz": "x,1,2\ny,3,4\n",
    "t.CSV.GZ": "x,1,2\ny,3,4\n",
    "t.data.bz2": "x, 1, 2\ny, 3, 4\n",
    "t.tsv.xz": "x\t1\t2\ny\t3\t4\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_text_without_a_header_in_many_forms(tmp_path, name):
    data = read_table(write(tmp_path / name, FORMS[name]), 0)
    assert data.X.tolist() == [[1, 2], [3, 4]]
    assert data.y.tolist() == ["x", "y"]
    assert data.name.lower() == "t"
    assert "no header" in data.summary()


def test_the_summary_tells_a_delimiter_that_is_not_the_usual_one(tmp_path):
    texts = {"a.csv": "delimiter ';'", "b.txt": "delimiter white space", "c.tsv": "no header, line", "d.data": "'|'"}
    marks = dict(zip(texts, (";", " ", "\t", "|"), strict=True))
    for name, told in texts.items():
        path = write(tmp_path / name, "x;1;2\ny;3;4\n".replace(";", marks[name]))
        assert told in read_table(path, 0).summary()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_at_the_beginning_tells_the_encoding(tmp_path, encoding):
    data = read_table(write(tmp_path / "t.csv", "gr\u00f6\u00dfe,art\n1,\u00e4\n2,b\n", encoding), "art")
    assert (data.features, data.y.tolist()) == (("gr\u00f6\u00dfe",), ["\u00e4", "b"])


def test_other_encodings_are_refused_until_they_are_named(tmp_path):
    path = write(tmp_path / "t.csv", "gr\u00f6\u00dfe,art\n1,\u00e4\n2,b\n", "latin-1")
    refused(path, "is no utf-8 text .*; say its encoding, for example --encoding latin-1 or utf-16", "art")
    assert read_table(path, "art", text=TextFormat(encoding="latin-1")).y.tolist() == ["\u00e4", "b"]
    refused(path, "is no utf-8 text", "art", text=TextFormat(encoding="utf-8"))
    refused(path, "unknown encoding: klingon; name one that Python knows", "art", text=TextFormat(encoding="klingon"))
    path = write(tmp_path / "u.csv", "a,b\n1,x\n2,y\n", "utf-16-le")
    refused(path, "holds characters of value 0, so it is no utf-8 text; say its encoding", "b")
    assert read_table(path, "b", text=TextFormat(encoding="utf-16-le")).X.tolist() == [[1], [2]]


def test_decimal_commas_are_refused_until_they_are_stated(tmp_path):
    path = write(tmp_path / "t.csv", "a;b;art\n1,5;2;x\n-3,25e1;4;y\n")
    refused(path, r"line 2, column 'a': '1,5' has a decimal comma; say so with --decimal ,", "art")
    assert read_table(path, "art", text=TextFormat(decimal=",")).X.tolist() == [[1.5, 2], [-32.5, 4]]
    path = write(tmp_path / "u.csv", "1,5;2,5;x\n3,5;4,5;y\n")  # with commas alone it would be three columns as well
    assert read_table(path, 2, text=TextFormat(decimal=",")).X.tolist() == [[1.5, 2.5], [3.5, 4.5]]
    path = write(tmp_path / "v.csv", "a;art\n1.234;x\n5,5;y\n")
    refused(path, r"line 2, column 'a': '1\.234' is no number", "art", text=TextFormat(decimal=","))
    refused(path, "cannot be the delimiter and the decimal mark", "art", text=TextFormat(decimal=",", delimiter=","))


@pytest.mark.parametrize("cell", ["1_0", "\uff11\uff10", "0x10", "1e", "1,000", "ten", "1 0", "True", "\u0661"])
def test_numbers_are_read_strictly(tmp_path, cell):
    refused(
        write(tmp_path / "t.csv", f"a\tart\n{cell}\tx\n2\ty\n"), "line 2, column 'a': '.*' (is no number|has a dec)"
    )


def test_numbers_are_read_exactly_as_python_reads_them(tmp_path):
    rng = np.random.default_rng(0)
    cells = [repr(x) for x in (rng.normal(size=200) * 10.0 ** rng.integers(-300, 300, 200)).tolist()]
    cells += ["9007199254740993", "18446744073709551617", "0.1", "-0", "+.5", "5.", "1E5", "007", "4.9e-324"]
    cells += ["123456789012345678901234567890.123456789", "1" * 60, "0." + "0" * 60 + "123"]
    path = write(tmp_path / "t.csv", "a,art\n" + "".join(f"{cell},{k % 2}\n" for k, cell in enumerate(cells)))
    assert read_table(path, "art").X[:, 0].tolist() == [float(cell) for cell in cells]


def test_a_position_is_never_taken_for_a_name(tmp_path):
    path = write(tmp_path / "t.csv", "1,0,3\n0,5,2\n1,7,8\n")
    data = read_table(path, 0)
    assert (data.X.tolist(), data.y.tolist()) == ([[0, 3], [5, 2], [7, 8]], ["1", "0", "1"])
    refused(path, "has no header line that could name a column '0'; give the position .*--label-position", "0")
    named = read_table(path, "0", text=TextFormat(header=True))
    assert (named.X.tolist(), named.y.tolist(), named.features) == ([[0, 2], [1, 8]], ["5", "7"], ("1", "3"))


def test_a_header_of_numbers_can_be_stated_and_a_doubt_is_told(tmp_path):
    path = write(tmp_path / "t.csv", "0,1,2\n5.5,6,0\n7,8,1\n9,8,2\n")
    told = "line 1 was taken for a point: if it names the columns, say --header"
    assert len(read_table(path, -1).X) == 4
    assert told in read_table(path, -1).summary()
    for header, n in [(True, 3), (False, 4)]:
        data = read_table(path, -1, text=TextFormat(header=header))
        assert len(data.X) == n
        assert told not in data.summary()
    path = write(tmp_path / "u.csv", "1990,1991,kind\n5,6,a\n7,8,a\n")
    assert told in read_table(path, -1).summary()
    path = write(tmp_path / "v.csv", "1990,1991,a\n5,6,a\n7,8,b\n")
    assert told not in read_table(path, -1).summary()
    path = write(tmp_path / "x.csv", "1_0,\uff15,a\n5,6,a\n7,8,b\n")
    assert "line 1 was taken for names: if it is a point, say --no-header" in read_table(path, -1).summary()
    for name, text in {"w.csv": ",0,1\n0,5,a\n1,7,b\n", "y.csv": ",0,kind\n0,5,a\n1,7,b\n"}.items():
        assert read_table(write(tmp_path / name, text), -1).features == ("", "0")  # pandas writes its index so


def test_columns_are_left_out_by_name_or_position(tmp_path):
    path = write(tmp_path / "t.csv", "id,a,when,art\n7,1,monday,x\n9,2,sunday,y\n")
    data = read_table(path, "art", drop=["id", "when"])
    assert (data.X.tolist(), data.features) == ([[1], [2]], ("a",))
    assert "; left out: id, when; header" in data.summary()
    refused(path, "has no column named 'day'; its columns are id, a, when, art", "art", drop=["day"])
    refused(path, "column 'art' holds the labels; do not drop it", "art", drop=["art"])
    refused(path, "has no feature beside the labels; check the delimiter", "art", drop=["id", "a", "when"])
    path = write(tmp_path / "u.csv", "7,1,x\n9,2,y\n")
    assert read_table(path, -1, drop=["0"]).X.tolist() == [[1], [2]]
    assert read_table(path, 0, drop=["-1"]).X.tolist() == [[1], [2]]
    refused(path, "has no column at position 3; it has 3: 0 to 2", drop=["3"])
    refused(path, "has no header line that could name a column 'id'", drop=["id"])


def test_columns_that_are_no_measurements_are_warned_of(tmp_path):
    lines = [f"{k + 5},{k * k + 3},1,{k * 0.37},{k % 4},{'ab'[k % 2]}\n" for k in range(12)]
    data = read_table(write(tmp_path / "t.csv", "index,id,one,real,few,art\n" + "".join(lines)), "art")
    path = tmp_path / "t.csv"
    assert data.warnings() == [
        f"{path}: column 'index' counts up by one, like an index; to leave it out: --drop index",
        f"{path}: column 'id' holds another integer in each row, like an ID; to leave it out: --drop id",
        f"{path}: column 'one' is constant; to leave it out: --drop one",
    ]


def test_a_summary_of_many_classes_is_short(tmp_path):
    path = write(tmp_path / "t.csv", "a,art\n" + "".join(f"{k},{k // 2:02}\n" for k in range(40)))
    assert "20 classes (00 2, 01 2, 02 2, 03 2, 04 2, 05 2, 06 2, 07 2, 12 more)" in read_table(path, "art").summary()


def test_npz(tmp_path):
    np.savez(
        tmp_path / "t.npz", X=np.arange(6.0).reshape(3, 2), y=np.arange(3), other=np.ones(3), bad=np.eye(2) * np.nan
    )
    assert read_table(tmp_path / "t.npz").y.tolist() == [0, 1, 2]
    assert read_table(tmp_path / "t.npz", "other", drop=["0"]).X.tolist() == [[1], [3], [5]]
    refused(tmp_path / "t.npz", "has no array 'kind'; it holds X, y, other", "kind")
    np.savez(tmp_path / "A.npz", A=np.eye(2))
    refused(tmp_path / "A.npz", "has no array 'X'; it holds A: name the data X", None)
    np.savez(tmp_path / "n.npz", X=np.full((2, 1), np.nan), y=np.arange(2))
    refused(tmp_path / "n.npz", r"X\[0, 0\] is nan", None)
    np.savez(tmp_path / "y.npz", X=np.ones((2, 1)), y=np.arange(3))
    refused(tmp_path / "y.npz", r"y has shape \(3,\); it must be \(2,\): one label for each row of X", None)


ARFF = "@relation t\n@attribute a numeric\n@attribute kind {x,y}\n@data\n1.5,x\n2,y\n"


@pytest.mark.parametrize("name", ["t.arff", "t.arff.gz"])
def test_arff(tmp_path, name):
    data = read_table(write(tmp_path / name, ARFF), "kind")
    assert (data.X.tolist(), data.y.tolist(), data.features, data.name) == ([[1.5], [2]], ["x", "y"], ("a",), "t")
    refused(write(tmp_path / name, ARFF.replace("1.5", "?")), "row 1, column 'a': the value is missing", "kind")
    refused(write(tmp_path / name, ARFF.replace("2,y", "2,?")), r"row 2: the label is missing \('\?'\)", "kind")
    refused(write(tmp_path / name, ARFF.replace("2,y", "2,z")), "is no ARFF file that SciPy reads", "kind")
    for loose in ("1_5", "\uff15"):
        refused(write(tmp_path / name, ARFF.replace("1.5", loose)), "is no number; write it in digits", "kind")
    refused(write(tmp_path / name, "@relation"), "is no ARFF file that SciPy reads", "kind")


def test_parquet_is_read_where_pyarrow_is(tmp_path, monkeypatch):
    def missing(*_):
        raise ImportError

    path = write(tmp_path / "t.parquet", "PAR1 but not really")
    with monkeypatch.context() as patch:
        patch.setattr(pd, "read_parquet", missing)
        refused(path, "Parquet is read with pyarrow; pip install pyarrow, or write it as CSV", "kind")
    frame = pd.DataFrame({"a": [1, 2], "kind": pd.Categorical(["x", "y"])})
    monkeypatch.setattr(pd, "read_parquet", lambda _: frame)
    data = read_table(path, "kind")
    assert (data.X.tolist(), data.y.tolist()) == ([[1], [2]], ["x", "y"])


def test_a_parquet_file_comes_back_as_it_was(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1.5, None], "b": [1, 2], "kind": ["x", "y"]}).to_parquet(path)
    refused(path, "row 2, column 'a': the value is missing", "kind")
    data = read_table(path, "kind", drop=["a"])
    assert (data.X.tolist(), data.y.tolist()) == ([[1], [2]], ["x", "y"])
    refused(write(path, "PAR1 but not really"), "is no Parquet file that pandas reads", "kind")


BAD_FILES = {
    "empty": ("", "kind", "is empty"),
    "header only": ("a,kind\n", "kind", "header line and no data"),
    "ragged": ("a,b,kind\n1,2,x\n1,x\n", "kind", r"line 3: 2 columns, but the first line has 3"),
    "ragged below": ("a,b,kind\n1,2,x\n\n1,2,3,x\n", "kind", r"line 4: 4 columns, but the first line has 3"),
    "ragged in the last column": ("a,b,kind\n1,2,x\n1,2\n", 0, r"line 3: 2 columns, but the first line has 3"),
    "no such column": ("a,kind\n1,x\n", "class", r"no column named 'class'; its columns are a, kind"),
    "a position as a name": ("a,kind\n1,x\n", "1", r"no column named '1'; .*for a position say --label-position 1"),
    "no such position": ("1,2\n3,4\n", 5, r"no column at position 5; it has 2: 0 to 1"),
    "a name twice": ("a,a\n3,4\n", "a", r"has 2 columns named 'a'"),
    "text": ("a,b,kind\n1,red,x\n", "kind", r"line 2, column 'b': 'red' is no number: encode or drop .*--drop b"),
    "text in line 1": (
        "a,2,kind\n1,1,x\n",
        2,
        r"line 1, column '0': 'a' is no number: .* if that line names the columns",
    ),
    "long text": ("a,kind\n" + "1" * 50 + "z,x\n", "kind", r"'1{40}\.\.\.' is no number"),
    "missing": ("a,b,kind\n1,2,x\n1,,x\n", "kind", r"line 3, column 'b': the value is missing: drop the line"),
    "marked": ("a,b,kind\n1,2,x\n1,?,x\n", "kind", r"line 3, column 'b': the value is missing \('\?'\): drop the line"),
    "NA": ("a,b,kind\n1,2,x\nNA,1,x\n", "kind", r"line 3, column 'a': the value is missing \('NA'\)"),
    "marked in line 1": ("?,?,x\n1,2,x\n", 2, r"line 1, column '0': the value is missing \('\?'\)"),
    "nan": ("a,kind\n1,x\nnan,x\n", "kind", r"line 3, column 'a': the value is missing \('nan'\)"),
    "infinite": ("a,kind\n-inf,x\n", "kind", r"line 2, column 'a': '-inf' is not finite"),
    "too large": ("a,kind\n1e999,x\n", "kind", r"line 2, column 'a': '1e999' is not finite"),
    "no label": ("a,kind\n1,\n", "kind", r"line 2: the label is missing; every point needs one"),
    "label ?": ("a,kind\n1,x\n2,?\n", "kind", r"line 3: the label is missing \('\?'\); every point needs one"),
    "label NA": ("a,kind\n1,x\n2, NA \n", "kind", r"line 3: the label is missing \('NA'\)"),
    "label not named": ("a,kind\n1,x\n", None, r"needs --label NAME.* or --label-position N"),
    "quote": ('a,kind\n1,"x\n2,y\n', "kind", r"is no table \(EOF inside string starting at row 0\)|1 columns, but"),
    "long open field": ('a,kind\n1,"' + "x" * 131_073 + "\n2,y\n", "kind", r"is no table \(EOF inside string"),
    "long field": (
        'a,kind\n"' + "x" * 131_073 + '",x\n',
        "kind",
        r"(row 1|line 2), column 'a': 'x{40}\.\.\.' is no number",
    ),
    "quotes alone": ('""\n', -1, r"is no table \(its first line holds nothing\)"),
    "one column": ("a\n1\n", "a", r"has no feature beside the labels; check the delimiter"),
    "zero": ("a,kind\n1\0002,x\n", "kind", "holds characters of value 0"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_tables_name_the_line_and_the_remedy(tmp_path, name):
    text, label, message = BAD_FILES[name]
    refused(write(tmp_path / "t.csv", text), message, label)


def test_fields_beyond_the_limit_of_the_csv_module_are_no_traceback(tmp_path):
    limit = csv.field_size_limit(20)
    try:
        refused(write(tmp_path / "t.csv", "a" * 30 + ",kind\n1,x\n"), r"is no table \(field larger than", "kind")
        refused(write(tmp_path / "t.csv", "a,kind\n" + "1" * 30 + ",x\ntwo,y\n"), "row 2, column 'a': 'two'", "kind")
    finally:
        csv.field_size_limit(limit)


def test_a_line_is_counted_as_an_editor_counts(tmp_path):
    path = write(tmp_path / "t.csv", '\n a,"b\nb",kind\n\n1,2,"x\ny"\n  \n1,two,x\n')
    refused(path, r"line 8, column 'b b': 'two' is no number", "kind")


def test_bad_paths(tmp_path):
    refused(tmp_path / "none.csv", "does not exist", "y")
    (tmp_path / "t.xlsx").write_text("")
    refused(
        tmp_path / "t.xlsx", r"has the ending '\.xlsx'; known are \.csv, \.tsv, \.txt, \.data, \.arff, \.parquet, \.npz"
    )
    (tmp_path / "t.gz").write_text("")
    refused(tmp_path / "t.gz", r"has the ending '\.gz'; known are")
    (tmp_path / "t.csv").mkdir()
    refused(tmp_path / "t.csv", "is a folder; only plain files are read")
    os.mkfifo(tmp_path / "fifo.csv")
    refused(tmp_path / "fifo.csv", "is a FIFO; only plain files are read")
    for name in ("zero.csv", "zero.npz"):
        (tmp_path / name).symlink_to("/dev/zero")
        refused(tmp_path / name, "is a device; only plain files are read")


def test_damaged_packed_files_are_refused(tmp_path):
    for ending in (".gz", ".bz2", ".xz"):
        path = write(tmp_path / f"t.csv{ending}", "a,kind\n" + "1,x\n" * 100)
        path.write_bytes(path.read_bytes()[:-9])
        refused(path, "cannot be read .*; check that it is whole", "kind")
        path.write_bytes(b"a,kind")
        refused(path, "cannot be read .*; check that it is whole", "kind")


@pytest.mark.parametrize("delimiter", ["::", "5", ".", "", "\u00b7", '"'])
def test_delimiters_that_cannot_be_are_refused(tmp_path, delimiter):
    path = write(tmp_path / "t.csv", "a,kind\n1,x\n")
    with pytest.raises(ValueError, match=r"delimiter .* must be one character that no number has"):
        read_table(path, "kind", text=TextFormat(delimiter=delimiter))


@pytest.mark.parametrize(
    ("delimiter", "mark"), [("tab", "\t"), (r"\t", "\t"), ("space", "  "), ("#", "#"), ("\x01", "\x01")]
)
def test_delimiters_that_are_stated(tmp_path, delimiter, mark):
    path = write(tmp_path / "t.csv", f"a{mark}kind\n1{mark}x\n2{mark}y\n")
    assert read_table(path, "kind", text=TextFormat(delimiter=delimiter)).X.tolist() == [[1], [2]]


def test_floats_too_large_for_a_fraction_are_no_ids(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("u,kind\n" + "\n".join(f"{value!r},a" for value in np.linspace(1e200, 2e200, 20).tolist()))
    read = read_table(path, "kind")
    assert read.warnings() == []
    assert "1 class (a 20)" in read.summary()
