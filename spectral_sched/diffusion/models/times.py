"""How networks are told a noise level: sigma, its logarithms, timesteps and times.

A ratio here is the standard deviation of the noise over that of the noise that the
network was trained to mix in, both in its own pixels: sigma itself where that is 1.

Conversions are sums of torch, so that they take numbers and levels of each image, (B,),
alike; numbers are converted in float64 on the host.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch

from spectral_sched.errors import UsageError, check_choice
from spectral_sched.schedules.betas import NUM_TIMESTEPS, Betas, useful_abar
from spectral_sched.words import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

    Level = float | Tensor
    OfLevel = Callable[[Level], Level]
    Clock = tuple[Callable[[Tensor], Tensor], tuple[float, float]]
    """A time by ratio, and the ratios that are trained."""

Whole = Literal["no", "nearest", "between"]
"""Whether a network takes whole timesteps alone: the nearest one, or the answers to the
two about a level, weighed."""

SMALLEST_TIME = 1 / NUM_TIMESTEPS
"""Times from 0 to 1 have as many parts as discrete models have timesteps: a network is
taken to know them from the first on, and up to the last before 1."""


@dataclass(frozen=True)
class NetworkTime:
    """How a network is told a noise level.

    Attributes
    ----------
    told
        The number that a network is told, by ratio.
    ratios
        Lowest and highest ratio it was trained for; None if that is not known.
    input_type
        What networks that are told this usually see: ``ve``, ``vp`` or ``flow``.
    to_noise
        Whether the number rises with the noise.
    whole
        Whether networks take whole numbers alone.
    last
        The number at one end, where that at the other is 0; 0 for logarithms, which
        have none at their ends.
    """

    told: OfLevel
    ratios: tuple[float, float] | None
    input_type: str
    to_noise: bool = True
    whole: Whole = "no"
    last: float = 0.0

    def __post_init__(self) -> None:
        if self.ratios is not None and not 0 < self.ratios[0] < self.ratios[1] < np.inf:
            low, high = self.ratios
            message = f"a network knows a finite range of noise, not {low} to {high}"
            raise UsageError(message)

    def native(self, num_steps: int, spacing: str = "own") -> NDArray[np.float64]:
        """Return the ratios of its own steps, falling, (N,).

        Discrete timesteps are spaced as diffusers names it; times are even from the
        highest ratio to where there is no noise, or to the lowest ratio where that has
        no number.

        Raises
        ------
        UsageError
            If nothing is known of its range, or there are fewer timesteps.
        """
        if isinstance(self.told, TimestepLookup):
            return self.told.native(num_steps, spacing)
        if self.ratios is None:
            message = (
                "the model does not say how its own levels are spaced; kind native is "
                "for networks of timesteps and times"
            )
            raise UsageError(message)
        low, high = self.ratios
        begun, clean = float(self.told(high)), float(self.told(0.0))
        if math.isfinite(clean):
            wanted = np.linspace(begun, clean, num_steps + 1)[:-1]
        else:
            wanted = np.linspace(begun, float(self.told(low)), num_steps)
        return np.array([self._ratio(time) for time in wanted.tolist()])

    def _ratio(self, time: float) -> float:
        """Return the ratio that is told as a time."""
        from scipy.optimize import brentq

        low, high = self.ratios or (0.0, 1.0)
        ends = math.log(low) - 20.0, math.log(high) + 1e-9
        found = brentq(lambda log: float(self.told(math.exp(log))) - time, *ends)
        return math.exp(found)

    def turned(self) -> NetworkTime:
        """Return the time that runs the other way between its ends."""
        return replace(
            self,
            told=lambda ratio: self.last - self.told(ratio),
            to_noise=not self.to_noise,
        )


def of_level(convert: Callable[[Tensor], Tensor]) -> OfLevel:
    """Return a conversion of tensors as one of numbers, too."""

    @functools.wraps(convert)
    def converted(level: Level) -> Level:
        if isinstance(level, torch.Tensor):
            return convert(level)
        return float(convert(torch.tensor(level, dtype=torch.float64)))

    return converted


@of_level
def quarter_log(sigma: Tensor) -> Tensor:
    """Return EDM's noise number, ``ln(sigma) / 4`` (arXiv 2206.00364, Table 1)."""
    return sigma.log() / 4


def timesteps(
    betas: str | Betas | ArrayLike = "linear",
    num_timesteps: int = NUM_TIMESTEPS,
    *,
    whole: Whole = "no",
) -> NetworkTime:
    """Return discrete timesteps, counted from 0 at the lowest noise.

    Between the trained levels they are log-linear in sigma, and clipped to them.

    Parameters
    ----------
    betas
        ``linear``, ``scaled-linear`` or ``cosine``, the betas themselves, rising from
        above 0 to at most 1, or a `Betas`.
    num_timesteps
        How many there are, for betas by name.
    whole
        ``nearest`` or ``between`` for networks that take integers alone.

    Raises
    ------
    UsageError
        If there are no such betas.
    """
    if isinstance(betas, str):
        betas = Betas(betas, num_timesteps)
    abar = betas.abar() if isinstance(betas, Betas) else _products(betas)
    return discrete_time(abar, whole)


def _products(betas: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(betas, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.all((values > 0) & (values <= 1)):
        message = "betas are a list of two numbers or more, above 0 and at most 1"
        raise UsageError(message)
    return np.asarray(np.cumprod(1 - values), np.float64)


def discrete_time(abar: NDArray[np.float64], whole: Whole = "no") -> NetworkTime:
    """Return the timesteps of a product of ``1 - beta``, strictly falling.

    Levels of noise alone have none. Where next to nothing of the image is left they
    have one, and are outside the range that is trained, see
    `spectral_sched.schedules.betas.useful_abar`.
    """
    check_choice(whole, ("no", "nearest", "between"), "way", "whole=")
    useful = useful_abar(abar)
    low, high = np.sqrt(1 / useful[[0, -1]] - 1).tolist()
    lookup = TimestepLookup(abar[abar > 0])
    last = len(lookup.log_levels) - 1
    return NetworkTime(lookup, (low, high), "vp", whole=whole, last=last)


def too_many_steps(count: int) -> UsageError:
    """Return what to raise where there are fewer timesteps than steps."""
    return UsageError(
        f"the model has {number_of(count, 'timestep')}; ask for --steps {count} at most"
    )


class TimestepLookup:
    """Timesteps by ratio, on the host for numbers and on any device for tensors.

    Parameters
    ----------
    abar
        Product of ``1 - beta`` up to each timestep from 0 on, strictly falling.
    """

    def __init__(self, abar: NDArray[np.float64]) -> None:
        self.log_levels = np.log((1 - abar) / abar) / 2
        if np.any(np.diff(self.log_levels) <= 0):
            message = "abar must fall at every timestep"
            raise ValueError(message)
        self._knots: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def native(self, num_steps: int, spacing: str) -> NDArray[np.float64]:
        """Return the ratios of evenly spaced timesteps, falling, (N,).

        Raises
        ------
        UsageError
            If there are fewer timesteps than that.
        """
        count = len(self.log_levels)
        if num_steps > count:
            raise too_many_steps(count)
        spaced = {
            "leading": np.arange(num_steps)[::-1] * (count // num_steps),
            "trailing": np.rint(count - np.arange(num_steps) * count / num_steps) - 1,
            "linspace": np.rint(np.linspace(count - 1, 0, num_steps)),
        }
        chosen = spaced["leading" if spacing == "own" else spacing]
        return np.asarray(np.exp(self.log_levels[chosen.astype(int)]))

    def __call__(self, ratio: Level) -> Level:
        """Return timesteps from 0 on."""
        if not isinstance(ratio, torch.Tensor):
            steps = np.arange(len(self.log_levels), dtype=np.float64)
            return float(np.interp(math.log(ratio), self.log_levels, steps))
        knots = self._on(ratio)
        place = ratio.log().clamp(knots[0], knots[-1])
        above = torch.searchsorted(knots, place).clamp(1, len(knots) - 1)
        low, high = knots[above - 1], knots[above]
        return above - 1 + (place - low) / (high - low)

    def _on(self, ratio: Tensor) -> Tensor:
        """Return the levels where a tensor is: once, since a copy would wait for it."""
        key = (ratio.device, ratio.dtype)
        if key not in self._knots:
            levels = torch.from_numpy(self.log_levels).to(ratio.dtype)
            self._knots[key] = levels.to(ratio.device)
        return self._knots[key]


def flow_time(scale: float = 1.0, *, to_noise: bool = True) -> NetworkTime:
    """Return flow time ``t = ratio / (1 + ratio)``, the share of noise in a mixture.

    Parameters
    ----------
    scale
        What time 1 is called, often 1 or 1000.
    to_noise
        Whether time 1 is noise; else it is the image, and `t` becomes ``1 - t``.
    """

    def told(ratio: Tensor) -> Tensor:
        rest = 1 / (1 + ratio)
        return scale * (ratio * rest if to_noise else rest)

    ratios = _odds(SMALLEST_TIME)
    return NetworkTime(of_level(told), ratios, "flow", to_noise, last=scale)


def vp_time(
    kind: str = "linear",
    scale: float = 1.0,
    *,
    beta_min: float = 0.1,
    beta_max: float = 20.0,
) -> NetworkTime:
    """Return a continuous time of networks that see ``sqrt(abar) x + ... noise``.

    Parameters
    ----------
    kind
        ``linear``: ``abar = exp(-(beta_min t + (beta_max - beta_min) t^2 / 2))``
        (arXiv 2011.13456, Eq. 29); ``cosine``: that of improved DDPM (arXiv
        2102.09672, Eq. 17); ``tangent``: ``ratio = tan(pi t / 2)`` (arXiv 2301.11093,
        Eq. 2).
    scale
        What time 1 is called.
    beta_min, beta_max
        Ends of the linear one.
    """
    kinds: Mapping[str, Callable[[], Clock]] = {
        "linear": lambda: _linear_vp(beta_min, beta_max),
        "cosine": _cosine_vp,
        "tangent": _tangent_vp,
    }
    check_choice(kind, kinds, "time", "kind=")
    told, ratios = kinds[kind]()
    timed = of_level(lambda ratio: scale * told(ratio))
    return NetworkTime(timed, ratios, "vp", last=scale)


def _odds(time: float) -> tuple[float, float]:
    """Return the ratios of a flow time and of as much before the end."""
    return time / (1 - time), (1 - time) / time


def _tangent_vp() -> Clock:
    low = math.tan(math.pi / 2 * SMALLEST_TIME)
    return lambda ratio: 2 / math.pi * ratio.atan(), (low, 1 / low)


def _linear_vp(first: float, last: float) -> Clock:
    rise = last - first
    if not (first > 0 and rise > 0):
        message = f"beta_min and beta_max rise from above 0, not {first:g} to {last:g}"
        raise UsageError(message)

    def told(ratio: Tensor) -> Tensor:
        spent = (ratio**2).log1p()
        # The root of a quadratic without the difference of two near numbers.
        return 2 * spent / (first + (first**2 + 2 * rise * spent).sqrt())

    def ratio(time: float) -> float:
        return math.sqrt(math.expm1(first * time + rise * time**2 / 2))

    return told, (ratio(SMALLEST_TIME), ratio(1.0))


COSINE_OFFSET = 0.008
"""Improved DDPM's, so that noise does not begin too slowly (arXiv 2102.09672)."""


def _cosine_vp() -> Clock:
    quarter, whole = math.pi / 2, 1 + COSINE_OFFSET
    begun = math.cos(COSINE_OFFSET / whole * quarter)

    def told(ratio: Tensor) -> Tensor:
        kept = begun / (1 + ratio**2).sqrt()
        return kept.acos() * whole / quarter - COSINE_OFFSET

    def ratio(time: float) -> float:
        kept = math.cos((time + COSINE_OFFSET) / whole * quarter) / begun
        return math.sqrt(1 / kept**2 - 1)

    return told, (ratio(SMALLEST_TIME), ratio(1 - SMALLEST_TIME))


def ve_time(
    sigma_min: float = 0.01,
    sigma_max: float = 50.0,
    scale: float = 1.0,
    *,
    to_noise: bool = True,
) -> NetworkTime:
    """Return a time that is even in ln sigma (arXiv 2011.13456, Eq. 30).

    Parameters
    ----------
    sigma_min, sigma_max
        Levels of time 0 and 1, in the network's own pixels.
    scale
        What time 1 is called: the number of levels less one where it counts them.
    to_noise
        Whether it rises with the noise.
    """
    if not 0 < sigma_min < sigma_max < math.inf:
        message = (
            f"a range of sigma rises from above 0, not from {sigma_min} to {sigma_max}"
        )
        raise UsageError(message)
    span = math.log(sigma_max / sigma_min)

    def told(sigma: Tensor) -> Tensor:
        risen = (sigma / sigma_min).log() / span
        return scale * (risen if to_noise else 1 - risen)

    ratios = (sigma_min, sigma_max)
    return NetworkTime(of_level(told), ratios, "ve", to_noise, last=scale)


def _plain(
    convert: Callable[[Tensor], Tensor], input_type: str, *, to_noise: bool = True
) -> Callable[[], NetworkTime]:
    return lambda: NetworkTime(of_level(convert), None, input_type, to_noise)


TIMES: Mapping[str, Callable[[], NetworkTime]] = {
    "sigma": _plain(lambda sigma: sigma, "ve"),
    "c_noise": lambda: NetworkTime(quarter_log, None, "ve"),
    "log_snr": _plain(lambda ratio: -2 * ratio.log(), "vp", to_noise=False),
    "timestep-linear": lambda: timesteps("linear"),
    "timestep-scaled-linear": lambda: timesteps("scaled-linear"),
    "timestep-cosine": lambda: timesteps("cosine"),
    "flow": flow_time,
    "flow-1000": lambda: flow_time(1000),
    "flow-reversed": lambda: flow_time(to_noise=False),
    "vp-linear": vp_time,
    "vp-cosine": lambda: vp_time("cosine"),
    "vp-tangent": lambda: vp_time("tangent"),
    "ve": ve_time,
}
"""Times by name; the functions of this module make others."""


def time_named(time: str | NetworkTime) -> NetworkTime:
    """Return the time of a name, or the one that is given.

    Raises
    ------
    UsageError
        If there is no such name.
    """
    if isinstance(time, str):
        check_choice(time, TIMES, "time", "time=")
        return TIMES[time]()
    return time


def whole_network(
    network: Callable[..., Tensor], whole: Whole
) -> Callable[..., Tensor]:
    """Return a network of whole timesteps as one of any: see `Whole`."""
    ways = {"no": None, "nearest": _nearest, "between": _between}
    way = ways[whole]
    if way is None:
        return network
    return cast("Callable[..., Tensor]", functools.partial(way, network))


def _nearest(
    network: Callable[..., Tensor], x: Tensor, time: Tensor, *told: object
) -> Tensor:
    return network(x, time.round().long(), *told)


def _between(
    network: Callable[..., Tensor], x: Tensor, time: Tensor, *told: object
) -> Tensor:
    below = time.floor()
    share = (time - below).to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))
    lower = network(x, below.long(), *told)
    # A timestep that is whole takes one call; on the host this waits for nothing.
    if time.device.type == "cpu" and not bool(share.any()):
        return lower
    return torch.lerp(lower, network(x, time.ceil().long(), *told), share)
