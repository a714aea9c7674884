"""Loaders of the paper's data from files that are made here."""

import io
import tarfile

import numpy as np
import pytest

from harness import paper_data

WORDS = {"sci.space": "orbit rocket moon", "rec.autos": "engine wheel road"}


def write_news(folder, postings=12):
    """A news20 archive: each posting repeats the words of its group, one more often than the others."""
    (folder / "news20").mkdir()
    with tarfile.open(folder / "news20" / "20news-18828.tar.xz", "w:xz") as archive:
        for group, words in WORDS.items():
            for k in range(postings):
                text = f"From: a{k}@b.c\n\nThe {words.upper()} {words.split()[k % 3]} 1993 caf\xe9".encode("latin-1")
                member = tarfile.TarInfo(f"20news-18828/{group}/{1000 + k}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))


def test_news_become_principal_components_of_a_fixed_part(tmp_path):
    write_news(tmp_path)
    news = paper_data.news20(tmp_path, training=16, components=3)
    assert news.X.shape == (16, 3)
    assert set(news.y.tolist()) == set(WORDS)
    assert np.allclose(news.X.mean(axis=0), 0)
    again = paper_data.news20(tmp_path, training=16, components=3)
    assert np.array_equal(news.X, again.X)


def test_news_groups_are_told_apart_by_their_words(tmp_path):
    write_news(tmp_path)
    news = paper_data.news20(tmp_path, training=24, components=2)
    side = news.X[:, 0] > 0
    assert len(set(zip(side.tolist(), news.y.tolist(), strict=True))) == 2


@pytest.mark.slow
def test_news_have_the_papers_size():
    if not (paper_data.SHARED_DATA / "news20").exists():
        pytest.skip("the paper's data sets are not beside this repository")
    news = paper_data.news20()
    assert news.X.shape == (13_179, 200)
    assert len(set(news.y.tolist())) == 20
