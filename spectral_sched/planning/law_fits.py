"""The nearest laws of few parameters, for programs that draw from those alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from spectral_sched.documents.strict_json import Document
    from spectral_sched.schedules import Schedule

    from .training_law import LawSample


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
    return _judge(sample, "lognormal", {"mean": mean, "std": std}, _Split(mean, std))


def split_lognormal_fit(sample: LawSample) -> Fit:
    """Return the best law of two halves of normal laws that meet in one peak.

    Its likelihood depends on the peak alone once the two widths are the best for it
    (John, Communications in Statistics 11, 1982).
    """
    points = sample.log_sigma
    below, above = _squares(points), _squares(-points[::-1])[::-1]
    thirds = np.cbrt(below) + np.cbrt(above)
    # A peak at either end, or next to it, would leave one half without width.
    both_wide = (below > 0) & (above > 0)
    best = int(np.argmin(np.where(both_wide, thirds, np.inf)))
    left, right = np.sqrt(
        np.array([below[best], above[best]]) ** (2 / 3) * thirds[best] / len(points)
    )
    law = _Split(points[best], left, right)
    parameters = {"mean": points[best], "std_1": left, "std_2": right}
    return _judge(sample, "split-lognormal", parameters, law)


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
    return _judge(sample, "loguniform", parameters, _Law(log_density, cdf))


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

    return _judge(sample, "laplace", {"mu": peak, "b": width}, _Law(log_density, cdf))


def cosine_fit(sample: LawSample) -> Fit:
    """Return the best law of ``sigma = scale * tan(pi t / 2)``, t uniform.

    Simple diffusion (Hoogeboom et al., arXiv 2301.11093) writes the scale as the ratio
    of the image's side to ``noise_d``. Ln sigma has a hyperbolic secant for its
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

    return _judge(sample, "cosine", {"scale": np.exp(peak)}, _Law(log_density, cdf))


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


def _judge(
    sample: LawSample, name: str, parameters: Mapping[str, Any], law: _Law | _Split
) -> Fit:
    points = sample.log_sigma
    return Fit(
        name=name,
        parameters={key: float(value) for key, value in parameters.items()},
        kolmogorov=float(np.max(np.abs(law.cdf(points) - sample.probability))),
        divergence=float(np.mean(sample.log_density - law.log_density(points))),
    )


K_DIFFUSION = ("lognormal", "split-lognormal", "loguniform")
"""Fitted laws that k-diffusion can draw from, by its names."""


def edm_arguments(found: Sequence[Fit], sigma_data: float) -> Document:
    """Return the arguments of EDM's loss."""
    fit = next(fit for fit in found if fit.name == "lognormal")
    mean, std = fit.parameters["mean"], fit.parameters["std"]
    return {"P_mean": mean, "P_std": std, "sigma_data": sigma_data}


def k_diffusion_keys(
    found: Sequence[Fit], schedule: Schedule, sigma_data: float
) -> Document:
    """Return the keys of ``model`` in k-diffusion's configuration, best law first."""
    best = k_diffusion_fit(found)
    return {
        "sigma_data": sigma_data,
        "sigma_min": schedule.sigma_min,
        "sigma_max": schedule.sigma_max,
        "sigma_sample_density": {"type": best.name, **best.parameters},
    }


def k_diffusion_fit(found: Sequence[Fit]) -> Fit:
    """Return the best of the fitted laws that k-diffusion can draw from."""
    return min(
        (fit for fit in found if fit.name in K_DIFFUSION),
        key=lambda fit: fit.divergence,
    )
