"""The preconditioner: exact where the metric lives, and absent where it would cost too much."""

import numpy as np
import pytest

from lmnn_sdp.numerics.linalg import symmetrize
from lmnn_sdp.solvers import range_block
from lmnn_sdp.solvers.range_block import RangeBlock


def system(r=8, edges=30, kinks=20, seed=0):
    """Edges, push and pull of some kinks, and a positive diagonal."""
    rng = np.random.default_rng(seed)
    push, pull = rng.integers(0, edges, (2, kinks))
    diagonal = symmetrize(rng.uniform(1, 2, (r, r)))
    return rng.normal(size=(edges, r)), push, pull, diagonal


def apply(edges, push, pull, diagonal, s, D):
    """``s sum_t A_t <A_t, D> + diagonal * D``, term by term."""
    out = diagonal * D
    for a, b in zip(push, pull, strict=True):
        A = np.outer(edges[a], edges[a]) - np.outer(edges[b], edges[b])
        out = out + s * A * np.sum(A * D)
    return out


@pytest.mark.parametrize("p", [1, 3, 8])
def test_it_solves_its_block(p):
    edges, push, pull, diagonal = system(kinks=12)
    block = RangeBlock.of(edges, push, pull, diagonal, 0.3, p, 0.0)
    D = symmetrize(np.random.default_rng(1).normal(size=(8, 8)))
    D[p:, p:] = 0
    found = np.zeros((8, 8))
    block.solve(apply(edges, push, pull, diagonal, 0.3, D), found)
    np.testing.assert_allclose(found, D, atol=1e-4)  # up to the noise that is added for sums in float32


def test_a_part_of_many_kinks_stands_for_all():
    edges, push, pull, diagonal = system(edges=500, kinks=2000)
    block = RangeBlock.of(edges, push, pull, diagonal, 0.3, 2, 0.0)
    D = symmetrize(np.random.default_rng(1).normal(size=(8, 8)))
    D[2:, 2:] = 0
    found = np.zeros((8, 8))
    block.solve(apply(edges, push, pull, diagonal, 0.3, D), found)
    assert np.sum(found * D) > 0.5 * np.sum(D * D)


def test_no_block_without_a_range_or_beyond_its_size(monkeypatch):
    edges, push, pull, diagonal = system()
    assert RangeBlock.of(edges, push, pull, diagonal, 0.3, 0, 0.0) is None
    monkeypatch.setattr(range_block, "LARGEST", 10)
    assert RangeBlock.of(edges, push, pull, diagonal, 0.3, 3, 0.0) is None


def test_no_block_where_it_is_not_definite():
    edges, push, pull, diagonal = system()
    assert RangeBlock.of(edges, push[:1], pull[:1], -diagonal, 1e-9, 3, 0.0) is None


def test_a_block_is_worth_it_where_a_product_costs_more_than_its_size():
    edges, push, pull, diagonal = system(edges=3, kinks=300)
    assert RangeBlock.of(edges, push % 3, pull % 3, diagonal, 0.3, 8, 0.0) is None
    assert RangeBlock.of(edges, push % 3, pull % 3, diagonal, 0.3, 8, 1e4) is not None
