"""Plays a table on a model for many seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spectral_sched.diffusion.batches import first_batch, in_batches
from spectral_sched.diffusion.models.guidance import UNGUIDED, guide
from spectral_sched.solvers.registry import solver_calls

from .noise import SeededNoise
from .sampler import sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.images.pixels import Shape
    from spectral_sched.schedules.table import SigmaTable


ON_CPU = 64


class Player:
    """A model with the starting noise that all tables share.

    Parameters
    ----------
    denoise, shape
        The model and the shape of its pictures, (C, H, W).
    seeds
        One per sample.
    """

    def __init__(
        self,
        denoise: Denoiser,
        shape: Shape,
        seeds: Sequence[int],
        device: torch.device | None = None,
    ) -> None:
        self.denoise, self.shape, self.seeds = denoise, shape, list(seeds)
        self.device = device or torch.device("cpu")

    def __call__(
        self, table: SigmaTable, sampler: str, count: int | None = None
    ) -> NDArray[np.float32]:
        """Return the samples of a table, (N, C, H, W), or the first `count` of them."""
        seeds = self.seeds[:count]

        def play(batch: Sequence[int], _: Callable[[int], None]) -> Tensor:
            return self._play(table, sampler, batch)

        largest = first_batch(self.shape, self.device, ON_CPU)
        parts = list(in_batches(play, seeds, largest, self.device))
        pictures: NDArray[np.float32] = torch.cat(parts).numpy()
        return pictures

    @torch.inference_mode()
    def _play(self, table: SigmaTable, sampler: str, seeds: Sequence[int]) -> Tensor:
        noise = SeededNoise(seeds, self.shape, self.device, torch.float32)
        x = table.sigmas[0] * noise()
        denoise = guide(self.denoise, UNGUIDED, seeds)
        *_, last = sample(denoise, x, solver_calls(sampler, table.sigmas), noise)
        return last
