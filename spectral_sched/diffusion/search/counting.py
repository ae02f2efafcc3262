"""Network calls counted, which is what searching for a table with a model costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spectral_sched.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser

LARGEST = 2**20
"""Numbers in one batch: 341 colour images of 32x32."""


class CountingDenoiser:
    """A denoiser that knows how many images it has denoised.

    Attributes
    ----------
    num_calls
        Network calls so far; a batch counts as many as it has images.
    """

    def __init__(self, denoise: Denoiser) -> None:
        self.denoise = denoise
        self.num_calls = 0
        self._finite: bool | Tensor = True

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        self.num_calls += len(x)
        denoised = self.denoise(x, sigma)
        # Stays where the model is: a search waits for nothing that it does not need.
        self._finite = torch.isfinite(denoised).all() & self._finite
        return denoised

    def check_finite(self) -> None:
        """Raise `UsageError` if anything that the model answered was not finite."""
        if not self._finite:
            message = (
                "what the model answers is not finite, so no table can be found with "
                "it; try --kind optimal"
            )
            raise UsageError(message)

    @torch.inference_mode()
    def many(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the same for more images than one batch takes.

        Parameters
        ----------
        sigma
            Noise level of all, or of each, (B,).
        """
        batch = max(1, LARGEST // x[0].numel())
        levels = torch.as_tensor(sigma, dtype=x.dtype, device=x.device)
        levels = levels.expand(len(x))
        parts = zip(torch.split(x, batch), torch.split(levels, batch), strict=True)
        return torch.cat([self(*part) for part in parts])
