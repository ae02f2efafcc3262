"""A small data set of known spectrum to plan for: 1/f^2, in colour, about grey-blue."""

from __future__ import annotations

import numpy as np

from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.planning.data_set import DataSet
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.schedules import Basis
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.power_distribution import PowerDistribution
from spectral_sched.spectra.rings import rings


def pink_field(factor: float = 1.0, side: int = 32) -> GaussianField:
    """Return a colour field of power 1/f^2, scaled in pixel units by a factor."""
    plane = rings(side, side)
    power = 1e-3 / np.maximum(plane.frequency, 1 / (2 * side)) ** 2
    cross = factor**2 * power[:, None, None] * (0.7 * np.eye(3) + 0.3)
    return GaussianField((3, side, side), factor * np.array([0.1, 0.0, -0.2]), cross)


def pink_basis(factor: float = 1.0) -> Basis:
    """Return what families may take from it."""
    bounds = sigma_bounds(pink_field(factor), tolerance=factor)
    return Basis(pink_field(factor), bounds.sigma_min, bounds.sigma_max)


def pink_source() -> DataSet:
    """Return it as tables are planned from it, each ring varying by a factor of e."""
    field = pink_field()
    spread = np.linspace(-1, 1, 8)
    distribution = PowerDistribution(field, np.log(field.power)[:, None] + spread)
    return DataSet(
        distribution,
        sigma_bounds(field),
        make_preprocessing(None, "center", "lanczos", "auto"),
        "0",
    )


def trained_plan(num_steps: int) -> Plan:
    """Return a plan inside the range that DDPM's networks are trained in."""
    limits = NoiseLimits(sigma_min=0.0101)
    request = TableRequest.of("dpmpp-2m", num_steps, "zero", limits=limits)
    return make_plan(pink_source(), "optimal", request)
