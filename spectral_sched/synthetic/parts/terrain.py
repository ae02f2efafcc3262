"""Ridges: silhouettes with haze, slopes in light and shadow, snow and trees."""

from dataclasses import dataclass

import numpy as np

from .canvas import Plane, blend, mix, pixel_centres, smoothstep, unit
from .fields import power_law_field, power_law_profile
from .moods import Mood

_ROUGHNESS = {"peaks": 3.3, "hills": 4.2, "crags": 2.9, "dunes": 4.6, "mesas": 3.4}
_HEIGHTS = {"peaks": 0.095, "hills": 0.035, "crags": 0.05, "dunes": 0.04, "mesas": 0.06}


@dataclass(frozen=True)
class Ridge:
    """One layer of land: its top edge and how near it is, 0 far to 1 near."""

    crest: Plane
    depth: float
    snow: bool = False


@dataclass(frozen=True)
class Surface:
    """What all ridges of an image share: a rough field and where light is from."""

    relief: Plane
    side: float


def draw_surface(rng: np.random.Generator, size: int, sun_x: float) -> Surface:
    """Draw the (size, size) relief lit from the side of the sun."""
    return Surface(power_law_field(rng, size, 2.3, 1.5), 1.0 if sun_x > 0.5 else -1.0)


def _shaped(terrain: str, profile: Plane, other: Plane) -> Plane:
    """Return heights of about -1..2 from two smooth standardised lines."""
    shaped = profile
    if terrain == "peaks":
        shaped = 1.1 - 1.3 * np.abs(profile) + 0.3 * other
    elif terrain == "dunes":
        shaped = 1.0 - 1.6 * np.abs(profile)
    elif terrain == "mesas":
        shaped = 1.2 * np.tanh(3.0 * profile) + 0.1 * other
    return shaped


def draw_crest(rng: np.random.Generator, size: int, terrain: str, base: float) -> Plane:
    """Draw the (size,) heights of a ridge around ``base``, measured from the top."""
    roughness = _ROUGHNESS[terrain]
    profile = power_law_profile(rng, size, roughness)
    other = power_law_profile(rng, size, roughness)
    height = _HEIGHTS[terrain] * rng.uniform(0.7, 1.5)
    return base - height * _shaped(terrain, profile, other)


def with_conifers(rng: np.random.Generator, crest: Plane, tallest: float) -> Plane:
    """Return a crest with a row of pointed trees standing on it."""
    size = crest.shape[0]
    x = pixel_centres(size)[0]
    count = int(rng.integers(8, 30))
    middle, spread = rng.uniform(0, 1), rng.uniform(0.15, 0.6)
    place = rng.normal(middle, spread, count).astype(np.float32)[:, None]
    height = (tallest * rng.uniform(0.4, 1.0, count)).astype(np.float32)[:, None]
    foot = np.interp(place, x[0], crest).astype(np.float32)
    away = np.abs(x - place) / (0.2 * height + 0.004)
    # Saw teeth along the sides make boughs.
    boughs = 0.12 * (away * 3.0 - np.floor(away * 3.0))
    tops = foot - height * np.where(away < 1.0, 1.0 - away + boughs, -1.0)
    highest: Plane = np.minimum(crest, tops.min(axis=0))
    return highest


def _facing(crest: Plane, side: float) -> Plane:
    """Return -1..1 along a crest: how far its broad slopes turn to the light."""
    size = len(crest)
    reach = max(size // 20, 1)
    padded = np.pad(crest, reach, mode="edge")
    total = np.concatenate([[0.0], np.cumsum(padded, dtype=np.float64)])
    smooth = (total[2 * reach :] - total[: -2 * reach])[:size] / (2 * reach)
    facing: Plane = np.tanh(np.gradient(smooth) * size * 2.0 * side)
    return facing.astype(np.float32)


def _bumps(relief: Plane, side: float) -> Plane:
    """Return the brightness that a relief lit from one side adds."""
    size = len(relief)
    left = np.maximum(np.arange(size) - max(size // 64, 1), 0)
    return (relief - relief[:, left]) * side


def _lighting(ridge: Ridge, surface: Surface, below: Plane) -> Plane:
    """Return the brightness of the land: flanks below the crest, then roughness."""
    x, _ = pixel_centres(len(ridge.crest))
    facing = _facing(ridge.crest, surface.side)
    place = x + (0.03 * surface.relief) * np.minimum(np.abs(below) * 20.0, 1.0)
    flank = np.interp(place, x[0], facing).astype(np.float32)
    fade = np.exp(np.maximum(below, 0.0) * -6.0)
    bumps = _bumps(surface.relief, surface.side)
    return 1.0 + (0.3 * flank * fade + 0.1 * bumps) * (0.4 + 0.6 * ridge.depth)


def _snow(ridge: Ridge, surface: Surface, below: Plane) -> Plane:
    """Return how much snow lies where: caps that reach lower on higher summits."""
    height = ridge.crest.mean() - ridge.crest
    line = 0.75 * height + 0.015 + 0.012 * surface.relief
    return 1.0 - smoothstep(below - line, -0.012, 0.012)


def turn(surface: Surface, index: int) -> Surface:
    """Return a surface mirrored one of four ways, so that ridges differ."""
    relief = surface.relief[:: 1 - 2 * (index & 1), :: 1 - (index & 2)]
    return Surface(relief, surface.side)


def paint_ridge(canvas: Plane, mood: Mood, ridge: Ridge, surface: Surface) -> None:
    """Lay one ridge, paler and bluer the farther it is, over the canvas."""
    size = canvas.shape[1]
    _, y = pixel_centres(size)
    slope = np.gradient(ridge.crest) * size
    below = y - ridge.crest
    cover = unit(0.5 + below * size / np.sqrt(1.0 + slope**2))
    colour = np.repeat(np.repeat(mood.ground, size, axis=1), size, axis=2)
    if ridge.snow:
        blend(colour, mix(mood.cloud, mood.haze, 0.15), _snow(ridge, surface, below))
    colour *= _lighting(ridge, surface, below)
    haze = 0.88 * (1.0 - ridge.depth) ** 1.2
    mist = 0.45 * (1.0 - ridge.depth) * unit(below * 4.0)
    blend(colour, mood.haze, haze + (1.0 - haze) * mist)
    blend(canvas, colour, cover)
