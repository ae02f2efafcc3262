"""Images degraded for a network to restore, and what a noise law sees of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from spectral_sched.files.degradation import Degradation

NUM_OCTAVES = 4
NUM_FEATURES = NUM_OCTAVES + 1
"""Octaves of detail, and what is coarser than all of them."""

LEAST_POWER = 1e-5
"""About the power of rounding to 8 bits; less counts as that."""


def degrade(
    pictures: Tensor,
    degradation: Degradation,
    unit_noise: Callable[[tuple[int, ...]], Tensor],
) -> Tensor:
    """Return degraded images in [-1, 1], (B, C, H, W).

    Parameters
    ----------
    unit_noise
        Gives noise of a shape, (B, C, H, W), where the degradation is noise.
    """
    value = degradation.value
    match degradation.name:
        case "box":
            side = int(value)
            means = functional.avg_pool2d(pictures, side)
            return means.repeat_interleave(side, -2).repeat_interleave(side, -1)
        case "noise":
            return pictures + value * unit_noise(tuple(pictures.shape)).to(pictures)
        case _:
            return pictures.lerp(pictures.mean(dim=1, keepdim=True), value)


def octave_features(pictures: Tensor) -> Tensor:
    """Return how strong each octave of detail is in images, (B, `NUM_FEATURES`).

    An octave is what is lost when squares of 2x2 pixels become their means, then
    squares of 2x2 of these, and so on; the last feature is of what is left, about
    middle grey. 1 stands for a mean square of 1, -1 for next to none, and in between
    its logarithm. Ours.
    """
    powers, fine = [], pictures
    for _ in range(NUM_OCTAVES):
        coarse = functional.avg_pool2d(fine, 2, ceil_mode=True)
        spread = functional.interpolate(coarse, scale_factor=2.0)
        detail = fine - spread[..., : fine.shape[-2], : fine.shape[-1]]
        powers.append(detail.square().mean(dim=(1, 2, 3)))
        fine = coarse
    powers.append(fine.square().mean(dim=(1, 2, 3)))
    least = pictures.new_tensor(LEAST_POWER)
    return 1 - 2 * (torch.stack(powers, dim=1) + least).log() / least.log()
