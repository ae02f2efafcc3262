"""Shapes: crisp outlines and patterns, from posters to line drawings."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .parts.canvas import (
    Plane,
    blend,
    coverage,
    fill,
    mix,
    pixel_centres,
    rotate,
    smoothstep,
    stroke,
)
from .parts.fields import Indices, power_law_field
from .parts.outlines import OUTLINES, Outline
from .parts.palettes import harmony
from .parts.patterns import PATTERNS
from .parts.tiles import paint_tiles


@dataclass(frozen=True)
class _Sheet:
    """The canvas of one image and its colours, of which the first is the paper."""

    size: int
    colours: Plane
    canvas: Plane

    def pick(self, rng: np.random.Generator) -> Plane:
        """Return one of the colours other than the paper."""
        colour: Plane = self.colours[int(rng.integers(1, len(self.colours)))]
        return colour

    def around(self, x: float, y: float, angle: float) -> tuple[Plane, Plane]:
        """Return pixel coordinates around a point, turned by an angle."""
        across, down = pixel_centres(self.size)
        return rotate(across - x, down - y, angle)


def _draw_sheet(rng: np.random.Generator, size: int) -> _Sheet:
    """Draw a palette and take its lightest or darkest colour as the paper."""
    colours = harmony(rng, 5, rng.uniform(0.2, 0.32), rng.uniform(0.87, 0.95), 1.0)
    if rng.uniform() < 0.6:
        colours = colours[::-1]
    return _Sheet(size, colours, fill(colours[0], size))


def _draw_outline(rng: np.random.Generator) -> Outline:
    return list(OUTLINES.values())[int(rng.integers(len(OUTLINES)))]


def _draw_angle(rng: np.random.Generator) -> float:
    """Draw an angle that is often a multiple of 45 degrees."""
    loose = rng.uniform(0, 2 * np.pi)
    return loose if rng.uniform() < 0.5 else float(rng.integers(8)) * np.pi / 4


def _ink(rng: np.random.Generator, sheet: _Sheet, x: float, y: float) -> Plane:
    """Draw the (size, size) ink of a random pattern centred on a point."""
    pattern = list(PATTERNS.values())[int(rng.integers(len(PATTERNS)))]
    period = rng.uniform(0.07, 0.17)
    return pattern(*sheet.around(x, y, _draw_angle(rng)), period, sheet.size)


def _fill(rng: np.random.Generator, sheet: _Sheet, x: float, y: float) -> Plane:
    """Draw what fills a shape: one colour, a fade, or a pattern in two."""
    first, second = sheet.pick(rng), sheet.colours[int(rng.integers(5))]
    style, angle = rng.uniform(), _draw_angle(rng)
    if style < 0.45:
        return first
    if style < 0.6:
        along, _ = sheet.around(x, y, angle)
        return mix(first, second, 0.8 * smoothstep(along, -0.3, 0.3))
    return mix(first, second, _ink(rng, sheet, x, y))


def _paint_shape(
    rng: np.random.Generator, sheet: _Sheet, radius: float, edge: float
) -> None:
    """Paint one filled shape with a soft shadow and, for edge > 0, an outline."""
    x, y = rng.uniform(0.08, 0.92, 2).tolist()
    outline, angle = _draw_outline(rng), _draw_angle(rng)
    distance = outline(*sheet.around(x, y, angle), radius)
    blend(sheet.canvas, sheet.canvas * 0.55, 1 - smoothstep(distance, -0.02, 0.045))
    blend(sheet.canvas, _fill(rng, sheet, x, y), coverage(distance, sheet.size))
    if edge:
        line = stroke(distance, edge, sheet.size)
        blend(sheet.canvas, sheet.colours[-1], line)


def _scattered(rng: np.random.Generator, sheet: _Sheet) -> None:
    """Paint shapes from large to small over a plain or faintly patterned paper."""
    if rng.uniform() < 0.5:
        faint = mix(sheet.colours[0], sheet.colours[1], rng.uniform(0.3, 0.8))
        blend(sheet.canvas, faint, _ink(rng, sheet, 0.5, 0.5))
    edge = rng.uniform(0.018, 0.03) if rng.uniform() < 0.5 else 0.0
    radii = np.sort(rng.uniform(0.1, 0.36, int(rng.integers(3, 8))))[::-1]
    for radius in radii.tolist():
        _paint_shape(rng, sheet, radius, edge)


def _drawing(rng: np.random.Generator, sheet: _Sheet) -> None:
    """Draw lines and outlines whose patches of colour are slightly out of place."""
    if rng.uniform() < 0.6:
        faint = mix(sheet.colours[0], sheet.colours[2], 0.5)
        blend(sheet.canvas, faint, _ink(rng, sheet, 0.5, 0.5))
    width = rng.uniform(0.018, 0.032)
    shift = rng.uniform(-0.04, 0.04, 2).tolist()
    for radius in rng.uniform(0.1, 0.34, int(rng.integers(3, 7))).tolist():
        x, y = rng.uniform(0.1, 0.9, 2).tolist()
        outline, angle = _draw_outline(rng), _draw_angle(rng)
        patch = outline(*sheet.around(x + shift[0], y + shift[1], angle), radius)
        colour = sheet.colours[int(rng.integers(1, 4))]
        blend(sheet.canvas, colour, coverage(patch, sheet.size))
        line = outline(*sheet.around(x, y, angle), radius)
        blend(sheet.canvas, sheet.colours[-1], stroke(line, width, sheet.size))
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(0.2, 0.8, 2).tolist()
        across, _ = sheet.around(x, y, _draw_angle(rng))
        blend(sheet.canvas, sheet.colours[-1], stroke(across, width, sheet.size))


def _nested(rng: np.random.Generator, sheet: _Sheet) -> None:
    """Paint one outline inside itself, turning as it shrinks."""
    x, y = rng.uniform(0.35, 0.65, 2).tolist()
    outline, angle = _draw_outline(rng), _draw_angle(rng)
    twist = float(rng.choice([0.0, 0.1, 0.26, 0.5]))
    radii = np.geomspace(rng.uniform(0.55, 0.9), 0.05, int(rng.integers(5, 10)))
    first = int(rng.integers(4))
    for index, radius in enumerate(radii.tolist()):
        distance = outline(*sheet.around(x, y, angle + index * twist), radius)
        colour = sheet.colours[(first + index) % len(sheet.colours)]
        blend(sheet.canvas, colour, coverage(distance, sheet.size))


def _op_art(rng: np.random.Generator, sheet: _Sheet) -> None:
    """Let one pattern break into another along the edges of a few shapes."""
    ink = _ink(rng, sheet, *rng.uniform(0.2, 0.8, 2).tolist())
    other = _ink(rng, sheet, *rng.uniform(0.2, 0.8, 2).tolist())
    inside: Plane = np.zeros((sheet.size, sheet.size), dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0.2, 0.8, 2).tolist()
        radius = rng.uniform(0.18, 0.4)
        outline, angle = _draw_outline(rng), _draw_angle(rng)
        cover = coverage(outline(*sheet.around(x, y, angle), radius), sheet.size)
        inside = inside + cover - 2 * inside * cover
    tones = rng.permutation(4)[:2] + 1
    outer = mix(sheet.colours[0], sheet.colours[-1], ink)
    inner = mix(sheet.colours[tones[0]], sheet.colours[tones[1]], other)
    sheet.canvas[:] = mix(outer, inner, inside)


def _to_border(squares: Plane, nearest: Indices, places: Plane) -> Plane:
    """Return each pixel's distance to the edge of its cell of nearest points."""
    apart = np.hypot(*(axis[:, None] - axis[None, :] for axis in places))
    np.fill_diagonal(apart, 1e-9)
    own = np.take_along_axis(squares, nearest[None], axis=0)
    to_bisector = (squares - own) / np.moveaxis(2.0 * apart[nearest], 2, 0)
    np.put_along_axis(to_bisector, nearest[None], np.inf, axis=0)
    border: Plane = to_bisector.min(axis=0)
    return border


def _glass(rng: np.random.Generator, sheet: _Sheet) -> None:
    """Paint the cells nearest to random points, set in leading."""
    count = int(rng.integers(6, 16))
    places = rng.uniform(0, 1, (2, count)).astype(np.float32)
    x, y = pixel_centres(sheet.size)
    columns, rows = places[:, :, None, None]
    squares = (x - columns) ** 2 + (y - rows) ** 2
    nearest = squares.argmin(axis=0)
    tones = rng.integers(1, len(sheet.colours), count)
    tints = rng.uniform(0.85, 1.02, count).astype(np.float32)
    cells = sheet.colours[tones, :, 0, 0] * tints[:, None]
    light = 1.05 - 0.6 * np.sqrt(squares.min(axis=0))
    sheet.canvas[:] = np.moveaxis(cells[nearest], 2, 0) * light
    leading = sheet.colours[0] if rng.uniform() < 0.5 else sheet.colours[-1]
    border = _to_border(squares, nearest, places) - rng.uniform(0.014, 0.03)
    blend(sheet.canvas, leading, coverage(border, sheet.size))


def _tiled(rng: np.random.Generator, sheet: _Sheet) -> None:
    """Paint a poster of square tiles."""
    paint_tiles(sheet.canvas, rng, sheet.colours)


_SCENES: tuple[Callable[[np.random.Generator, _Sheet], None], ...] = (
    _scattered,
    _scattered,
    _drawing,
    _nested,
    _op_art,
    _glass,
    _tiled,
)


def shapes(rng: np.random.Generator, size: int) -> Plane:
    """Draw a (3, size, size) composition of crisp, patterned shapes."""
    sheet = _draw_sheet(rng, size)
    scene = _SCENES[int(rng.integers(len(_SCENES)))]
    scene(rng, sheet)
    grain = float(rng.choice([0.0, 0.0, 0.015, 0.03]))
    return sheet.canvas * (1.0 + grain * power_law_field(rng, size, 1.0))
