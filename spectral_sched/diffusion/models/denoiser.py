"""What a denoiser is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from torch import Tensor


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
