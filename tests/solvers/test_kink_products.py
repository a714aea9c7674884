"""Products with the kinks by ranges against sums over matrices."""

import numpy as np
import pytest

from clusters import Carrier
from lmnn_sdp.numerics import dask_worker, engine
from lmnn_sdp.numerics.engine import using
from lmnn_sdp.numerics.linalg import symmetrize
from lmnn_sdp.problem.whitening import whiten
from lmnn_sdp.solvers import kink_products
from lmnn_sdp.solvers.kink_products import KinkProducts
from problems import noise

SINGLE = 1e-5  # of sums of float32


def setting(blocks, seed=0, count=40):
    """Kinks of a list in random orthogonal bases, and their matrices: a row of stacks, one matrix a metric."""
    rng = np.random.default_rng(seed)
    problem = whiten(noise(n=40, d=5, seed=seed, blocks=blocks)).problem
    graph = problem.graph(rng.permutation(problem.all_triplets())[: 3 * count])
    kinks = np.sort(rng.permutation(len(graph.triplets))[:count])
    B, r = (1, problem.identity.shape[0]) if blocks is None else problem.identity.shape[:2]
    Q = np.linalg.qr(rng.normal(size=(B, r, r)))[0]
    A = np.zeros((count, B, r, r))
    for kink, (i, j, l) in enumerate(graph.triplets[kinks]):
        for sign, other in ((1.0, l), (-1.0, j)):
            block = 0 if blocks is None else problem.blocks.codes[other]
            T = Q[block] if blocks is None else problem.blocks.maps[block] @ Q[block]
            v = (
                graph.parts[0].X[i] - graph.parts[0].X[other] if blocks is None else problem.X[i] - problem.X[other]
            ) @ T
            A[kink, block] += sign * np.outer(v, v)
    return KinkProducts.of(graph, kinks, Q), A, rng


def first_columns(D, p):
    columns = D[:, :p].astype(np.float32)
    columns[p:] *= 2
    return columns


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("blocks", [None, "class"])
def test_images_and_squares_are_sums_over_the_kinks(blocks, parts, monkeypatch):
    monkeypatch.setattr(engine, "SMALL", 0)
    monkeypatch.setattr(engine, "most_parts", lambda: parts)
    monkeypatch.setattr(kink_products, "CHUNK", 7)
    monkeypatch.setattr(kink_products, "ROWS", 4)
    products, A, rng = setting(blocks)
    _, B, r, _ = A.shape
    np.testing.assert_allclose(products.squares(), np.sum(A**2, axis=0), rtol=SINGLE, atol=SINGLE * np.abs(A**2).max())
    for p in (r, 2):
        D = symmetrize(rng.normal(size=(B, r, r)))
        D[:, p:, p:] = 0
        expected = np.einsum("t,tbij->bij", np.einsum("tbij,bij->t", A, D), A)
        found = products.image([first_columns(own, p) for own in D])
        np.testing.assert_allclose(found, expected[:, :, :p], atol=SINGLE * np.abs(expected).max())


def test_ranges_are_made_once(monkeypatch):
    monkeypatch.setattr(engine, "SMALL", 0)
    monkeypatch.setattr(engine, "most_parts", lambda: 2)
    products, A, _ = setting(None)
    products.squares()
    before = list(products._ranges.values())
    products.image([np.eye(A.shape[2], dtype=np.float32)])
    assert [id(kept) for kept in products._ranges.values()] == [id(kept) for kept in before]
    assert len(before) == 2


def test_an_engine_takes_the_same_ranges(monkeypatch):
    monkeypatch.setattr(engine, "SMALL", 0)
    monkeypatch.setattr(dask_worker, "LARGE", 256)
    products, A, _ = setting("class")
    identity = [np.eye(A.shape[2], dtype=np.float32)] * A.shape[1]
    carrier = Carrier(3)
    with using(carrier):
        there = products.image(identity)
    monkeypatch.setattr(engine, "most_parts", lambda: 3)
    np.testing.assert_array_equal(there, products.image(identity))
    assert carrier.maps == 1
    assert len(products._ranges) == 3  # of here: those of the engine stayed there


@pytest.mark.parametrize("blocks", [None, "class"])
def test_some_kinks_stand_for_those_of_a_metric(blocks):
    products, A, _ = setting(blocks)
    for metric, size in enumerate(products.sizes()):
        touching = A[:, metric].any(axis=(1, 2))
        assert products.count(metric) == touching.sum()
        whole = products.range((0, len(A)), np.float64)
        assert size == len(whole.edges[metric])
        push, pull = products.rows(metric, products.count(metric))
        matrices = np.einsum("ti,tj->tij", push, push) - np.einsum("ti,tj->tij", pull, pull)
        np.testing.assert_allclose(matrices, A[touching, metric], rtol=1e-9, atol=1e-9)
        few = products.rows(metric, 5)
        assert few[0].shape == few[1].shape == (5, A.shape[2])


def test_without_kinks_nothing_is_there():
    products, A, _ = setting(None)
    none = KinkProducts(products.edges, products.basis, products.push[:0], products.pull[:0])
    assert not np.any(none.squares())
    assert not np.any(none.image([np.eye(A.shape[2], dtype=np.float32)]))
    assert none.sizes() == [0]
    assert none.count(0) == 0
