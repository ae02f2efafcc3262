"""Features of images from a fixed random convolutional network, or another by name.

Random features see colours, contrast and texture at several scales, and need neither a
download nor a licence. A distance on them ranks samplers of one model; it is not an FID
and is not comparable with one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch.nn import functional

from spectral_sched.defaults import FEATURES
from spectral_sched.errors import check_choice

from .batched import batched
from .imagenet_features import ImageNetFeatures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

SEED = 20260319
WIDTHS = (32, 64, 128)
NUM_FEATURES = 64
DARK = 1e-3
"""Contrast below which differences no longer count."""


class Features(Protocol):
    """What turns images into the numbers that distances are taken on."""

    @property
    def name(self) -> str:
        """What tells figures of different features apart."""
        ...

    def __call__(self, pictures: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return features, (N, F), of images, (N, C, H, W) in [-1, 1]."""
        ...


class RandomFeatures:
    """Three convolutions with seeded weights, pooled and projected to 64 numbers.

    Parameters
    ----------
    channels
        Channels of the images.
    """

    def __init__(self, channels: int) -> None:
        rng = np.random.default_rng([SEED, channels])
        widths = (channels, *WIDTHS)
        self.kernels = [
            _normal(rng, (wide, narrow, 3, 3), (2 / (9 * narrow)) ** 0.5)
            for narrow, wide in zip(widths, WIDTHS, strict=False)
        ]
        pooled = 2 * sum(WIDTHS)
        self.projection = _normal(rng, (pooled, NUM_FEATURES), pooled**-0.5)

    @property
    def name(self) -> str:
        """Digest of the weights, to tell figures of different features apart."""
        content = b"".join(
            t.numpy().tobytes() for t in (*self.kernels, self.projection)
        )
        return "random-" + hashlib.sha256(content).hexdigest()[:12]

    def __call__(self, pictures: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return features, (N, 64), of images, (N, C, H, W) in [-1, 1]."""
        return batched(self._of, pictures)

    def _of(self, x: Tensor) -> Tensor:
        pooled = []
        for level, kernel in enumerate(self.kernels):
            x = functional.conv2d(x, kernel, stride=2 if level else 1, padding=1)
            # Lost detail changes contrasts by factors, so their logarithms are taken.
            contrast = (x.std(dim=(2, 3)) + DARK).log()
            x = x.relu()
            pooled += [x.mean(dim=(2, 3)), contrast]
        return torch.cat(pooled, dim=1) @ self.projection


NAMED: Mapping[str, Callable[[int], Features]] = dict(
    zip(FEATURES, (RandomFeatures, ImageNetFeatures), strict=True)
)


def features_named(name: str, channels: int) -> Features:
    """Return the features of a name, for images of so many channels.

    Raises
    ------
    UsageError
        If there are none of that name, or they do not look at such images.
    UnavailableError
        If their network is not installed.
    """
    check_choice(name, NAMED, "kind of features", "--features")
    return NAMED[name](channels)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], std: float) -> Tensor:
    return torch.from_numpy(
        rng.standard_normal(shape, dtype=np.float32) * np.float32(std)
    )
