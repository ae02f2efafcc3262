"""One image, from bytes, a file or an array to the pixels that are measured."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from spectral_sched.errors import ImageError, InputError
from spectral_sched.words import number_of

from .bands import by_band, with_bands
from .decode import decode
from .formats.jpeg import Scaling
from .limits import MAX_ENCODED_BYTES, MAX_PIXELS
from .missing import parse_nodata, without_missing
from .noted import noted_of
from .ranges import ends_of, plain
from .raster import ROWS_AT_ONCE, Box, Raster, array_of, split_channels
from .strips import prepared
from .transform import num_channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .preprocessing import Preprocessing
    from .ranges import Ends


Shape = tuple[int, int, int]

WHITE: dict[np.dtype[Any], float] = {
    np.dtype(np.uint8): 255.0,
    np.dtype(np.uint16): 65535.0,
}
"""The value of white in arrays of integers."""


class Readable(Protocol):
    """An encoded image that is fetched when it is wanted."""

    def read(self) -> bytes:
        """Return its bytes, or raise `ImageError`."""
        ...


@dataclass(frozen=True, eq=False)
class Plane:
    """One plane of a file, with its bands, and what the file says of them.

    Attributes
    ----------
    values
        Numbers as they are stored, (H, W, C).
    low, high
        Black and white by the file's own scale; None if the type of the values tells.
    window
        Black and white of the file's display window, if it has one.
    nodata, valid
        The value that stands for a missing one, and which are there, (H, W, C).
    """

    values: NDArray[Any]
    low: Any = 0.0
    high: Any = None
    window: tuple[Any, Any] | None = None
    nodata: float | None = None
    valid: NDArray[np.bool_] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of its values."""
        return int(self.values.nbytes)


Data = Path | bytes | Readable | np.ndarray | Plane | ImageError
"""One image: a file, its bytes, something that fetches them, an array (H, W) or
(H, W, C), a plane of a file, or why it cannot be had."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pixels as stored, with the range that means black to white.

    Attributes
    ----------
    values
        Array of shape (C, H, W), integers or floats.
    low, high
        The stored values that become -1 and 1, of all bands or of each, (C,).
    subsampled
        Whether colour was stored at a lower resolution; not part of the key.
    pages_left
        How many pages of its file are not read; not part of the key.
    noted
        What else has to be told of it, counted by the names of `noted`; not part of
        the key.
    """

    values: NDArray[Any]
    low: Any
    high: Any
    subsampled: bool = False
    pages_left: int = 0
    noted: Mapping[str, int] = field(default_factory=dict)

    @property
    def unchecked(self) -> bool:
        """Whether nothing could tell corrupt data in its file."""
        return "unchecked" in self.noted

    @property
    def shape(self) -> Shape:
        """The shape (C, H, W)."""
        channels, height, width = self.values.shape
        return channels, height, width

    def key(self) -> bytes:
        """Return 16 bytes that depend on the stored pixels alone."""
        ends = f"{plain(self.low)}{plain(self.high)}"
        head = f"{self.values.dtype.str}{self.values.shape}{ends}"
        # Decoded images lie in memory as (H, W, C) and need no copy this way round.
        content = np.ascontiguousarray(self.values.transpose(1, 2, 0)).data
        # Processors have instructions for SHA-256, which make it the quickest one.
        digest = hashlib.sha256(head.encode())
        digest.update(content)
        return digest.digest()[:16]

    def scaled(self) -> NDArray[np.float64]:
        """Return the pixels in [-1, 1]."""
        low, high = (np.reshape(end, (-1, 1, 1)) for end in (self.low, self.high))
        return (self.values.astype(np.float64) - low) / ((high - low) / 2) - 1


def load_pixels(data: Data, name: str, settings: Preprocessing) -> Pixels:
    """Decode and prepare one image.

    Raises
    ------
    ImageError
        If the image is missing, damaged, of an unknown kind or too large.
    InputError
        If it is an array whose range is not known.
    """
    if isinstance(data, ImageError):
        raise data
    try:
        if isinstance(data, np.ndarray | Plane):
            return prepare(_array_raster(data, name, settings), name, settings)
        scaling = Scaling(settings.resolution, settings.fast)
        return prepare(decode(encoded(data, name), name, scaling), name, settings)
    except MemoryError as error:
        raise beyond_memory(name) from error


def beyond_memory(name: str) -> ImageError:
    """Return the error that says that there is no memory left for an image."""
    message = (
        f"{name} does not fit into the memory that is left; choose a smaller "
        "--resolution, take fewer --workers or make it smaller first"
    )
    return ImageError(message, "too large")


def encoded(data: Path | bytes | Readable, name: str) -> bytes:
    """Return the bytes of an image.

    Raises
    ------
    ImageError
        If they cannot be had, or are over `MAX_ENCODED_BYTES`.
    """
    if isinstance(data, bytes):
        return data
    if not isinstance(data, Path):
        return data.read()
    try:
        status = data.stat()
        if not stat.S_ISREG(status.st_mode):
            message = f"{name} is not a file"
            raise ImageError(message, "not an image")
        check_bytes(status.st_size, name)
        return data.read_bytes()
    except FileNotFoundError as error:
        message = f"{name} does not exist"
        raise ImageError(message, "missing") from error
    except OSError as error:
        message = f"{name} cannot be read: {(error.strerror or str(error)).lower()}"
        raise ImageError(message, "unreadable") from error


def check_bytes(size: int, name: str) -> None:
    """Raise `ImageError` if an encoded image is over the limit."""
    if size > MAX_ENCODED_BYTES:
        message = f"{name} has {size} bytes, more than {MAX_ENCODED_BYTES}"
        raise ImageError(message, "too large")


def _array_raster(
    data: NDArray[Any] | Plane, name: str, settings: Preprocessing
) -> Raster:
    values = data if isinstance(data, np.ndarray) else data.values
    if values.dtype == np.bool_:
        values = values * np.uint8(255)
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    high, array = WHITE.get(native.dtype), array_of(native)
    if isinstance(data, Plane):
        return _plane_raster(data, array, high)
    if high is None and settings.data_range is None:
        message = (
            f"{name} holds {native.dtype} numbers, which have no black and white; "
            "state them, as in --data-range -1,1"
        )
        raise InputError(message)
    colors = settings.bands is None and array.shape[2] in (2, 4)
    return split_channels(array, high) if colors else Raster(array, high)


def _plane_raster(plane: Plane, array: NDArray[Any], white: float | None) -> Raster:
    high = white if plane.high is None else plane.high
    told = {name: getattr(plane, name) for name in ("low", "window", "nodata", "valid")}
    return Raster(array, high, chosen=True, **told)


def prepare(picture: Raster, name: str, settings: Preprocessing) -> Pixels:
    """Return pixels in the wanted bands or colours, cropped and resized.

    Raises
    ------
    ImageError
        If the range is not known, a value is missing or not finite, or the result is
        too large.
    """
    picture = with_bands(picture, settings.bands, name)
    picture, missing = without_missing(picture, parse_nodata(settings.nodata), name)
    if picture.inverted and (settings.percentiles or settings.standardize == "band"):
        message = f"{name} has white at zero; state its range with --data-range"
        raise ImageError(message, "range not stated")
    low, high = _range(picture, name, settings)
    if settings.window_range:
        picture = _windowed(picture, low, high)
    box = _wanted_part(picture.size, settings)
    before = box[2] - box[0], box[3] - box[1]
    size = wanted_size(before, settings.resolution, name)
    if isinstance(picture.values, np.ndarray):
        _check_color(picture.values, name, settings)
        check_values(picture.values, low, high, name)
    array = prepared(picture, box, size, (low, high), settings)
    check_values(array, low, high, name)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        message = f"{name} has values that are not finite"
        raise ImageError(message, "not finite")
    # Shrunk to half or less, colour is as sharp as brightness again.
    thinned = picture.subsampled and array.shape[2] == 3 and 2 * size[0] > before[0]
    planes = array.transpose(2, 0, 1)
    noted = noted_of(picture, missing)
    return Pixels(planes, low, high, thinned, picture.pages_left, noted)


def _windowed(picture: Raster, low: Any, high: Any) -> Raster:
    """Return an image whose values are cut to a display window, as viewers do."""
    array = array_of(picture.values)
    whole = array.dtype.kind in "iu"
    ends = (np.ceil(low), np.floor(high)) if whole else (low, high)
    return replace(picture, values=np.clip(array, *ends).astype(array.dtype))


def _check_color(values: NDArray[Any], name: str, settings: Preprocessing) -> None:
    if settings.color != "auto" and by_band(values):
        message = (
            f"{name} has {number_of(values.shape[2], 'band')}, and --color "
            f"{settings.color} takes 1 "
            "or 3; choose these with --bands, or leave it out"
        )
        raise ImageError(message, "bands")


FAR = 10
"""Widths of the range that values may lie outside it."""


def check_values(values: NDArray[Any], low: Any, high: Any, name: str) -> None:
    """Raise `ImageError` where values are so far outside their range that it is wrong.

    A resized image overshoots a little, and so does data with long tails; a value
    that is `FAR` widths of the range away marks missing data, or is of another scale.
    """
    # In 64 bits, for values of 16 cannot be held against so wide a range.
    width = FAR * np.subtract(high, low, dtype=np.float64)
    axes = None if np.ndim(width) == 0 else (0, 1)
    least, most = values.min(axis=axes), values.max(axis=axes)
    if not np.any((least < low - width) | (most > high + width)):
        return
    outside = _share_outside(values, low - width, high + width)
    band = () if axes is None else int((outside > 0).argmax())
    least, most, low, high = (
        float(np.asarray(each)[band]) for each in (least, most, low, high)
    )
    farthest = most if most - high > low - least else least
    of = f"the values of band {band + 1}" if isinstance(band, int) else "its values"
    message = (
        f"{name} has {outside[band].mean():.2%} of {of} far outside {low:g} to "
        f"{high:g}, as {farthest:g}; state the range of all with --data-range, or "
        f"what stands for missing data with --nodata mask:{farthest:g}"
    )
    raise ImageError(message, "outside the data range")


def _share_outside(values: NDArray[Any], low: Any, high: Any) -> NDArray[np.float64]:
    """Return the share of the values of each band that are outside a range."""
    counts = np.zeros(values.shape[2])
    for top in range(0, len(values), ROWS_AT_ONCE):
        # Not all at once, which takes three times the bytes of an image of 8 bits.
        rows = values[top : top + ROWS_AT_ONCE]
        counts += ((rows < low) | (rows > high)).sum(axis=(0, 1))
    share: NDArray[np.float64] = counts / (values.shape[0] * values.shape[1])
    return share


def _wanted_part(size: tuple[int, int], settings: Preprocessing) -> Box:
    """Return the central square or all of an image."""
    width, height = size
    if settings.crop != "center" or settings.resolution is None:
        return 0, 0, width, height
    side = min(size)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _range(picture: Raster, name: str, settings: Preprocessing) -> Ends:
    if settings.data_range is not None:
        return ends_of(settings.data_range, num_channels(picture.values), name)
    if settings.window_range:
        if picture.window is None:
            message = f"{name} has no display window; state --data-range LOW,HIGH"
            raise ImageError(message, "range not stated")
        return picture.window
    if picture.high is None:
        message = (
            f"{name} holds numbers without a black and a white; "
            "state them, as in --data-range 0,1"
        )
        raise ImageError(message, "range not stated")
    return picture.low, picture.high


def wanted_size(
    size: tuple[int, int], resolution: int | None, name: str
) -> tuple[int, int]:
    """Return width and height when the shorter side has become the resolution.

    Raises
    ------
    ImageError
        If that is too large.
    """
    if resolution is None:
        return size
    scale = resolution / min(size)
    width, height = round(size[0] * scale), round(size[1] * scale)
    if width * height > MAX_PIXELS:
        message = (
            f"{name} would have {width}x{height} pixels, more than {MAX_PIXELS}; "
            "choose a smaller --resolution or --crop center"
        )
        raise ImageError(message, "too large")
    return width, height
