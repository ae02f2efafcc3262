"""What networks predict, as denoisers: epsilon, v, the picture, EDM's and a flow.

All of them are one form (Karras et al., arXiv 2206.00364, Eq. 7),

    denoised = skip * x + out * network(into * x, noise),

with skip, out, into and the noise number the network is told as functions of sigma
alone. Here ``x = picture + sigma * noise``; networks that were trained on another
mixture of the two get it by `into`.

Levels are floats, or one per picture, (B,); tensors stay on their device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch

from spectral_sched.schedules import UNIT_FLOW
from spectral_sched.schedules.coordinates import COORDINATES, timestep_coordinate

from .denoiser import per_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.schedules import FlowModel

    Level = float | Tensor
    OfLevel = Callable[[Level], Level]


class Scales(NamedTuple):
    """Weights of x, of the network's answer, and of x on the way in."""

    skip: Level
    out: Level
    into: Level


@dataclass(frozen=True)
class Preconditioning:
    """What a network is given at a noise level, and what its answer means.

    Attributes
    ----------
    scales
        Weights by sigma.
    noise
        The number that tells the network sigma.
    sigma_range
        Lowest and highest sigma the network was trained for.
    """

    scales: Callable[[Level], Scales]
    noise: OfLevel
    sigma_range: tuple[float, float]


class PreconditionedDenoiser:
    """A network as the denoiser ``denoise(x, sigma)`` of pictures in [-1, 1].

    Parameters
    ----------
    network
        Called with pictures, (B, C, H, W), and noise numbers, (B,).
    preconditioning
        What it is given, and what its answer means.
    """

    def __init__(
        self,
        network: Callable[[Tensor, Tensor], Tensor],
        preconditioning: Preconditioning,
    ) -> None:
        self.network = network
        self.preconditioning = preconditioning

    @property
    def sigma_range(self) -> tuple[float, float]:
        """Lowest and highest sigma the network was trained for."""
        return self.preconditioning.sigma_range

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Return the posterior mean, (B, C, H, W), of x at noise level sigma."""
        # Timesteps near 1000 have no fractions in half precision.
        dtype = torch.promote_types(x.dtype, torch.float32)
        if isinstance(sigma, torch.Tensor):
            sigma = sigma.to(dtype)
        skip, out, into = self.preconditioning.scales(sigma)
        noise = self.preconditioning.noise(sigma)
        if not isinstance(noise, torch.Tensor):
            noise = torch.full((len(x),), noise, dtype=dtype, device=x.device)
        return _weigh(skip, x) + _weigh(out, self.network(_weigh(into, x), noise))


def _weigh(weight: Level, values: Tensor) -> Tensor:
    if isinstance(weight, torch.Tensor):
        weight = weight.to(values.dtype)
    return values * per_picture(weight)


def _conversion(coordinate: str) -> OfLevel:
    # These conversions are arithmetic alone, so that tensors pass as numbers do.
    return cast("OfLevel", COORDINATES[coordinate].from_sigma)


_abar, _vp_sigma = _conversion("abar"), _conversion("vp_sigma")


def _epsilon(sigma: Level) -> Scales:
    return Scales(1.0, -sigma, _abar(sigma) ** 0.5)


def _v(sigma: Level) -> Scales:
    return Scales(_abar(sigma), -_vp_sigma(sigma), _abar(sigma) ** 0.5)


def _picture(sigma: Level) -> Scales:
    return Scales(0.0, 1.0, _abar(sigma) ** 0.5)


VARIANCE_PRESERVING: Mapping[str, Callable[[Level], Scales]] = {
    "epsilon": _epsilon,
    "v_prediction": _v,
    "sample": _picture,
}
"""Scales of networks that see ``x / sqrt(1 + sigma^2)``, by what they predict: the
noise, ``(noise - sigma * picture) / sqrt(1 + sigma^2)`` or the picture."""


def discrete(
    prediction: str, abar: NDArray[np.float64], device: torch.device | None = None
) -> Preconditioning:
    """Return how a network of discrete timesteps is called.

    Sigma becomes a timestep, fractions included, that is log-linear between the
    trained levels and clipped to them.

    Parameters
    ----------
    prediction
        One of `VARIANCE_PRESERVING`.
    abar
        Product of ``1 - beta`` up to each timestep from 0 on, strictly falling; a last
        level of pure noise, abar 0, is left out.
    device
        Where sigmas that are tensors are; the CPU if not given.
    """
    lookup = TimestepLookup(abar[abar > 0], device)
    return Preconditioning(VARIANCE_PRESERVING[prediction], lookup, lookup.sigma_range)


class TimestepLookup:
    """Timesteps by sigma, on the host for numbers and on a device for tensors."""

    def __init__(self, abar: NDArray[np.float64], device: torch.device | None) -> None:
        self.coordinate = timestep_coordinate(abar, "")
        levels = self.coordinate.to_sigma(np.arange(len(abar), dtype=np.float64))
        self.sigma_range = (float(levels[0]), float(levels[-1]))
        self.log_levels = torch.from_numpy(np.log(levels)).to(torch.float32).to(device)

    def __call__(self, sigma: Level) -> Level:
        """Return timesteps from 0 on."""
        if not isinstance(sigma, torch.Tensor):
            return float(self.coordinate.from_sigma(np.array(sigma)))
        knots = self.log_levels.to(sigma.dtype)
        place = sigma.log().clamp(knots[0], knots[-1])
        above = torch.searchsorted(knots, place).clamp(1, len(knots) - 1)
        low, high = knots[above - 1], knots[above]
        return above - 1 + (place - low) / (high - low)


class EdmScales(NamedTuple):
    """EDM's weights at a noise level.

    Attributes
    ----------
    skip, out
        Weights of x and of the network's answer.
    total
        Standard deviation of x, which it is divided by on the way in.
    """

    skip: Level
    out: Level
    total: Level


def edm_scales(sigma: Level, sigma_data: float) -> EdmScales:
    """Return EDM's weights for pictures of a standard deviation (Table 1)."""
    total = (sigma**2 + sigma_data**2) ** 0.5
    return EdmScales((sigma_data / total) ** 2, sigma * sigma_data / total, total)


def edm(
    sigma_data: float, sigma_range: tuple[float, float], prediction: str = "epsilon"
) -> Preconditioning:
    """Return EDM's preconditioning (arXiv 2206.00364, Table 1).

    Parameters
    ----------
    prediction
        ``v_prediction`` if the network's answer has the other sign.
    """
    sign = -1 if prediction == "v_prediction" else 1

    def scales(sigma: Level) -> Scales:
        skip, out, total = edm_scales(sigma, sigma_data)
        return Scales(skip, sign * out, 1 / total)

    return Preconditioning(scales, quarter_log, sigma_range)


def quarter_log(sigma: Level) -> Level:
    """Return EDM's noise number, ``ln(sigma) / 4``."""
    log = sigma.log() if isinstance(sigma, torch.Tensor) else math.log(sigma)
    return log / 4


def flow(
    num_timesteps: int,
    model: FlowModel = UNIT_FLOW,
    prediction: str = "flow_prediction",
) -> Preconditioning:
    """Return how a flow is called, at ``(1-t) picture + t noise_scale noise``.

    Parameters
    ----------
    num_timesteps
        What time 1, pure noise, is called; the network knows times from 1 of it on.
    model
        How strong its noise is, and the time that its program divides by at least.
    prediction
        ``flow_prediction`` for the velocity, ``noise_scale noise - picture``;
        ``sample`` for the picture, which a step below `model.t_eps` does not reach, as
        in the programs that play such networks.
    """

    def velocity(sigma: Level) -> Scales:
        time = model.time(sigma)
        return Scales(1 - time, -time, 1 - time)

    def picture(sigma: Level) -> Scales:
        time = model.time(sigma)
        reached = time / _at_least(time, model.t_eps)
        return Scales((1 - reached) * (1 - time), reached, 1 - time)

    lowest = max(float(model.sigma(1 / num_timesteps)), model.lowest_sigma)
    return Preconditioning(
        {"flow_prediction": velocity, "sample": picture}[prediction],
        lambda sigma: model.time(sigma) * num_timesteps,
        (lowest, math.inf),
    )


def _at_least(values: Level, low: float) -> Level:
    if isinstance(values, torch.Tensor):
        return values.clamp(min=low)
    return max(values, low)
