"""How the axes of an array file are images: by what was stated, or else by its shape.

A shape that can be read in two ways is refused with what to state. Stacks have the
shape (N, H, W), (N, H, W, C) or (N, C, H, W), C being 1, 3, one more for opacity, or
up to 16 where it was said that they are channels; rows of bytes, as in the batches of
CIFAR and of the small ImageNets, are square images of three planes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spectral_sched.images.stacks import COLOURED, FEW, MANY

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_ROW = 3 * 32**2
"""Bytes of the smallest images that rows are taken for; less may be anything."""

WIDEST_PICTURE = 8192
"""Columns above which an array of two axes is no single image."""

SHAPES = (
    "a stack of images has (N, H, W), (N, H, W, C) or (N, C, H, W) with C from 1 to 4, "
    "or to 16 where --channels says where they are"
)


class Layout(NamedTuple):
    """How entries along the first axis are images.

    Attributes
    ----------
    num_pictures
        How many images there are.
    entry
        The shape of each as it is stored.
    place
        Where its channels are: ``first``, ``last`` or ``none``.
    guessed
        What has to be told of how they are read, if anything.
    """

    num_pictures: int
    entry: tuple[int, ...]
    place: str
    guessed: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image."""
        if len(self.entry) == 1:
            side = _side(self.entry[0], self.place)
            return side, side
        height, width = self.entry[1:] if self.place == "first" else self.entry[:2]
        return height, width

    def picture(self, entry: NDArray[Any]) -> NDArray[Any]:
        """Return an entry as an image, (H, W) or (H, W, C)."""
        height, width = self.size
        if self.place == "first":
            return np.moveaxis(entry.reshape(-1, height, width), 0, -1)
        if self.place == "last":
            return entry.reshape(height, width, -1)
        return entry.reshape(height, width)


class Ambiguous(str):
    """Why an array that may be images cannot be read without more said."""

    __slots__ = ()


def find_layout(
    shape: tuple[int, ...], dtype: np.dtype[Any], channels: str | None
) -> Layout | str:
    """Return how an array is images, or why it is none.

    Parameters
    ----------
    channels
        Where its channels are, if that was stated.
    """
    if len(shape) == 2:
        return _rows(shape, dtype, channels)
    if len(shape) == 3:
        return _three_axes(shape, channels)
    if len(shape) != 4 or channels == "none":
        return f"has the shape {shape}; {SHAPES}"
    place = channels or _place(shape)
    if place is None:
        return Ambiguous(
            f"has the shape {shape}: pass --channels last if that is (N, H, W, C), or "
            "--channels first if it is (N, C, H, W)"
        )
    if shape[1 if place == "first" else 3] not in (MANY if channels else FEW):
        return f"has the shape {shape}; {SHAPES}"
    return Layout(shape[0], shape[1:], place)


def _place(shape: tuple[int, ...]) -> str | None:
    """Return where the channels of four axes are, None if they could be elsewhere."""
    _, second, third, fourth = shape
    if fourth not in FEW or second not in FEW:
        return "first" if second in FEW and fourth not in FEW else "last"
    # Both could be channels; images are square more often than not.
    if (second == third) == (third == fourth):
        return None
    return "last" if second == third else "first"


def _three_axes(shape: tuple[int, ...], channels: str | None) -> Layout | str:
    if channels is None:
        for axis, few, order in (
            (0, COLOURED, "--channels first if that is one image, (C, H, W)"),
            (2, FEW, "--channels last if that is one image, (H, W, C)"),
        ):
            if shape[axis] in few:
                return Ambiguous(
                    f"has the shape {shape}: pass {order}, or --channels none for grey "
                    "ones, (N, H, W)"
                )
    if channels in (None, "none"):
        return Layout(shape[0], shape[1:], "none")
    if shape[0 if channels == "first" else 2] not in MANY:
        return f"has the shape {shape}; {SHAPES}"
    return Layout(1, shape, str(channels))


def _rows(
    shape: tuple[int, ...], dtype: np.dtype[Any], channels: str | None
) -> Layout | str:
    count, width = shape
    side = _side(width, channels or "first")
    if channels and side:
        return Layout(count, (width,), channels)
    plausible = side and not side & (side - 1) and width >= SMALLEST_ROW
    if channels or not plausible or dtype != np.uint8:
        return (
            f"has the shape {shape}; {SHAPES}, rows of square ones with --channels "
            "first (planes), last (pixels) or none (grey)"
        )
    if width <= WIDEST_PICTURE and width <= 2 * count <= 4 * width:
        return Ambiguous(
            f"has the shape {shape}: pass --channels first or last if its rows are "
            "images, or save the one image that it is with an axis more"
        )
    guessed = (
        f"its rows are read as 3 planes of {side}x{side} pixels; pass --channels last "
        "if the 3 values of a pixel are together"
    )
    return Layout(count, (width,), "first", guessed)


def _side(width: int, place: str) -> int:
    """Return the side of the square images that rows are, 0 if they are none."""
    pixels = width if place == "none" else width // 3
    side = math.isqrt(pixels)
    whole = side * side == pixels and (place == "none" or width % 3 == 0)
    return side if whole else 0
