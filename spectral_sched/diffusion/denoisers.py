"""Denoisers with known answers: the posterior mean of a picture under noise.

A denoiser maps ``x = picture + sigma * noise`` and ``sigma`` to the mean of the
pictures that may lie under ``x``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from spectral_sched.rings import rings

if TYPE_CHECKING:
    from torch import Tensor

    from spectral_sched.gaussian_field import GaussianField


class Denoiser(Protocol):
    """What the sampler needs to know of a model."""

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        ...


def per_picture(sigma: float | Tensor) -> float | Tensor:
    """Return sigma in a shape that multiplies (B, C, H, W)."""
    return sigma.reshape(-1, 1, 1, 1) if isinstance(sigma, torch.Tensor) else sigma


class WienerDenoiser:
    """The exact denoiser of a stationary Gaussian field of colour pictures.

    Each Fourier mode is turned into the axes that decorrelate its ring's colours, and
    each axis is scaled by ``power / (power + sigma**2)``.

    Parameters
    ----------
    field
        Mean colour and cross-channel power per ring.
    device, dtype
        Where and in which real type it works.
    """

    def __init__(
        self, field: GaussianField, device: torch.device, dtype: torch.dtype
    ) -> None:
        power, axes = np.linalg.eigh(field.cross_power)
        index = rings(*field.shape[1:]).index
        real = torch.zeros((), device=device, dtype=dtype)
        self.size = field.shape[1:]
        self.mean = real.new_tensor(field.mean_color).reshape(-1, 1, 1)
        self.power = real.new_tensor(power.clip(0)[index]).permute(2, 0, 1)
        axes_of_modes = real.new_tensor(axes[index]).permute(2, 3, 0, 1)
        self.axes = axes_of_modes.to(dtype.to_complex())

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        modes = torch.fft.rfft2(x - self.mean, norm="ortho")
        turned = torch.einsum("cahw,bchw->bahw", self.axes, modes)
        scaled = turned * (self.power / (self.power + per_picture(sigma) ** 2))
        back = torch.einsum("cahw,bahw->bchw", self.axes, scaled)
        centred: Tensor = torch.fft.irfft2(back, s=self.size, norm="ortho")
        return centred + self.mean


class FiniteSetDenoiser:
    """The exact denoiser of a finite set of equally likely pictures.

    Parameters
    ----------
    pictures
        The set, (M, C, H, W) in [-1, 1].
    """

    def __init__(self, pictures: Tensor) -> None:
        self.center = pictures.mean(dim=0)
        self.offsets = (pictures - self.center).flatten(1)
        self.energy = self.offsets.square().sum(dim=1) / 2

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        flat = (x - self.center).flatten(1)
        variance = sigma**2 if isinstance(sigma, float) else sigma.reshape(-1, 1) ** 2
        weights = ((flat @ self.offsets.T - self.energy) / variance).softmax(dim=1)
        return (weights @ self.offsets).reshape(x.shape) + self.center
