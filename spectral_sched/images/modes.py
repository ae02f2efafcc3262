"""How Pillow's modes become colours and opacity.

Palettes, CMYK, YCbCr and Lab become RGB; 1 to 8 bits are read as 8, 16 bits as 16;
numbers of 32 bits keep their values, whose range the file does not tell.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from .raster import Raster, array_of, rawmode, split_channels

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIXTEEN_BITS = 65535.0


def raster(image: Image.Image) -> Raster:
    """Decode an opened image as deep as Pillow does.

    Raises
    ------
    ValueError
        If its colours are those of a palette that is not there.
    """
    key = _transparent_color(image)
    image.load()
    if image.mode in ("P", "PA") and image.palette is None:
        message = "it has no palette"
        raise ValueError(message)
    high = _white(image)
    return Raster(image, high, key=None if high is None else key)


def _white(image: Image.Image) -> float | None:
    if not is_wide(image.mode):
        return 255.0
    deep = image.mode.startswith("I;16") or (
        image.mode == "I" and image.format == "PPM"
    )
    return SIXTEEN_BITS if deep else None


def is_wide(mode: str) -> bool:
    """Return whether a mode of Pillow's has one channel of over 8 bits."""
    return mode in ("I", "F") or mode.startswith("I;16")


def _transparent_color(image: Image.Image) -> Any:
    key = image.info.get("transparency")
    depth = rawmode(image).partition(";")[2]
    if image.format == "PNG" and image.mode == "L" and depth.isdigit():
        # Pillow leaves the key of a grey PNG in the depth of the file.
        return key and key * 255 // (2 ** int(depth) - 1)
    return key


def channels(picture: Raster) -> Raster:
    """Return an upright image with its colours and its opacity apart.

    Its values are an array in the machine's order of bytes, or an image of Pillow's
    in one of the modes ``L`` and ``RGB``.
    """
    values = picture.values
    if not isinstance(values, Image.Image):
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        return _without_key(picture, native)
    if is_wide(values.mode):
        wide = array_of(values)
        dtype = wide.dtype if picture.high is None else np.dtype(np.uint16)
        return _without_key(picture, wide.astype(dtype, copy=False))
    if values.mode in ("1", "L", "RGB"):
        shallow = values.convert("L") if values.mode == "1" else values
        return _without_key(picture, shallow)
    if values.has_transparency_data:
        mode = "LA" if values.mode in ("LA", "La") else "RGBA"
        return split_channels(array_of(values.convert(mode)), picture.high)
    return replace(picture, values=values.convert("RGB"))


def _without_key(picture: Raster, values: NDArray[Any] | Image.Image) -> Raster:
    if picture.key is None:
        return picture if values is picture.values else replace(picture, values=values)
    array = array_of(values)
    return replace(picture, values=array, opacity=_opacity(array, picture), key=None)


def _opacity(values: NDArray[Any], picture: Raster) -> NDArray[Any]:
    opaque = np.any(values != np.array(picture.key), axis=-1)
    opacity: NDArray[Any] = opaque * values.dtype.type(picture.high)
    return opacity
