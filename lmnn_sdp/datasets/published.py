"""The larger data sets of Weinberger & Saul (2009): from local files, or by scikit-learn's fetchers.

Each comes before any reduction, with its size and classes checked; `reduced` does what the paper's section 4 does next.
"""

from __future__ import annotations

import csv
import lzma
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmnn_sdp.datasets import fetchers
from lmnn_sdp.datasets.images import deskewed, faces_of_archive, grey_images_by_folder, idx, smaller
from lmnn_sdp.datasets.local_files import PublishedFile, found, missing

#: How documents are cut into words, and how many of the most common count.
WORDS: dict[str, Any] = {"token_pattern": "[a-z]+", "stop_words": "english", "max_features": 20_000}
FACE = (38, 31)  # pixels of the smaller Olivetti faces


@dataclass(frozen=True, eq=False)
class Published:
    """A data set before reduction.

    Attributes
    ----------
    name : str
    X : array or sparse matrix, shape (n, d)
        Features: float64 pixels or measurements; for news20 the sparse counts of words.
    y : array, shape (n,)
        Labels.
    n_train : int or None
        So many rows come first that are published as the training part; None where no split is published.
    """

    name: str
    X: Any
    y: npt.NDArray[np.generic]
    n_train: int | None = None


@dataclass(frozen=True)
class Source:
    """Where a data set comes from, and what it must be.

    Attributes
    ----------
    files : tuple of PublishedFile
        What it is read from.
    read : callable
        From the folder of these files.
    fetch : callable or None
        By scikit-learn; None where it has no such data.
    public : str
        Where the public has the files.
    points, features, classes : int
        Its sizes; features before reduction.
    """

    files: tuple[PublishedFile, ...]
    read: Callable[[Path], Published]
    fetch: Callable[[], Published] | None
    public: str
    points: int
    features: int
    classes: int


def published(name: str, fetch: bool = False) -> Published:
    """A data set of `SOURCES` before reduction.

    Parameters
    ----------
    name : str
        One of `SOURCES`.
    fetch : bool
        Whether scikit-learn may take it from its cache, or download it, where no local file has it.

    Returns
    -------
    Published
        From the files below the folder that ``LMNN_SDP_DATA`` names, else by scikit-learn.

    Raises
    ------
    ValueError
        For an unknown name, files that are altered, and data of other sizes; `MissingDataError` where it is not here.
    """
    if name not in SOURCES:
        raise ValueError(f"data set {name!r} is unknown; known are {', '.join(SOURCES)}")
    source = SOURCES[name]
    folder = found(source.files)
    if folder is not None:
        data = source.read(folder)
    elif fetch and source.fetch is not None:
        data = source.fetch()
    else:
        raise missing(name, source.files, source.public)
    _check_sizes(data, source)
    return data


def _check_sizes(data: Published, source: Source) -> None:
    """Points and classes as published."""
    sizes = (*data.X.shape, len(np.unique(data.y)))
    expected = (source.points, source.features, source.classes)
    if sizes != expected:
        raise ValueError(
            f"{data.name} has (points, features, classes) = {sizes}; published are {expected}: fetch its files again"
        )


def _letters(folder: Path) -> Published:
    """UCI letters, 16 features."""
    with (folder / "letters" / "letter-recognition.data").open(newline="") as file:
        rows = list(csv.reader(file))
    X = np.array([row[1:] for row in rows], dtype=np.float64)
    return Published("letters", X, np.array([row[0] for row in rows]))


def _isolet(folder: Path) -> Published:
    """UCI isolet, parts 1 to 4 for training and part 5 for tests, 617 features."""
    parts = []
    for name in ("isolet1+2+3+4", "isolet5"):
        with lzma.open(folder / "isolet" / f"{name}.data.xz", "rt") as file:
            parts.append(np.array([[float(cell) for cell in line.rstrip(" .\n").split(",")] for line in file]))
    table = np.concatenate(parts)
    return Published("isolet", table[:, :-1], table[:, -1].astype(int), len(parts[0]))


def _mnist(folder: Path) -> Published:
    """MNIST, training and test digits, deskewed, pixels in [0, 1]."""
    read = [folder / "mnist" / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k")]
    images = [idx(path) for path in read]
    labels = [idx(folder / "mnist" / f"{part}-labels-idx1-ubyte.gz") for part in ("train", "t10k")]
    X = deskewed(np.concatenate(images)).reshape(-1, images[0][0].size)
    return Published("mnist", X, np.concatenate(labels).astype(int), len(images[0]))


def _news20(folder: Path) -> Published:
    """20 newsgroups, version of 18828 documents: counts of the 20,000 most common words.

    Words are runs of letters in lower case without English stop words, as rainbow reads them.
    """
    with tarfile.open(folder / "news20" / "20news-18828.tar.xz") as archive:
        files = sorted((member for member in archive if member.isfile()), key=lambda member: member.name)
        texts = [archive.extractfile(file).read().decode("latin-1") for file in files]  # type: ignore[union-attr]
    groups = np.array([file.name.split("/")[-2] for file in files])
    return Published("news20", fetchers.counts(texts, WORDS), groups)


def _yale_faces(folder: Path) -> Published:
    """Extended Yale B, 2414 frontal images of 38 subjects, 96 x 84 pixels in [0, 1]."""
    images, subject = faces_of_archive(folder / "faces_yaleb" / "yaleb_96x84.npz.xz")
    return Published("yale_faces", images.reshape(len(images), -1) / 255.0, subject)


def _olivetti_faces(folder: Path) -> Published:
    """Olivetti (AT&T) faces, 400 images of 40 subjects, made smaller to 38 x 31 pixels in [0, 1]."""
    images, subject = grey_images_by_folder(folder / "faces_att" / "att_faces.zip")
    return Published("olivetti_faces", smaller(images, *FACE).reshape(len(images), -1) / 255.0, subject)


def _fetched(name: str, call: Callable[[], fetchers.Fetched]) -> Callable[[], Published]:
    """A fetcher that gives the data their name."""

    def fetch() -> Published:
        data = call()
        return Published(name, data.X, data.y, data.n_train)

    return fetch


#: By name, in the order of the paper's table.
SOURCES: dict[str, Source] = {
    "mnist": Source(
        (
            PublishedFile(
                "mnist/train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
            ),
            PublishedFile(
                "mnist/train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            PublishedFile(
                "mnist/t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            PublishedFile(
                "mnist/t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        ),
        _mnist,
        _fetched("mnist", fetchers.mnist),
        "the files of LeCun, Cortes and Burges, or OpenML's mnist_784 by fetch=True (--fetch)",
        70_000,
        784,
        10,
    ),
    "letters": Source(
        (
            PublishedFile(
                "letters/letter-recognition.data", "2b89f3602cf768d3c8355267d2f13f2417809e101fc2b5ceee10db19a60de6e2"
            ),
        ),
        _letters,
        _fetched("letters", fetchers.letters),
        "UCI's letter recognition, or OpenML's letter by fetch=True (--fetch)",
        20_000,
        16,
        26,
    ),
    "news20": Source(
        (
            PublishedFile(
                "news20/20news-18828.tar.xz", "0404b7b79269f45d23e929a3d1f80b2aa22c359a9ab53720ed29e4c3e7ffde0a"
            ),
        ),
        _news20,
        None,
        "Jason Rennie's 20 Newsgroups page has 20news-18828.tar.gz; pack it again with xz",
        18_828,
        20_000,
        20,
    ),
    "isolet": Source(
        (
            PublishedFile(
                "isolet/isolet1+2+3+4.data.xz", "19185231fe0179e7f229b0b879284b932d96578774d5cdd4366545e2b6b665b6"
            ),
            PublishedFile("isolet/isolet5.data.xz", "cd8e26c8d95b841a0979f2c09565b24b058e085443bf45843c19cd99dda58bc9"),
        ),
        _isolet,
        _fetched("isolet", fetchers.isolet),
        "UCI's ISOLET, or OpenML's isolet by fetch=True (--fetch)",
        7_797,
        617,
        26,
    ),
    "yale_faces": Source(
        (
            PublishedFile(
                "faces_yaleb/yaleb_96x84.npz.xz", "62d3f3a0c9fb4fbcae6136d7afb8c2ba92557341624214c7776850d6ee238c3c"
            ),
        ),
        _yale_faces,
        None,
        "the Extended Yale Face Database B, cropped: arrays images (2414, 96, 84) and subject in an NPZ file, with xz",
        2_414,
        8_064,
        38,
    ),
    "olivetti_faces": Source(
        (PublishedFile("faces_att/att_faces.zip", "509d763bd2276aa054d260d7f1000e8be212738134f2f83d8ff13bc2adf1c8ec"),),
        _olivetti_faces,
        _fetched("olivetti_faces", fetchers.olivetti_faces),
        "the AT&T (Olivetti) face database att_faces.zip, or scikit-learn's copy of 64 x 64 pixels by fetch=True "
        "(--fetch)",
        400,
        FACE[0] * FACE[1],
        40,
    ),
}
