"""A proved interval in decimal digits: rounded outward, so what is printed is proved as well."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

FEWEST_DIGITS, MOST_DIGITS = 6, 20
WIDENING = 1.5  # how much wider than the interval its digits may be
PLAIN = (1e-4, 1e15)  # sizes that are printed without an exponent


def interval_text(lower: float, upper: float) -> tuple[str, str]:
    """Both ends of an interval, with enough digits to be told apart.

    The lower end is rounded down and the upper end up, to as few digits (6 at least) as print an interval that is
    hardly wider than the real one. A missing end is printed as an infinity.

    Examples
    --------
    >>> interval_text(208.91116405, 208.91116471)
    ('208.9111640', '208.9111648')
    >>> interval_text(0.0, 1659.281167)
    ('0', '1659.29')
    """
    if not (math.isfinite(lower) and math.isfinite(upper)) or lower == upper:
        return _exact(lower), _exact(upper)
    low = high = ""
    for digits in range(FEWEST_DIGITS, MOST_DIGITS + 1):
        form = _form(max(abs(lower), abs(upper)), digits)
        low, high = _rounded(lower, form, ROUND_FLOOR), _rounded(upper, form, ROUND_CEILING)
        if Decimal(high) - Decimal(low) <= Decimal(WIDENING) * (Decimal(upper) - Decimal(lower)):
            break
    return low, high


def bound_text(value: float, digits: int = 10) -> str:
    """An upper bound with so many digits, rounded up.

    Examples
    --------
    >>> bound_text(1659.2811671)
    '1659.281168'
    """
    return _rounded(value, _form(abs(value), digits), ROUND_CEILING) if math.isfinite(value) else _exact(value)


def gap_text(gap: float) -> str:
    """A relative gap in two digits, rounded up.

    Examples
    --------
    >>> gap_text(4.81e-7)
    '4.9e-07'
    """
    if not math.isfinite(gap):
        return "unknown"
    return f"{float(_rounded(gap, '.1e', ROUND_CEILING)):.1e}" if gap else "0"


def _exact(value: float) -> str:
    """All digits of one number."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return repr(float(value)).removesuffix(".0")


def _form(size: float, digits: int) -> str:
    """Format specification that prints a number of this size with so many digits, or whole if it is large."""
    if not PLAIN[0] <= size < PLAIN[1]:
        return f".{digits - 1}e"
    return f".{max(0, digits - 1 - math.floor(math.log10(size)))}f"


def _rounded(value: float, form: str, rounding: str) -> str:
    """The number in that form, rounded in that direction; zero has no digits to show."""
    with localcontext(rounding=rounding):
        return format(Decimal(value), form) if value else "0"
