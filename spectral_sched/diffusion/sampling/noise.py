"""Seeded noise, and where sampling starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spectral_sched.diffusion.devices import numbers_like
from spectral_sched.diffusion.models.denoiser import per_picture
from spectral_sched.diffusion.models.exact import FieldFilter
from spectral_sched.diffusion.philox import Draw, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from spectral_sched.images.pixels import Shape
    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.gaussian_field import GaussianField


NOISE = "philox"
"""What the noise of a seed is called where samples are kept for later."""


class SeededNoise:
    """Unit noise for images with a seed each, drawn one after the other.

    Every number is a function of its seed, of how many times noise was drawn before,
    and of its place in the image (`diffusion.philox`): the noise of a seed is the
    same in every batch and on every device.

    Parameters
    ----------
    seeds
        One per image, from 0 and below 2**63.
    shape
        (C, H, W) of an image.
    device, dtype
        Where the noise goes and as what; it is drawn in float32.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        shape: Shape,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.seeds, self.shape = seeds, shape
        self.device, self.dtype = device, dtype
        self.times = 0

    def __call__(self) -> Tensor:
        """Return the next noise, (B, C, H, W); the first is that of the start."""
        draw = Draw.of_seeds(Purpose.SAMPLING, self.times, self.seeds)
        self.times += 1
        return draw.normals(self.shape, self.device).to(self.dtype)


def starting_point(
    noise: Tensor, sigma: float | Tensor, start: Start, field: GaussianField
) -> Tensor:
    """Return where sampling starts, (B, C, H, W), from unit noise.

    About zero or about the mean colour it is noise alone. A spectral start (ours) has
    the covariance of noised images too: that of the field, plus ``sigma**2``.
    """
    if start == "zero":
        return per_picture(sigma) * noise
    mean = numbers_like(field.mean_color, noise)
    if start == "mean":
        return mean.reshape(-1, 1, 1) + per_picture(sigma) * noise
    filtered = FieldFilter(field, noise.device, noise.dtype)
    spectral = filtered(noise, torch.sqrt(filtered.power + per_picture(sigma) ** 2))
    return mean.reshape(-1, 1, 1) + spectral
