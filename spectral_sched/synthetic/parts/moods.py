"""Times of day: the colours that one landscape shares."""

from dataclasses import dataclass

import numpy as np

from .canvas import Plane
from .palettes import from_hex

# Colours in the order of the fields of Mood: three stops of sky, then the rest.
_COLOURS = {
    "noon": "2f6fb5 74a9d8 d3e6ee a9c6d8 48702f fbf8f0 93a6bd fff6d8",
    "morning": "5b8fc0 a9c8dc f6e3c8 c9cfd0 55713a fff3e2 a9a9b4 fff1c4",
    "golden": "4f78a8 d9b98a ffd684 e3b070 5a4426 ffe3b0 a8836f fff2b8",
    "sunset": "34316b b4567f ff9a55 b9607c 2c1f38 ffb07a 6a3f6c ffe08a",
    "dusk": "181e4a 5a4a86 e39aa2 7d6a9c 1b1a33 c78aa8 3b3768 ffe2c8",
    "night": "070d24 14224a 33508a 263e6c 080e1c 5f7aa8 18284c f4f1dc",
    "overcast": "8796a3 aab6bd d9dcd8 b3bcbf 46553f e6e8e6 78848f f4f4ec",
    "desert": "3f86b4 9cc4cf f6dfb6 e0b48c a5552e fdf3e2 c0a59a fff5d0",
    "winter": "6d9bc8 a9c6e0 eef2f4 c3d4e2 6f8598 fafcfd a3b2c8 fff6e0",
    "mist": "9dbdb6 c3d6c8 f1efd9 cfdccb 275040 fbfaf0 a6b9b0 fffbe6",
    "aurora": "0a1c30 14524f 5fb08a 2b6560 0a1a1e 7cc4a4 1c4c54 eafbe8",
    "rose": "7a6fae c79ac0 fbd3cf d3a6b8 573f5e ffe6e2 a581a8 fff0dc",
}

_LOW_SUN = frozenset({"golden", "sunset", "dusk", "rose"})
_DARK = frozenset({"night", "aurora", "dusk"})
_TERRAINS = {
    "desert": ("dunes", "mesas", "dunes", "crags"),
    "winter": ("peaks", "peaks", "hills"),
    "mist": ("hills", "peaks", "hills"),
}
_SNOW = {"winter": 0.95, "noon": 0.4, "morning": 0.4, "rose": 0.4, "overcast": 0.4}


@dataclass(frozen=True)
class Mood:
    """The colours, each (3, 1, 1), and habits of a time of day.

    ``sky`` holds three colours from the zenith down; ``snow`` is the probability
    of snow on the peaks.
    """

    sky: Plane
    haze: Plane
    ground: Plane
    cloud: Plane
    cloud_shade: Plane
    sun: Plane
    low_sun: bool
    dark: bool
    snow: float
    terrains: tuple[str, ...]


def draw_mood(rng: np.random.Generator) -> Mood:
    """Draw a time of day under a colour cast of its own."""
    name = list(_COLOURS)[int(rng.integers(len(_COLOURS)))]
    colours = from_hex(*_COLOURS[name].split())
    cast = rng.uniform(0.92, 1.06, (1, 3, 1, 1)).astype(np.float32)
    colours = np.minimum(colours * cast, 0.985)
    return Mood(
        sky=colours[:3],
        haze=colours[3],
        ground=colours[4] * np.float32(rng.uniform(0.8, 1.15)),
        cloud=colours[5],
        cloud_shade=colours[6],
        sun=colours[7],
        low_sun=name in _LOW_SUN,
        dark=name in _DARK,
        snow=_SNOW.get(name, 0.0),
        terrains=_TERRAINS.get(name, ("peaks", "hills", "crags", "hills")),
    )
