"""Tables whose steps are alike by a rate that a network shows along the noise levels.

Four published rates, and what they are of a step from sigma to the level below it:

- rescaled entropy (Stancevic et al., arXiv 2504.13612, Algorithm 2): the squared error
  of the denoised image over sigma^2;
- the work of a corrector (Williams et al., arXiv 2412.07877): sigma times the root mean
  square change of the score between the two levels, at images noised to the upper one;
- sharpness (Gupta et al., arXiv 2605.11547): the change of the velocity along Euler's
  paths in flow time, to a power;
- the bound on a step's Wasserstein error (Jo & Choi, arXiv 2602.12624): half the step
  times the change of the slope along Euler's paths in sigma, to a power, and times a
  power of 1 / sigma.

The first is from the paper's text. The others are from programs: those of their
authors, and for the work of a corrector that of Jo & Choi, who compare with it.

Ours: the rates are seen on 61 levels, the same noise serves all levels, and the way
between levels is a monotone cubic in ln sigma.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.errors import UsageError
from spectral_sched.schedules import UNIT_FLOW, KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from .counting import CountingDenoiser

    Levels = NDArray[np.float64]

NUM_LEVELS = 61
"""Levels that rates are seen on."""


def seen_levels(ends: tuple[float, float]) -> Levels:
    """Return the levels that rates are seen on, falling, (61,)."""
    return np.array(sigma_table(Schedule(KarrasLaw(), *ends), NUM_LEVELS).levels)


@torch.inference_mode()
def entropic_lengths(
    denoise: CountingDenoiser, pictures: Tensor, noise: Tensor, levels: Levels
) -> Levels:
    """Return the rescaled entropy between neighbouring levels, (P - 1,).

    Parameters
    ----------
    pictures, noise
        Real images and unit noise for each, (S, C, H, W).
    levels
        Falling, (P,).
    """
    errors = []
    for level in levels:
        off = denoise.many(pictures + level * noise, level) - pictures
        errors.append(float(off.square().sum()))
    rate = np.array(errors) / levels**2
    lengths: Levels = -np.diff(levels) * (rate[1:] + rate[:-1]) / 2
    return lengths


@torch.inference_mode()
def score_lengths(
    denoise: CountingDenoiser, pictures: Tensor, noise: Tensor, levels: Levels
) -> Levels:
    """Return the root of a corrector's work between neighbouring levels, (P - 1,).

    The parameters are those of `entropic_lengths`.
    """
    lengths = []
    for high, low in pairwise(levels):
        x = pictures + high * noise
        above, below = ((denoise.many(x, s) - x) / s**2 for s in (high, low))
        work = (above - below).flatten(1).square().sum(dim=1).mean()
        lengths.append(high * float(work.sqrt()))
    return np.array(lengths)


@torch.inference_mode()
def bound_lengths(
    denoise: CountingDenoiser, noise: Tensor, levels: Levels, power: float, tilt: float
) -> Levels:
    """Return a power of the bounds on the errors of Euler's steps, (P - 1,).

    Parameters
    ----------
    noise
        Unit noise of the starts, (S, C, H, W).
    levels
        Falling, (P,).
    power, tilt
        Exponents of the bound, and of the first level over the lower one of a step.
    """
    slopes = (slope for slope, _ in _euler_path(denoise, noise, levels))
    bounds = -np.diff(levels) * _changes(slopes) / 2
    lengths: Levels = bounds**power * (levels[0] / levels[1:]) ** tilt
    return lengths


@torch.inference_mode()
def sharp_table(
    denoise: CountingDenoiser,
    noise: Tensor,
    num_steps: int,
    ends: tuple[float, float],
    profile: tuple[float, float],
) -> SigmaTable:
    """Return the table of quantiles of a network's sharpness.

    Its levels are even in flow time where the sharpness does not change.

    Parameters
    ----------
    noise
        Unit noise of the starts, (S, C, H, W).
    ends
        The lowest level allowed, which the table ends at if the last quantile is below
        it, and the first level.
    profile
        Exponent of the sharpness, and the standard deviation, in levels, of the
        Gaussian that smooths it; 0 for none.
    """
    from scipy.ndimage import gaussian_filter1d

    (power, spread), (lowest, highest) = profile, ends
    bottom, top = (float(UNIT_FLOW.time(end)) for end in ends)
    # A level that is seen again does not change.
    times = np.maximum(np.linspace(top, 0, NUM_LEVELS + 1)[:-1], bottom)
    path = _euler_path(denoise, noise, np.asarray(UNIT_FLOW.sigma(times)))
    # The velocity in flow time of unit noise.
    density = _changes(slope - seen for slope, seen in path) ** power
    if spread:
        density = gaussian_filter1d(density, spread, mode="mirror", truncate=3.0)
    risen = np.append(0.0, np.cumsum(density[::-1]))
    _check_length(risen[-1])
    below = np.append(0.0, (times[1:] + times[:-1])[::-1] / 2)
    last = max(risen[-1] / num_steps, np.interp(bottom, below, risen))
    placed = np.interp(np.linspace(risen[-1], last, num_steps)[1:], risen, below)
    return SigmaTable.of([highest, *np.maximum(UNIT_FLOW.sigma(placed), lowest)])


def even_table(levels: Levels, lengths: Levels, num_steps: int) -> SigmaTable:
    """Return the table with equal lengths between its levels, both ends among them.

    Parameters
    ----------
    levels
        Falling, (P,).
    lengths
        Between neighbouring levels, (P - 1,).

    Raises
    ------
    UsageError
        If there is no length.
    """
    from scipy.interpolate import PchipInterpolator

    total = np.append(0.0, np.cumsum(lengths))
    _check_length(total[-1])
    moved = np.flatnonzero(np.append(True, np.diff(total) > 0))
    # What has no length at the end belongs to the last that has some.
    moved[-1] = len(levels) - 1
    way = PchipInterpolator(total[moved], np.log(levels[moved] / levels[0]))
    ratios = np.exp(way(np.linspace(0, total[-1], num_steps)))
    return SigmaTable.of(np.maximum(levels[0] * ratios, levels[-1]))


def _check_length(total: float) -> None:
    if not (np.isfinite(total) and total > 0):
        message = (
            "what the model answers does not change from level to level, so there is "
            "nothing to place steps by; try --kind optimal"
        )
        raise UsageError(message)


def _euler_path(
    denoise: CountingDenoiser, noise: Tensor, levels: Levels
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield slopes by sigma and denoised images along Euler's paths, at each level.

    All of them at once would be 61 times the starts, twice.
    """
    x = levels[0] * noise
    for level, following in zip(levels, [*levels[1:], 0.0], strict=True):
        seen = denoise.many(x, level)
        slope = (x - seen) / level
        yield slope, seen
        x = x + (following - level) * slope


def _changes(slopes: Iterable[Tensor]) -> Levels:
    """Return how far slopes are apart from level to level, the mean over starts."""
    norms = [
        float(torch.linalg.vector_norm((after - before).flatten(1), dim=1).mean())
        for before, after in pairwise(slopes)
    ]
    return np.array(norms)
