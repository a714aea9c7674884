"""Solves one SDPA sparse file with one Python solver, ``python sdp_worker.py SOLVER FILE``, and prints what it said.

The file's primal is posed as it stands, ``minimise c'x subject to sum_t x_t F_t - F_0`` positive semidefinite, with a
dense first block and a diagonal second one. Nothing of lmnn_sdp is needed here.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse

Told = dict[str, object]


@dataclass(frozen=True, eq=False)
class File:
    """What a file holds.

    Attributes
    ----------
    c : array, shape (m,)
    d : int
        Size of the first block.
    first : sparse array, shape (d * d, 1 + m)
        Entries of the first block of F_0 ... F_m, column by column.
    second : sparse array, shape (p, 1 + m)
        Their diagonals.
    """

    c: np.ndarray
    d: int
    first: scipy.sparse.csc_array
    second: scipy.sparse.csc_array

    @classmethod
    def read(cls, path: str) -> File:
        """Parse a file whose first line is a comment."""
        lines = Path(path).read_text().splitlines()[1:]
        m, d, p = int(lines[0]), *(abs(int(size)) for size in lines[2].split())
        entries = np.array([line.split() for line in lines[4:]], dtype=float)
        matrix, block, row, column = entries[:, :4].astype(int).T
        row, column, value = row - 1, column - 1, entries[:, 4]
        diagonal = block == 2
        both = ~diagonal & (row != column)  # only the upper triangle is in the file
        places = np.concatenate([(column * d + row)[~diagonal], (row * d + column)[both]])
        first = np.concatenate([value[~diagonal], value[both]]), (places, np.r_[matrix[~diagonal], matrix[both]])
        second = value[diagonal], (row[diagonal], matrix[diagonal])
        return cls(
            np.array(lines[3].split(), dtype=float),
            d,
            scipy.sparse.csc_array(first, shape=(d * d, m + 1)),
            scipy.sparse.csc_array(second, shape=(p, m + 1)),
        )


def cvxopt(path: str) -> Told:
    """Its ``sdp``."""
    from cvxopt import matrix, solvers, spmatrix

    sdp = File.read(path)

    def sparse(columns: scipy.sparse.csc_array) -> object:
        found = columns.tocoo()
        return spmatrix(found.data, found.row.tolist(), found.col.tolist(), columns.shape)

    found = solvers.sdp(
        matrix(sdp.c),
        Gl=sparse(-sdp.second[:, 1:]),
        hl=matrix(-sdp.second[:, [0]].toarray()),
        Gs=[sparse(-sdp.first[:, 1:])],
        hs=[matrix(-sdp.first[:, [0]].toarray().reshape(sdp.d, sdp.d))],
        options={"show_progress": False},
    )
    return {"says": found["status"], "x": found["primal objective"], "Y": found["dual objective"]}


def clarabel(path: str) -> Told:
    """Its cone of triangles."""
    import clarabel

    sdp = File.read(path)
    column, row = np.tril_indices(sdp.d)  # the upper triangle, column by column
    scale = np.where(row == column, 1.0, np.sqrt(2.0))
    triangle = scipy.sparse.diags_array(scale) @ sdp.first[column * sdp.d + row]
    both = scipy.sparse.vstack([triangle, sdp.second], format="csc")
    cones = [clarabel.PSDTriangleConeT(sdp.d), clarabel.NonnegativeConeT(sdp.second.shape[0])]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    P = scipy.sparse.csc_matrix((len(sdp.c), len(sdp.c)))
    b = -both[:, [0]].toarray().ravel()
    found = clarabel.DefaultSolver(P, sdp.c, scipy.sparse.csc_matrix(-both[:, 1:]), b, cones, settings).solve()
    return {"says": str(found.status), "x": found.obj_val, "Y": found.obj_val_dual}


def sdpa_python(path: str) -> Told:
    """SDPA behind its Python interface, which turns the file into another form and the sign with it."""
    import sdpap

    *problem, structure, other = sdpap.importsdpa(path)
    info = sdpap.solve(*problem, structure, other, {"print": "no"})[2]
    # what it minimises is -<F_0, Y>: its primal is the dual of the file
    return {"says": info["phasevalue"], "x": float(info["dualObj"]), "Y": float(info["primalObj"])}


SOLVERS: dict[str, Callable[[str], Told]] = {"cvxopt": cvxopt, "clarabel": clarabel, "sdpa-python": sdpa_python}


def main(name: str, path: str) -> None:
    """Print the version, what the solver says of itself, and its values at x and Y."""
    print(json.dumps({"version": importlib.metadata.version(name), **SOLVERS[name](path)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
