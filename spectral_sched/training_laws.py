"""The law of noise levels to train with, and the nearest laws that programs can draw.

A schedule is a training law: t uniform, or log_snr with the schedule's density. Many
programs take two or three numbers instead; the best of each form is fitted here by
maximum likelihood, that is by the least divergence from the schedule's law, and judged
by what is left of it. All laws are of ln sigma unless their name says otherwise.

The default kind is ``mixed``: it is what Esteves & Makadia (arXiv 2603.19222) train
with, and it spreads over the whole useful range. ``information`` counts every mode
alike, and as most modes are the finest, it would spend most draws on noise that is
hardly visible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .plans import family_schedule, make_plan
from .schedules import SCHEDULES, Schedule, TableLaw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from .plans import PlanSource
    from .requests import Request

NUM_POINTS = 8192
"""Equally likely noise levels that stand for a law in fits."""

NUM_QUANTILES = 257


@dataclass(frozen=True, eq=False)
class LawSample:
    """Equally likely noise levels of a law.

    Attributes
    ----------
    log_sigma
        Ln sigma at the middles of equal probabilities, ascending, (M,).
    log_density
        Natural log of the density of ln sigma there, (M,).
    ends
        Lowest and highest ln sigma.
    """

    log_sigma: NDArray[np.float64]
    log_density: NDArray[np.float64]
    ends: tuple[float, float]

    @property
    def probability(self) -> NDArray[np.float64]:
        """Probability below each level, (M,)."""
        count = len(self.log_sigma)
        middles: NDArray[np.float64] = (np.arange(count) + 0.5) / count
        return middles


@dataclass(frozen=True)
class Fit:
    """A law with few parameters that is near a given one.

    Attributes
    ----------
    name, parameters
        Its form and its parameters by name.
    kolmogorov
        Largest difference between the two distribution functions, 0 to 1.
    divergence
        Kullback-Leibler divergence of the given law from the fitted one, in nats.
    """

    name: str
    parameters: Mapping[str, float]
    kolmogorov: float
    divergence: float


def training_schedule(source: PlanSource, kind: str, wanted: Request) -> Schedule:
    """Return the schedule of a kind whose law is to be trained with.

    For kinds that search for a table it is the law of its steps: equal weight between
    the levels of a fine one.
    """
    if kind in SCHEDULES:
        return family_schedule(source, kind, wanted)
    levels = make_plan(source, kind, wanted).table.levels
    return Schedule(TableLaw(levels=levels), levels[-1], levels[0])


def law_quantiles(
    schedule: Schedule, count: int = NUM_QUANTILES
) -> NDArray[np.float64]:
    """Return ln sigma at equally spaced probabilities from 0 to 1, ascending."""
    return np.log(schedule(np.linspace(0, 1, count)))


def law_sample(schedule: Schedule, count: int = NUM_POINTS) -> LawSample:
    """Return equally likely noise levels of a schedule's law."""
    middles = (np.arange(count) + 0.5) / count
    log_snr = schedule.quantile(1 - middles)
    # The density of ln sigma is twice that of log_snr.
    density = np.maximum(2 * schedule.density(log_snr), np.finfo(np.float64).tiny)
    ends = (float(np.log(schedule.sigma_min)), float(np.log(schedule.sigma_max)))
    return LawSample(log_snr / -2, np.log(density), ends)


def fits(sample: LawSample) -> tuple[Fit, ...]:
    """Return the best log-normal, split log-normal, log-uniform and Laplace laws."""
    return (
        lognormal_fit(sample),
        split_lognormal_fit(sample),
        loguniform_fit(sample),
        laplace_fit(sample),
    )


def lognormal_fit(sample: LawSample) -> Fit:
    """Return the best normal law of ln sigma: EDM's P_mean and P_std."""
    mean, std = sample.log_sigma.mean(), sample.log_sigma.std()
    return _judged(sample, "lognormal", {"mean": mean, "std": std}, _Split(mean, std))


def split_lognormal_fit(sample: LawSample) -> Fit:
    """Return the best law of two halves of normal laws that meet in one peak.

    Its likelihood depends on the peak alone once the two widths are the best for it
    (John, Communications in Statistics 11, 1982).
    """
    points = sample.log_sigma
    below, above = _squares(points), _squares(-points[::-1])[::-1]
    thirds = np.cbrt(below) + np.cbrt(above)
    # A peak at either end would leave one half without width.
    best = 1 + int(np.argmin(thirds[1:-1]))
    left, right = np.sqrt(
        np.array([below[best], above[best]]) ** (2 / 3) * thirds[best] / len(points)
    )
    law = _Split(points[best], left, right)
    parameters = {"mean": points[best], "std_1": left, "std_2": right}
    return _judged(sample, "split-lognormal", parameters, law)


def _squares(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of squared distances from each ascending point to those below."""
    shifted = points - points.mean()
    count = np.arange(1, len(points) + 1)
    first, second = np.cumsum(shifted), np.cumsum(shifted**2)
    total = second - 2 * shifted * first + count * shifted**2
    squares: NDArray[np.float64] = np.maximum(total, 0)
    return squares


def loguniform_fit(sample: LawSample) -> Fit:
    """Return the uniform law of ln sigma over the same range."""
    low, high = sample.ends
    width = high - low

    def log_density(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full_like(points, -np.log(width))

    def cdf(points: NDArray[np.float64]) -> NDArray[np.float64]:
        share: NDArray[np.float64] = (points - low) / width
        return share

    parameters = {"min_value": np.exp(low), "max_value": np.exp(high)}
    return _judged(sample, "loguniform", parameters, _Law(log_density, cdf))


def laplace_fit(sample: LawSample) -> Fit:
    """Return the best Laplace law of log_snr (not of ln sigma)."""
    log_snr = -2 * sample.log_sigma
    peak = float(np.median(log_snr))
    width = float(np.mean(np.abs(log_snr - peak)))

    def log_density(points: NDArray[np.float64]) -> NDArray[np.float64]:
        density: NDArray[np.float64] = -np.abs(-2 * points - peak) / width - np.log(
            width
        )
        return density

    def cdf(points: NDArray[np.float64]) -> NDArray[np.float64]:
        distance = (2 * points + peak) / width
        return (1 - np.sign(distance) * np.expm1(-np.abs(distance))) / 2

    return _judged(sample, "laplace", {"mu": peak, "b": width}, _Law(log_density, cdf))


def cosine_fit(sample: LawSample) -> Fit:
    """Return the best law of ``sigma = scale * tan(pi t / 2)``, t uniform.

    Simple diffusion (Hoogeboom et al., arXiv 2301.11093) writes the scale as the ratio
    of the picture's side to ``noise_d``. Ln sigma has a hyperbolic secant for its
    density, whose peak is where the mean of ``tanh(ln sigma - peak)`` is 0.
    """
    from scipy.optimize import brentq

    points = sample.log_sigma
    low, high = sample.ends
    peak = float(brentq(lambda at: np.mean(np.tanh(points - at)), low, high))

    def log_density(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return -np.log(np.pi * np.cosh(points - peak))

    def cdf(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return 2 / np.pi * np.arctan(np.exp(points - peak))

    return _judged(sample, "cosine", {"scale": np.exp(peak)}, _Law(log_density, cdf))


@dataclass(frozen=True)
class _Law:
    log_density: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    cdf: Callable[[NDArray[np.float64]], NDArray[np.float64]]


class _Split:
    """Two halves of normal laws with a common height; equal ones make one normal."""

    def __init__(self, peak: float, left: float, right: float | None = None) -> None:
        self.peak, self.left, self.right = peak, left, left if right is None else right

    def _score(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        width = np.where(points < self.peak, self.left, self.right)
        return (points - self.peak) / width

    def log_density(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        height = np.sqrt(np.pi / 2) * (self.left + self.right)
        density: NDArray[np.float64] = -(self._score(points) ** 2) / 2 - np.log(height)
        return density

    def cdf(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.special import ndtr

        score = self._score(points)
        below: NDArray[np.float64] = 2 * self.left * ndtr(np.minimum(score, 0))
        above: NDArray[np.float64] = 2 * self.right * (ndtr(np.maximum(score, 0)) - 0.5)
        return (below + above) / (self.left + self.right)


def _judged(
    sample: LawSample, name: str, parameters: Mapping[str, Any], law: _Law | _Split
) -> Fit:
    points = sample.log_sigma
    return Fit(
        name=name,
        parameters={key: float(value) for key, value in parameters.items()},
        kolmogorov=float(np.max(np.abs(law.cdf(points) - sample.probability))),
        divergence=float(np.mean(sample.log_density - law.log_density(points))),
    )
