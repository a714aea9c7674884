"""Array types used in signatures: float64 data and integer indices."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.integer[Any]]
#: Floats of either precision, the same for all arguments of a call.
Floats = TypeVar("Floats", npt.NDArray[np.float32], npt.NDArray[np.float64])
