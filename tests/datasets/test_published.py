"""The paper's data sets: local files with checksums, fetchers, images, and what is said where they are absent."""

import gzip
import hashlib
import io
import lzma
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.datasets
from click.testing import CliRunner
from scipy.sparse import csr_array

from harness.paths import SHARED_DATA
from lmnn_sdp.cli import main
from lmnn_sdp.datasets import PUBLISHED, load, published, reduction
from lmnn_sdp.datasets.images import deskewed, faces_of_archive, grey_images_by_folder, idx, smaller
from lmnn_sdp.datasets.local_files import VARIABLE, MissingDataError, PublishedFile
from lmnn_sdp.datasets.reduction import Reduction

RNG = np.random.default_rng(0)


def letters_file(folder, rows=40):
    """A small file of the form of UCI's letters, and a source that knows it."""
    (folder / "letters").mkdir(parents=True)
    path = folder / "letters" / "letter-recognition.data"
    table = RNG.integers(0, 16, size=(rows, 16))
    path.write_text("".join(f"{'AB'[k % 2]},{','.join(map(str, row))}\n" for k, row in enumerate(table)))
    file = PublishedFile("letters/letter-recognition.data", hashlib.sha256(path.read_bytes()).hexdigest())
    return path, table, replace(published.SOURCES["letters"], files=(file,), points=rows, classes=2)


@pytest.fixture
def letters(tmp_path, monkeypatch):
    path, table, source = letters_file(tmp_path / "data")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.setitem(published.SOURCES, "letters", source)
    return path, table


def test_a_set_is_read_by_name_from_the_named_folder(letters):
    _, table = letters
    data = load("letters")
    np.testing.assert_array_equal(data.X, table)
    assert data.y[:3].tolist() == ["A", "B", "A"]
    assert data.n_train is None
    assert data.training() is data
    assert len(data.test().X) == 0


def test_the_command_line_solves_it_by_name(letters):
    done = CliRunner().invoke(main, ["solve", "letters", "--quiet", "--tol", "1e-3"])
    assert done.exit_code == 0, done.output
    assert "letters" in done.output


@pytest.mark.parametrize("change", [lambda data: data[:-7], lambda data: data[:30] + b"9" + data[31:]])
def test_a_file_that_is_cut_short_or_altered_is_named(letters, change):
    path, _ = letters
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=r"letter-recognition.data has the checksum .* cut short or altered"):
        load("letters")


def test_what_is_absent_is_named_with_where_to_get_it(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(MissingDataError, match=r"must name a folder with letters/.*no folder is named.*UCI"):
        load("letters")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(MissingDataError, match=r"yaleb_96x84.npz.xz .* lacks some of them.*Extended Yale"):
        load("yale-faces", fetch=True)  # scikit-learn has none
    done = CliRunner().invoke(main, ["solve", "mnist"])
    assert done.exit_code == 2
    assert "t10k-images-idx3-ubyte.gz" in done.output
    assert "Traceback" not in done.output


def test_an_unknown_set_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"built in are .*; from local files mnist, letters"):
        load("cifar")
    with pytest.raises(ValueError, match=r"unknown; known are mnist"):
        published.published("cifar")
    assert tuple(published.SOURCES) == PUBLISHED


def test_other_sizes_than_published_are_refused(letters, monkeypatch):
    monkeypatch.setitem(published.SOURCES, "letters", replace(published.SOURCES["letters"], points=41))
    with pytest.raises(ValueError, match=r"= \(40, 16, 2\); published are \(41, 16, 2\)"):
        load("letters")


def test_scikit_learn_fetches_only_where_asked(monkeypatch):
    asked = []

    def fetch(name, **options):
        asked.append(name)
        X = RNG.integers(0, 16, size=(20_000, 16))
        return SimpleNamespace(data=X, target=np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))[np.arange(20_000) % 26])

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    with pytest.raises(MissingDataError):
        load("letters")
    assert asked == []
    assert load("letters", fetch=True).X.shape == (20_000, 16)
    assert asked == ["letter"]


def test_fetched_isolet_and_faces_have_the_form_of_the_local_ones(monkeypatch):
    X = RNG.normal(size=(7_797, 617))
    labels = np.array([f"'{1 + k % 26}'" for k in range(len(X))], dtype=object)
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *_, **__: SimpleNamespace(data=X, target=labels))
    isolet = published.SOURCES["isolet"].fetch()
    assert (isolet.n_train, isolet.X.shape, isolet.y[:2].tolist()) == (6_238, (7_797, 617), [1, 2])
    faces = SimpleNamespace(images=RNG.random((400, 64, 64)), target=np.repeat(np.arange(40), 10))
    monkeypatch.setattr(sklearn.datasets, "fetch_olivetti_faces", lambda **_: faces)
    olivetti = published.SOURCES["olivetti_faces"].fetch()
    assert (olivetti.X.shape, olivetti.y.min(), olivetti.y.max()) == ((400, 38 * 31), 1, 40)
    assert 0 <= olivetti.X.min() <= olivetti.X.max() <= 1


def test_fetched_digits_are_deskewed(monkeypatch):
    X, labels = np.zeros((3, 784)), np.array(["1", "2", "3"])
    X[:, 200:600] = 255
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *_, **__: SimpleNamespace(data=X, target=labels))
    digits = published.SOURCES["mnist"].fetch()
    assert digits.X.shape == (3, 784)
    assert digits.X.max() == pytest.approx(1)


def test_idx_and_archives_are_read(tmp_path):
    images = RNG.integers(0, 256, size=(3, 4, 5), dtype=np.uint8)
    header = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in images.shape)
    (tmp_path / "images.gz").write_bytes(gzip.compress(header + images.tobytes()))
    np.testing.assert_array_equal(idx(tmp_path / "images.gz"), images)

    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for subject in (10, 2):
            for number in (10, 2):
                pixels = bytes(np.full(6, subject + number, dtype=np.uint8))
                archive.writestr(f"s{subject}/{number}.pgm", b"P5\n3 2\n255\n" + pixels)
    faces, subjects = grey_images_by_folder(tmp_path / "faces.zip")
    assert faces.shape == (4, 2, 3)
    assert subjects.tolist() == [2, 2, 10, 10]
    assert faces[:, 0, 0].tolist() == [4, 12, 12, 20]

    buffer = io.BytesIO()
    np.savez(buffer, images=images, subject=np.arange(3))
    (tmp_path / "faces.npz.xz").write_bytes(lzma.compress(buffer.getvalue()))
    np.testing.assert_array_equal(faces_of_archive(tmp_path / "faces.npz.xz")[0], images)


@pytest.mark.parametrize("data", [b"P2\n3 2\n255\n000000", b"P5\n3 2\n65535\n000000", b"P5\n30 20\n255\n000000"])
def test_an_image_of_another_kind_is_refused(tmp_path, data):
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        archive.writestr("s1/1.pgm", data)
    with pytest.raises(ValueError, match="no binary PGM"):
        grey_images_by_folder(tmp_path / "faces.zip")


def slant(image):
    """``mu_xy / mu_yy`` about the centre of mass, and the centre."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    mass = image / image.sum()
    c_y, c_x = np.sum(mass * y), np.sum(mass * x)
    return np.sum(mass * (x - c_x) * (y - c_y)) / np.sum(mass * (y - c_y) ** 2), (c_y, c_x)


def test_a_slanted_stroke_is_made_upright_about_its_centre():
    image = np.zeros((1, 28, 28), dtype=np.uint8)
    for row in range(6, 22):
        image[0, row, 4 + row // 2 : 7 + row // 2] = 255
    before, centre = slant(image[0])
    assert before > 0.4
    after, moved = slant(deskewed(image)[0])
    assert abs(after) < 0.03
    np.testing.assert_allclose(moved, centre, atol=0.2)


def test_an_empty_image_stays_empty():
    assert not deskewed(np.zeros((1, 28, 28), dtype=np.uint8)).any()


@pytest.mark.parametrize("shape", [(2, 3), (4, 6), (3, 5)])
def test_smaller_images_are_means_over_areas(shape):
    image = RNG.integers(0, 256, size=(1, 12, 30), dtype=np.uint8)
    small = smaller(image, *shape)
    assert small.mean() == pytest.approx(image.mean())
    if 12 % shape[0] == 0 and 30 % shape[1] == 0:
        blocks = image[0].reshape(shape[0], 12 // shape[0], shape[1], 30 // shape[1])
        np.testing.assert_allclose(small[0], blocks.mean(axis=(1, 3)))


def test_reduction_knows_the_training_points_alone():
    X, train, test = RNG.normal(size=(30, 6)), np.arange(20), np.arange(20, 30)
    first = Reduction(4, dropped=1).fit_transform(X, train, test)
    assert [part.shape for part in first] == [(20, 3), (10, 3)]
    moved = X.copy()
    moved[test] *= 7
    np.testing.assert_allclose(Reduction(4, dropped=1).fit_transform(moved, train, test)[0], first[0])
    counts = csr_array(RNG.poisson(0.5, size=(30, 12)).astype(float))
    weighted = Reduction(3, weighted=True).fit_transform(counts, train, test)
    assert [part.shape for part in weighted] == [(20, 3), (10, 3)]


def test_a_published_split_is_kept(monkeypatch):
    monkeypatch.setitem(reduction.REDUCTIONS, "mnist", Reduction(2))
    X, y = RNG.normal(size=(12, 5)), np.arange(12) % 2
    data = reduction.reduced(published.Published("mnist", X, y, 8))
    assert (data.training().X.shape, data.test().X.shape) == ((8, 2), (4, 2))
    np.testing.assert_allclose(data.training().X.mean(axis=0), 0, atol=1e-12)
    assert reduction.reduced(published.Published("mnist", X, y)).X.shape == (12, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["letters", "isolet", "olivetti_faces"])
def test_the_papers_own_files_pass(name, monkeypatch):
    if not SHARED_DATA.is_dir():
        pytest.skip("the paper's data sets are not beside this repository")
    monkeypatch.setenv(VARIABLE, str(SHARED_DATA))
    shapes = {"letters": (20_000, 16), "isolet": (7_797, 172), "olivetti_faces": (400, 200)}
    assert load(name).X.shape == shapes[name]
