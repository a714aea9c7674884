"""Compiled loops. Nothing here knows LMNN."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

import numba


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile with numba, without the interpreter's lock; keep the code for the next process where there is a place.

    Numba keeps it beside the source or in the user's cache folder. Where it can write to neither, such as in a
    read-only installation without a home or on a full disk, every process compiles anew, which takes seconds.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            loop = numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # no place for the cache
            return numba.njit(nogil=True, **options)(function)
        cache = getattr(loop, "_cache", None)  # None where the user has switched compiling off
        if cache is not None:
            cache.save_overload = _where_it_can(cache.save_overload)
        return loop

    return compiled


def _where_it_can(save: Callable[..., None]) -> Callable[..., None]:
    """The same, but a disk that is full stops no solve."""

    @wraps(save)
    def forgiving(*arguments: Any) -> None:
        with suppress(OSError):
            save(*arguments)

    return forgiving
