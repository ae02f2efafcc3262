"""Still water: a rippled mirror of the image above the shore."""

import numpy as np

from .canvas import Plane, blend, coverage, mix, pixel_centres, smoothstep, unit
from .fields import power_law_field
from .moods import Mood
from .sky import Sun


def _mirrored(canvas: Plane, shore: float, shift: Plane) -> Plane:
    """Return the image upside down about the shore, each pixel moved by shift."""
    size = canvas.shape[1]
    _, y = pixel_centres(size)
    source = (2.0 * shore - y + shift) * size - 0.5
    source = np.minimum(np.maximum(source, 0.0), size - 1.001)
    upper = source.astype(int)
    columns = np.arange(size)[None, :]
    part = (source - upper).astype(np.float32)
    return mix(canvas[:, upper, columns], canvas[:, upper + 1, columns], part)


def paint_water(
    canvas: Plane, rng: np.random.Generator, mood: Mood, sun: Sun, shore: float
) -> None:
    """Cover everything below the shore with its rippled reflection."""
    size = canvas.shape[1]
    x, y = pixel_centres(size)
    ripple = power_law_field(rng, size, 2.0, 7.0)
    nearness = unit((y - shore) / (1.0 - shore))
    strength = rng.uniform(0.004, 0.035)
    water = _mirrored(canvas, shore, ripple * strength * (0.3 + nearness))
    tint = mix(mood.sky[0], mood.ground, rng.uniform(0.1, 0.5))
    blend(water, tint, 0.12 + 0.35 * nearness)
    water *= 1.0 + ripple * (0.03 + 0.05 * nearness)
    path = np.exp(-(((x - sun.x) / (0.06 + 0.1 * nearness)) ** 2))
    sparkle = smoothstep(ripple, 0.0, 1.6) * path * (0.7 if sun.radius else 0.25)
    blend(water, mood.sun, sparkle)
    blend(canvas, water, coverage(shore - y, size))
    blend(canvas, mood.haze, 0.3 * unit(1.0 - np.abs(y - shore) * 64.0))
