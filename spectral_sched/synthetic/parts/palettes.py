"""Harmonious colours, drawn in OKLab and given as sRGB values in 0..1.

One colour has shape (3, 1, 1) and a palette (count, 3, 1, 1), ready to broadcast
against planes of pixels.
"""

import numpy as np

from .canvas import Plane

# The published definition of OKLab (Ottosson, 2020).
_LAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

# Hue steps in turns: neighbours, opposites, split opposites, triad, single hue.
_SCHEMES = (
    (0.0, 0.06, -0.06, 0.12, -0.1),
    (0.0, 0.5, 0.05, 0.45, 0.03),
    (0.0, 0.42, 0.58, 0.04, -0.04),
    (0.0, 0.33, 0.67, 0.03, 0.36),
    (0.0, 0.02, -0.02, 0.5, 0.01),
)


def _linear_rgb(lightness: Plane, chroma: Plane, hue: Plane) -> Plane:
    angle = 2 * np.pi * hue
    planes = (lightness, chroma * np.cos(angle), chroma * np.sin(angle))
    lab = np.stack(np.broadcast_arrays(*planes), axis=-1)
    rgb: Plane = (lab @ _LAB_TO_CONES.T) ** 3 @ _CONES_TO_RGB.T
    return rgb


def _encoded(linear: Plane) -> Plane:
    clipped = np.clip(linear, 0.0, 1.0)
    curve = 1.055 * clipped ** (1 / 2.4) - 0.055
    return np.where(clipped <= 0.0031308, 12.92 * clipped, curve)


def from_lch(lightness: Plane, chroma: Plane, hue: Plane) -> Plane:
    """Return the (count, 3, 1, 1) sRGB palette of OKLCh values, hue in turns.

    Chroma shrinks until a colour fits well inside the sRGB cube, so that shading
    it later clips little.
    """
    shrink = np.linspace(1.0, 0.0, 21)[:, None]
    trial = _linear_rgb(lightness, chroma * shrink, hue)
    fits = ((trial >= 0.002) & (trial <= 0.96)).all(axis=-1)
    best = trial[fits.argmax(axis=0), np.arange(lightness.size)]
    return _encoded(best).astype(np.float32)[:, :, None, None]


def from_hex(*codes: str) -> Plane:
    """Return the (count, 3, 1, 1) palette of codes such as ``"3b7fc4"``."""
    levels = [list(bytes.fromhex(code)) for code in codes]
    return (np.array(levels, dtype=np.float32) / 255)[:, :, None, None]


def harmony(
    rng: np.random.Generator, count: int, low: float, high: float, vivid: float = 0.0
) -> Plane:
    """Draw a palette that runs from dark to light along one hue scheme.

    ``low`` and ``high`` are the OKLab lightness of the darkest and the lightest;
    ``vivid``, 0..1, keeps the palette from muted colours.
    """
    scheme = np.array(_SCHEMES[int(rng.integers(len(_SCHEMES)))])
    steps = scheme[np.arange(count) % scheme.size]
    hue = rng.uniform() + rng.permutation(steps) + rng.normal(0, 0.012, count)
    lightness = np.linspace(low, high, count) + rng.uniform(-0.04, 0.04, count)
    chroma = rng.uniform(0.05 + 0.08 * vivid, 0.2) * rng.uniform(0.5, 1.1, count)
    return from_lch(lightness, chroma, hue)


def ramp(palette: Plane, position: Plane) -> Plane:
    """Return the (3, ...) colours at positions 0..1 along a palette."""
    stops = np.linspace(0.0, 1.0, len(palette))
    channels = palette.reshape(len(palette), 3).T
    colours = [np.interp(position, stops, channel) for channel in channels]
    return np.stack(colours).astype(np.float32)


def hue_ramp(rng: np.random.Generator, hue: float) -> Plane:
    """Draw seven colours from dark to light whose hue drifts from ``hue`` (turns)."""
    steps = np.linspace(0.0, 1.0, 7)
    drift = rng.uniform(0.04, 0.22) * rng.choice([-1.0, 1.0])
    low, high = rng.uniform(0.14, 0.38), rng.uniform(0.82, 0.97)
    chroma = rng.uniform(0.06, 0.2) * (0.45 + 0.55 * np.sin(np.pi * steps))
    return from_lch(low + (high - low) * steps, chroma, hue + drift * (steps - 0.5))
