"""One picture file, or one array, to pixels prepared the way a model is trained.

Pixels are kept as they are stored (bytes, 16-bit integers, floats) until the moment
they are scaled to [-1, 1], so that equal pictures have equal keys whatever they were
read from.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from .errors import ImageError, UsageError, known

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Crop = Literal["center", "none"]
Resize = Literal["lanczos", "bicubic", "bilinear", "box", "nearest"]
Color = Literal["auto", "rgb", "luma"]

FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
}

MAX_PIXELS = 1 << 28
"""Pictures with more pixels are refused before they are decoded."""

Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_GREY_MODES = {"1": "L", "L": "L", "I;16": "I;16", "I;16B": "I;16", "I": "I;16"}


@dataclass(frozen=True)
class Preprocessing:
    """What is done to every picture before it is analysed.

    Attributes
    ----------
    resolution
        Length of the shorter side after resizing; None keeps the native size.
    crop
        ``center`` cuts the central square before resizing (only with a resolution).
    resize
        Resampling filter; the top octave of the spectrum depends on it.
    color
        ``auto`` keeps grey pictures grey and colour ones in RGB.
    """

    resolution: int | None = None
    crop: Crop = "center"
    resize: Resize = "lanczos"
    color: Color = "auto"


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pixels as stored, with the range that means black to white.

    Attributes
    ----------
    values
        Array of shape (C, H, W), integers or floats.
    low, high
        The stored values that become -1 and 1.
    """

    values: NDArray[np.generic]
    low: float
    high: float

    def key(self) -> bytes:
        """Return 16 bytes that depend on the stored pixels alone."""
        head = f"{self.values.dtype.str}{self.values.shape}{self.low}{self.high}"
        # Decoded pictures lie in memory as (H, W, C) and need no copy this way round.
        content = np.ascontiguousarray(self.values.transpose(1, 2, 0)).data
        # Processors have instructions for SHA-256, which make it the quickest one.
        digest = hashlib.sha256(head.encode())
        digest.update(content)
        return digest.digest()[:16]

    def scaled(self) -> NDArray[np.float64]:
        """Return the pixels in [-1, 1]."""
        half = (self.high - self.low) / 2
        return (self.values.astype(np.float64) - self.low) / half - 1


def preprocessing(
    resolution: int | None, crop: str, resize: str, color: str
) -> Preprocessing:
    """Return checked settings.

    Raises
    ------
    UsageError
        If a setting is unknown or the resolution below 1.
    """
    known(crop, get_args(Crop), "crop", "--crop")
    known(resize, FILTERS, "filter", "--resize")
    known(color, get_args(Color), "colour mode", "--color")
    if resolution is not None and resolution < 1:
        message = f"--resolution must be at least 1 pixel, not {resolution}"
        raise UsageError(message)
    return Preprocessing(
        resolution, cast("Crop", crop), cast("Resize", resize), cast("Color", color)
    )


def load_pixels(data: Path | bytes, name: str, settings: Preprocessing) -> Pixels:
    """Decode and prepare one picture.

    Raises
    ------
    ImageError
        If the picture is missing, damaged, of an unknown kind or too large.
    """
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)
            with Image.open(source) as image:
                return pixels_of(prepare(upright(image), settings))
    except UnidentifiedImageError as error:
        message = f"{name} is not an image Pillow can read"
        raise ImageError(message, "not an image") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        message = f"{name} has more than {MAX_PIXELS} pixels"
        raise ImageError(message, "too many pixels") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        message = f"{name} is damaged: {error}"
        raise ImageError(message, "damaged") from error


def upright(image: Image.Image) -> Image.Image:
    """Return a picture turned as its EXIF orientation says, grey, 16-bit or RGB."""
    image.load()
    turned = ImageOps.exif_transpose(image)
    if turned.mode in _GREY_MODES and "transparency" not in turned.info:
        return turned.convert(_GREY_MODES[turned.mode])
    if turned.has_transparency_data:
        turned = turned.convert("RGBA")
        black = Image.new("RGBA", turned.size, (0, 0, 0, 255))
        turned = Image.alpha_composite(black, turned)
    return turned.convert("RGB")


def prepare(image: Image.Image, settings: Preprocessing) -> Image.Image:
    """Return a picture in the wanted colours, cropped and resized."""
    if settings.color == "rgb" and image.mode != "RGB":
        image = _eight_bit(image).convert("RGB")
    if settings.color == "luma" and image.mode == "RGB":
        image = image.convert("L")
    if settings.resolution is None:
        return image
    if settings.crop == "center":
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    scale = settings.resolution / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, FILTERS[settings.resize])


def _eight_bit(image: Image.Image) -> Image.Image:
    if image.mode != "I;16":
        return image
    return Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))


def pixels_of(image: Image.Image) -> Pixels:
    """Return the pixels of an upright picture."""
    array = np.asarray(image)
    values = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    high = 65535.0 if array.dtype == np.uint16 else 255.0
    return Pixels(values, 0.0, high)
