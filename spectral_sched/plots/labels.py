"""Numbers on axes."""

from __future__ import annotations

import math

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LARGEST, SMALLEST = 1e4, 1e-4


def decimal(value: float, _position: int | None = None) -> str:
    """Return a number in its shortest form, powers of ten where that is shorter.

    Examples
    --------
    >>> decimal(0.01), decimal(151.553), decimal(1e6)
    ('0.01', '151.6', '10⁶')
    """
    if value and not SMALLEST <= abs(value) <= LARGEST:
        return power_of_ten(value)
    return f"{value:.4g}"


def power_of_ten(value: float, _position: int | None = None) -> str:
    """Return a number as a power of ten, times its mantissa if that is not one.

    Examples
    --------
    >>> power_of_ten(0.001), power_of_ten(2e5), power_of_ten(1)
    ('10⁻³', '2·10⁵', '1')
    """
    if value <= 0:
        return f"{value:.4g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = f"{value / 10**exponent:.3g}"
    if exponent == 0:
        return mantissa
    power = "10" + str(exponent).translate(SUPERSCRIPTS)
    return power if mantissa == "1" else f"{mantissa}·{power}"
