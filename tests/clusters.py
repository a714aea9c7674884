"""A Dask cluster of local processes, and an engine that carries work as a cluster does, in this process."""

import os
import pickle
import subprocess
import sys
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lmnn_sdp.numerics import dask_worker
from lmnn_sdp.numerics.dask_worker import VERSION, Product, Reference, packed, run

CLUSTER = """
import sys
from distributed import LocalCluster

with LocalCluster(n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None) as cluster:
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


@contextmanager
def cluster(workers=2):
    """Process of the scheduler, whose end is that of all workers, and its address."""
    here = str(Path(__file__).parent)
    found = os.environ.get("PYTHONPATH")
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER, str(workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": here if found is None else os.pathsep.join([here, found])},
    ) as process:
        yield process, process.stdout.readline().strip()
        process.stdin.close()


@dataclass(frozen=True)
class OutOfMemory:
    """Work that does not fit."""

    def __call__(self, part):
        raise MemoryError("Unable to allocate 1 TiB")


@dataclass(frozen=True, eq=False)
class Where:
    """Work that tells the process it runs in, and how often it was asked there; its array moves by itself."""

    array: object

    def __call__(self, part):
        asked = self.__dict__.setdefault("asked", [])
        asked.append(part)
        return os.getpid(), len(asked), part


def kept_pieces():
    """Pieces of work that stay put together in this process."""
    return len(dask_worker._open)


class Carrier:
    """Takes all work, and does it on copies that came through pickles; the last part first.

    ``arrays`` lists what was moved, each array once.
    """

    def __init__(self, size=2):
        self.size = size
        self.arrays = []
        self.maps = 0
        self._products = []

    def takes(self, work, cost, times=1):
        return cost >= 0

    def share(self, memory):
        return memory // self.size

    def product(self, X, T):
        V = X @ T
        self._products.append((V, X, T))
        return V

    def map(self, work, parts):
        self.maps += 1
        shell = pickle.loads(pickle.dumps(packed(work, self._refer)))
        arrays = pickle.loads(pickle.dumps(self.arrays))
        results = [run(part, f"{id(self)}-{self.maps}", VERSION, shell, arrays) for part in reversed(parts)]
        return pickle.loads(pickle.dumps(results[::-1]))

    def _refer(self, array):
        for V, X, T in self._products:
            if array is V:
                return Product(self._refer(X), self._refer(T), zlib.crc32(V))
        place = next((place for place, other in enumerate(self.arrays) if other is array), len(self.arrays))
        if place == len(self.arrays):
            self.arrays.append(array)
        return Reference(place)
