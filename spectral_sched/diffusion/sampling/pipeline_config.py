"""The configuration of a scheduler for pipelines: what the network is told, and text.

A schedule is a file of thousands of numbers. In a configuration it is one text, so that
`from_config` has all of it, and is shown as one line.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.errors import UsageError, check_choice
from spectral_sched.schedules import UNIT_FLOW
from spectral_sched.schedules.betas import Betas
from spectral_sched.schedules.coordinates import (
    COORDINATES,
    Coordinate,
    check_coordinate,
    flow_coordinate,
    timestep_coordinate,
)
from spectral_sched.words import number_of

from .pipeline import INPUTS, PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from spectral_sched.schedules import FlowModel

DISCRETE = "timestep-"
"""How names of coordinates begin that are timesteps of a training."""

NO_BETAS: Mapping[str, None] = dict.fromkeys(
    ("beta_schedule", "beta_start", "beta_end", "trained_betas")
)
"""Settings that leave the betas to the name of a coordinate."""

SHOWN = 60
"""Letters of an entry of a configuration that are shown."""


class ScheduleText(str):
    """The text of a schedule file, shown in a few words."""

    __slots__ = ()

    def __repr__(self) -> str:
        document = json.loads(self)
        steps = len(document.get("sigmas", ())) - 1
        return f"<schedule of {number_of(steps, 'step')}, kind {document.get('kind')}>"


def told_coordinate(config: Mapping[str, Any], flow: FlowModel) -> Coordinate:
    """Return what the network of a configuration is told of the noise.

    Parameters
    ----------
    flow
        The noise of the network, if it is one of flow time.

    Raises
    ------
    UsageError
        If a name in the configuration is unknown, or a network that knows no flow time
        is to have the noise of one.
    """
    name, prediction = config["timestep_type"], config["prediction_type"]
    check_coordinate(name)
    check_choice(prediction, PREDICTIONS, "prediction", "prediction_type")
    check_choice(config["input_type"] or "vp", INPUTS, "input", "input_type")
    if name == "flow_time":
        return flow_coordinate(flow)
    if flow != UNIT_FLOW:
        message = (
            "noise_scale and t_eps are of flow networks, and this one is told "
            f"{name}; set timestep_type='flow_time'"
        )
        raise UsageError(message)
    if not name.startswith(DISCRETE):
        return COORDINATES[name]
    return timestep_coordinate(told_abar(config), "")


def told_abar(config: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return abar at each timestep of a network of discrete ones."""
    if config["trained_betas"] is not None:
        abar = np.cumprod(1 - np.array(config["trained_betas"], dtype=np.float64))
        return np.asarray(abar, np.float64)
    return _betas(config).abar()


def _betas(config: Mapping[str, Any]) -> Betas:
    return Betas(
        config["beta_schedule"] or config["timestep_type"].removeprefix(DISCRETE),
        config["num_train_timesteps"],
        config["beta_start"],
        config["beta_end"],
        zero_snr=config["rescale_betas_zero_snr"],
    )


def told_betas(config: Mapping[str, Any]) -> dict[str, str | float]:
    """Return the betas of a network of discrete timesteps in the words of diffusers."""
    discrete = config["timestep_type"].startswith(DISCRETE)
    if not discrete or config["trained_betas"] is not None:
        return {}
    betas = _betas(config)
    first, last = betas.ends
    return {
        "beta_schedule": betas.their_name,
        "beta_start": first,
        "beta_end": last,
    }


def told_in_lines(
    config: Mapping[str, Any], write: Callable[[Any], str] = json.dumps
) -> str:
    """Return a configuration as JSON, a line for each entry that is set."""
    entries = [
        f"  {json.dumps(name)}: {write(value)}"
        for name, value in sorted(config.items())
        if value is not None and name != "_use_default_values"
    ]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def brief(value: object) -> str:
    """Return an entry of a configuration in a few words."""
    if isinstance(value, ScheduleText):
        return repr(value)
    text = json.dumps(value, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 4]} ..."
