"""Colour fields: palettes laid over power-law noise, from silk to sand."""

import numpy as np

from .parts.canvas import Plane, mix
from .parts.fields import power_law_field
from .parts.palettes import hue_ramp, ramp

LOWEST_EXPONENT = 0.8
HIGHEST_EXPONENT = 3.6


def _squashed(field: Plane, contrast: float) -> Plane:
    """Return a field in 0..1 that nears the ends without reaching them."""
    bounded: Plane = np.tanh(field * contrast)
    return 0.5 + 0.5 * bounded


def color_fields(rng: np.random.Generator, size: int) -> Plane:
    """Draw a (3, size, size) colour field whose power falls as 1 / f**a.

    One field runs along a dark-to-light palette, and a second field, always
    smoother, fades between two such palettes: the channels stay correlated.
    """
    exponent = rng.uniform(LOWEST_EXPONENT, HIGHEST_EXPONENT)
    stretch = float(rng.choice([1.0, 1.0, 1.0, 1.5, 2.2]))
    hue, turn = rng.uniform(), float(rng.choice([-0.42, -0.25, -0.12, 0.12, 0.25, 0.5]))
    palettes = [hue_ramp(rng, start) for start in (hue, hue + turn)]
    tone = power_law_field(rng, size, exponent, stretch)
    shade = power_law_field(rng, size, max(exponent, 1.8) + 0.8, stretch)
    # The finer the grain the lower its contrast, or it hides the larger forms.
    position = _squashed(tone, 0.25 + 0.12 * exponent)
    first, second = (ramp(palette, position) for palette in palettes)
    return mix(first, second, _squashed(shade, 1.3))
