"""Pixels as networks have them, and the clamping of denoised images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from spectral_sched.diffusion.devices import numbers_like
from spectral_sched.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    Value = float | Sequence[float]


@dataclass(frozen=True)
class PixelRange:
    """What black and white are in the pixels of a network.

    Attributes
    ----------
    black, white
        A number, or one per channel: the offset may differ between channels, the
        distance must not, since noise that is white in ours would not be in theirs.

    Raises
    ------
    UsageError
        If black and white are the same, or their distance differs between channels.
    """

    black: tuple[float, ...]
    white: tuple[float, ...]

    def __post_init__(self) -> None:
        distances = np.array(self.white) - np.array(self.black)
        if not (np.isfinite(distances).all() and (distances != 0).all()):
            message = f"pixels go from {self.black} to {self.white}, which is no range"
            raise UsageError(message)
        if np.ptp(distances) > 1e-9 * np.abs(distances).max():
            message = (
                "pixels are standardised by another factor in each channel, and white "
                "noise in them is not white in ours; analyze the standardised pixels "
                "as an array with --data-range=-1,1, and wrap without pixels="
            )
            raise UsageError(message)

    @classmethod
    def of(cls, black: Value, white: Value) -> Self:
        """Return the range of numbers, or of lists of one per channel."""
        ends = [np.atleast_1d(np.asarray(end, float)) for end in (black, white)]
        low, high = np.broadcast_arrays(*ends)
        return cls(tuple(low.tolist()), tuple(high.tolist()))

    @property
    def scale(self) -> float:
        """Their unit over ours: what noise is multiplied by on the way in."""
        return (self.white[0] - self.black[0]) / 2

    def inward(self, x: Tensor) -> Tensor:
        """Return pixels of ours, (B, C, H, W), as the network has them."""
        return x * self.scale + self._middle(x)

    def outward(self, y: Tensor) -> Tensor:
        """Return pixels of the network, (B, C, H, W), as ours."""
        return (y - self._middle(y)) / self.scale

    def _middle(self, x: Tensor) -> Tensor | float:
        middle = [
            (low + high) / 2 for low, high in zip(self.black, self.white, strict=True)
        ]
        if len(middle) == 1:
            return middle[0]
        return numbers_like(middle, x).reshape(-1, 1, 1)


OURS = PixelRange.of(-1.0, 1.0)


def standardised(mean: Value, std: Value) -> PixelRange:
    """Return the pixels of networks that see ``(pixel - mean) / std``.

    Parameters
    ----------
    mean, std
        Of pixels in [0, 1], as torchvision takes them; numbers, or one per channel.
        All channels need the same standard deviation.

    Raises
    ------
    UsageError
        If the standard deviations differ, or one is not above 0.
    """
    center, spread = np.asarray(mean, float), np.asarray(std, float)
    if not (np.isfinite(spread).all() and (spread > 0).all()):
        message = f"pixels are divided by a standard deviation above 0, not {std}"
        raise UsageError(message)
    return PixelRange.of((0 - center) / spread, (1 - center) / spread)


def pixel_range(pixels: str | tuple[Value, Value] | PixelRange) -> PixelRange:
    """Return the range that ``-1,1``, two numbers or a `PixelRange` stand for.

    Raises
    ------
    UsageError
        If it is no range.

    Examples
    --------
    >>> pixel_range("0,1").inward(torch.tensor([-1.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    if isinstance(pixels, PixelRange):
        return pixels
    try:
        black, white = pixels.split(",") if isinstance(pixels, str) else pixels
        return PixelRange.of(
            *(np.asarray(end, float).tolist() for end in (black, white))
        )
    except ValueError as error:
        message = f"pixels= takes black and white, as in '0,1', not {pixels!r}"
        raise UsageError(message) from error


@dataclass(frozen=True)
class Clamp:
    """Denoised images kept to the range of pixels.

    Attributes
    ----------
    limit
        Largest distance from 0 that pixels may have; None for any.
    percentile
        Dynamic thresholding (arXiv 2205.11487, Section 2.3): images are divided by
        this quantile of the absolute values of their own pixels where it is above 1,
        and clamped to [-1, 1]; None for none.

    Raises
    ------
    UsageError
        If a number is out of range, or both are given.
    """

    limit: float | None = None
    percentile: float | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.percentile is not None:
            message = "clamp= and threshold= both clamp images; leave one out"
            raise UsageError(message)
        if self.limit is not None and not self.limit > 0:
            message = f"clamp= takes a number above 0, not {self.limit}"
            raise UsageError(message)
        if self.percentile is not None and not 0 < self.percentile < 1:
            message = f"threshold= takes a share between 0 and 1, not {self.percentile}"
            raise UsageError(message)

    def __call__(self, images: Tensor) -> Tensor:
        """Return images, (B, C, H, W), within the range."""
        if self.limit is not None:
            return images.clamp(-self.limit, self.limit)
        if self.percentile is None:
            return images
        sizes = images.abs().flatten(1)
        top = torch.quantile(sizes.to(torch.float32), self.percentile, dim=1)
        top = top.clamp(min=1).to(images.dtype).reshape(-1, 1, 1, 1)
        return images.clamp(-top, top) / top
