"""What is done to images before they are measured, and reading it back from files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from spectral_sched.documents.rules import (
    flag,
    members,
    nullable,
    numbers,
    text,
    whole,
)
from spectral_sched.errors import SpecschedError, UsageError, check_choice

from .bands import Bands, bands_member, bands_rule, checked_bands
from .missing import NODATA_RULE, parse_nodata
from .ranges import Limits, Percentiles, as_limits, check_limits, limits_of, range_rule
from .transform import BACKGROUNDS, FILTERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spectral_sched.documents.read import Fields
    from spectral_sched.documents.strict_json import Document


Crop = Literal["center", "none"]
Resize = Literal["lanczos", "bicubic", "bilinear", "box", "nearest"]
Color = Literal["auto", "rgb", "luma"]
Background = Literal["black", "white", "grey"]
Window = Literal["none", "hann"]
Standardize = Literal["none", "band"]


@dataclass(frozen=True)
class Preprocessing:
    """What is done to every image before it is analysed.

    Attributes
    ----------
    resolution
        Length of the shorter side after resizing; None keeps the native size.
    crop
        ``center`` cuts the central square before resizing (only with a resolution).
    resize
        Resampling filter; the top octave of the spectrum depends on it.
    color
        ``auto`` keeps grey images grey and colour ones in RGB.
    background
        What transparent pixels show.
    window
        ``hann`` fades the borders before the transform.
    data_range
        The stored values that are black and white, of all bands or of each; None if
        the file or its type tells.
    fast
        Whether JPEG may be decoded at a fraction of its size.
    bands
        The bands that are channels, counted from 1, or ``all`` of a file, opacity
        among them; None for its colours.
    nodata
        What is done about missing values, and which stand for them: ``refuse`` or
        ``mask``, and a value after a colon.
    percentiles
        Percentiles of a sample that `data_range` was measured as, if it was.
    standardize
        ``band`` where `data_range` is one standard deviation of a sample to either
        side of the mean of each band.
    window_range
        Whether the file's own display window is black to white.
    """

    resolution: int | None = None
    crop: Crop = "center"
    resize: Resize = "lanczos"
    color: Color = "auto"
    background: Background = "black"
    window: Window = "none"
    data_range: Limits | None = None
    fast: bool = False
    bands: Bands | None = None
    nodata: str = "refuse"
    percentiles: Percentiles | None = None
    standardize: Standardize = "none"
    window_range: bool = False

    @property
    def is_measured(self) -> bool:
        """Whether the range follows from a sample of the data, and is not known yet."""
        wanted = self.percentiles is not None or self.standardize == "band"
        return wanted and self.data_range is None


def make_preprocessing(
    resolution: int | None = None,
    crop: str = "center",
    resize: str = "lanczos",
    color: str = "auto",
    *,
    background: str = "black",
    window: str = "none",
    data_range: str | Limits | None = None,
    fast: bool = False,
    bands: str | Sequence[int] | None = None,
    nodata: str = "refuse",
    percentiles: Percentiles | None = None,
    standardize: str = "none",
    window_range: bool = False,
) -> Preprocessing:
    """Return checked settings.

    Parameters
    ----------
    data_range
        Two numbers, a pair for each band, ``percentile:LOW,HIGH`` or ``window``.

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
    check_choice(standardize, get_args(Standardize), "scale", "--standardize")
    parse_nodata(nodata)
    if resolution is not None and resolution < 1:
        message = f"--resolution must be at least 1 pixel, not {resolution}"
        raise UsageError(message)
    limits, found, by_window = limits_of(data_range)
    percentiles, window_range = found or percentiles, window_range or by_window
    check_limits(limits, percentiles, standardize, window=window_range)
    return Preprocessing(
        resolution,
        cast("Crop", crop),
        cast("Resize", resize),
        cast("Color", color),
        cast("Background", background),
        cast("Window", window),
        limits,
        fast,
        checked_bands(bands),
        nodata,
        percentiles,
        cast("Standardize", standardize),
        window_range,
    )


PREPROCESSING = members(
    {
        "resolution": nullable(whole(1)),
        "crop": text(*get_args(Crop)),
        "resize": text(*get_args(Resize)),
        "color": text(*get_args(Color)),
        "background": text(*get_args(Background)),
        "window": text(*get_args(Window)),
        "data_range": nullable(range_rule),
        "fast": flag,
    },
    {
        "bands": bands_rule,
        "nodata": NODATA_RULE,
        "percentiles": numbers(2, least=0, most=100, order="rising"),
        "standardize": text("band"),
        "window_range": flag,
    },
)
"""What a file says of it."""

LATER: Mapping[str, type | tuple[type, ...]] = {
    "bands": (str, list),
    "nodata": str,
    "percentiles": list,
    "standardize": str,
    "window_range": bool,
}
"""Settings that a file holds where they are not the usual ones, and their types."""


def preprocessing_members(settings: Preprocessing) -> Document:
    """Return what a file says of what was done to the images."""
    usual = Preprocessing()
    told: Document = {
        name: value
        for name, value in asdict(settings).items()
        if name not in LATER or value != getattr(usual, name)
    }
    return told | ({"bands": bands_member(told["bands"])} if "bands" in told else {})


def read_preprocessing(fields: Fields) -> Preprocessing:
    """Read what was done to the images."""
    names = ("crop", "resize", "color", "background", "window")
    settings: dict[str, Any] = {name: fields.get(name, str) for name in names}
    settings["resolution"] = fields.get("resolution", (int, NoneType))
    settings["fast"] = fields.get("fast", bool)
    limits = fields.get("data_range", (list, NoneType))
    settings["data_range"] = None if limits is None else as_limits(limits)
    for name, kind in LATER.items():
        if name in fields:
            settings[name] = fields.get(name, kind)
    if "percentiles" in settings:
        settings["percentiles"] = tuple(settings["percentiles"])
    try:
        return make_preprocessing(**settings)
    except SpecschedError as error:
        raise fields.damaged("preprocessing", f"says: {error}") from error
