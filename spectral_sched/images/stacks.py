"""Images in memory, of numpy or of torch, brought to the one order of their axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.errors import InputError, check_choice

from .bands import MAX_BANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACES = ("first", "last", "none")
FEW = (1, 2, 3, 4)
"""How many channels an image has, as far as a shape alone can tell."""

MANY = range(1, MAX_BANDS + 1)
"""The same where it was said that they are channels."""

COLOURED = (3, 4)
"""How many an axis has that is hardly anything else."""


def check_place_of_channels(channels: str | None) -> None:
    """Raise `UsageError` if channels cannot be at a place; None is where they are."""
    if channels is not None:
        check_choice(channels, PLACES, "place of channels", "--channels")


def is_tensor(source: object) -> bool:
    """Return whether something is a tensor of torch, without loading it."""
    return all(hasattr(source, name) for name in ("detach", "cpu", "is_floating_point"))


def as_array(pictures: Any) -> NDArray[Any]:
    """Return an array, a tensor, or a list of these or of images as one array."""
    if is_tensor(pictures):
        there = pictures.detach().cpu()
        found: NDArray[Any] = (
            there.float() if there.is_floating_point() else there
        ).numpy()
        return found
    if isinstance(pictures, Sequence):
        arrays = [as_array(picture) for picture in pictures]
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1:
            first, second, *_ = sorted(shapes)
            message = (
                f"the images have different shapes, {first} and {second}; bring them "
                "to one, or write them to a folder and name it"
            )
            raise InputError(message)
        return np.stack(arrays)
    return np.asarray(pictures)


def channels_last(pictures: Any, channels: str | None = None) -> NDArray[Any]:
    """Return a stack of images as (N, H, W, C), or (N, H, W) without channels.

    Parameters
    ----------
    pictures
        An array, a tensor of torch, or a list of images.
    channels
        Where its channels are: ``first``, ``last``, or ``none`` for a stack of grey
        images. With the first two a single image will do. If not given, tensors
        have them first, as is the custom there, and arrays last.

    Raises
    ------
    InputError
        If that is not how many axes it has, or not where channels can be.
    """
    stack = as_array(pictures)
    listed = isinstance(pictures, list | tuple) and len(pictures) > 0
    custom = is_tensor(pictures[0] if listed else pictures)
    if channels is None:
        channels = _customary(stack, "first" if custom else "last")
    check_place_of_channels(channels)
    if channels == "none":
        return stack
    if stack.ndim == 3:
        stack = stack[None]
    return np.moveaxis(stack, 1, -1) if channels == "first" else stack


def channels_first(pictures: Any, channels: str | None = None) -> NDArray[Any]:
    """Return a stack of images as (N, C, H, W).

    Parameters
    ----------
    pictures, channels
        As for `channels_last`, but first if not given.
    """
    place = channels or "first"
    stack = as_array(pictures)
    if channels is None and stack.ndim == 4:
        _check_place(stack, 1, 3, "last")
    if place == "none":
        return stack[:, None]
    return np.moveaxis(channels_last(stack, place), -1, 1)


def _customary(stack: NDArray[Any], place: str) -> str:
    """Return where channels are by custom, if that can be."""
    if stack.ndim == 4:
        here, there = (1, 3) if place == "first" else (3, 1)
        _check_place(stack, here, there, "last" if place == "first" else "first")
        return place
    few = FEW if place == "first" else COLOURED
    for axis, word, order in ((0, "first", "(C, H, W)"), (-1, "last", "(H, W, C)")):
        if stack.ndim == 3 and stack.shape[axis] in few:
            message = (
                f'the array has the shape {stack.shape}: pass channels="{word}" if '
                f'that is one image, {order}, or channels="none" for grey ones, '
                "(N, H, W)"
            )
            raise InputError(message)
    return "none"


def _check_place(stack: NDArray[Any], here: int, there: int, other: str) -> None:
    """Raise `InputError` where channels seem to be elsewhere."""
    if stack.shape[here] not in FEW and stack.shape[there] in FEW:
        order = "(N, C, H, W)" if other == "first" else "(N, H, W, C)"
        message = (
            f"the array has the shape {stack.shape}, which looks like {order}; pass "
            f'channels="{other}"'
        )
        raise InputError(message)
