"""Coordinates, coverage and blending shared by the image generators."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating[Any]]


@lru_cache(maxsize=16)
def pixel_centres(size: int) -> tuple[Plane, Plane]:
    """Return x, shape (1, size), and y, shape (size, 1), in image widths."""
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    centres.setflags(write=False)
    return centres[None, :], centres[:, None]


def rotate(x: Plane, y: Plane, angle: float) -> tuple[Plane, Plane]:
    """Return the coordinates along and across the direction ``angle`` (radians)."""
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    return x * cosine + y * sine, y * cosine - x * sine


def unit(value: Plane) -> Plane:
    """Return the values clipped to 0..1 (faster on small arrays than np.clip)."""
    return np.minimum(np.maximum(value, 0.0), 1.0)


def coverage(distance: Plane, size: int) -> Plane:
    """Return the part of each pixel inside a shape, from its signed distance."""
    return unit(0.5 - distance * size)


def stroke(distance: Plane, width: float, size: int) -> Plane:
    """Return the part of each pixel within half a width of the zero distance.

    The difference of two coverages, so that lines thinner than a pixel fade.
    """
    return coverage(distance - width / 2, size) - coverage(distance + width / 2, size)


def smoothstep(value: Plane, low: float, high: float) -> Plane:
    """Return a smooth ramp from 0 at ``low`` to 1 at ``high``."""
    ramp = unit((value - low) / (high - low))
    return ramp * ramp * (3.0 - 2.0 * ramp)


def mix(first: Plane, second: Plane, amount: Plane | float) -> Plane:
    """Return ``first`` moved towards ``second`` by ``amount`` in 0..1."""
    return first + (second - first) * amount


def blend(canvas: Plane, colour: Plane, amount: Plane | float) -> None:
    """Move a (3, rows, columns) canvas towards a colour, in place."""
    canvas += (colour - canvas) * amount


def fill(colour: Plane, size: int) -> Plane:
    """Return a new (3, size, size) canvas of one colour."""
    return np.repeat(np.repeat(colour, size, axis=1), size, axis=2)
