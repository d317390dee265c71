"""Numbers as a person reads them."""

from __future__ import annotations

import math


def number(value: float, digits: int = 4) -> str:
    """A number with so many significant digits, without an exponent between 0.001 and ten million.

    Examples
    --------
    >>> number(2994.21), number(0.0123456, 2), number(1e-9)
    ('2,994', '0.012', '1.000e-09')
    """
    if not math.isfinite(value):
        return "inf" if value > 0 else "-"
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e7:
        decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
        return f"{value:,.{decimals}f}"
    return f"{value:.{digits - 1}e}"


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the plural where it must be.

    Examples
    --------
    >>> counted(1, "feature"), counted(1200, "feature")
    ('1 feature', '1,200 features')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
