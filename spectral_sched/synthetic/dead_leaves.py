"""Dead leaves: occluding disks, ellipses and pointed leaves of power-law sizes."""

from dataclasses import dataclass
from math import cos, hypot, sin

import numpy as np
from numpy.typing import NDArray

from .parts.canvas import Plane, coverage, fill, pixel_centres, rotate, stroke, unit
from .parts.fields import power_law_field
from .parts.palettes import harmony

_GROUND_LEAVES = 20
_MOST_LEAVES = 300
_DEPTH = 2.2

# Columns of the array of leaves; lengths in image widths, angles in radians.
_X, _Y, _LENGTH, _WIDTH, _ANGLE = range(5)


@dataclass(frozen=True)
class _Style:
    """What the leaves of one image share; lengths in image widths."""

    pointed: bool
    slenderness: float
    sweep: float
    dome: float
    rings: float
    grain: float
    shadow: float
    light: float


def _draw_style(rng: np.random.Generator) -> _Style:
    pointed = rng.uniform() < 0.3
    slender = rng.uniform(0.4, 0.6) if pointed else rng.choice([1.0, 0.8, 0.5])
    return _Style(
        pointed=pointed,
        slenderness=float(slender),
        sweep=rng.uniform(0.02, 0.16),
        dome=float(rng.choice([0.0, 0.12, 0.3])),
        rings=0.0 if pointed else float(rng.choice([0.0, 0.0, 0.0, 0.07])),
        grain=float(rng.choice([0.0, 0.02, 0.05])),
        shadow=rng.uniform(0.2, 0.55),
        light=rng.uniform(-2.8, -0.4),
    )


def _draw_radii(rng: np.random.Generator) -> Plane:
    """Draw radii of density 1 / r**exponent, after a ground of large leaves.

    The ground stands for the endless past of the model, which hides everything.
    """
    exponent = rng.uniform(2.0, 3.2)
    smallest, largest = rng.uniform(0.03, 0.07), rng.uniform(0.16, 0.38)
    ends = np.array([smallest, largest]) ** (1 - exponent)
    steps = rng.uniform(size=_MOST_LEAVES)
    radii = (ends[0] + (ends[1] - ends[0]) * steps) ** (1 / (1 - exponent))
    needed = _DEPTH / (np.pi * float(np.mean(radii**2)))
    ground = np.full(_GROUND_LEAVES, max(largest, 0.25))
    return np.concatenate([ground, radii[: int(min(needed, _MOST_LEAVES))]])


def _draw_leaves(rng: np.random.Generator, style: _Style) -> Plane:
    """Return one row for each leaf, the deepest first."""
    radii = _draw_radii(rng)
    aspect = style.slenderness ** rng.uniform(0.4, 1.0, radii.size)
    places = rng.uniform(-0.1, 1.1, (2, radii.size))
    angles = rng.uniform(0, 2 * np.pi, radii.size)
    stretch = 1 / np.sqrt(aspect)
    return np.stack([*places, radii * stretch, radii / stretch, angles], axis=1)


def _inside(leaves: Plane, points: Plane) -> NDArray[np.bool_]:
    """Tell which of the (2, points) lie inside the ellipse of each leaf."""
    x, y, length, width, angle = leaves.astype(np.float32).T
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) / length[:, None]
    across = np.stack([-np.sin(angle), np.cos(angle)], axis=1) / width[:, None]
    square = np.zeros((len(leaves), points.shape[1]), dtype=np.float32)
    for axis in (along, across):
        offset = axis[:, 0] * x + axis[:, 1] * y
        square += (axis @ points - offset[:, None]) ** 2
    return square < 1.0


def _visible(leaves: Plane) -> list[int]:
    """Return the places of the leaves that show at a lattice of points.

    Painting only these is the same image but for slivers, in half the time.
    """
    line = np.linspace(-0.01, 1.01, 28, dtype=np.float32)
    points = np.stack(np.meshgrid(line, line)).reshape(2, -1)
    inside = _inside(leaves, points)[::-1]
    top = len(leaves) - 1 - inside.argmax(axis=0)
    return [int(place) for place in np.unique(top[inside.any(axis=0)])]


def _ellipse(along: Plane, across: Plane, length: float, width: float) -> Plane:
    """Return the signed distance to an ellipse, exact near its edge."""
    level: Plane = np.hypot(along / length, across / width)
    slope: Plane = np.hypot(along / length**2, across / width**2)
    return level * (level - 1) / np.maximum(slope, 1e-6)


def _pointed(along: Plane, across: Plane, length: float, width: float) -> Plane:
    """Return the signed distance to the lens where two equal disks overlap."""
    radius = (length**2 + width**2) / (2 * width)
    return np.hypot(along, np.abs(across) + (radius - width)) - radius


class _Painter:
    """Paint leaves one by one onto a (3, size, size) canvas."""

    def __init__(self, canvas: Plane, style: _Style, grain: Plane) -> None:
        self.canvas = canvas
        self.style = style
        self.grain = grain
        self.size = canvas.shape[1]
        self.x, self.y = pixel_centres(self.size)
        self.to_light = cos(style.light), sin(style.light)

    def window(self, leaf: list[float]) -> tuple[slice, slice]:
        """Return the rows and columns that a leaf and its shadow touch."""
        x, y, length, width, angle = leaf
        margin = 0.12 * width + 1.5 / self.size
        half_x = hypot(length * cos(angle), width * sin(angle)) + margin
        half_y = hypot(length * sin(angle), width * cos(angle)) + margin
        ends = (y - half_y, y + half_y, x - half_x, x + half_x)
        top, bottom, left, right = (max(int(end * self.size), 0) for end in ends)
        return slice(top, bottom + 1), slice(left, right + 1)

    def paint(self, leaf: list[float], colour: Plane, shift: int) -> None:
        """Darken what lies around a leaf, then lay the leaf over it."""
        window = self.window(leaf)
        x, y = self.x[:, window[1]] - leaf[_X], self.y[window[0]] - leaf[_Y]
        along, across = rotate(x, y, leaf[_ANGLE])
        outline = _pointed if self.style.pointed else _ellipse
        distance = outline(along, across, leaf[_LENGTH], leaf[_WIDTH])
        area = self.canvas[:, window[0], window[1]]
        area *= self.shade(distance, leaf)
        light = self.light(x, y, distance, leaf)
        light += self.texture(light.shape, shift)
        if self.style.pointed:
            light -= 0.12 * stroke(across, 0.05 * leaf[_WIDTH] + 0.006, self.size)
        area += (colour * light - area) * coverage(distance, self.size)

    def shade(self, distance: Plane, leaf: list[float]) -> Plane:
        """Return the factor by which a leaf darkens its surroundings."""
        reach = 0.12 * leaf[_WIDTH] + 1.0 / self.size
        near = unit(1.0 - distance / reach)
        return 1.0 - self.style.shadow * near * near

    def light(self, x: Plane, y: Plane, distance: Plane, leaf: list[float]) -> Plane:
        """Return the brightness of a leaf: a slope to the light and a domed rim."""
        style, scale = self.style, 1 / leaf[_LENGTH]
        sweep = (style.sweep + style.dome / 2) * scale
        light = 1.0 + (x * (self.to_light[0] * sweep) + y * (self.to_light[1] * sweep))
        if style.dome or style.rings:
            depth = np.minimum(1.0 + distance / leaf[_WIDTH], 1.2)
            light -= style.dome * depth**3
            light += style.rings * np.sin(depth * 14.0)
        return light

    def texture(self, shape: tuple[int, ...], shift: int) -> Plane | float:
        """Return a patch of the shared grain, another place for every leaf."""
        if not self.style.grain:
            return 0.0
        row, column = shift % self.size, shift // 7 % self.size
        return self.grain[row : row + shape[0], column : column + shape[1]]


def dead_leaves(rng: np.random.Generator, size: int) -> Plane:
    """Draw a (3, size, size) pile of leaves that hide one another.

    Radii follow a power law and edges are sharp: power falls near 1 / f**3.
    """
    style = _draw_style(rng)
    palette = harmony(rng, 6, rng.uniform(0.22, 0.4), rng.uniform(0.78, 0.92))
    leaves = _draw_leaves(rng, style)
    picks = rng.integers(len(palette), size=len(leaves))
    tints = rng.normal(1.0, 0.06, len(leaves)).clip(0.85, 1.08).astype(np.float32)
    shifts = rng.integers(1 << 30, size=len(leaves)).tolist()
    grain = np.tile(style.grain * power_law_field(rng, size, 1.6), (2, 2))
    painter = _Painter(fill(palette[0], size), style, grain)
    for place in _visible(leaves):
        colour = palette[picks[place]] * tints[place]
        painter.paint(leaves[place].tolist(), colour, shifts[place])
    return painter.canvas
