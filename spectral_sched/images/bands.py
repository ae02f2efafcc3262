"""Bands: which channels of an image are used, when they are more than colours.

A file's bands are counted from 1, as the programs of these fields count them. Where
bands are chosen, none of them is opacity and nothing is composited.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from spectral_sched.documents.rules import numbers
from spectral_sched.errors import ImageError, UsageError
from spectral_sched.words import number_of

from .modes import channels
from .raster import array_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spectral_sched.documents.rules import Place

    from .raster import Raster

MAX_BANDS = 16
"""Most channels of an image."""

Bands = Literal["all"] | tuple[int, ...]
"""All bands, or some counted from 1, in the order in which they become channels."""


def checked_bands(bands: str | Sequence[int] | None) -> Bands | None:
    """Return bands that were chosen; None stays None, for the colours of a file.

    Parameters
    ----------
    bands
        ``all``, numbers from 1, or the same as a text, as in ``1,2,3``.

    Raises
    ------
    UsageError
        If they are no such numbers, there are too many, or one is named twice.

    Examples
    --------
    >>> checked_bands("4,3,2"), checked_bands("all")
    ((4, 3, 2), 'all')
    """
    if bands is None:
        return None
    if isinstance(bands, str) and bands == "all":
        return "all"
    parts = bands.split(",") if isinstance(bands, str) else bands
    try:
        chosen = tuple(int(part) for part in parts)
    except (TypeError, ValueError):
        chosen = ()
    if not chosen or min(chosen) < 1 or len(set(chosen)) < len(chosen):
        message = f"--bands needs all, or numbers from 1 as in 1,2,3, not {bands!r}"
        raise UsageError(message)
    if len(chosen) > MAX_BANDS:
        message = (
            f"--bands names {number_of(len(chosen), 'band')}, more than {MAX_BANDS}"
        )
        raise UsageError(message)
    return chosen


def bands_rule(value: object, place: Place) -> None:
    """Hold a value of a file to ``all`` or numbers of bands."""
    if value != "all":
        numbers(None, least=1, whole=True)(value, place)


def bands_member(bands: Bands) -> object:
    """Return bands as a file says them."""
    return bands if bands == "all" else list(bands)


def band_places(bands: Bands | None, count: int, name: str) -> list[int]:
    """Return the places, from 0, of the bands that are used of so many.

    Raises
    ------
    ImageError
        If one is not there, or all are too many.
    """
    chosen = range(1, count + 1) if bands in (None, "all") else bands
    missing = [band for band in chosen if isinstance(band, int) and band > count]
    if missing:
        message = (
            f"{name} has {number_of(count, 'band')}, and no band {missing[0]}; see "
            "--bands"
        )
        raise ImageError(message, "bands")
    if len(chosen) > MAX_BANDS:
        message = (
            f"{name} has {number_of(count, 'band')}, more than {MAX_BANDS}; choose "
            "some of them, as in --bands 1,2,3"
        )
        raise ImageError(message, "bands")
    return [int(band) - 1 for band in chosen]


def with_bands(picture: Raster, bands: Bands | None, name: str) -> Raster:
    """Return an image whose channels are the bands that are wanted of it.

    Raises
    ------
    ImageError
        If one of them is not there, or they are too many.
    """
    if bands is None or picture.chosen:
        return picture
    apart = channels(replace(picture, key=None))
    values = array_of(apart.values)
    if apart.opacity is not None:
        values = np.concatenate([values, apart.opacity[..., None]], axis=2)
    places = band_places(bands, values.shape[2], name)
    return replace(apart, values=_taken(values, places), opacity=None, chosen=True)


def _taken(values: NDArray[Any], places: list[int]) -> NDArray[Any]:
    everything = list(range(values.shape[2]))
    return values if places == everything else values[..., places]


def by_band(values: Any) -> bool:
    """Return whether values are bands, which are no colour that Pillow has."""
    return not isinstance(values, Image.Image) and values.shape[2] not in (1, 3)
