"""What a pass and a solve cost: constants (`harness.engines.constants`), and what they predict for more workers.

    pass        n^2 / 2 (1 - 1 / C) (a + b r) / W  +  c n r  +  o  +  (bytes out) log2(2 W) v  +  (bytes back) v
    bytes out   8 (d r + k n + n) to every worker: the map, distances to target neighbours, radii
    bytes back  32 t n: triplets near their margin, t a point, three indices and a hinge each
    product     h e n d^2 / W  +  p  +  8 d^2 W v: of conjugate gradients, with e edges of kinks a point
    gradient    g l n d: sums over l listed edges a point and their adjoint, which stay in one process

W workers of one thread, C classes, r rows of the map. a and b are seconds a pair, and a pair and dimension, c those of
making the points under the map anew on every worker, o those of handing a pass out and p those of a product, v those of
a byte; g is by the clock, with the threads that the process at home has.
"""

from __future__ import annotations

import math
from typing import Any

from harness.engines.setting import CLASSES

NEAR = 20  # triplets a point that a list holds
LISTED = 20  # edges that these have
NEIGHBORS = 3
PASSES, PRODUCTS, GRADIENTS = 12, 600, 250  # of a solve to 1e-3
KINKS = 2  # edges of kinks a point
SIZES = ((1_000_000, 100), (10_000_000, 100), (1_000_000, 1000))
WORKERS = (1, 2, 8, 64, 512)


def bytes_out(n: int, d: int, r: int) -> int:
    """To each worker, for a pass."""
    return 8 * (d * r + NEIGHBORS * n + n)


def bytes_back(n: int, near: float = NEAR) -> float:
    """From all workers together, of a pass that lists."""
    return 32 * near * n


def seconds_of_a_pass(c: dict[str, Any], n: int, d: int, r: int, workers: int, back: bool = True) -> dict[str, float]:
    """Seconds of each part of a pass, that lists triplets or sums hinges up."""
    returned = bytes_back(n) if back else 0.0
    return {
        "pairs": n**2 / 2 * (1 - 1 / CLASSES) * (c["a_per_pair"] + c["b_per_pair_and_dimension"] * r) / workers,
        "points": c["c_per_entry"] * n * r,
        "moved": c["v_per_byte"] * (bytes_out(n, d, r) * math.log2(2 * workers) + returned),
        "handed_out": c["o_handing_out"],
    }


def seconds_of_a_product(c: dict[str, Any], edges: float, d: int, workers: int) -> dict[str, float]:
    """Seconds of each part of a product."""
    return {
        "products": c["h_per_edge_and_square"] * edges * d**2 / workers,
        "moved": c["v_per_byte"] * 8 * d**2 * workers,
        "handed_out": c["p_handing_out_evenly"],
    }


def plan(c: dict[str, Any]) -> list[dict[str, Any]]:
    """Hours of a solve, by size and workers, and the largest part of it."""
    found = []
    for n, d in SIZES:
        for workers in WORKERS:
            parts = {name: PASSES * seconds for name, seconds in seconds_of_a_pass(c, n, d, d // 2, workers).items()}
            for name, seconds in seconds_of_a_product(c, KINKS * n, d, workers).items():
                parts[name] = parts.get(name, 0.0) + PRODUCTS * seconds
            parts["at home"] = GRADIENTS * c["g_per_edge_and_dimension"] * LISTED * n * d
            total = sum(parts.values())
            found.append(
                {
                    "n": n,
                    "d": d,
                    "workers": workers,
                    "hours": total / 3600,
                    "most": max(parts, key=lambda name: parts[name]),
                    "parts": parts,
                    "bytes_out": bytes_out(n, d, d // 2),
                    "bytes_back": bytes_back(n),
                    "worker_gib": (8 * n * d + (8 + 8 + 4) * n * (d // 2)) / 2**30,
                }
            )
    return found
