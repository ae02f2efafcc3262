"""Skies: gradient, stars, sun or moon, and fractal clouds."""

from dataclasses import dataclass

import numpy as np

from .canvas import Plane, blend, coverage, mix, pixel_centres, smoothstep, unit
from .fields import power_law_field
from .moods import Mood
from .palettes import ramp


@dataclass(frozen=True)
class Sun:
    """Where the sun or moon stands, in image widths; radius 0 hides it."""

    x: float
    y: float
    radius: float
    glow: float


def draw_sun(rng: np.random.Generator, mood: Mood, horizon: float) -> Sun:
    """Draw a sun, nearer to the horizon when the mood asks for a low one."""
    height = rng.uniform(0.02, 0.25) if mood.low_sun else rng.uniform(0.3, 0.85)
    shown = rng.uniform() < 0.75
    return Sun(
        x=rng.uniform(0.12, 0.88),
        y=horizon * (1 - height),
        radius=rng.uniform(0.03, 0.07) if shown else 0.0,
        glow=rng.uniform(0.25, 0.6),
    )


def _paint_stars(canvas: Plane, rng: np.random.Generator, horizon: float) -> None:
    """Add round stars as a sum of separable spots, in one matrix product."""
    size = canvas.shape[1]
    x, y = pixel_centres(size)
    places = rng.uniform(0, 1, (2, 45))
    brightness = rng.uniform(0.1, 0.75, 45) ** 1.5
    spread = 0.3 / 64 + 0.2 / size
    columns = np.exp(-(((x - places[0][:, None]) / spread) ** 2))
    rows = np.exp(-(((y - places[1] * horizon) / spread) ** 2))
    spots = unit((rows * brightness) @ columns).astype(np.float32)
    blend(canvas, np.full((3, 1, 1), 0.97, dtype=np.float32), spots)


def _paint_sun(canvas: Plane, rng: np.random.Generator, mood: Mood, sun: Sun) -> None:
    size = canvas.shape[1]
    x, y = pixel_centres(size)
    distance = np.hypot(x - sun.x, y - sun.y)
    blend(canvas, mood.sun, sun.glow * np.exp(np.hypot(distance, 0.07) * -6.0))
    disc = coverage(distance - sun.radius, size)
    crescent = rng.uniform(0.4, 0.9) * sun.radius
    if mood.dark and sun.radius and rng.uniform() < 0.5:
        bite = np.hypot(x - sun.x - crescent, y - sun.y + crescent / 2)
        disc = disc * (1 - coverage(bite - sun.radius, size))
    blend(canvas, mood.sun, disc * min(1.0, sun.radius * 100))


def _flattened(field: Plane, horizon: float) -> Plane:
    """Return a field whose rows crowd together towards the horizon."""
    size = field.shape[0]
    height = np.minimum((np.arange(size) + 0.5) / size / horizon, 1.0)
    place = (0.35 * height + 0.65 * height**3) * (size - 1)
    upper = np.minimum(place.astype(int), size - 2)
    part = (place - upper).astype(np.float32)[:, None]
    return mix(field[upper], field[upper + 1], part)


def _paint_clouds(
    canvas: Plane, rng: np.random.Generator, mood: Mood, horizon: float
) -> None:
    size = canvas.shape[1]
    stretch = float(rng.choice([1.4, 1.8, 2.6, 4.0]))
    field = power_law_field(rng, size, rng.uniform(2.6, 3.3), stretch)
    field = _flattened(field, horizon)
    cover, softness = rng.uniform(-0.5, 1.3), rng.uniform(0.5, 1.6)
    density = smoothstep(field, cover, cover + softness)
    # Below the horizon the last row repeats, which would draw upright bars.
    density *= unit((horizon - pixel_centres(size)[1]) * 12.0)
    above = np.maximum(np.arange(size) - max(round(0.035 * size), 1), 0)
    lit = unit(0.45 + rng.uniform(0.5, 1.0) * (field - field[above]))
    colour = mix(mood.cloud_shade, mood.cloud, lit)
    blend(canvas, colour, density * rng.uniform(0.6, 0.95))


def paint_sky(
    size: int, rng: np.random.Generator, mood: Mood, sun: Sun, horizon: float
) -> Plane:
    """Draw a (3, size, size) sky that reaches its lowest colour at the horizon."""
    _, y = pixel_centres(size)
    gradient = ramp(mood.sky, np.minimum(y / horizon, 1.0) ** rng.uniform(0.7, 1.3))
    canvas = np.repeat(gradient, size, axis=2)
    if mood.dark:
        _paint_stars(canvas, rng, horizon)
    _paint_sun(canvas, rng, mood, sun)
    _paint_clouds(canvas, rng, mood, horizon)
    return canvas
