"""What is done to images before they are measured, and reading it back from files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from spectral_sched.documents.rules import flag, members, nullable, numbers, text, whole
from spectral_sched.errors import SpecschedError, UsageError, check_choice

from .transform import BACKGROUNDS, FILTERS

if TYPE_CHECKING:
    from spectral_sched.documents.read import Fields


Crop = Literal["center", "none"]
Resize = Literal["lanczos", "bicubic", "bilinear", "box", "nearest"]
Color = Literal["auto", "rgb", "luma"]
Background = Literal["black", "white", "grey"]
Window = Literal["none", "hann"]


@dataclass(frozen=True)
class Preprocessing:
    """What is done to every picture before it is analysed.

    Attributes
    ----------
    resolution
        Length of the shorter side after resizing; None keeps the native size.
    crop
        ``center`` cuts the central square before resizing (only with a resolution).
    resize
        Resampling filter; the top octave of the spectrum depends on it.
    color
        ``auto`` keeps grey pictures grey and colour ones in RGB.
    background
        What transparent pixels show.
    window
        ``hann`` fades the borders before the transform.
    data_range
        The stored values that are black and white; None if their type tells.
    fast
        Whether JPEG may be decoded at a fraction of its size.
    """

    resolution: int | None = None
    crop: Crop = "center"
    resize: Resize = "lanczos"
    color: Color = "auto"
    background: Background = "black"
    window: Window = "none"
    data_range: tuple[float, float] | None = None
    fast: bool = False


def make_preprocessing(
    resolution: int | None = None,
    crop: str = "center",
    resize: str = "lanczos",
    color: str = "auto",
    *,
    background: str = "black",
    window: str = "none",
    data_range: tuple[float, float] | None = None,
    fast: bool = False,
) -> Preprocessing:
    """Return checked settings.

    Raises
    ------
    UsageError
        If a setting is unknown, the resolution below 1 or the data range empty.
    """
    check_choice(crop, get_args(Crop), "crop", "--crop")
    check_choice(resize, FILTERS, "filter", "--resize")
    check_choice(color, get_args(Color), "colour mode", "--color")
    check_choice(background, BACKGROUNDS, "background", "--background")
    check_choice(window, get_args(Window), "window", "--window")
    if resolution is not None and resolution < 1:
        message = f"--resolution must be at least 1 pixel, not {resolution}"
        raise UsageError(message)
    if data_range is not None:
        _check_range(*data_range)
    return Preprocessing(
        resolution,
        cast("Crop", crop),
        cast("Resize", resize),
        cast("Color", color),
        cast("Background", background),
        cast("Window", window),
        data_range,
        fast,
    )


def _check_range(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        message = f"--data-range needs LOW,HIGH with LOW below HIGH, not {low},{high}"
        raise UsageError(message)


PREPROCESSING = members(
    {
        "resolution": nullable(whole(1)),
        "crop": text(*get_args(Crop)),
        "resize": text(*get_args(Resize)),
        "color": text(*get_args(Color)),
        "background": text(*get_args(Background)),
        "window": text(*get_args(Window)),
        "data_range": nullable(numbers(2, order="rising")),
        "fast": flag,
    }
)
"""What a file says of it."""


def read_preprocessing(fields: Fields) -> Preprocessing:
    """Read what was done to the pictures."""
    names = ("crop", "resize", "color", "background", "window")
    settings: dict[str, Any] = {name: fields.get(name, str) for name in names}
    settings["resolution"] = fields.get("resolution", (int, NoneType))
    settings["fast"] = fields.get("fast", bool)
    if fields.get("data_range", (list, NoneType)) is not None:
        settings["data_range"] = tuple(fields.array("data_range", (2,)).tolist())
    try:
        return make_preprocessing(**settings)
    except SpecschedError as error:
        raise fields.damaged("preprocessing", f"says: {error}") from error
