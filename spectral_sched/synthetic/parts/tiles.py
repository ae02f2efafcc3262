"""Posters of square tiles, each with one bold motif."""

from collections.abc import Callable

import numpy as np

from .canvas import Plane, blend, coverage, pixel_centres
from .outlines import box, disk

# Motifs take coordinates in tile widths, -0.5..0.5, and return signed distances.
_Motif = Callable[[Plane, Plane], Plane]


def _dot(x: Plane, y: Plane) -> Plane:
    return disk(x, y, 0.36)


def _quarter(x: Plane, y: Plane) -> Plane:
    return disk(x + 0.5, y + 0.5, 0.98)


def _leaf(x: Plane, y: Plane) -> Plane:
    return np.maximum(disk(x + 0.5, y + 0.5, 1.0), disk(x - 0.5, y - 0.5, 1.0))


def _arch(x: Plane, y: Plane) -> Plane:
    distance: Plane = np.abs(disk(x, y - 0.5, 0.34)) - 0.13
    return distance


def _corner(x: Plane, y: Plane) -> Plane:
    return (x + y) / float(np.sqrt(2.0))


def _diamond(x: Plane, y: Plane) -> Plane:
    distance: Plane = (np.abs(x) + np.abs(y) - 0.48) / float(np.sqrt(2.0))
    return distance


def _arcs(x: Plane, y: Plane) -> Plane:
    first = np.abs(disk(x + 0.5, y + 0.5, 0.5))
    return np.minimum(first, np.abs(disk(x - 0.5, y - 0.5, 0.5))) - 0.13


def _bars(x: Plane, y: Plane) -> Plane:
    return np.maximum(np.abs(np.abs(x) - 0.25) - 0.125, np.abs(y) - 0.5)


def _frame(x: Plane, y: Plane) -> Plane:
    return np.abs(box(x, y, 0.28, 0.28)) - 0.08


_MOTIFS: tuple[_Motif, ...] = (
    _dot,
    _quarter,
    _leaf,
    _arch,
    _corner,
    _diamond,
    _arcs,
    _bars,
    _frame,
)


def _turned(x: Plane, y: Plane, quarters: int) -> tuple[Plane, Plane]:
    """Return coordinates turned by a number of right angles."""
    turns = ((x, y), (y, -x), (-x, -y), (-y, x))
    return turns[quarters]


def _paint_tile(
    canvas: Plane,
    corner: tuple[float, float],
    width: float,
    motif: tuple[_Motif, int],
    colours: Plane,
) -> None:
    """Paint the tile right of and below a corner; the next tiles trim its far edges.

    Overlapping tiles leave no seam where an edge falls within a pixel.
    """
    size = canvas.shape[1]
    starts = [int(place * size) for place in corner]
    ends = [int((place + width) * size) + 2 for place in corner]
    rows, columns = slice(starts[1], ends[1]), slice(starts[0], ends[0])
    across, down = pixel_centres(size)
    x = (across[:, columns] - corner[0]) / width - 0.5
    y = (down[rows] - corner[1]) / width - 0.5
    area = canvas[:, rows, columns]
    tile = coverage(np.maximum(-0.5 - x, -0.5 - y) * width, size)
    blend(area, colours[0], tile)
    distance = motif[0](*_turned(x, y, motif[1])) * width
    blend(area, colours[1], tile * coverage(distance, size))


def paint_tiles(canvas: Plane, rng: np.random.Generator, palette: Plane) -> None:
    """Cover a (3, size, size) canvas with tiles that share a few motifs."""
    count = int(rng.choice([2, 3, 4, 4, 5, 6]))
    chosen = rng.permutation(len(_MOTIFS))[: int(rng.integers(1, 5))]
    for row in range(count):
        for column in range(count):
            motif = _MOTIFS[int(rng.choice(chosen))]
            colours = palette[rng.permutation(len(palette))[:2]]
            corner = (column / count, row / count)
            turned = (motif, int(rng.integers(4)))
            _paint_tile(canvas, corner, 1 / count, turned, colours)
