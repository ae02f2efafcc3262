"""JPEG pictures: which decoder, at which scale, and whether colour was thinned out.

simplejpeg decodes if it is installed, and Pillow otherwise or on any doubt. Both use
libjpeg-turbo with the accurate transform and the smooth upsampling of colour, and give
the same values (tests hold that for all subsamplings, qualities and odd sizes).

Scaled decoding leaves out the upper frequencies of each block of 8x8. Where at least
twice the wanted side is left to the resizing (Lanczos), that changes the power by, on
photographs of 321x481 at --resolution 80, 60, 40 and 20: below 0.2 cycles per pixel by
2 % at most, at 0.3 to 0.4 by -3 to -8 %, at 0.45 to 0.5 by -6 to -14 %, and in the
corners by -12 to -21 %. sigma_min, which goes with the square root, falls by 3 to 7 %.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .raster import Raster, raster

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

KNOWN_COLORS = {("YCbCr", "RGB"): "RGB", ("Gray", "L"): "GRAY"}
"""What simplejpeg is asked for, by the colours of the file and Pillow's mode."""


def jpeg_raster(image: Image.Image, content: bytes, least: int | None) -> Raster:
    """Decode an opened JPEG.

    Parameters
    ----------
    least
        If given, the picture may be decoded at a half, a quarter or an eighth of its
        size as long as its shorter side keeps so many pixels.
    """
    subsampled = chroma_subsampled(image)
    if least and min(image.size) >= 2 * least:
        image.draft(None, _smallest(image.size, least))
        return Raster(raster(image).values, subsampled=subsampled)
    values = _simplejpeg_values(image, content)
    whole = raster(image).values if values is None else values
    return Raster(whole, subsampled=subsampled)


def _smallest(size: tuple[int, int], least: int) -> tuple[int, int]:
    shorter = min(size)
    return -(-size[0] * least // shorter), -(-size[1] * least // shorter)


def chroma_subsampled(image: Image.Image) -> bool:
    """Return whether a JPEG stores colour at a lower resolution than brightness."""
    sampling = [layer[1:3] for layer in getattr(image, "layer", [])]
    return len(sampling) == 3 and sampling[0] != sampling[1]


@lru_cache(maxsize=1)
def _simplejpeg() -> Any:
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg


def _simplejpeg_values(image: Image.Image, content: bytes) -> NDArray[Any] | None:
    decoder = _simplejpeg()
    if decoder is None or image.format != "JPEG":
        return None
    try:
        height, width, colors, _ = decoder.decode_jpeg_header(content)
        wanted = KNOWN_COLORS[colors, image.mode]
        if image.size != (width, height):
            return None
        values: NDArray[Any] = decoder.decode_jpeg(content, wanted)
    except (KeyError, ValueError):
        return None
    return values
