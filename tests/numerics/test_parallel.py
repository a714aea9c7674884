import os
import subprocess
import sys
from contextlib import nullcontext
from threading import Event, Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from lmnn_sdp.numerics import parallel
from lmnn_sdp.numerics.parallel import SMALL, in_parts, team, threads

MANY = SMALL + 1  # multiplications of an item that make any number of items worth sharing


def blas_threads():
    """Threads of each BLAS pool, as the rest of the program sees them."""
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture
def two_blas_threads():
    with threadpool_limits(2, user_api="blas"):
        yield blas_threads()


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(parallel, "threads", lambda: 3)


def test_blas_has_one_thread_within_a_team_and_its_own_again_after(two_blas_threads):
    assert max(two_blas_threads) == 2
    with team():
        assert set(blas_threads()) == {1}
    assert blas_threads() == two_blas_threads


def test_blas_has_its_threads_again_after_an_exception(two_blas_threads):
    with pytest.raises(LookupError), team():
        raise LookupError
    assert blas_threads() == two_blas_threads
    with team() as members:  # no member of the team that failed is left over
        assert members.pool.submit(int, "1").result() == 1


def test_a_team_within_a_team_is_the_same(two_blas_threads):
    with team() as outer:
        with team() as inner:
            assert inner.pool is outer.pool
        assert set(blas_threads()) == {1}
        assert outer.pool.submit(int, "1").result() == 1
    with team() as another:
        assert another.pool is not outer.pool


def test_limits_set_within_a_team_are_not_those_of_the_team(two_blas_threads):
    with team():
        assert threads() == min(2, parallel.numba.config.NUMBA_NUM_THREADS)


@pytest.mark.parametrize("limits", [True, False])  # set by the main thread, which no other may overrule by itself
@pytest.mark.parametrize("first_to_end", [0, 1])
def test_teams_of_two_threads_that_overlap_in_time_end_in_either_order(first_to_end, limits):
    before = blas_threads()
    with threadpool_limits(2, user_api="blas") if limits else nullcontext():
        allowed = blas_threads()
        assert ends_of_overlapping_teams(first_to_end) == [{1}, {1}, set(allowed)]
        assert blas_threads() == allowed
    assert blas_threads() == before


def ends_of_overlapping_teams(first_to_end):
    """BLAS threads seen before the first end, between both, and after the last, while both threads are alive."""
    begun, end, ended, leave = ([Event(), Event()] for _ in range(4))
    pools, seen = [], []

    def hold(which):
        with team() as members:
            pools.append(members.pool)
            begun[which].set()
            assert end[which].wait(30)
        ended[which].set()
        assert leave[which].wait(30)

    holders = [Thread(target=hold, args=(which,)) for which in (0, 1)]
    for holder, event in zip(holders, begun, strict=True):
        holder.start()
        assert event.wait(30)
    assert pools[0] is not pools[1]
    for which in (first_to_end, 1 - first_to_end):
        seen.append(set(blas_threads()))
        end[which].set()
        assert ended[which].wait(30)
    seen.append(set(blas_threads()))
    for holder, event in zip(holders, leave, strict=True):
        event.set()
        holder.join()
    return seen


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 100, 1001])
@pytest.mark.parametrize("cost", [0, MANY])
def test_parts_cover_the_range_once_and_in_order(three_threads, size, cost):
    parts = in_parts(lambda begin, end: list(range(begin, end)), size, cost)
    assert [item for part in parts for item in part] == list(range(size))
    assert len(parts) == (3 if size * cost > SMALL else 1)


def test_parts_keep_their_order_whichever_ends_first(three_threads):
    last_ended = Event()

    def work(begin, end):
        if end == 9:
            last_ended.set()
        else:
            assert last_ended.wait(30)
        return begin, end

    assert in_parts(work, 9, MANY) == [(0, 3), (3, 6), (6, 9)]


def test_parts_are_as_even_as_they_can_be(three_threads):
    sizes = in_parts(lambda begin, end: end - begin, 1001, MANY)
    assert max(sizes) - min(sizes) <= 1


def test_an_error_in_a_part_reaches_the_caller(three_threads, two_blas_threads):
    def fail(begin, end):
        if begin:
            raise LookupError(begin)

    with pytest.raises(LookupError):
        in_parts(fail, 3, MANY)
    assert blas_threads() == two_blas_threads


def test_threads_follow_threadpoolctl_whatever_other_libraries_were_built_for():
    import scs  # brings a BLAS of its own for one thread

    assert scs.__version__
    for limit in (1, 2):
        with threadpool_limits(limit, user_api="blas"):
            assert threads() == min(limit, parallel.numba.config.NUMBA_NUM_THREADS)


def test_threads_follow_the_setting_of_numba(monkeypatch):
    monkeypatch.setattr(parallel.numba.config, "NUMBA_NUM_THREADS", 1)
    with threadpool_limits(2, user_api="blas"):
        assert threads() == 1


def threads_of_a_new_process(**variables):
    program = "from lmnn_sdp.numerics.parallel import team, threads\nwith team() as t: print(t.size)\nprint(threads())"
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=kept | variables, capture_output=True, text=True, check=True
    )
    size, again = map(int, done.stdout.split())
    assert size == again
    return size


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"])
def test_threads_follow_environment_variables(variable):
    assert threads_of_a_new_process(**{variable: "1"}) == 1


def test_threads_are_the_cores_at_hand_without_any_limit():
    assert threads_of_a_new_process() == len(os.sched_getaffinity(0))


def test_a_sum_over_parts_is_the_sum(three_threads):
    values = np.arange(10_001)
    assert sum(in_parts(lambda begin, end: values[begin:end].sum(), len(values), MANY)) == values.sum()
