"""Colour of 16 bits in PNG and TIFF files, for which Pillow has no mode.

Pillow keeps one of the two bytes of each value. Which one depends on the byte order it
is told, so two decodings give both.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .raster import (
    Raster,
    apply_transparency,
    open_image,
    raster,
    rawmode,
    split_channels,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

HIGH = 65535.0


def deep_raster(image: Image.Image, content: bytes) -> Raster:
    """Decode an opened PNG or TIFF at its true depth."""
    layout = rawmode(image)
    if layout == "LA;16B":
        # Four bytes per pixel, which are taken as they are.
        planes = _redecoded(content, "RGBA").astype(np.uint16)
        return split_channels(planes[..., 0::2] << 8 | planes[..., 1::2], HIGH)
    colors, _, order = layout.partition(";16")
    if colors not in ("RGB", "RGBA") or order not in ("B", "L", "N"):
        return raster(image)
    key = image.info.get("transparency")
    image.load()
    high_bytes = np.asarray(image).astype(np.uint16)
    values = high_bytes << 8 | _redecoded(content, f"{colors};16{_reversed(order)}")
    if key is not None:
        return apply_transparency(values, key, HIGH)
    return split_channels(values, HIGH) if colors == "RGBA" else Raster(values, HIGH)


def _reversed(order: str) -> str:
    native = "L" if sys.byteorder == "little" else "B"
    return {"B": "L", "L": "B"}[native if order == "N" else order]


def _redecoded(content: bytes, layout: str) -> NDArray[Any]:
    with open_image(content) as image:
        image.tile = [
            tile._replace(args=_renamed(tile.args, layout)) for tile in image.tile
        ]
        image.load()
        return np.asarray(image)


def _renamed(arguments: Any, layout: str) -> Any:
    return (layout, *arguments[1:]) if isinstance(arguments, tuple) else layout
