"""Networks in their own pixels as denoisers, whatever they predict.

All of them are one form (Karras et al., arXiv 2206.00364, Eq. 7),

    denoised = skip * x + out * network(into * x, noise),

with skip, out, into and the noise number the network is told as functions of sigma
alone. Here ``x = image + sigma * noise``; networks that were trained on another
mixture of the two get it by `into`.

Levels are floats, or one per image, (B,); tensors stay on their device.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch

from spectral_sched.errors import UsageError, check_choice
from spectral_sched.schedules import UNIT_FLOW

from .denoiser import per_picture
from .predictions import INPUT_FACTORS, PREDICTIONS, THEIRS, Place
from .times import NetworkTime, discrete_time, flow_time, quarter_log

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
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
        Lowest and highest sigma the network was trained for; None if nobody said.
    """

    scales: Callable[[Level], Scales]
    noise: OfLevel
    sigma_range: tuple[float, float] | None


class PreconditionedDenoiser:
    """A network as the denoiser ``denoise(x, sigma)`` of images in [-1, 1].

    Parameters
    ----------
    network
        Called with images, (B, C, H, W), and noise numbers, (B,).
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
    def sigma_range(self) -> tuple[float, float] | None:
        """Lowest and highest sigma the network was trained for, if that is known."""
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


def preconditioning(
    predicts: str,
    time: NetworkTime,
    *,
    input_type: str | None = None,
    sigma_data: float = 0.5,
    noise_scale: float = 1.0,
) -> Preconditioning:
    """Return how a network is called, from what it predicts and what it is told.

    Parameters
    ----------
    predicts
        One of `PREDICTIONS`, or its name in diffusers.
    time
        What it is told of the noise.
    input_type
        What it sees, one of `INPUT_FACTORS`: that of its prediction or of its time if
        not given.
    sigma_data
        Standard deviation of images that EDM's preconditioning assumes.
    noise_scale
        Standard deviation of the noise that is mixed in.

    Raises
    ------
    UsageError
        If there are no such names, or noise has a scale where none is mixed in.
    """
    predicts = THEIRS.get(predicts, predicts)
    check_choice(predicts, PREDICTIONS, "prediction", "predicts=")
    prediction = PREDICTIONS[predicts]
    seen = input_type or prediction.input_type or time.input_type
    check_choice(seen, INPUT_FACTORS, "input", "input_type=")
    _check_scale(noise_scale, seen)
    sign = 1 if time.to_noise else -1

    def scales(sigma: Level) -> Scales:
        ratio = sigma / noise_scale
        into = INPUT_FACTORS[seen](sigma, ratio, sigma_data)
        weights = prediction.weights(Place(sigma, ratio, into, sigma_data, sign))
        return Scales(*weights, into)

    ends = time.ratios and (time.ratios[0] * noise_scale, time.ratios[1] * noise_scale)
    return Preconditioning(scales, lambda sigma: time.told(sigma / noise_scale), ends)


def _check_scale(noise_scale: float, seen: str) -> None:
    if not 0 < noise_scale < float("inf"):
        message = f"noise_scale is a finite number above 0, not {noise_scale}"
        raise UsageError(message)
    if noise_scale != 1 and seen not in ("vp", "flow"):
        message = (
            f"noise_scale is of networks that see a mixture, vp or flow, not {seen}; "
            "leave it out, or name what the network sees with input_type="
        )
        raise UsageError(message)


def discrete(prediction: str, abar: NDArray[np.float64]) -> Preconditioning:
    """Return how a network of discrete timesteps is called.

    Sigma becomes a timestep, fractions included, that is log-linear between the
    trained levels and clipped to them.

    Parameters
    ----------
    prediction
        As of `preconditioning`.
    abar
        Product of ``1 - beta`` up to each timestep from 0 on, strictly falling; last
        levels at which next to nothing of the image is left are left out.
    """
    return preconditioning(prediction, discrete_time(abar))


def edm(
    sigma_data: float,
    sigma_range: tuple[float, float] | None,
    prediction: str = "epsilon",
) -> Preconditioning:
    """Return EDM's preconditioning (arXiv 2206.00364, Table 1).

    Parameters
    ----------
    prediction
        ``v_prediction`` if the network's answer has the other sign.
    """
    time = NetworkTime(quarter_log, sigma_range, "edm")
    called = preconditioning("F", time, sigma_data=sigma_data)
    if prediction != "v_prediction":
        return called

    def turned(sigma: Level) -> Scales:
        skip, out, into = called.scales(sigma)
        return Scales(skip, -out, into)

    return replace(called, scales=turned)


def flow(
    num_timesteps: int,
    model: FlowModel = UNIT_FLOW,
    prediction: str = "flow_prediction",
) -> Preconditioning:
    """Return how a flow is called, at ``(1-t) image + t noise_scale noise``.

    Parameters
    ----------
    num_timesteps
        What time 1, pure noise, is called; the network knows times from 1 of it on, and
        up to one before it.
    model
        How strong its noise is, and the time that its program divides by at least.
    prediction
        ``flow_prediction`` for the velocity; ``sample`` for the image, which a step
        below `model.t_eps` does not reach, as in the programs that play such networks.
    """
    first = 1 / num_timesteps
    lowest = max(first, model.t_eps)
    ratios = (lowest / (1 - lowest), (1 - first) / first)
    time = replace(flow_time(num_timesteps), ratios=ratios)
    scale = model.noise_scale
    called = preconditioning(prediction, time, input_type="flow", noise_scale=scale)
    return _clamped(called, model) if prediction == "sample" else called


def _clamped(called: Preconditioning, model: FlowModel) -> Preconditioning:
    def scales(sigma: Level) -> Scales:
        time = model.time(sigma)
        reached = time / _at_least(time, model.t_eps)
        return Scales((1 - reached) * (1 - time), reached, 1 - time)

    return replace(called, scales=scales)


def _at_least(values: Level, low: float) -> Level:
    if isinstance(values, torch.Tensor):
        return values.clamp(min=low)
    return max(values, low)
