"""The arrays that a saved solution consists of, and what makes them one."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lmnn_sdp.problem.checks import is_symmetric

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

#: Kind of each array, and its shape for d features, a factor of r rows, t triplets, h rows of history
#: and f features left out. Of several metrics M and L are stacks.
ARRAYS: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "M": ("f", ("d", "d")),
    "L": ("f", ("r", "d")),
    "triplets": ("i", ("t", 3)),
    "alpha": ("f", ("t",)),
    "history": ("f", ("h", 7)),
    "certificate": ("f", (4,)),
    "residuals": ("f", (5,)),
    "left_out": ("i", ("f",)),
    "status": ("U", ()),
    "solver": ("U", ()),
    "problem": ("U", ()),
}


STACKS = ("M", "L")


def check_arrays(arrays: Arrays) -> None:
    """All arrays, of their kinds and of shapes that fit together, with numbers that a solution can have.

    Raises
    ------
    ValueError
        Naming the first that is not.
    """
    sizes: dict[str | int, int] = {}
    for name, (kind, wanted) in ARRAYS.items():
        if name not in arrays:
            raise ValueError(f"it has no array {name!r}")
        array = arrays[name]
        if name in STACKS and arrays["M"].ndim == 3:
            wanted = ("b", *wanted)
        if array.dtype.kind != kind:
            raise ValueError(f"{name} has the type {array.dtype}")
        if array.ndim != len(wanted):
            raise ValueError(f"{name} has the shape {array.shape}")
        shape = tuple(
            side if isinstance(side, int) else sizes.setdefault(side, size)
            for side, size in zip(wanted, array.shape, strict=True)
        )
        if array.shape != shape:
            raise ValueError(f"{name} has the shape {array.shape}, not {shape}")
        if kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} has an entry that is not finite")
    if not sizes["d"] or not all(map(is_symmetric, arrays["M"].reshape(-1, sizes["d"], sizes["d"]))):
        raise ValueError("M is not symmetric")
    if np.min(arrays["triplets"], initial=0) < 0 or np.min(arrays["alpha"], initial=0.0) < 0:
        raise ValueError("a triplet or a multiplier is negative")
