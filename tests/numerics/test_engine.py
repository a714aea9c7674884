import sys
import time
import zlib
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.base import clone

from clusters import Carrier
from lmnn_sdp import LMNN, DaskEngine, Problem, Status, solve
from lmnn_sdp.cli import main
from lmnn_sdp.numerics import dask_cluster, dask_worker, parallel
from lmnn_sdp.numerics.dask_worker import LARGE, OtherRounding, Product, Reference, nbytes, packed, run
from lmnn_sdp.numerics.engine import EngineLostError, WorkerMemoryError, in_blocks, product, share, spread, using
from lmnn_sdp.numerics.engines import running
from lmnn_sdp.numerics.linalg import scatter, scatter_roundings
from lmnn_sdp.problem import impostors
from problems import blobs, noise

PROBLEM = noise(n=90, d=4)


@dataclass(frozen=True, eq=False)
class Shifted:
    """Work that adds a part to its array."""

    array: np.ndarray

    def __call__(self, part):
        return self.array + part


class Failing(Carrier):
    """An engine that fails from some piece of work on."""

    def __init__(self, error, after):
        super().__init__()
        self.error, self.after = error, after

    def map(self, work, parts):
        if self.maps == self.after:
            raise self.error
        return super().map(work, parts)


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr(parallel, "threads", lambda: 2)


@pytest.fixture
def all_passes(monkeypatch):
    """Passes go to the engine, however small, and their arrays move by themselves."""
    monkeypatch.setattr(impostors, "SMALL", 0)
    monkeypatch.setattr(dask_worker, "LARGE", 512)


# One interface, whoever works.


def test_results_come_in_the_order_of_the_parts():
    work = Shifted(np.arange(3.0))
    expected = [work(part) for part in range(5)]
    for engine in (None, Carrier()):
        with using(engine):
            for cost in (0.0, 1e9):
                np.testing.assert_array_equal(spread(work, range(5), cost), expected)


def test_blocks_are_a_partition_into_as_many_as_the_engine_has():
    for count in (1, 3):
        with using(Carrier(count)):
            assert in_blocks(tuple, 100, 10**6) == [(100 * k // count, 100 * (k + 1) // count) for k in range(count)]
            assert in_blocks(tuple, 100, 1) == [(0, 100)]
            assert share(2**20) <= 2**20 // count


def test_sums_over_pairs_allow_for_the_parts_of_the_engine():
    rng = np.random.default_rng(0)
    X, a, b = rng.normal(size=(400, 90)), *rng.integers(0, 400, (2, 3000))
    here, roundings = scatter(X, a, b, np.ones(3000)), scatter_roundings(3000)
    with using(Carrier(7)):
        there = scatter(X, a, b, np.ones(3000))
        assert scatter_roundings(3000) >= roundings + 7 - parallel.threads()
    np.testing.assert_allclose(there, here, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("options", [{}, {"blocks": "class", "reg": 1.0}, {"weights": np.linspace(0.5, 2, 90)}])
def test_a_solve_gives_the_same_bits_elsewhere(options, two_threads, all_passes):
    here = solve(noise(n=90, d=4, **options), tol=1e-6)
    engine = Carrier()
    with using(engine):
        problem = noise(n=90, d=4, **options)
    there = solve(problem, tol=1e-6, engine=engine)
    assert engine.maps > 10
    np.testing.assert_array_equal(there.L, here.L)
    assert there.certificate == here.certificate
    assert there.history[-1].active_triplets == here.history[-1].active_triplets


def test_target_neighbours_are_the_same_elsewhere():
    X = np.random.default_rng(1).integers(0, 4, (300, 3))  # full of ties
    y = np.arange(300) % 3
    with using(Carrier()):
        there = Problem.from_data(X, y).targets
    np.testing.assert_array_equal(there, Problem.from_data(X, y).targets)


def test_data_move_once_and_products_as_their_factors(all_passes):
    engine = Carrier()
    problem = blobs(n=120, d=5)
    with using(engine):
        for scale in (0.1, 0.2, 0.3):
            problem.terms(scale * np.eye(5))
    moved = [array for array in engine.arrays if array.shape == (120, 5)]
    assert len(moved) == 1
    assert moved[0] is problem.centred


def test_an_engine_within_an_estimator(two_threads, all_passes):
    engine = Carrier()
    here = LMNN(n_neighbors=2).fit(PROBLEM.X, PROBLEM.y)
    there = LMNN(n_neighbors=2, engine=engine).fit(PROBLEM.X, PROBLEM.y)
    np.testing.assert_array_equal(there.components_, here.components_)
    assert engine.maps


def test_none_leaves_the_engine_that_is_at_work(all_passes):
    engine = Carrier()
    with running(engine):
        solve(PROBLEM, tol=1e-2, engine=None)
    assert engine.maps
    before = engine.maps
    solve(PROBLEM, tol=1e-2)
    assert engine.maps == before


# An engine that fails.


@pytest.mark.parametrize("after", [3, 25])
def test_a_lost_engine_leaves_the_best_certified_iterate(after, all_passes):
    optimum = solve(PROBLEM, tol=1e-6)
    found = solve(PROBLEM, tol=1e-12, engine=Failing(EngineLostError("nobody is there"), after), warn=False)
    assert found.status is Status.ENGINE_LOST
    assert found.message.endswith("Nobody is there.")
    assert found.lower_bound <= optimum.objective
    assert found.objective >= optimum.lower_bound
    again = solve(PROBLEM, tol=1e-6, start=found)
    assert again.status is Status.OPTIMAL
    assert again.certificate.overlaps(optimum.certificate)


def test_an_engine_that_is_lost_after_the_last_round_costs_nothing(all_passes):
    counted = Carrier()
    solve(PROBLEM, tol=1e-4, engine=counted)
    found = solve(PROBLEM, tol=1e-4, engine=Failing(EngineLostError("gone"), counted.maps - 1))
    assert found.status is Status.OPTIMAL
    assert found.relative_gap <= 1e-4


def test_a_worker_without_memory_is_told_with_its_remedy(all_passes):
    error = WorkerMemoryError("a worker ran out of memory; use memory=5")
    with pytest.raises(WorkerMemoryError, match="use memory=5"):
        solve(PROBLEM, engine=Failing(error, 0))
    found = solve(PROBLEM, tol=1e-12, engine=Failing(error, 30), warn=False)
    assert found.status is Status.OUT_OF_MEMORY
    assert found.message.endswith("A worker ran out of memory; use memory=5.")
    assert 0 < found.relative_gap < 1


# What is carried.


def test_large_arrays_are_taken_out_of_work_and_put_in_again():
    big, small = np.arange(float(LARGE)), np.arange(3.0)
    shell = packed(Shifted(big), lambda array: Reference(4))
    assert shell.array == Reference(4)
    assert packed(Shifted(small), None).array is small
    arrays = [None] * 4 + [big]
    np.testing.assert_array_equal(run(2, "a", dask_worker.VERSION, shell, arrays), big + 2)


def test_a_product_is_made_where_it_is_needed_and_compared():
    rng = np.random.default_rng(2)
    X, T = rng.normal(size=(50, 4)), rng.normal(size=(4, 3))
    good = Product(Reference(0), Reference(1), zlib.crc32(X @ T))
    np.testing.assert_array_equal(run(0.0, "b", dask_worker.VERSION, Shifted(good), [X, T]), X @ T)
    bad = Product(Reference(0), Reference(1), good.checksum ^ 1)
    with pytest.raises(OtherRounding):
        run(0.0, "c", dask_worker.VERSION, Shifted(bad), [X, T])


def test_a_worker_of_another_version_is_refused():
    with pytest.raises(ValueError, match=rf"has lmnn-sdp {dask_worker.VERSION}, this process has 0\.0\.7"):
        run(0, "d", "0.0.7", Shifted(np.ones(1)), [])


def test_work_is_put_together_once_and_forgotten_in_time():
    arrays = [np.arange(4.0)]
    shell = Shifted(Reference(0))
    for token in "xyz":
        run(0, token, dask_worker.VERSION, shell, arrays)
    assert "x" not in dask_worker._open
    assert run(1, "z", dask_worker.VERSION, None, []).tolist() == [1, 2, 3, 4]  # from what is there


def test_the_work_of_an_engine_is_forgotten_and_the_longest_unasked_goes_first():
    shell = Shifted(Reference(0))
    for token in ("m-1", "n-1", "m-1", "n-2"):
        run(0, token, dask_worker.VERSION, shell, [np.arange(4.0)])
    assert list(dask_worker._open) == ["m-1", "n-2"]
    dask_worker.forget("m")
    assert list(dask_worker._open) == ["n-2"]


def test_bytes_of_results():
    assert nbytes([(np.zeros(3), 1.0), Shifted(np.zeros((2, 2)))]) == 24 + 8 + 32


def test_product_without_an_engine():
    X, T = np.ones((3, 2)), np.eye(2)
    np.testing.assert_array_equal(product(X, T), X)


# What a caller may name.


@pytest.mark.parametrize(
    ("engine", "error"),
    [
        (3, "must be a distributed.Client, the address of a Dask scheduler, or None"),
        ("somewhere", r"engine='somewhere' is no address of a Dask scheduler; use tcp://HOST:PORT"),
        ("", r"engine='' is no address"),
    ],
)
def test_what_is_no_engine_is_refused(engine, error):
    pytest.importorskip("distributed", reason="an extra")
    with pytest.raises(ValueError, match=error):
        solve(PROBLEM, engine=engine)


@pytest.mark.parametrize("memory", [0, -1, 1.5, True, "big"])
def test_memory_must_be_a_number_of_bytes(memory):
    with pytest.raises(ValueError, match=r"must be a number of bytes of at least 1048576, or None"):
        DaskEngine("tcp://127.0.0.1:1", memory=memory)


def test_without_distributed_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r'pip install "lmnn-sdp\[dask\]"'):
        solve(PROBLEM, engine="tcp://127.0.0.1:1")


def test_an_estimator_with_an_address_can_be_cloned():
    assert clone(LMNN(engine="tcp://127.0.0.1:1")).engine == "tcp://127.0.0.1:1"


def test_an_address_that_does_not_answer_is_an_error_in_time(monkeypatch):
    pytest.importorskip("distributed", reason="an extra")
    assert dask_cluster.ANSWER < 10  # seconds
    monkeypatch.setattr(dask_cluster, "ANSWER", 0.2)
    with pytest.raises(
        ConnectionError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 .* correct the address"
    ):
        solve(PROBLEM, engine="tcp://127.0.0.1:1")


def test_on_the_command_line_a_wrong_address_is_one_sentence():
    pytest.importorskip("distributed", reason="an extra")
    done = CliRunner().invoke(main, ["solve", "iris", "--dask", "nowhere"])
    assert done.exit_code == 2
    assert done.output == "Error: engine='nowhere' is no address of a Dask scheduler; use tcp://HOST:PORT\n"


# Waiting for a cluster that has its troubles.


class Troubled:
    """What is asked of a client: each call of `wait_for_workers` meets the next of these, and then nothing."""

    def __init__(self, *meets, paused=(), processing=()):
        self.status = "running"
        self.meets, self.paused, self.held = list(meets), paused, dict(processing)
        self.asked = 0

    def wait_for_workers(self, count, timeout):
        self.asked += 1
        if self.meets and (met := self.meets.pop(0)) is not None:
            raise met

    def scheduler_info(self):
        workers = {worker: {"status": "paused"} for worker in self.paused}
        return {"workers": workers | {"free": {"status": "running"}}}

    def processing(self):
        return self.held

    def nthreads(self):
        return {"a": 1, "b": 2}

    def as_current(self):
        return nullcontext()


@dataclass
class Pending:
    """A future that is not done."""

    key: str

    def done(self):
        return False


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(dask_cluster, "PATIENCE", 0.2)
    monkeypatch.setattr(dask_cluster, "POLL", 0.01)


def test_a_thread_has_a_place():
    client = Troubled()
    assert dask_cluster.places(client) == ["a", "b", "b"]
    client.nthreads = dict
    with pytest.raises(OSError, match="no worker"):
        dask_cluster.places(client)


def test_a_scheduler_that_fails_a_while_is_asked_again(hurry):
    client = Troubled(OSError("comm"), OSError("comm"))
    dask_cluster.await_workers(client)
    assert client.asked == 3
    with pytest.raises(EngineLostError, match="does not answer any more"):
        dask_cluster.await_workers(Troubled(*[OSError("comm")] * 1000))


def test_no_worker_is_an_engine_lost_and_paused_ones_are_out_of_memory(hurry):
    with pytest.raises(EngineLostError, match="has had no worker"):
        dask_cluster.await_workers(Troubled(TimeoutError()))
    with pytest.raises(MemoryError, match="all workers are paused"):
        dask_cluster.await_workers(Troubled(TimeoutError(), paused=("a",)))


def test_work_that_waits_at_a_paused_worker_is_not_waited_for(hurry, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="an extra")
    pulses = []

    def wait(futures, timeout):
        pulses.append(timeout)
        time.sleep(0.05)
        if len(pulses) < 100:
            raise TimeoutError

    monkeypatch.setattr(distributed, "wait", wait)
    left = [Pending("p"), Pending("q")]
    with pytest.raises(MemoryError, match="paused"):
        dask_cluster.wait_for(Troubled(paused=("a",), processing={"a": ["p", "q"]}), left)
    assert len(pulses) < 50
    pulses.clear()
    dask_cluster.wait_for(Troubled(paused=("a",), processing={"a": ["p"], "free": ["q"]}), left)  # q may take its time
    assert len(pulses) == 100


def test_rounding_that_differs_is_no_loss(monkeypatch):
    engine = object.__new__(DaskEngine)
    engine._client, engine._same_rounding, engine._there, engine._works = Troubled(), True, {}, {}
    meets = [OSError(), OSError(), OtherRounding(), OSError(), OSError(), OSError()]

    def mapped(work, parts):
        if meets:
            raise meets.pop(0)
        return list(parts)

    monkeypatch.setattr(engine, "_mapped", mapped)
    assert engine.map(None, [1, 2]) == [1, 2]
    assert not engine._same_rounding
    meets.extend([OSError()] * 6)
    with pytest.raises(EngineLostError, match="6 times in a row"):
        engine.map(None, [1])


def test_an_engine_that_is_lost_is_not_asked_again(monkeypatch):
    engine, asked = object.__new__(DaskEngine), []

    def mapped(work, parts):
        asked.append(parts)
        raise EngineLostError("gone")

    monkeypatch.setattr(engine, "_mapped", mapped)
    with pytest.raises(EngineLostError, match="gone"):
        engine.map(None, [1])
    assert asked == [[1]]
