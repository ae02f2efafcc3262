"""What is done to the values of an image: background, colours, size.

Values are arrays (H, W, C), or 8-bit images of Pillow's. What has 8 bits is treated
in Pillow's 8-bit arithmetic, as in most training code; what is deeper in floats, to be
rounded back to its type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from .raster import array_of, size_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .raster import Raster

FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
}

BACKGROUNDS = {"black": 0.0, "white": 1.0, "grey": 0.5}

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma (Rec. ITU-R BT.601), as Pillow's."""

Values = Image.Image | np.ndarray[tuple[int, ...], np.dtype[Any]]


def make_opaque(picture: Raster, low: Any, high: Any, background: str) -> Values:
    """Return the values of an image over a background of one grey.

    Parameters
    ----------
    picture
        An upright one, with its opacity apart.
    low, high
        The values of black and white, of all bands or of each.
    """
    if picture.opacity is None:
        return picture.values
    # Opacity is stored in full even where another range is stated for the values.
    bottom, top = (low, high) if picture.high is None else (0.0, picture.high)
    behind = low + BACKGROUNDS[background] * (high - low)
    values, opacity = array_of(picture.values), picture.opacity[..., None]
    times = not picture.multiplied
    if values.dtype == opacity.dtype == np.uint8 and np.ndim(behind) == 0:
        # All that can come out, once for each pair of a value and an opacity.
        level = np.arange(256, dtype=np.uint8)
        blends = _blended(level, level[:, None], (bottom, top), behind, times)
        chosen: NDArray[Any] = blends[opacity, values]
        return chosen
    return _blended(values, opacity, (bottom, top), behind, times)


def _blended(
    values: NDArray[Any],
    opacity: NDArray[Any],
    limits: tuple[Any, Any],
    behind: Any,
    times: bool,
) -> NDArray[Any]:
    share = (opacity - np.float64(limits[0])) / (limits[1] - limits[0])
    front = values * share if times else values
    return stored(front + behind * (1 - share), values.dtype)


def inverted(values: Values, total: Any, *, whole: bool) -> NDArray[Any]:
    """Return values that are white at their least as values that are black there.

    Parameters
    ----------
    total
        The sum of black and white.
    whole
        Whether no value is above white, so that the type can stay.
    """
    array = array_of(values)
    mirrored: NDArray[Any] = total - array.astype(np.float64)
    return mirrored.astype(array.dtype) if whole else mirrored


def stored(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers in the type of an image, rounded and cut to its range."""
    if dtype.kind == "f":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    stored: NDArray[Any] = np.clip(np.rint(values), limits.min, limits.max)
    return stored.astype(dtype)


def num_channels(values: Values) -> int:
    """Return how many channels there are."""
    if isinstance(values, Image.Image):
        return len(values.getbands())
    return values.shape[2]


def recolor(values: Values, color: str) -> Values:
    """Return values as ``rgb``, as ``luma``, or (``auto``) as they are."""
    is_grey = num_channels(values) == 1
    if color == "rgb" and is_grey:
        return np.repeat(array_of(values), 3, axis=2)
    if color != "luma" or is_grey:
        return values
    picture = _picture(values)
    if picture is not None:
        return picture.convert("L")
    array = array_of(values)
    return stored(array @ np.array(LUMA), array.dtype)[..., None]


def _picture(values: Values) -> Image.Image | None:
    """Return values of 8 bits as an image of Pillow's."""
    if isinstance(values, Image.Image):
        return values
    if values.dtype != np.uint8 or values.shape[2] not in (1, 3):
        return None
    return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)


def resize(values: Values, size: tuple[int, int], resampling: str) -> Values:
    """Return values at another width and height; those of over 8 bits as floats."""
    if size == size_of(values):
        return values
    picture = _picture(values)
    if picture is not None:
        return picture.resize(size, FILTERS[resampling])
    array = array_of(values)
    # Bands of 8 bits, one by one, come out as they do alone.
    kind = np.uint8 if array.dtype == np.uint8 else np.float32
    planes = [
        Image.fromarray(plane).resize(size, FILTERS[resampling])
        for plane in np.moveaxis(array, 2, 0).astype(kind)
    ]
    return np.stack([np.asarray(plane) for plane in planes], 2)
