"""What a change of coordinates did to the points of a problem, as far as the bounds need it."""

from __future__ import annotations

from dataclasses import dataclass

from lmnn_sdp.numerics.types import FloatArray


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Points that are ``z = T'(x - centre)`` of the data x, and what is known of their accuracy.

    Attributes
    ----------
    points : array, shape (n, d)
        The data x: where two rows are equal, so are their exact z.
    errors : array, shape (n,)
        Bound on the norm of the difference of each row to the exact z.
    euclidean : array, shape (r, r)
        The Euclidean metric of the data as given, on z, up to rounding and a factor: where solvers begin.
    outside : array, shape (n,), or None
        Bound on the part of each ``x - centre`` outside the range of T; None where T loses nothing.
    reach : array, shape (n,), or None
        Bound on the norm of each ``x - centre``; None where T loses nothing.
    stretch : float
        Bound on the spectral norm of T.
    floor : float
        The trace penalty, which holds the dual slack up outside the range of T.
    nonnegative : bool
        Whether R is that of a trace penalty.
    penalty_error : float
        Bound on the spectral norm of the difference of R to the exact ``T'RT``.
    """

    points: FloatArray
    errors: FloatArray
    euclidean: FloatArray
    outside: FloatArray | None = None
    reach: FloatArray | None = None
    stretch: float = 0.0
    floor: float = 0.0
    nonnegative: bool = True
    penalty_error: float = 0.0
