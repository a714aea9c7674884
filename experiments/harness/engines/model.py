"""What a pass and a solve cost: constants measured on one machine, and what they predict for more workers.

    pass        n^2 / 2 (1 - 1 / C) (a + b r) / W  +  c n r  +  o  +  (bytes out) log2(2 W) v  +  (bytes back) v
    bytes out   8 (d r + k n + n) to every worker: the map, distances to target neighbours, radii
    bytes back  32 t n: triplets near their margin, t a point, three indices and a hinge each
    at home     h e n d^2 a product of conjugate gradients with e edges of kinks a point, which stay in one process

W workers of one thread, C classes, r rows of the map. a and b are seconds a pair, and a pair and dimension, c those of
making the points under the map anew on every worker, o those of handing work out, v those of a byte.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.engines.rows import CLASSES, cluster, part_of_a_pass, synthetic
from lmnn_sdp import DaskEngine, Problem
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.numerics.parallel import alone
from lmnn_sdp.problem.impostors import _Layout
from lmnn_sdp.solvers.kink_products import KinkRange

NEAR = 20  # triplets a point that a list holds
NEIGHBORS = 3
PASSES, PRODUCTS = 12, 2000  # of a solve to 1e-3: impostor passes, and products of conjugate gradients
KINKS = 2  # edges of kinks a point
TIMES = 4  # the least of which counts
FAR = 100.0  # as far are points apart, so that the constants are those of pairs that do not matter
RANKS = (8, 64)  # at which passes are timed
MOVED = 2**25  # bytes that are moved to see how long it takes
SIZES = ((1_000_000, 100), (10_000_000, 100), (1_000_000, 1000))
WORKERS = (1, 2, 8, 64, 512)


@dataclass(frozen=True, eq=False)
class Nothing:
    """Work that is done at once."""

    array: np.ndarray

    def __call__(self, part: int) -> int:
        """The part."""
        return part


def constants(n: int) -> dict[str, Any]:
    """Seconds of each kind: of a processor for what is computed, by the clock for what is moved; a pass, to compare."""
    X, y = synthetic(n, max(RANKS))
    with alone():
        seconds = [min(part_of_a_pass(FAR * X[:, :r], y)["pass_cpu_seconds"] for _ in range(TIMES)) for r in RANKS]
        layout = _best(lambda: _Layout.build(X, y, np.ones(n)), time.process_time)
        problem = Problem.from_data(X, y, NEIGHBORS)
        kinks = KinkRange((X.astype(np.float32),), *np.arange(n // 2 * 2).reshape(2, -1))
        D = np.eye(X.shape[1], dtype=np.float32)
        at_home = _best(lambda: kinks.image([D]), time.process_time)
    pairs = n**2 / 2 * (1 - 1 / CLASSES)
    per_dimension = (seconds[1] - seconds[0]) / (RANKS[1] - RANKS[0])
    found = {
        "a_per_pair": (seconds[0] - RANKS[0] * per_dimension) / pairs,
        "b_per_pair_and_dimension": per_dimension / pairs,
        "c_per_entry": layout / X.size,
        "h_per_edge_and_square": at_home / (n * X.shape[1] ** 2),
    }
    passes = []
    for workers in (1, 2):
        with cluster(workers) as client:
            engine = DaskEngine(client, least=0)
            if workers == 1:
                found |= moving(engine)
            passes.append(one_pass(problem, engine, workers, found))
    return {**found, "passes": passes}


def moving(engine: DaskEngine) -> dict[str, float]:
    """What it takes to hand work out, and to move a byte."""
    small = Nothing(np.zeros(1))
    engine.map(small, range(20))
    handing = _best(lambda: engine.map(small, range(20)), time.perf_counter)
    rng = np.random.default_rng(0)
    large = [Nothing(rng.normal(size=MOVED // 8)) for _ in range(TIMES)]
    unmoved = _best(lambda: engine.map(small, range(1)), time.perf_counter)
    moved = _best(lambda: engine.map(large.pop(), range(1)), time.perf_counter)
    return {"o_handing_out": handing, "v_per_byte": max(0.0, moved - unmoved) / MOVED}


def one_pass(problem: Problem, engine: DaskEngine, workers: int, c: dict[str, Any]) -> dict[str, Any]:
    """The push by a pass on some workers, by the clock, beside the model."""
    L = np.eye(problem.n_features)  # few pairs are near enough to matter, as under a learned metric
    with running(engine):
        problem.terms(L)
        before = engine.traffic.sent
        taken = _best(lambda: problem.terms(L), time.perf_counter)
    return {
        "workers": workers,
        "seconds": taken,
        "predicted": seconds_of_a_pass(c, problem.n_points, problem.n_features, len(L), workers, back=False),
        "bytes_out_a_worker": (engine.traffic.sent - before) / workers / TIMES,
        "predicted_bytes_out": bytes_out(problem.n_points, problem.n_features, len(L)),
    }


def _best(call: Any, clock: Any) -> float:
    """Least seconds of some."""
    taken = []
    for _ in range(TIMES):
        begin = clock()
        call()
        taken.append(clock() - begin)
    return min(taken)


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


def plan(c: dict[str, Any]) -> list[dict[str, Any]]:
    """Hours of a solve, by size and workers, and the largest part of it."""
    found = []
    for n, d in SIZES:
        for workers in WORKERS:
            one = seconds_of_a_pass(c, n, d, d // 2, workers)
            parts = {name: PASSES * seconds for name, seconds in one.items()}
            parts["at home"] = PRODUCTS * c["h_per_edge_and_square"] * KINKS * n * d**2
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
