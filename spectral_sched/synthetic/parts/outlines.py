"""Signed distances to outlines around the origin: negative inside.

Lengths are in image widths. Distances are exact along the edges and may be short
around outer corners, which keeps corners crisp.
"""

from collections.abc import Callable

import numpy as np

from .canvas import Plane

Outline = Callable[[Plane, Plane, float], Plane]


def disk(x: Plane, y: Plane, radius: float) -> Plane:
    """Return the distance to a disk."""
    distance: Plane = np.hypot(x, y) - radius
    return distance


def box(x: Plane, y: Plane, half_width: float, half_height: float) -> Plane:
    """Return the distance to an upright rectangle."""
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def square(x: Plane, y: Plane, radius: float) -> Plane:
    """Return the distance to an upright square of about a disk's area."""
    return box(x, y, 0.86 * radius, 0.86 * radius)


def bar(x: Plane, y: Plane, radius: float) -> Plane:
    """Return the distance to a rectangle three times as wide as high."""
    return box(x, y, 1.2 * radius, 0.4 * radius)


def cross(x: Plane, y: Plane, radius: float) -> Plane:
    """Return the distance to a plus sign."""
    arm = 0.34 * radius
    return np.minimum(box(x, y, radius, arm), box(x, y, arm, radius))


def ring(x: Plane, y: Plane, radius: float) -> Plane:
    """Return the distance to a ring a third of a radius thick."""
    distance: Plane = np.abs(disk(x, y, 0.83 * radius)) - 0.17 * radius
    return distance


def half_disk(x: Plane, y: Plane, radius: float) -> Plane:
    """Return the distance to the lower half of a disk."""
    distance: Plane = np.maximum(disk(x, y, 1.15 * radius), -y - 0.4 * radius)
    return distance


def crescent(x: Plane, y: Plane, radius: float) -> Plane:
    """Return the distance to a disk with a bite out of it."""
    bite = disk(x - 0.5 * radius, y, 0.8 * radius)
    return np.maximum(disk(x, y, radius), -bite)


def _folded(x: Plane, y: Plane, corners: int) -> tuple[Plane, Plane]:
    """Return the coordinates folded into the sector around one corner."""
    sector = 2 * np.pi / corners
    angle = np.arctan2(y, x)
    angle = np.abs(angle - sector * np.rint(angle / sector))
    reach = np.hypot(x, y)
    return reach * np.cos(angle), reach * np.sin(angle)


def star(x: Plane, y: Plane, radius: float, corners: int, waist: float) -> Plane:
    """Return the distance to a star whose inner corners lie at ``waist`` radii."""
    along, across = _folded(x, y, corners)
    inner_along = waist * radius * np.cos(np.pi / corners)
    inner_across = waist * radius * np.sin(np.pi / corners)
    edge = float(np.hypot(inner_along - radius, inner_across))
    cosine, sine = float(inner_across / edge), float((radius - inner_along) / edge)
    return (along - radius) * cosine + across * sine


def _star(corners: int, waist: float) -> Outline:
    def outline(x: Plane, y: Plane, radius: float) -> Plane:
        return star(x, y, 1.12 * radius, corners, waist)

    return outline


def _regular(corners: int) -> Outline:
    return _star(corners, float(np.cos(np.pi / corners)))


OUTLINES: dict[str, Outline] = {
    "disk": disk,
    "square": square,
    "bar": bar,
    "cross": cross,
    "ring": ring,
    "half_disk": half_disk,
    "crescent": crescent,
    "triangle": _regular(3),
    "pentagon": _regular(5),
    "hexagon": _regular(6),
    "star": _star(5, 0.5),
    "spark": _star(4, 0.4),
    "burst": _star(8, 0.62),
}
