"""Denoisers that are exact: of a Gaussian field and of a finite set of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spectral_sched.diffusion.devices import to_device
from spectral_sched.spectra.rings import rings

from .denoiser import per_picture

if TYPE_CHECKING:
    from torch import Tensor

    from spectral_sched.spectra.gaussian_field import GaussianField


class WienerDenoiser:
    """The exact denoiser of a stationary Gaussian field of colour images.

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
    """The exact denoiser of a finite set of equally likely images.

    With a spread it is that of a mixture of Gaussians about them.

    Parameters
    ----------
    pictures
        The set, (M, C, H, W) in [-1, 1].
    spread
        Standard deviation of each pixel about its image.
    messages
        What has to be said about the images.
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


class FieldFilter:
    """A scaling of modes in the axes that decorrelate the colours of their ring.

    In these axes the modes of a stationary field are independent, so whatever turns
    one such field into another is a factor for each.

    Parameters
    ----------
    field
        Cross-channel power per ring, and the size of the images.
    device, dtype
        Where and in which real type it works.

    Attributes
    ----------
    power
        Power of each mode in each axis, (C, H, W // 2 + 1).
    """

    def __init__(
        self, field: GaussianField, device: torch.device, dtype: torch.dtype
    ) -> None:
        power, axes, _ = field.color_axes
        index = rings(*field.shape[1:]).index
        self.size = field.shape[1:]
        told = (power.clip(0)[index], axes[index])
        of_modes, axes_of_modes = (
            to_device(torch.tensor(each, dtype=dtype), device) for each in told
        )
        self.power = of_modes.permute(2, 0, 1)
        self.axes = axes_of_modes.permute(2, 3, 0, 1).to(dtype.to_complex())

    def __call__(self, x: Tensor, factor: Tensor) -> Tensor:
        """Return images, (B, C, H, W), with each mode times its factor.

        Parameters
        ----------
        factor
            (C, H, W // 2 + 1), or one of those per image.
        """
        modes = torch.fft.rfft2(x, norm="ortho")
        turned = torch.einsum("cahw,bchw->bahw", self.axes, modes)
        back = torch.einsum("cahw,bahw->bchw", self.axes, turned * factor)
        filtered: Tensor = torch.fft.irfft2(back, s=self.size, norm="ortho")
        return filtered
