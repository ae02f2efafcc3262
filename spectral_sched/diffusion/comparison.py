"""Schedules side by side on one model: same noise, same reference, same real pictures.

Each table is judged twice: by the paired error, the root-mean-square distance of its
samples from those of a fine reference that started from the same noise; and by the
Frechet distance on random features between its samples and real pictures, beside the
distance between real pictures and real pictures. The two need not agree: the error is
blind to the model's own faults, the distance to which sample belongs to which noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.metrics import (
    Estimate,
    bootstrap_mean_square,
    frechet_distance,
    frechet_floor,
    jackknife,
)
from spectral_sched.solvers import solver_calls

from .features import RandomFeatures
from .sampler import SeededNoise, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.statistics import Shape
    from spectral_sched.tables import SigmaTable

    from .denoisers import Denoiser

BATCH = 64


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
        batches = [seeds[k : k + BATCH] for k in range(0, len(seeds), BATCH)]
        parts = [self._play(table, sampler, batch) for batch in batches]
        pictures: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
        return pictures

    @torch.inference_mode()
    def _play(self, table: SigmaTable, sampler: str, seeds: Sequence[int]) -> Tensor:
        noise = SeededNoise(seeds, self.shape, self.device, torch.float32)
        x = table.sigmas[0] * noise()
        *_, last = sample(self.denoise, x, solver_calls(sampler, table), noise)
        return last


@dataclass(frozen=True, eq=False)
class Yardsticks:
    """What samples are measured against.

    Attributes
    ----------
    reference
        Samples of the fine reference from the same noise, (N, C, H, W).
    real
        Held-out pictures in [-1, 1], (M, C, H, W).
    """

    reference: NDArray[np.float32]
    real: NDArray[np.floating]

    @cached_property
    def features(self) -> RandomFeatures:
        """What pictures are turned into."""
        return RandomFeatures(self.real.shape[1])

    @cached_property
    def real_features(self) -> NDArray[np.float64]:
        """Features of the real pictures, (M, F)."""
        return self.features(self.real)

    @cached_property
    def floor(self) -> Estimate:
        """Distance between as many real pictures as there are samples and the rest."""
        return frechet_floor(self.real_features, len(self.reference))

    def error(self, samples: NDArray[np.float32]) -> Estimate:
        """Return the paired root-mean-square error against the reference."""
        difference = samples.astype(np.float64) - self.reference[: len(samples)]
        return bootstrap_mean_square(np.mean(difference**2, axis=(1, 2, 3)))

    def distance(self, samples: NDArray[np.float32]) -> Estimate:
        """Return the Frechet distance on random features to the real pictures."""
        return jackknife(
            lambda features: frechet_distance(features, self.real_features),
            self.features(samples),
        )
