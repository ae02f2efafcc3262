"""One noise level, many names: conversions between the coordinates of the field.

``sigma`` is the noise standard deviation on clean pixels in [-1, 1] (x0 + sigma n) and
the hub of all conversions. Ends are exact: no noise is sigma 0, pure noise is sigma
infinite. Discrete timesteps know neither; they are clipped to the trained levels, as in
diffusers and k-diffusion, with fractions log-linear in sigma between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import check_choice

from .betas import Betas
from .flow_model import UNIT_FLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

    from .flow_model import FlowModel

    Conversion = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Coordinate:
    """How a coordinate is related to sigma.

    Attributes
    ----------
    from_sigma, to_sigma
        The conversions, inverse to each other.
    formula
        The coordinate in terms of sigma, s.
    """

    from_sigma: Conversion
    to_sigma: Conversion
    formula: str


def timestep_coordinate(abar: NDArray[np.float64], formula: str) -> Coordinate:
    """Return the discrete timestep of a training schedule, fractions included.

    Parameters
    ----------
    abar
        Product of ``1 - beta`` up to each timestep from 0 on, strictly falling.
    """
    log_sigma = np.log((1 - abar) / abar) / 2
    steps = np.arange(len(abar), dtype=np.float64)
    if np.any(np.diff(log_sigma) <= 0):
        message = "abar must fall at every timestep"
        raise ValueError(message)
    return Coordinate(
        lambda sigma: np.interp(np.log(sigma), log_sigma, steps),
        lambda step: np.exp(np.interp(step, steps, log_sigma)),
        formula,
    )


def trained_abar(schedule: str) -> NDArray[np.float64]:
    """Return abar of 1000 timesteps of a beta schedule in common use, see `Betas`."""
    return Betas(schedule).abar()


def flow_coordinate(model: FlowModel) -> Coordinate:
    """Return the flow time of a network with noise of a given strength."""
    scale = f"{model.noise_scale:g}"
    return Coordinate(model.time, model.sigma, f"s / ({scale} + s)")


def _trained(schedule: str) -> Coordinate:
    formula = f"index of s in the 1000 levels of {schedule} betas, log-linear"
    return timestep_coordinate(trained_abar(schedule), formula)


COORDINATES: Mapping[str, Coordinate] = {
    "sigma": Coordinate(lambda sigma: sigma, lambda sigma: sigma, "s"),
    "log_snr": Coordinate(
        lambda sigma: -2 * np.log(sigma), lambda value: np.exp(value / -2), "-2 ln s"
    ),
    "half_log_snr": Coordinate(
        lambda sigma: -np.log(sigma), lambda value: np.exp(-value), "-ln s"
    ),
    "abar": Coordinate(
        lambda sigma: 1 / (1 + sigma**2),
        lambda abar: np.sqrt((1 - abar) / abar),
        "1 / (1 + s^2)",
    ),
    "vp_sigma": Coordinate(
        lambda sigma: 1 / (1 + 1 / sigma**2) ** 0.5,
        lambda value: value / np.sqrt((1 - value) * (1 + value)),
        "s / sqrt(1 + s^2)",
    ),
    "flow_time": flow_coordinate(UNIT_FLOW),
    "v_time": Coordinate(
        lambda sigma: 2 / np.pi * np.arctan(sigma),
        lambda time: np.where(time == 1, np.inf, np.tan(np.pi / 2 * time)),
        "2 / pi atan(s)",
    ),
    "c_noise": Coordinate(
        lambda sigma: np.log(sigma) / 4, lambda value: np.exp(4 * value), "ln(s) / 4"
    ),
    "timestep-linear": _trained("linear"),
    "timestep-scaled-linear": _trained("scaled-linear"),
    "timestep-cosine": _trained("cosine"),
}
"""Coordinates by the names used in commands and files."""


def convert(
    values: ArrayLike, source: str, target: str, flow: FlowModel = UNIT_FLOW
) -> NDArray[np.float64]:
    """Return noise levels in another coordinate.

    Parameters
    ----------
    flow
        Whose flow time is meant, where that is one of the coordinates.

    Raises
    ------
    UsageError
        If there is no such coordinate.
    ValueError
        If a value is outside the range of its coordinate.

    Examples
    --------
    >>> [float(time) for time in convert([0, 1, np.inf], "sigma", "flow_time")]
    [0.0, 0.5, 1.0]
    >>> [float(level) for level in convert([np.inf, 0.0], "log_snr", "sigma")]
    [0.0, 1.0]
    >>> from spectral_sched.schedules import FLOW_MODELS
    >>> float(convert(2.0, "sigma", "flow_time", FLOW_MODELS["jit-512"]))
    0.5
    """
    check_coordinate(source)
    check_coordinate(target)
    # Ends divide by zero and take its logarithm on purpose.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        given = np.asarray(values, dtype=np.float64)
        sigma = _coordinate(source, flow).to_sigma(given)
        if not np.all(sigma >= 0):
            message = f"there are values that no {source} can have"
            raise ValueError(message)
        return _coordinate(target, flow).from_sigma(sigma)


def _coordinate(name: str, flow: FlowModel) -> Coordinate:
    return flow_coordinate(flow) if name == "flow_time" else COORDINATES[name]


def check_coordinate(name: str) -> None:
    """Raise `UsageError`, with the nearest name, if there is no such coordinate."""
    check_choice(name, COORDINATES, "coordinate", "--coordinate")
