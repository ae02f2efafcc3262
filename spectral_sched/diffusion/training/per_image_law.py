"""The schedule of one image's own spectrum, and how often its times are drawn.

The schedule is published (Esteves & Makadia, arXiv 2603.19222), with t drawn uniformly;
how often each t is drawn here is ours, from two published weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.schedules import SCHEDULES, Basis, Schedule, cut
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.gaussian_field import GaussianField

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.images.pixels import Shape
    from spectral_sched.spectra.periodogram import RingPowers

OWN_KIND = "mixed"
"""The family of each image's own schedule, as in arXiv 2603.19222."""

NUM_TIMES = 1025
"""Equally spaced t that a schedule is looked at for draws that are not uniform."""

FINE_LOG_SNR, FINE_SIDE = 2.0, 64
"""Log SNR at which noise counts half for being fine, on images of a side.

Kingma & Gao (arXiv 2303.00848), the sigmoid weight; for other sides it is shifted as in
Hoogeboom et al. (arXiv 2301.11093), so that the same detail is swamped.
"""

NOISY = 0.5
"""How much less high noise counts: 1 is the squared error of the noise, 0 EDM's loss.

The sigmoid weight is published for the squared error of the noise. With that, a network
of few steps hardly learned where images begin; half of it did better (ours, measured
in docs/research/laws.md).
"""


def own_field(powers: RingPowers, shape: Shape) -> GaussianField:
    """Return the model of one image, its brightness not removed.

    The power of a single image does not fall steadily, and that of its mean may be
    next to nothing; a ring counts as strong as the strongest one of finer detail.
    """
    envelope = np.maximum.accumulate(powers.power[::-1])[::-1]
    cross_power = envelope[:, None, None] * np.eye(shape[0])
    return GaussianField(shape, np.zeros(shape[0]), cross_power)


def own_range(field: GaussianField, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the range of one image inside that of the data set, if they meet."""
    if not _detailed(field):
        return ends
    bounds = sigma_bounds(field)
    low, high = max(bounds.sigma_min, ends[0]), min(bounds.sigma_max, ends[1])
    return (low, high) if low < high else ends


def own_schedule(field: GaussianField, ends: tuple[float, float]) -> Schedule:
    """Return the schedule of one image's own spectrum between the ends of its range.

    An image of one colour everywhere has no spectrum to follow; its schedule is
    log-uniform.
    """
    if _detailed(field):
        law = SCHEDULES[OWN_KIND].of(Basis(field, *ends))
        low, high = cut(law, *ends)
        if low < high:
            return Schedule(law, low, high)
    return Schedule(SCHEDULES["exponential"].law(), *ends)


def _detailed(field: GaussianField) -> bool:
    return bool(field.power[1:].max(initial=0.0) > np.finfo(np.float32).eps ** 2)


def focused_times(
    schedule: Schedule,
    positions: NDArray[np.float64],
    shape: Shape,
    sigma_data: float,
) -> NDArray[np.float64]:
    """Return the quantiles of t where each is drawn as often as its level counts.

    Parameters
    ----------
    positions
        Shares of the draws that lie below, in [0, 1].
    shape
        Of the images, (C, H, W).
    sigma_data
        Their standard deviation.
    """
    times = np.linspace(0, 1, NUM_TIMES)
    counts = focus(schedule((times[1:] + times[:-1]) / 2), shape, sigma_data)
    below = np.concatenate([[0.0], np.cumsum(counts)])
    return np.interp(positions, below / below[-1], times)


def focus(
    sigma: NDArray[np.float64], shape: Shape, sigma_data: float
) -> NDArray[np.float64]:
    """Return how much noise levels count in training beside EDM's loss.

    Networks learn noise too fine to be seen, or so strong that little is left to see,
    from few images.

    Parameters
    ----------
    shape
        Of the images, (C, H, W).
    sigma_data
        Their standard deviation.
    """
    side = np.sqrt(shape[1] * shape[2])
    fine = np.exp(-FINE_LOG_SNR / 2) * side / FINE_SIDE
    found: NDArray[np.float64] = (sigma**2 / (sigma**2 + fine**2)) * (
        sigma_data**2 / (sigma_data**2 + sigma**2)
    ) ** NOISY
    return found
