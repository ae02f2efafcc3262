"""Images out: 8-bit arrays, PNG files and contact sheets.

Images of other than 1 or 3 channels are shown by their first three bands, or by the
first of two.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from spectral_sched.documents.write import write_atomically
from spectral_sched.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SHEET_NAME = "contact_sheet.png"
"""Of the sheet in a folder of samples, which is none of them."""

SHEET_GAP = 4
READABLE = 160
"""Pixels of the longer side of an image on a sheet at least, if there is room."""

WIDEST = 4096
"""Pixels that a sheet is enlarged to at most."""

FONT_SIZE = 14
SOFTWARE = "Software"
"""The entry of a PNG that says what wrote it."""


def is_shown_whole(channels: int) -> bool:
    """Return whether images of so many channels can be shown with all of them."""
    return channels in (1, 3)


def to_bytes(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return an image, (C, H, W) in [-1, 1], as bytes, (H, W, 1 or 3), clipped."""
    if not is_shown_whole(len(picture)):
        picture = picture[: 3 if len(picture) > 3 else 1]
    levels = np.clip((picture.astype(np.float64) + 1) * 127.5, 0, 255)
    return np.rint(levels).astype(np.uint8).transpose(1, 2, 0)


def as_bytes(
    picture: NDArray[np.floating] | NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Return an image as bytes, (H, W, C), as which it may be there already."""
    if picture.dtype == np.uint8:
        return cast("NDArray[np.uint8]", picture)
    return to_bytes(cast("NDArray[np.floating]", picture))


def save_png(levels: NDArray[np.uint8], path: Path) -> None:
    """Write bytes, (H, W, C) of 1 or 3 channels, as a PNG that says who wrote it."""
    write_atomically(path, png_bytes(levels))


def save_picture(picture: NDArray[np.floating] | NDArray[np.uint8], path: Path) -> None:
    """Write an image as a PNG, or all its bands as an array.

    Parameters
    ----------
    picture
        (C, H, W) in [-1, 1], or bytes, (H, W, C).
    """
    if picture.dtype == np.uint8 or is_shown_whole(len(picture)):
        save_png(as_bytes(picture), path)
        return
    content = io.BytesIO()
    np.save(content, np.ascontiguousarray(picture, np.float32))
    write_atomically(path, content.getvalue())


def png_bytes(levels: NDArray[np.uint8]) -> bytes:
    """Return bytes, (H, W, C) of 1 or 3 channels, as the content of a PNG."""
    image = _image(levels)
    content, said = io.BytesIO(), PngInfo()
    said.add_text(SOFTWARE, f"specsched {__version__}")
    image.save(content, "PNG", pnginfo=said)
    return content.getvalue()


def thumbnail(levels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return bytes, (H, W, C), made smaller where they are larger than a side."""
    height, width, channels = levels.shape
    share = side / max(height, width)
    if share >= 1:
        return levels
    size = max(1, round(share * width)), max(1, round(share * height))
    smaller = np.asarray(_image(levels).resize(size, Image.Resampling.LANCZOS))
    return smaller[..., None] if channels == 1 else smaller


def _image(levels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)


def is_our_png(path: Path) -> bool:
    """Return whether a file is a PNG that says that this project wrote it."""
    try:
        with Image.open(path) as image:
            return str(image.info.get(SOFTWARE, "")).startswith("specsched ")
    except (OSError, ValueError):
        return False


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8]], labels: Sequence[str] = (), title: str = ""
) -> NDArray[np.uint8]:
    """Return images of one size, (H, W, C) each, side by side in rows.

    Small images are enlarged by a whole factor, every pixel to a square.

    Parameters
    ----------
    labels
        What is written under each, if anything.
    title
        What is written above all.
    """
    height, width, channels = pictures[0].shape
    columns = math.ceil(math.sqrt(len(pictures) * height / width))
    rows = math.ceil(len(pictures) / columns)
    times = _enlargement((height, width), (rows, columns))
    font = ImageFont.load_default(FONT_SIZE)
    line, top = FONT_SIZE + SHEET_GAP, (FONT_SIZE + SHEET_GAP) * bool(title)
    step_y, step_x = times * height + SHEET_GAP + line * bool(labels), times * width
    step_x = max(step_x, *(_length(label, font) for label in labels), 1) + SHEET_GAP
    size = (max(columns * step_x, _length(title, font) + SHEET_GAP) + SHEET_GAP,)
    mode = "L" if channels == 1 else "RGB"
    sheet = Image.new(mode, (*size, top + rows * step_y + SHEET_GAP), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((SHEET_GAP, SHEET_GAP), title, "black", font)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        x, y = column * step_x + SHEET_GAP, top + row * step_y + SHEET_GAP
        enlarged = picture.repeat(times, axis=0).repeat(times, axis=1)
        sheet.paste(_image(enlarged), (x, y))
        if labels:
            draw.text((x, y + times * height), labels[number], "black", font)
    levels = np.asarray(sheet)
    return levels[..., None] if channels == 1 else levels


def _enlargement(shape: tuple[int, int], grid: tuple[int, int]) -> int:
    """Return how many times larger images are shown: readable, if there is room."""
    wished = math.ceil(READABLE / max(shape))
    sides = [side * count for side, count in zip(shape, grid, strict=True)]
    return max(1, min(wished, WIDEST // max(sides)))


def _length(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> int:
    return math.ceil(font.getlength(text))
