"""Solves on a cluster of two processes: the same bits, and nothing lost where workers or the scheduler are."""

import asyncio
import os
import signal
import time

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.exceptions import ConvergenceWarning

from clusters import OutOfMemory, Where, cluster, kept_pieces
from lmnn_sdp import LMNN, DaskEngine, Problem, Solution, Status, solve
from lmnn_sdp.cli import main
from lmnn_sdp.datasets import load
from lmnn_sdp.numerics import dask_cluster, dask_engine, parallel
from lmnn_sdp.numerics.engine import WorkerMemoryError
from lmnn_sdp.numerics.engines import running

distributed = pytest.importorskip("distributed", reason="an extra")
pytestmark = pytest.mark.slow

DATA = load("digits").standardized()
PROBLEM = Problem.from_data(DATA.X, DATA.y)
PASSES = 2.0**25  # multiplications that passes take, and products of conjugate gradients do not


@pytest.fixture(scope="module")
def address():
    with cluster(2) as (_, address):
        yield address


@pytest.fixture
def client(address):
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture(scope="module", autouse=True)
def two_threads():
    """As many as the cluster has, so that the partition is the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "threads", lambda: 2)
        yield


@pytest.fixture(scope="module")
def here(two_threads):
    """The solve by threads."""
    return solve(PROBLEM, tol=1e-3)


def test_the_same_bits(client, here):
    for least in (0.0, PASSES):
        engine = DaskEngine(client, least=least)
        there = solve(PROBLEM, tol=1e-3, engine=engine)
        np.testing.assert_array_equal(there.L, here.L)
        assert there.certificate == here.certificate
        assert (engine.traffic.maps > 100) == (least == 0)  # with the products of conjugate gradients
        engine.close()


def test_an_engine_serves_again(client, here):
    engine, maps = DaskEngine(client, least=PASSES), []
    for _ in range(2):
        assert solve(PROBLEM, tol=1e-3, engine=engine).certificate == here.certificate
        maps.append(engine.traffic.maps)
    assert maps[1] == 2 * maps[0] > 0
    engine.close()


def test_a_part_of_even_work_goes_where_it_went_before(client):
    engine, work = DaskEngine(client, least=0), Where(np.zeros(10_000))
    first, second = (engine.map(work, [7, 8]) for _ in range(2))
    assert [(pid, part) for pid, _, part in first] == [(pid, part) for pid, _, part in second]
    assert len({pid for pid, _, _ in first}) == 2
    assert [count for _, count, _ in first + second] == [1, 1, 2, 2]  # the work stayed
    assert engine.traffic.sent == 2 * 80_000 + 2 * 2 * 8  # the array to two workers, once, and the parts
    engine.close()


@pytest.mark.parametrize("count", [0, 1, 3, 8, 9, 50, 333])
def test_many_parts_come_back_in_order(client, count):
    engine = DaskEngine(client, least=0)
    assert [part for _, _, part in engine.map(Where(np.zeros(3)), range(count))] == list(range(count))
    engine.close()


def test_parts_may_be_large(client):
    engine, large = DaskEngine(client, least=0), np.arange(2.0**21)  # 16 MiB, at which Dask would warn
    found = engine.map(Where(np.zeros(3)), [large, large[::-1].copy()])
    np.testing.assert_array_equal([part for _, _, part in found], [large, large[::-1]])
    engine.close()


def test_work_is_forgotten_with_its_last_name(client):
    engine = DaskEngine(client, least=0)
    work = Where(np.zeros(10_000))
    engine.map(work, [1, 2])
    assert len(engine._works) == len(engine._there) == 1
    del work
    assert not engine._works
    assert not engine._there
    engine.close()


def test_workers_forget_when_an_engine_is_closed(client):
    engine, other = DaskEngine(client, least=0), DaskEngine(client, least=0)
    engine.map(Where(np.zeros(10_000)), [1, 2])
    kept = Where(np.zeros(10_000))
    other.map(kept, [1, 2])
    assert set(client.run(kept_pieces).values()) == {2}
    engine.close()
    end = time.monotonic() + 30
    while set(client.run(kept_pieces).values()) != {1} and time.monotonic() < end:
        time.sleep(0.05)
    assert set(client.run(kept_pieces).values()) == {1}
    assert [count for _, count, _ in other.map(kept, [1, 2])] == [2, 2]
    other.close()


def test_what_a_pass_moves_is_not_the_data(client):
    engine = DaskEngine(client, least=0)
    with running(engine):
        PROBLEM.terms(0.1 * np.eye(64))
        first = engine.traffic.sent
        PROBLEM.terms(0.2 * np.eye(64))
    second = engine.traffic.sent - first
    data, pulls, map_ = PROBLEM.X.nbytes, PROBLEM.targets.nbytes, 64 * 64 * 8
    assert first >= 2 * data
    # per worker the map, the squared distances to targets, and a radius a point where that is no small array
    assert 0 < second <= 2 * (pulls + map_ + 8 * len(PROBLEM.X))
    engine.close()


def test_an_estimator_and_the_command_line_take_an_address(address, here, tmp_path):
    model = LMNN(tol=1e-3, engine=address).fit(DATA.X, DATA.y)
    assert model.lower_bound_ <= here.objective
    assert here.lower_bound <= model.objective_
    out = tmp_path / "s.npz"
    done = CliRunner().invoke(
        main, ["solve", "digits", "--standardize", "--tol", "1e-3", "--dask", address, "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert Solution.load(out).certificate.overlaps(here.certificate)


def test_a_worker_that_is_killed_in_the_middle_costs_nothing(client, here):
    engine = DaskEngine(client, least=0)
    killed = []

    def kill(row):
        if not killed:
            killed.append(next(iter(client.run(os.getpid).values())))
            os.kill(killed[0], signal.SIGKILL)

    found = solve(PROBLEM, tol=1e-3, engine=engine, callback=kill)
    assert killed
    np.testing.assert_array_equal(found.L, here.L)
    assert found.certificate == here.certificate
    engine.close()


def test_data_that_never_arrive_are_sent_again(client, here, monkeypatch):
    # a worker that is killed while it receives: Dask's own scatter waits for ever
    engine, sent, send = DaskEngine(client, least=PASSES), [], client.scatter

    def scatter(*arguments, **options):
        sent.append(options)
        return asyncio.sleep(3600) if len(sent) in (2, 5) else send(*arguments, **options)

    monkeypatch.setattr(dask_engine, "SILENCE", 1.0)
    monkeypatch.setattr(client, "scatter", scatter)
    found = solve(PROBLEM, tol=1e-3, engine=engine)
    assert len(sent) > 5
    assert found.certificate == here.certificate
    engine.close()


def test_data_that_never_arrive_at_all_leave_the_best_iterate(client, monkeypatch):
    engine = DaskEngine(client, least=0)
    monkeypatch.setattr(dask_engine, "SILENCE", 0.1)
    monkeypatch.setattr(dask_engine, "AGAIN", 1)
    monkeypatch.setattr(client, "scatter", lambda *arguments, **options: asyncio.sleep(3600))
    with pytest.warns(ConvergenceWarning, match="The engine was lost .* lost what it was sent 2 times in a row"):
        found = solve(PROBLEM, tol=1e-3, engine=engine)
    assert found.status is Status.ENGINE_LOST
    engine.close()


def test_a_client_that_is_closed_leaves_the_best_certified_iterate(address, here):
    with distributed.Client(address, set_as_default=False) as own:
        engine = DaskEngine(own, least=0)
        with pytest.warns(ConvergenceWarning, match="The engine was lost .* The Dask client was closed"):
            found = solve(PROBLEM, tol=1e-9, engine=engine, callback=lambda row: own.close())
        assert found.status is Status.ENGINE_LOST
        assert found.certificate.overlaps(here.certificate)
        assert 0 < found.relative_gap < 1
        with pytest.raises(ValueError, match="is closed or asynchronous; open a plain"):
            solve(PROBLEM, engine=own)


def test_workers_without_the_package_or_with_another_version_are_named(client, monkeypatch):
    monkeypatch.setattr(dask_cluster, "VERSION", "9.9")
    with pytest.raises(ValueError, match=r"need lmnn-sdp 9\.9, as here: tcp://127.* has 0\.1\.0; install it there"):
        solve(PROBLEM, engine=client)
    monkeypatch.setattr(dask_cluster, "locate", missing)
    with pytest.raises(ValueError, match=r"tcp://127\S+ has none"):
        solve(PROBLEM, engine=client)


def missing(name):
    """What `pydoc.locate` says of a package that is not there."""


def test_a_worker_out_of_memory_says_which_blocks_to_use(client):
    engine = DaskEngine(client, memory=2**24)
    with pytest.raises(WorkerMemoryError, match=r"blocks up to 16 MiB; .* engine=DaskEngine\(client, memory=4194304\)"):
        engine.map(OutOfMemory(), [0, 1])
    engine.close()


def test_a_scheduler_that_is_lost_and_a_solve_that_goes_on(here, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "ANSWER", 3.0)
    path = tmp_path / "c.npz"
    with cluster(1) as (process, address):
        engine = DaskEngine(address, least=PASSES)
        found = solve(PROBLEM, tol=1e-9, engine=engine, callback=lambda _: process.kill(), checkpoint=path, warn=False)
        engine.close()
    assert found.status is Status.ENGINE_LOST
    held = Solution.load(path)
    assert held.certificate == found.certificate
    resumed = solve(PROBLEM, tol=1e-3, start=held)
    assert resumed.status is Status.OPTIMAL
    assert resumed.certificate.overlaps(here.certificate)
