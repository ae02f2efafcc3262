"""Repeating patterns: how much of each pixel is ink, 0..1, filtered exactly.

Periods are in image widths. Square waves are averaged over a pixel through their
integral, so fine patterns grey out rather than alias on small images.
"""

from collections.abc import Callable

import numpy as np

from .canvas import Plane, coverage

Pattern = Callable[[Plane, Plane, float, int], Plane]


def _ink_before(turns: Plane, duty: float) -> Plane:
    whole = np.floor(turns)
    return whole * duty + np.minimum(turns - whole, duty)


def bands(place: Plane, period: float, size: int, duty: float = 0.5) -> Plane:
    """Return a square wave along ``place``, inked for ``duty`` of each period."""
    turns = place / period + duty / 2
    half = 0.5 / (period * size)
    ink = _ink_before(turns + half, duty) - _ink_before(turns - half, duty)
    return ink / (2 * half)


def stripes(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return straight stripes."""
    return np.broadcast_to(
        bands(x, period, size), np.broadcast_shapes(x.shape, y.shape)
    )


def pinstripes(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return thin straight lines."""
    return np.broadcast_to(
        bands(x, period, size, 0.22), np.broadcast_shapes(x.shape, y.shape)
    )


def checks(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return a chequerboard."""
    first, second = bands(x, 1.6 * period, size), bands(y, 1.6 * period, size)
    return first + second - 2 * first * second


def grid(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return thin lines that cross."""
    first, second = bands(x, period, size, 0.2), bands(y, period, size, 0.2)
    return first + second - first * second


def dots(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return disks on a square lattice."""
    step = 1.15 * period
    across = x - step * np.rint(x / step)
    down = y - step * np.rint(y / step)
    return coverage(np.hypot(across, down) - 0.33 * step, size)


def rings(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return rings around the origin."""
    return bands(np.hypot(x, y), period, size)


def chevrons(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return zigzag stripes."""
    step = 2.2 * period
    return bands(x + 0.8 * np.abs(y - step * np.rint(y / step)), period, size)


def waves(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return wavy stripes."""
    return bands(x + 0.45 * period * np.sin(y * (2.4 / period)), period, size)


def rays(x: Plane, y: Plane, period: float, size: int) -> Plane:
    """Return rays from the origin, more of them for shorter periods."""
    count = max(round(0.9 / period), 4)
    turns = np.arctan2(y, x) * (count / (2 * np.pi))
    offset = np.abs(turns - np.floor(turns) - 0.5) - 0.25
    return coverage(offset * np.hypot(x, y) * (2 * np.pi / count), size)


PATTERNS: dict[str, Pattern] = {
    "stripes": stripes,
    "pinstripes": pinstripes,
    "checks": checks,
    "grid": grid,
    "dots": dots,
    "rings": rings,
    "chevrons": chevrons,
    "waves": waves,
    "rays": rays,
}
