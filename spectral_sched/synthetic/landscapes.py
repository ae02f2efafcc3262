"""Landscapes: a sky, ridges fading into the distance, sometimes water and trees."""

import numpy as np

from .parts.canvas import Plane
from .parts.moods import Mood, draw_mood
from .parts.sky import draw_sun, paint_sky
from .parts.terrain import (
    Ridge,
    draw_crest,
    draw_surface,
    paint_ridge,
    turn,
    with_conifers,
)
from .parts.water import paint_water


def _draw_ridges(
    rng: np.random.Generator, size: int, mood: Mood, top: float, bottom: float
) -> list[Ridge]:
    """Draw ridges from far to near whose bases step down from top to bottom."""
    count = int(rng.integers(2, 6))
    first = int(rng.integers(len(mood.terrains)))
    snowy = rng.uniform() < mood.snow
    ridges = []
    for index in range(count):
        depth = (index + rng.uniform(0.5, 1.0)) / count
        terrain = mood.terrains[(first + index) % len(mood.terrains)]
        base = top + (bottom - top) * (index / count) ** 1.2
        crest = draw_crest(rng, size, terrain, base)
        ridges.append(Ridge(crest, depth, snowy and terrain == "peaks"))
    return ridges


def _draw_bank(rng: np.random.Generator, size: int, wooded: bool) -> Ridge:
    """Draw the dark near bank that frames an image from below."""
    crest = draw_crest(rng, size, "hills", rng.uniform(0.88, 0.98))
    if wooded:
        crest = with_conifers(rng, crest, rng.uniform(0.12, 0.3))
    return Ridge(crest, 1.0)


def landscapes(rng: np.random.Generator, size: int) -> Plane:
    """Draw a (3, size, size) landscape at a random time of day."""
    mood = draw_mood(rng)
    has_water, has_bank, wooded = (rng.uniform(size=3) < (0.45, 0.6, 0.6)).tolist()
    horizon = rng.uniform(0.5, 0.72) if has_water else rng.uniform(0.4, 0.62)
    sun = draw_sun(rng, mood, horizon)
    canvas = paint_sky(size, rng, mood, sun, horizon)
    surface = draw_surface(rng, size, sun.x)
    reach = (horizon - 0.1, horizon) if has_water else (horizon, 0.95)
    ridges = _draw_ridges(rng, size, mood, *reach)
    for index, ridge in enumerate(ridges):
        paint_ridge(canvas, mood, ridge, turn(surface, index))
    if has_water:
        paint_water(canvas, rng, mood, sun, horizon)
    if has_bank:
        paint_ridge(canvas, mood, _draw_bank(rng, size, wooded), surface)
    return canvas
