"""Denoisers with known answers: the posterior mean of a picture under noise.

A denoiser maps ``x = picture + sigma * noise`` and ``sigma`` to the mean of the
pictures that may lie under ``x``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

from .field_filters import FieldFilter

if TYPE_CHECKING:
    from torch import Tensor

    from spectral_sched.spectra.gaussian_field import GaussianField


class Denoiser(Protocol):
    """What the sampler needs to know of a model."""

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        ...


def per_picture(sigma: float | Tensor) -> float | Tensor:
    """Return sigma in a shape that multiplies (B, C, H, W)."""
    return sigma.reshape(-1, 1, 1, 1) if isinstance(sigma, torch.Tensor) else sigma


def told_ends(
    denoise: Denoiser, ends: tuple[float | Tensor, float | Tensor]
) -> Denoiser:
    """Return a denoiser told of the ends of noise ranges, if it takes them.

    Parameters
    ----------
    ends
        Lower and upper end, of all pictures of a batch or of each, (B,).
    """
    between = getattr(denoise, "between", None)
    told: Denoiser = denoise if between is None else between(*ends)
    return told


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
        self.filter = FieldFilter(field, device, dtype)
        mean = torch.tensor(field.mean_color, device=device, dtype=dtype)
        self.mean = mean.reshape(-1, 1, 1)

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        power = self.filter.power
        kept = power / (power + per_picture(sigma) ** 2)
        return self.filter(x - self.mean, kept) + self.mean


class FiniteSetDenoiser:
    """The exact denoiser of a finite set of equally likely pictures.

    With a spread it is that of a mixture of Gaussians about them.

    Parameters
    ----------
    pictures
        The set, (M, C, H, W) in [-1, 1].
    spread
        Standard deviation of each pixel about its picture.
    messages
        What has to be said about the pictures.
    """

    def __init__(
        self, pictures: Tensor, spread: float = 0.0, messages: tuple[str, ...] = ()
    ) -> None:
        self.pictures, self.spread, self.messages = pictures, spread, messages
        self.center = pictures.mean(dim=0)
        self.offsets = (pictures - self.center).flatten(1)
        self.energy = self.offsets.square().sum(dim=1) / 2

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        flat = (x - self.center).flatten(1)
        noise = sigma**2 if isinstance(sigma, float) else sigma.reshape(-1, 1) ** 2
        variance = noise + self.spread**2
        weights = ((flat @ self.offsets.T - self.energy) / variance).softmax(dim=1)
        found = weights @ self.offsets
        if self.spread:
            found = found + (flat - found) * self.spread**2 / variance
        return found.reshape(x.shape) + self.center
