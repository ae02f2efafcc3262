"""An image prepared strip by strip, so that a large one takes little more than it is.

Filters work along rows and then along columns, so strips that were shrunk along their
rows make the same image as a whole one.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from .modes import channels
from .raster import array_of, size_of
from .transform import inverted, make_opaque, recolor, resize, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from .preprocessing import Preprocessing
    from .ranges import Ends
    from .raster import Box, Raster
    from .transform import Values

PIXELS_AT_ONCE = 1 << 20


def prepared(
    picture: Raster,
    box: Box,
    size: tuple[int, int],
    limits: Ends,
    settings: Preprocessing,
) -> NDArray[Any]:
    """Return a part of an image in the wanted colours and size, (H, W, C).

    Parameters
    ----------
    box, size
        The part that is wanted, and the width and height that it is to have.
    limits
        The values of black and white, of all bands or of each.
    """
    left, top, right, bottom = box
    rows = max(1, PIXELS_AT_ONCE // (right - left))
    strips = (
        _colored(
            picture.part((left, row, right, min(row + rows, bottom))), limits, settings
        )
        for row in range(top, bottom, rows)
    )
    first = next(strips)
    values = first
    if bottom - top > rows:
        narrow = _narrowed(chain([first], strips), size[0], settings.resize)
        values = _joined(narrow, bottom - top)
    resized = array_of(resize(values, size, settings.resize))
    return resized if resized.dtype == _type(first) else stored(resized, _type(first))


def _colored(part: Raster, limits: Ends, settings: Preprocessing) -> Values:
    low, high = limits
    apart = channels(part)
    if apart.inverted:
        whole = bool(np.all(low + high == apart.high))
        upright = inverted(apart.values, low + high, whole=whole)
        apart = replace(apart, values=upright)
    return recolor(make_opaque(apart, low, high, settings.background), settings.color)


def _narrowed(
    strips: Iterable[Values], width: int, resampling: str
) -> Iterator[NDArray[Any]]:
    for strip in strips:
        yield array_of(resize(strip, (width, size_of(strip)[1]), resampling))


def _joined(strips: Iterable[NDArray[Any]], height: int) -> NDArray[Any]:
    """Return strips one below the other, none of which is kept."""
    whole, top = np.empty(0), 0
    for strip in strips:
        if not top:
            whole = np.empty((height, *strip.shape[1:]), strip.dtype)
        whole[top : top + len(strip)] = strip
        top += len(strip)
    return whole


def _type(values: Values) -> np.dtype[Any]:
    return values.dtype if isinstance(values, np.ndarray) else np.dtype(np.uint8)
