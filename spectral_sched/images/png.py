"""Pictures out: 8-bit arrays, PNG files and contact sheets."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from spectral_sched.documents.write import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SHEET_GAP = 2


def to_bytes(picture: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return a picture, (C, H, W) in [-1, 1], as bytes, (H, W, C), clipped."""
    levels = np.clip((picture.astype(np.float64) + 1) * 127.5, 0, 255)
    return np.rint(levels).astype(np.uint8).transpose(1, 2, 0)


def save_png(levels: NDArray[np.uint8], path: Path) -> None:
    """Write bytes, (H, W, C) of 1 or 3 channels, as a PNG."""
    write_atomically(path, png_bytes(levels))


def png_bytes(levels: NDArray[np.uint8]) -> bytes:
    """Return bytes, (H, W, C) of 1 or 3 channels, as the content of a PNG."""
    image = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def contact_sheet(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return pictures of one size, (H, W, C) each, side by side in rows."""
    height, width, channels = pictures[0].shape
    columns = math.ceil(math.sqrt(len(pictures) * height / width))
    rows = math.ceil(len(pictures) / columns)
    step_y, step_x = height + SHEET_GAP, width + SHEET_GAP
    size = (rows * step_y + SHEET_GAP, columns * step_x + SHEET_GAP, channels)
    sheet = np.full(size, 255, np.uint8)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        top, left = row * step_y + SHEET_GAP, column * step_x + SHEET_GAP
        sheet[top : top + height, left : left + width] = picture
    return sheet
