"""A data set to plan tables for, and its noise range."""

from __future__ import annotations

from functools import cache

import numpy as np

from spectral_sched.spectra.bounds import Start, sigma_bounds
from spectral_sched.spectra.power_distribution import (
    PowerDistribution,
    power_distribution,
)
from tests.support.helpers import power_law_field, spectrum_of


@cache
def planning(
    factor: float = 1.0, slope: float = 2, spread: float = 0.5
) -> PowerDistribution:
    rng = np.random.default_rng(0)
    pictures = np.array(
        [
            0.01 * rng.lognormal(0, spread) * power_law_field((3, 16, 16), slope, rng)
            + rng.normal(0.1, 0.3, (3, 1, 1))
            for _ in range(60)
        ]
    )
    return power_distribution(spectrum_of(factor * pictures))


SPECTRA = {
    "usual": (2, 0.5),
    "steep": (3, 0.5),
    "shallow": (1, 0.5),
    "alike": (2, 0.01),
}
"""Slopes of the power, and how much contrasts of images vary, to plan for."""


@cache
def ends(
    data: PowerDistribution, start: Start = "zero", tolerance: float = 1.0
) -> tuple[float, float]:
    bounds = sigma_bounds(data.field, tolerance=tolerance)
    return bounds.sigma_min, bounds.top(start)
