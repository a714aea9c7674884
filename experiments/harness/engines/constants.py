"""Constants of the model, measured on this machine, and a pass and a product by the clock beside it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.engines.model import NEAR, NEIGHBORS, bytes_out, seconds_of_a_pass, seconds_of_a_product
from harness.engines.setting import CLASSES, cluster, part_of_a_pass, synthetic
from lmnn_sdp import DaskEngine, Problem
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.numerics.parallel import alone
from lmnn_sdp.problem.impostors import _Layout
from lmnn_sdp.solvers.kink_products import KinkProducts

MANY = 6  # kinks a point where products are timed, so that they take long enough
TIMES = 4  # the least of which counts
FAR = 100.0  # as far are points apart, so that the constants are those of pairs that do not matter
RANKS = (8, 64)  # at which passes are timed
MOVED = 2**25  # bytes that are moved to see how long it takes


@dataclass(frozen=True, eq=False)
class Nothing:
    """Work that is done at once."""

    array: np.ndarray

    def __call__(self, part: int) -> int:
        """The part."""
        return part


def measured(n: int) -> dict[str, Any]:
    """Seconds of each kind: of a processor for what is computed, by the clock for what is moved; a pass, to compare."""
    X, y = synthetic(n, max(RANKS))
    with alone():
        seconds = [min(part_of_a_pass(FAR * X[:, :r], y)["pass_cpu_seconds"] for _ in range(TIMES)) for r in RANKS]
        layout = _best(lambda: _Layout.build(X, y, np.ones(n)), time.process_time)
        problem = Problem.from_data(X, y, NEIGHBORS)
        kinks = random_kinks(problem)
        own = _best(lambda: kinks.image(identity(problem)), time.process_time)
        edges = kinks.sizes()[0]
    graph = problem.graph(random_triplets(problem, NEAR))
    gradient = _best(lambda: graph.adjoint(graph.hinges(np.eye(problem.n_features))), time.perf_counter)
    pairs = n**2 / 2 * (1 - 1 / CLASSES)
    per_dimension = (seconds[1] - seconds[0]) / (RANKS[1] - RANKS[0])
    found = {
        "a_per_pair": (seconds[0] - RANKS[0] * per_dimension) / pairs,
        "b_per_pair_and_dimension": per_dimension / pairs,
        "c_per_entry": layout / X.size,
        "h_per_edge_and_square": own / (edges * X.shape[1] ** 2),
        "g_per_edge_and_dimension": gradient / (graph.starts[-1] * X.shape[1]),
    }
    passes, products = [], []
    for workers in (1, 2):
        with cluster(workers) as client:
            engine = DaskEngine(client, least=0)
            if workers == 1:
                found |= moving(engine)
            passes.append(one_pass(problem, engine, workers, found))
            products.append(one_product(problem, kinks, engine, workers, found))
    return {**found, "passes": passes, "products": products}


def moving(engine: DaskEngine) -> dict[str, float]:
    """What it takes to hand work out, and to move a byte."""
    small = Nothing(np.zeros(1))
    engine.map(small, range(20))
    handing = _best(lambda: engine.map(small, range(20)), time.perf_counter)
    even = _best(lambda: engine.map(small, range(engine.size)), time.perf_counter)
    rng = np.random.default_rng(0)
    large = [Nothing(rng.normal(size=MOVED // 8)) for _ in range(TIMES)]
    unmoved = _best(lambda: engine.map(small, range(1)), time.perf_counter)
    moved = _best(lambda: engine.map(large.pop(), range(1)), time.perf_counter)
    return {"o_handing_out": handing, "p_handing_out_evenly": even, "v_per_byte": max(0.0, moved - unmoved) / MOVED}


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


def random_triplets(problem: Problem, count: int) -> np.ndarray:
    """So many a point, sorted: its target neighbours and impostors by chance."""
    rng, n = np.random.default_rng(0), problem.n_points
    i = np.repeat(np.arange(n), count)
    l = rng.integers(0, n, len(i))
    other = problem.codes[i] != problem.codes[l]
    j = problem.targets[i, rng.integers(0, NEIGHBORS, len(i))]
    return np.stack([i, j, l], axis=1)[other]


def random_kinks(problem: Problem) -> KinkProducts:
    """`MANY` a point, about, in the standard basis."""
    graph = problem.graph(random_triplets(problem, MANY))
    return KinkProducts.of(graph, np.arange(len(graph.triplets)), np.eye(problem.n_features)[None])


def identity(problem: Problem) -> list[np.ndarray]:
    """What a product is taken of."""
    return [np.eye(problem.n_features, dtype=np.float32)]


def one_product(
    problem: Problem, kinks: KinkProducts, engine: DaskEngine, workers: int, c: dict[str, Any]
) -> dict[str, Any]:
    """A product of conjugate gradients on some workers, by the clock, beside the model."""
    with running(engine):
        kinks.image(identity(problem))  # the ranges are made
        taken = _best(lambda: kinks.image(identity(problem)), time.perf_counter)
    return {
        "workers": workers,
        "seconds": taken,
        "predicted": seconds_of_a_product(c, kinks.sizes()[0], problem.n_features, workers),
    }


def _best(call: Any, clock: Any) -> float:
    """Least seconds of some."""
    taken = []
    for _ in range(TIMES):
        begin = clock()
        call()
        taken.append(clock() - begin)
    return min(taken)
