"""Curie-Weiss spins: values of plus and minus one that agree with each other.

Spins ``s`` in {-1, 1} have the law ``exp(B / (2 d) * sum(s)**2 + field / d * sum(s))``
with ``B`` the inverse temperature. Above ``B = 1`` they are magnetised: in high
dimension they are a mixture of two sets of independent spins, of means plus and minus
``m`` with ``m = tanh(B m)``, and ``field`` sets the odds, ``exp(2 * field * m)``.

`SpinMixture` is that mixture; its posterior mean is the one of Aranguri, Biroli, Mezard
& Vanden-Eijnden (arXiv 2501.00988). `CurieWeiss` is the model itself for any number of
spins: the square in the exponent is a Gaussian integral over one common field y, given
which the spins are independent (Hubbard & Stratonovich), and that integral is done by
the trapezoid rule. The mixture replaces it by its two maxima, which costs of the order
of ``1 / d`` where the mode is decided (sigma of the order of ``sqrt(d)`` and above) and
of ``1 / sqrt(d)`` at sigma of order one, because true spins share a fluctuation of that
size and the mixture's do not. The exact integral and these orders are ours.

States are (..., d), ``x = spins + sigma * noise``. For ``a * noise + b * spins``,
divide by ``b`` and take ``sigma = a / b``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .trajectories import FloatArray

REACH = 10.0
"""Standard deviations of the common field, given the spins, beyond their mean's range
that the integral covers."""

NODES_PER_STD = 2
"""Its weight is a mixture of normal laws, so the trapezoid rule errs by e**-79."""


def magnetisation(inverse_temperature: float) -> float:
    """Return the largest solution of ``m = tanh(B m)``, 0 for B up to 1.

    Examples
    --------
    >>> magnetisation(0.9), round(magnetisation(1.5), 6)
    (0.0, 0.85856)
    """
    if not inverse_temperature > 0:
        message = f"the inverse temperature is positive, not {inverse_temperature}"
        raise ValueError(message)
    if inverse_temperature <= 1:
        return 0.0
    from scipy.optimize import brentq

    # With y = B m it is y / tanh(y) = B, whose left side is at most 1 + y^2 / 3, and is
    # well conditioned however near B is to 1.
    low = np.sqrt(3 * (inverse_temperature - 1)) / 2
    field = brentq(
        lambda y: y / np.tanh(y) - inverse_temperature, low, inverse_temperature
    )
    return float(np.tanh(field))


@dataclass(frozen=True)
class SpinMixture:
    """Independent spins of one mean or of its opposite.

    Attributes
    ----------
    spin_mean
        Mean of a spin in the positive mode, above 0 and below 1.
    probability
        Mass of the positive mode.
    """

    spin_mean: float
    probability: float

    def __post_init__(self) -> None:
        if not (0 < self.spin_mean < 1 and 0 < self.probability < 1):
            message = f"both modes need mass and undecided spins, not {self}"
            raise ValueError(message)

    def denoise(self, x: FloatArray, sigma: float) -> FloatArray:
        """Return the posterior mean of the spins, (..., d), under x.

        It mixes ``tanh(B m + x / sigma**2)`` and ``tanh(-B m + x / sigma**2)``, where
        ``B m = arctanh(m)``.
        """
        field, bias = x / sigma**2, np.arctanh(self.spin_mean)
        log_odds = np.log(self.probability / (1 - self.probability))
        for_positive = _log_cosh(field + bias) - _log_cosh(field - bias)
        sign = np.tanh((log_odds + for_positive.sum(axis=-1, keepdims=True)) / 2)
        up, down = np.tanh(field + bias), np.tanh(field - bias)
        mean: FloatArray = ((1 + sign) * up + (1 - sign) * down) / 2
        return mean


@dataclass(frozen=True)
class CurieWeiss:
    """Spins that prefer to agree.

    Attributes
    ----------
    dimension
        Number of spins, d.
    inverse_temperature
        Strength of the coupling, B.
    field
        External field times d.
    """

    dimension: int
    inverse_temperature: float
    field: float = 0.0

    def __post_init__(self) -> None:
        if self.dimension < 1 or self.inverse_temperature <= 0:
            message = f"there must be spins and a coupling, not {self}"
            raise ValueError(message)

    @property
    def mixture(self) -> SpinMixture:
        """The two sets of independent spins that many spins turn into."""
        mean = magnetisation(self.inverse_temperature)
        return SpinMixture(mean, float(1 / (1 + np.exp(-2 * self.field * mean))))

    def denoise(self, x: FloatArray, sigma: float) -> FloatArray:
        """Return the posterior mean of the spins, (..., d), under x.

        Given the common field y it is ``tanh(B y + (x / sigma**2 + field / d))``; the
        weight of y is ``exp(-d B y**2 / 2)`` times the product of ``cosh``.
        """
        nodes = self._common_field()
        local = x[..., None, :] / sigma**2 + self.field / self.dimension
        total = self.inverse_temperature * nodes[:, None] + local
        weight = self._weights(nodes, _log_cosh(total).sum(axis=-1))
        mean: FloatArray = (weight[..., None] * np.tanh(total)).sum(axis=-2)
        return mean

    def draws(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return draws of the spins, (count, d), from their exact law."""
        nodes = self._common_field()
        total = self.inverse_temperature * nodes + self.field / self.dimension
        weight = self._weights(nodes, self.dimension * _log_cosh(total))
        mean = np.tanh(rng.choice(total, (count, 1), p=weight))
        return np.where(rng.random((count, self.dimension)) < (1 + mean) / 2, 1.0, -1.0)

    def _weights(self, nodes: FloatArray, log_likelihood: FloatArray) -> FloatArray:
        """Return the probability of each node, (..., Y), given its log likelihood."""
        prior = self.dimension * self.inverse_temperature * nodes**2 / 2
        log_weight = log_likelihood - prior
        weight = np.exp(log_weight - log_weight.max(axis=-1, keepdims=True))
        shares: FloatArray = weight / weight.sum(axis=-1, keepdims=True)
        return shares

    def _common_field(self) -> FloatArray:
        """Return the nodes of the integral, (Y,).

        Given the spins, y is their mean plus noise of variance ``1 / (d B)``.
        """
        precision = float(np.sqrt(self.dimension * self.inverse_temperature))
        reach = 1 + REACH / precision
        return np.linspace(
            -reach, reach, int(2 * reach * precision * NODES_PER_STD) + 1
        )


def _log_cosh(values: FloatArray) -> FloatArray:
    """Return ``ln(2 cosh(values))`` without overflow."""
    return np.logaddexp(values, -values)
