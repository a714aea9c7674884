"""The judge of the peers, and the process that fits them."""

import sys
from pathlib import Path

import numpy as np
import pytest

import peers
from harness import peer_process, peer_worker
from lmnn_sdp import solve
from lmnn_sdp.datasets import Dataset
from problems import blobs

DATA = Dataset("points", np.arange(12.0).reshape(6, 2), np.array(list("aaabbb")))


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """Installs a stand-in for the worker: its body sees the job."""

    def install(body):
        path = tmp_path / "worker.py"
        path.write_text(f"import json, sys\nimport numpy as np\njob = json.load(open(sys.argv[1]))\n{body}\n")
        monkeypatch.setattr(peer_process, "WORKER", path)

    return install


def fit(**options):
    return peer_process.fit("metric-learn", DATA, options, time_limit=60, python=Path(sys.executable))


def test_the_judge_sums_all_triplets():
    problem = blobs(n=30, d=2)
    solution = solve(problem)
    assert peers.judged(problem, solution.L) == pytest.approx(solution.objective, rel=1e-9)
    assert peers.judged(problem, np.zeros((1, 2))) == problem.mu * problem.n_triplets


def test_the_best_scale_knows_no_scale():
    problem = blobs(n=30, d=2)
    L = solve(problem).L
    values = [peers.judged_at_best_scale(problem, c * L) for c in (1.0, 1e-3, 1e3)]
    assert values == pytest.approx([peers.judged(problem, L)] * 3, rel=1e-5)
    assert peers.judged_at_best_scale(problem, 0 * L) == peers.judged(problem, 0 * L)


def test_a_fit_brings_back_factor_and_seconds(worker):
    worker(
        "assert job['package'] == 'metric-learn' and job['options'] == {'max_iter': 3}\n"
        "data = np.load(job['data'])\n"
        "assert data['y'].tolist() == [0, 0, 0, 1, 1, 1]\n"
        "np.savez(job['result'], L=data['X'][:2], seconds=0.25)"
    )
    fitted = fit(max_iter=3)
    assert fitted.L.tolist() == DATA.X[:2].tolist()
    assert fitted.seconds == 0.25


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('too few points')", r"metric-learn with \{\} failed \(exit 1\): ValueError: too few points"),
        ("sys.exit(3)", r"failed \(exit 3\): no message"),
        ("np.savez(job['result'], L=np.full((2, 2), np.nan), seconds=1.0)", "a metric that is not finite"),
    ],
)
def test_a_failed_fit_says_why(worker, body, message):
    worker(body)
    with pytest.raises(peer_process.PeerError, match=message):
        fit()


@pytest.mark.clock
def test_a_fit_that_takes_too_long_is_ended(worker):
    worker("import time; time.sleep(60)")
    with pytest.raises(peer_process.PeerError, match=r"did not end within 0.2 s"):
        peer_process.fit("mlpack", DATA, {}, time_limit=0.2, python=Path(sys.executable))


def test_without_the_environment_the_remedy_is_named(tmp_path):
    assert not peer_process.available(tmp_path / "python")
    with pytest.raises(peer_process.PeerError, match="run make peers-env"):
        peer_process.fit("mlpack", DATA, {}, python=tmp_path / "bin" / "python")


def test_the_worker_knows_its_packages():
    with pytest.raises(ValueError, match="package 'shogun' is unknown; the worker knows metric-learn, mlpack"):
        peer_worker.work({"package": "shogun"})


def test_a_setting_stops_when_a_run_fails_or_takes_long():
    def run(name, options):
        steps = options["steps"]
        if steps == 40:
            return peers.Run("peer", name, options, (), "diverged")
        return peers.Run("peer", name, options, (peers.Point(float(steps), 1.0),))

    setting = peers.Setting("s", {}, "steps", (1, 10, 25, 30))
    tried = peers._ladder(setting, peers.Case("iris", 1e-6, {}), run)
    assert [r.options["steps"] for r in tried] == [1, 10, 25]
    failing = peers.Setting("s", {}, "steps", (1, 40, 50))
    assert [r.failure for r in peers._ladder(failing, peers.Case("iris", 1e-6, {}), run)] == ["", "diverged"]
    few = peers._ladder(setting, peers.Case("iris", 1e-6, {}, most=10), run)
    assert [r.options["steps"] for r in few] == [1, 10]
    assert peers.Setting("default", {"a": 1}).runs(None) == [{"a": 1}]
