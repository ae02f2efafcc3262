"""A stack of planes in a file, each with bands, as a stream of images."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.errors import ImageError, UnavailableError
from spectral_sched.images.bands import band_places
from spectral_sched.images.limits import MAX_ENCODED_BYTES, check_pixels
from spectral_sched.images.pixels import Plane
from spectral_sched.sources.item import Choices, Item, quote_name
from spectral_sched.sources.planes import chosen_planes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from spectral_sched.images.pixel_size import PixelSize

ReadPlane = Callable[[int, list[int]], "NDArray[Any]"]
"""Returns a plane by its number, with the bands at some places, (H, W, C)."""

Change = Callable[["NDArray[Any]"], "NDArray[Any]"]
"""What is done to the values of a plane."""


@dataclass(frozen=True)
class Told:
    """What a file says of its values.

    Attributes
    ----------
    low, high
        Black and white by the file's own scale; None if the type of the values tells.
    window
        Black and white of its display window, if it has one.
    nodata
        The value that stands for a missing one, if there is one.
    pixel
        How large pixels are, if that is known.
    depth
        How far planes are apart, in the unit of `pixel`, if that is known.
    """

    low: Any = 0.0
    high: Any = None
    window: tuple[Any, Any] | None = None
    nodata: float | None = None
    pixel: PixelSize | None = None
    depth: float | None = None


@dataclass(frozen=True)
class Grid:
    """A stack of planes in a file.

    Attributes
    ----------
    name
        What to call it in messages.
    num_planes, num_bands, size
        How many there are, and rows and columns of a plane.
    dtype
        Of the values that `read` returns.
    read
        Returns a plane.
    valid
        Returns in the same way which of its values are there, if a file says so.
    """

    name: str
    num_planes: int
    num_bands: int
    size: tuple[int, int]
    dtype: np.dtype[Any]
    read: ReadPlane
    told: Told = Told()
    valid: ReadPlane | None = None


def grid_items(grid: Grid, choices: Choices, label: str = "") -> Iterator[Item]:
    """Stream the planes of a stack that are chosen; what cannot be read is skipped."""
    name = quote_name(grid.name)
    try:
        _check(grid, name)
        places = band_places(choices.bands, grid.num_bands, name)
        planes = chosen_planes(choices.planes, grid.num_planes, name)
    except ImageError as error:
        yield Item(name, label, error)
        return
    choices.aside.used(len(planes), grid.num_planes, len(places), grid.num_bands)
    _tell_size(grid, choices)
    for number in planes:
        called = f"{name}[{number}]" if grid.num_planes > 1 else name
        yield Item(called, label, _plane(grid, number, places))


def _plane(grid: Grid, number: int, places: list[int]) -> Plane:
    told, window = grid.told, grid.told.window
    return Plane(
        grid.read(number, places),
        low=_of_bands(told.low, places),
        high=_of_bands(told.high, places),
        window=window and (_of_bands(window[0], places), _of_bands(window[1], places)),
        nodata=told.nodata,
        valid=None if grid.valid is None else grid.valid(number, places),
    )


def _of_bands(end: Any, places: list[int]) -> Any:
    """Return the end of a range of the bands at some places."""
    return end[places] if isinstance(end, np.ndarray) else end


def _check(grid: Grid, name: str) -> None:
    problem = not_numbers(grid.dtype)
    if problem:
        message = f"{name} {problem}"
        raise ImageError(message, "no numbers")
    if not min(grid.size) or not grid.num_planes:
        message = f"{name} is empty; remove it"
        raise ImageError(message, "empty")
    check_pixels(grid.size[1], grid.size[0], name)
    if math.prod(grid.size) * grid.dtype.itemsize > MAX_ENCODED_BYTES:
        message = (
            f"{name} has planes of over {MAX_ENCODED_BYTES} bytes; cut it in tiles"
        )
        raise ImageError(message, "too large")


def not_numbers(dtype: np.dtype[Any]) -> str:
    """Return why values of a type are no images, or the empty string."""
    if dtype.kind == "c":
        return (
            f"holds complex numbers ({dtype}); save their modulus, or their two parts "
            "as bands"
        )
    if dtype.kind not in "buif":
        return f"holds values of type {dtype}, not numbers"
    return ""


def _tell_size(grid: Grid, choices: Choices) -> None:
    size, depth = grid.told.pixel, grid.told.depth
    if size is None:
        return
    choices.aside.pixels_of(size)
    if not size.is_square:
        choices.aside.remark(
            f"pixels of {quote_name(grid.name)} are {size.height:.4g}x{size.width:.4g} "
            f"{size.unit}, not square: rings take rows and columns for equally far "
            "apart; resample first if training does"
        )
    elif depth and grid.num_planes > 1 and not 0.99 < depth / size.height < 1.01:
        choices.aside.remark(
            f"voxels of {quote_name(grid.name)} are {size.height:.4g}x{size.width:.4g}x"
            f"{depth:.4g} {size.unit}: planes are measured by themselves, and slices "
            "across them would have another spectrum"
        )


ROWS, COLUMNS, BANDS = "Y", "X", "CS"
"""Letters of axes; all others run over planes."""


class _Axes:
    """An array of named axes, of which planes are read where they are asked for."""

    def __init__(self, array: Any, axes: str, change: Change | None) -> None:
        self.array, self.axes, self.change = array, axes, change
        self.over = [axis for axis in axes if axis not in ROWS + COLUMNS + BANDS]
        self.bands = [axis for axis in axes if axis in BANDS]
        self.sides = dict(zip(axes, map(int, array.shape), strict=True))
        left = [axis for axis in axes if axis not in self.over]
        self.order = [left.index(axis) for axis in (ROWS, COLUMNS, *self.bands)]

    def count(self, axes: list[str]) -> int:
        """Return how many places there are along some axes together."""
        return math.prod(self.sides[axis] for axis in axes)

    def __call__(self, number: int, places: list[int]) -> NDArray[Any]:
        """Return a plane, with the bands at some places."""
        counts = tuple(self.sides[axis] for axis in self.over)
        where = np.unravel_index(number, counts) if counts else ()
        at: dict[str, Any] = {
            axis: int(place) for axis, place in zip(self.over, where, strict=True)
        }
        span = slice(min(places), max(places) + 1)
        if len(self.bands) == 1:
            at[self.bands[0]] = span
            places = [place - span.start for place in places]
        taken = self.array[tuple(at.get(axis, slice(None)) for axis in self.axes)]
        values = np.asarray(taken).transpose(self.order)
        values = values.reshape(*values.shape[:2], -1)
        if places != list(range(values.shape[2])):
            values = values[..., places]
        return values if self.change is None else self.change(values)


def axes_grid(
    name: str,
    array: Any,
    axes: str,
    told: Told = Told(),
    change: Change | None = None,
    dtype: Any = None,
) -> Grid:
    """Return an array of named axes as a stack of planes.

    Parameters
    ----------
    array
        Whatever has a shape, a dtype and slices, which are read when they are taken.
    axes
        A letter for each axis: ``Y`` and ``X``, ``C`` or ``S`` for bands.
    change, dtype
        What is done to the values of a plane, and the type that they then have.
    """
    read = _Axes(array, axes, change)
    return Grid(
        name,
        read.count(read.over),
        read.count(read.bands),
        (read.sides[ROWS], read.sides[COLUMNS]),
        np.dtype(array.dtype if dtype is None else dtype),
        read,
        told,
    )


def needed(module: str, extra: str, what: str) -> Any:
    """Return a module of an extra.

    Raises
    ------
    UnavailableError
        If it is not installed.
    """
    loaded = sys.modules.get(module)
    if loaded is not None:
        return loaded
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = (
            f"{what} take a package that is not installed; "
            f"install it with: pip install 'spectral-sched[{extra}]'"
        )
        raise UnavailableError(message) from error
