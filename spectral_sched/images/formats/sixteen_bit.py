"""Colour of 16 bits in PNG and TIFF files, for which Pillow has no mode.

Pillow keeps one of the two bytes of each value. Which one depends on the byte order it
is told, so two decodings give both.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.images.limits import check_room
from spectral_sched.images.modes import SIXTEEN_BITS, raster
from spectral_sched.images.raster import (
    Raster,
    array_in_strips,
    open_image,
    rawmode,
    split_channels,
    strips_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

BYTES_BESIDE = 4
"""Of a pixel, beside its values, in the image of Pillow's that they come from."""

LAYOUTS = frozenset(
    {"LA;16B"}
    | {f"{colors};16{order}" for colors in ("RGB", "RGBA") for order in "BLN"}
)
"""How the values lie in files that take two decodings."""


def is_deep(image: Image.Image) -> bool:
    """Return whether an opened image has a colour or an opacity of 16 bits."""
    return rawmode(image) in LAYOUTS


def deep_raster(
    image: Image.Image, content: bytes, name: str, beside: int = 0
) -> Raster:
    """Decode an opened PNG or TIFF at its true depth.

    Parameters
    ----------
    beside
        Bytes that its decoder keeps beside the image and its file.

    Raises
    ------
    ImageError
        If that takes too much memory.
    """
    layout = rawmode(image)
    if layout not in LAYOUTS:
        return raster(image)
    per_pixel = 2 * len(layout.partition(";")[0]) + BYTES_BESIDE
    pixels = image.width * image.height
    check_room(len(content) + beside + per_pixel * pixels, name)
    if layout == "LA;16B":
        # Four bytes per pixel, which are taken as they are.
        pairs = array_in_strips(redecoded(content, "RGBA")).view(">u2")
        return split_channels(pairs, SIXTEEN_BITS)
    colors, _, order = layout.partition(";16")
    key = image.info.get("transparency")
    values = np.zeros((*image.size[::-1], len(colors)), np.uint16)
    # One after the other, so that there is never more than one of them.
    _add_bytes(values, redecoded(content, f"{colors};16{_reversed(order)}"), 0)
    image.load()
    _add_bytes(values, image, 8)
    if colors == "RGBA":
        return split_channels(values, SIXTEEN_BITS)
    return Raster(values, SIXTEEN_BITS, key=key)


def _add_bytes(values: NDArray[Any], image: Image.Image, shift: int) -> None:
    for rows, strip in strips_of(image):
        values[rows] |= strip.astype(np.uint16) << shift


def _reversed(order: str) -> str:
    native = "L" if sys.byteorder == "little" else "B"
    return {"B": "L", "L": "B"}[native if order == "N" else order]


def redecoded(content: bytes, layout: str) -> Image.Image:
    """Decode an image as if its values lay in the file in another way."""
    with open_image(content) as image:
        image.tile = [
            tile._replace(args=_renamed(tile.args, layout)) for tile in image.tile
        ]
        image.load()
        return image


def _renamed(arguments: Any, layout: str) -> Any:
    return (layout, *arguments[1:]) if isinstance(arguments, tuple) else layout
