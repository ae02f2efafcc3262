"""How large an image may be, so that no file makes a process take a gigabyte."""

from __future__ import annotations

from spectral_sched.errors import ImageError
from spectral_sched.words import number_of

MAX_ENCODED_BYTES = 1 << 28
"""Files and members of archives with more bytes are refused before they are read."""

MAX_PIXELS = 1 << 27
"""Images with more pixels are refused before they are decoded."""

MAX_DEEP_PIXELS = 1 << 26
"""The same for pixels of over 32 bits, and of 32 that are not colours of 8 each."""

MAX_HEAVY_PIXELS = 3 << 23
HEAVY = frozenset({"AVIF", "JPEG2000", "QOI", "WEBP"})
"""The same for formats whose decoders take 10 to 25 bytes for each pixel, by Pillow's
names: 10 (QOI, which takes 2.5 s per million pixels too), 9 to 19 (AVIF, of 8 and 10
bits), 16 (WebP) and 20 to 25 (JPEG 2000, RGB and RGBA), measured at 4096x4096."""

MAX_AT_ONCE = 25 << 25
"""Bytes that an image, its file and the buffers of its decoder may take together.

Formats whose decoders have none beside the image stay below it by the limits above.
"""

MAX_REPAIRED_BYTES = 1 << 26
"""Files with more bytes are read as they are: repairing one takes another copy."""

SMALLER = "make it smaller first"
IN_STRIPS = "save it in strips or tiles, or make it smaller first"

MAX_EXPANSION = 4096
"""Pixels per byte above which a large image is taken for a bomb.

Blank images have about 350 (PNG in colour), 1000 (PNG in grey) or 2000 (fax)."""

LARGE_PIXELS = 1 << 24
"""Images with fewer pixels do no harm whatever their files are like."""


def check_size(
    width: int, height: int, num_bytes: int, name: str, most: int = MAX_PIXELS
) -> None:
    """Raise `ImageError` for an image that should not be decoded."""
    check_pixels(width, height, name, most)
    check_expansion(width, height, num_bytes, name)


def check_pixels(width: int, height: int, name: str, most: int = MAX_PIXELS) -> None:
    """Raise `ImageError` for an image of too many pixels."""
    if width * height > most:
        deep = " of this kind" if most < MAX_PIXELS else ""
        message = (
            f"{name} has {width}x{height} pixels, more than {most}{deep}; "
            "make it smaller first"
        )
        raise ImageError(message, "too large")


def check_room(num_bytes: int, name: str, cure: str = SMALLER) -> None:
    """Raise `ImageError` for an image that takes too many bytes to decode."""
    if num_bytes > MAX_AT_ONCE:
        message = (
            f"{name} takes {num_bytes >> 20} MB to decode with its file, more than "
            f"{MAX_AT_ONCE >> 20}; {cure}"
        )
        raise ImageError(message, "too large")


def check_expansion(width: int, height: int, num_bytes: int, name: str) -> None:
    """Raise `ImageError` for an image that has too many pixels for its bytes."""
    if width * height > max(LARGE_PIXELS, MAX_EXPANSION * num_bytes):
        message = (
            f"{name} claims {width}x{height} pixels in "
            f"{number_of(num_bytes, 'byte', form='d')}, so it is forged or a "
            "decompression bomb; remove it"
        )
        raise ImageError(message, "decompression bomb")
