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
    block = RangeBlock.of(edges[push], edges[pull], diagonal, 0.3, p)
    D = symmetrize(np.random.default_rng(1).normal(size=(8, 8)))
    D[p:, p:] = 0
    found = np.zeros((8, 8))
    block.solve(apply(edges, push, pull, diagonal, 0.3, D), found)
    np.testing.assert_allclose(found, D, atol=1e-4)  # up to the noise that is added for sums in float32


def test_a_part_of_many_kinks_stands_for_all():
    edges, push, pull, diagonal = system(edges=500, kinks=2000)
    count = RangeBlock.enough(2000, 2, 8, 1e9)
    assert 0 < count < 100
    chosen = np.linspace(0, 1999, count).astype(int)
    block = RangeBlock.of(edges[push[chosen]], edges[pull[chosen]], diagonal, 0.3 * 2000 / count, 2)
    D = symmetrize(np.random.default_rng(1).normal(size=(8, 8)))
    D[2:, 2:] = 0
    found = np.zeros((8, 8))
    block.solve(apply(edges, push, pull, diagonal, 0.3, D), found)
    assert np.sum(found * D) > 0.5 * np.sum(D * D)


def test_no_block_without_a_range_or_beyond_its_size(monkeypatch):
    assert RangeBlock.enough(20, 0, 8, 1e9) == 0
    assert RangeBlock.enough(20, 3, 8, 1e9) == 20
    monkeypatch.setattr(range_block, "LARGEST", 10)
    assert RangeBlock.enough(20, 3, 8, 1e9) == 0


def test_no_block_where_it_is_not_definite():
    edges, push, pull, diagonal = system()
    assert RangeBlock.of(edges[push[:1]], edges[pull[:1]], -diagonal, 1e-9, 3) is None


def test_a_block_is_worth_it_where_a_product_costs_more_than_its_size():
    assert RangeBlock.enough(300, 8, 8, 2 * 3 * 8**2) == 0
    assert RangeBlock.enough(300, 8, 8, 2 * 3 * 8**2 + 1e4) == 72
