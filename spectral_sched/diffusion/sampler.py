"""The sampler: it plays the network calls that `solvers` computed on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.solvers.recurrence import Play

from .models.denoiser import per_picture
from .models.exact import FieldFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from torch import Tensor

    from spectral_sched.images.pixels import Shape
    from spectral_sched.solvers.recurrence import Call, Weight
    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.gaussian_field import GaussianField

    from .models.denoiser import Denoiser


class SeededNoise:
    """Unit noise for pictures with a seed each, drawn one after the other.

    Every seed has a generator of its own on the host, so its noise is the same in every
    batch and on every device.

    Parameters
    ----------
    seeds
        One per picture.
    shape
        (C, H, W) of a picture.
    device, dtype
        Where the noise goes and as what; it is drawn in float64.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        shape: Shape,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.shape = shape
        self.device = device
        self.dtype = dtype

    def __call__(self) -> Tensor:
        """Return the next noise, (B, C, H, W); the first is that of the start."""
        noise = [
            torch.randn(self.shape, generator=generator, dtype=torch.float64)
            for generator in self.generators
        ]
        return torch.stack(noise).to(self.device, self.dtype)


def starting_point(
    noise: Tensor, sigma: float | Tensor, start: Start, field: GaussianField
) -> Tensor:
    """Return where sampling starts, (B, C, H, W), from unit noise.

    About zero or about the mean colour it is noise alone. A spectral start (ours) has
    the covariance of noised pictures too: that of the field, plus ``sigma**2``.
    """
    if start == "zero":
        return per_picture(sigma) * noise
    mean = torch.tensor(field.mean_color, dtype=noise.dtype, device=noise.device)
    if start == "mean":
        return mean.reshape(-1, 1, 1) + per_picture(sigma) * noise
    filtered = FieldFilter(field, noise.device, noise.dtype)
    spectral = filtered(noise, torch.sqrt(filtered.power + per_picture(sigma) ** 2))
    return mean.reshape(-1, 1, 1) + spectral


def stacked_calls(calls: Sequence[Call], like: Tensor) -> list[Call]:
    """Return calls over one table per picture with their weights beside the pictures.

    Weights, floats or arrays (B,), become tensors (B, 1, 1, 1) of one transfer, and
    noise levels (B,).

    Parameters
    ----------
    like
        Pictures, (B, C, H, W), for the number, device and type.
    """
    weights: list[Weight] = []
    for call in calls:
        call.mapped(weights.append)
    rows = np.stack([np.broadcast_to(weight, len(like)) for weight in weights])
    tensors = iter(torch.from_numpy(rows).to(like).reshape(-1, len(like), 1, 1, 1))
    placed = [call.mapped(lambda _: next(tensors)) for call in calls]
    return [call._replace(sigma=call.sigma.flatten()) for call in placed]


def sample(
    denoise: Denoiser, x: Tensor, calls: Iterable[Call], noise: Callable[[], Tensor]
) -> Iterator[Tensor]:
    """Yield the state, (B, C, H, W), after each step; the last one is the picture.

    Parameters
    ----------
    denoise
        The model.
    x
        Starting point at the first noise level.
    calls
        Network calls in order: from `spectral_sched.solvers.solver_calls` for one
        table, from `stacked_calls` for one table per picture.
    noise
        Source of fresh unit noise; solvers of the flow never ask.
    """
    play = Play(x, noise)
    for call in calls:
        play.take(call, denoise(play.point, call.sigma))
        if call.state is not None:
            yield play.state
