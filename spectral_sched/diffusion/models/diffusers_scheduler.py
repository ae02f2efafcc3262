"""What a scheduler of the diffusers library says about the network it was saved with.

Only what the network was trained with is used: betas, what is predicted, EDM's
sigma_data, the number of timesteps of a flow. What a scheduler does while sampling (its
spacing of timesteps, clipping, thresholding, shift) is left to the sigma table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.errors import InputError, UsageError
from spectral_sched.schedules import UNIT_FLOW

from .preconditioning import discrete, edm, flow
from .times import too_many_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from spectral_sched.schedules import FlowModel

    from .preconditioning import Preconditioning

DISCRETE = frozenset(
    f"{name}Scheduler"
    for name in (
        "DDIM",
        "DDIMParallel",
        "DDPM",
        "DDPMParallel",
        "DEISMultistep",
        "DPMSolverMultistep",
        "DPMSolverSinglestep",
        "EulerAncestralDiscrete",
        "EulerDiscrete",
        "HeunDiscrete",
        "KDPM2AncestralDiscrete",
        "KDPM2Discrete",
        "LMSDiscrete",
        "PNDM",
        "SASolver",
        "UniPCMultistep",
    )
)
"""Schedulers of networks that were trained with betas."""

TRAINED = (
    *("prediction_type", "num_train_timesteps", "beta_schedule", "beta_start"),
    *("beta_end", "trained_betas", "rescale_betas_zero_snr", "variance_type"),
)
"""What a scheduler of these says of its network."""

EDM = frozenset({"EDMDPMSolverMultistepScheduler", "EDMEulerScheduler"})
VARIANCE_PRESERVING = ("epsilon", "v_prediction", "sample")
"""What networks that were trained with betas predict."""

FLOW = frozenset({"FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"})


def scheduler_of(
    kind: str, diffusers: Any, path: Path, noise: FlowModel = UNIT_FLOW
) -> tuple[Any, Preconditioning]:
    """Return a scheduler, and how its network is called.

    Parameters
    ----------
    kind
        Name of the scheduler's class.
    diffusers
        The library.
    path
        The scheduler's configuration.
    noise
        The noise of a flow network, of which a scheduler says nothing.

    Raises
    ------
    InputError
        If the scheduler or what it predicts is not known here.
    UsageError
        If something is said of a flow network's noise, and it is none.
    """
    _check("scheduler", kind, DISCRETE | EDM | FLOW, path)
    scheduler = getattr(diffusers, kind).from_pretrained(
        path.parent, local_files_only=True
    )
    if _flows(kind, scheduler.config):
        return scheduler, _flow(scheduler.config, path, noise)
    if noise != UNIT_FLOW:
        raise not_flowing(str(path))
    if kind in EDM:
        return scheduler, _edm(scheduler.config, path)
    return scheduler, _discrete(scheduler, path)


def native_levels(scheduler: Any, num_steps: int, spacing: str) -> list[float]:
    """Return the sigmas of the steps that a scheduler makes, falling.

    Parameters
    ----------
    spacing
        ``own``, or a ``timestep_spacing`` for schedulers that have one.

    Raises
    ------
    UsageError
        If the network was trained with fewer timesteps.
    """
    scheduler, kind = _spaced(scheduler, spacing), type(scheduler).__name__
    count = scheduler.config.num_train_timesteps
    if kind not in FLOW | EDM and num_steps > count:
        raise too_many_steps(count)
    scheduler.set_timesteps(num_steps)
    if _flows(kind, scheduler.config):
        _, highest = flow(count).sigma_range or (0.0, np.inf)
        times = scheduler.sigmas[:-1].double().numpy()
        with np.errstate(divide="ignore"):
            levels = np.minimum(times / (1 - times), highest)
    elif hasattr(scheduler, "sigmas"):
        levels = scheduler.sigmas[:-1].double().numpy()
    else:
        abar = scheduler.alphas_cumprod.double().numpy()
        steps = scheduler.timesteps.double().numpy()
        trained = np.log(1 / np.maximum(abar, np.finfo(float).tiny) - 1) / 2
        levels = np.exp(np.interp(steps, np.arange(len(abar)), trained))
    # Solvers of two calls have each level twice, and end in noise of 0 twice. For some
    # numbers of steps "trailing" has one more, at a timestep of -1.
    found: list[float] = np.unique(levels[levels > 0])[::-1][:num_steps].tolist()
    return found


def _spaced(scheduler: Any, spacing: str) -> Any:
    """Return a scheduler of a spacing, without the steps that PNDM begins with.

    Those are of Runge and Kutta, and look between its levels.
    """
    wished = {"timestep_spacing": spacing} if spacing != "own" else {}
    settings = {**wished, "skip_prk_steps": True}
    known = {name: settings[name] for name in settings if name in scheduler.config}
    return type(scheduler).from_config(scheduler.config, **known)


def _flows(kind: str, config: Any) -> bool:
    return kind in FLOW or bool(config.get("use_flow_sigmas", False))


def not_flowing(name: str) -> UsageError:
    """Return what to raise where a model of no flow is to have the noise of one."""
    message = f"{name} is no flow network, whose noise --with tells of; leave it out"
    return UsageError(message)


MARKS = {
    "scaled_state": "SpectralScheduler",
    "beta_schedule": "DDPMScheduler",
    "sigma_schedule": "EDMEulerScheduler",
    "shift": "FlowMatchEulerDiscreteScheduler",
}
"""Classes whose networks are those of a configuration that names none, by its keys."""


def class_of(config: Mapping[str, Any]) -> str:
    """Return the class of a configuration, which says it only if it was in a file."""
    marked = (name for key, name in MARKS.items() if key in config)
    return str(config.get("_class_name") or next(marked, "unknown"))


def trained_settings(kind: str, config: Any) -> dict[str, Any]:
    """Return what a scheduler says of its network, as `SpectralScheduler` takes it.

    Parameters
    ----------
    kind
        Name of the scheduler's class.
    config
        Its configuration.

    Raises
    ------
    InputError
        If the scheduler or what it predicts is not known here.
    """
    path = Path("the network")
    _check("scheduler", kind, DISCRETE | EDM | FLOW, path)
    if _flows(kind, config):
        _flow(config, path)
        return {
            "prediction_type": "flow_prediction",
            "timestep_type": "flow_time",
            "timestep_scale": float(config["num_train_timesteps"]),
            "num_train_timesteps": config["num_train_timesteps"],
        }
    if kind in EDM:
        _check("prediction type", config["prediction_type"], ["epsilon"], path)
        told = {"prediction_type": "edm", "timestep_type": "c_noise"}
        # Its pipelines hold the image under noise itself.
        return told | {"sigma_data": config["sigma_data"], "scaled_state": False}
    _check("prediction type", config["prediction_type"], VARIANCE_PRESERVING, path)
    if config.get("timestep_type") == "continuous":
        _check("timestep type", "continuous", ["discrete"], path)
    said = {name: config[name] for name in TRAINED if config.get(name) is not None}
    # Theirs has another meaning: Euler's is discrete.
    return said | {"timestep_type": "timestep-linear"}


def _flow(config: Any, path: Path, noise: FlowModel = UNIT_FLOW) -> Preconditioning:
    prediction = config.get("prediction_type", "flow_prediction")
    _check("prediction type", prediction, ["flow_prediction"], path)
    if config.get("invert_sigmas"):
        message = f"{path} inverts its times (invert_sigmas), which is not supported"
        raise InputError(message)
    return flow(config["num_train_timesteps"], noise)


def _edm(config: Any, path: Path) -> Preconditioning:
    prediction = config.prediction_type
    _check("prediction type", prediction, ("epsilon", "v_prediction"), path)
    return edm(config.sigma_data, (config.sigma_min, config.sigma_max), prediction)


def _discrete(scheduler: Any, path: Path) -> Preconditioning:
    config = scheduler.config
    prediction = config.prediction_type
    _check("prediction type", prediction, VARIANCE_PRESERVING, path)
    abar = scheduler.alphas_cumprod.numpy().astype(np.float64)
    if config.get("rescale_betas_zero_snr", False):
        abar = abar[:-1]  # noise alone, or a number that stands for it
    called = discrete(prediction, abar)
    if config.get("timestep_type") == "continuous" and prediction == "v_prediction":
        # The network is told ln(sigma) / 4: EDM for images of unit variance.
        return edm(1.0, called.sigma_range, prediction)
    return called


def _check(what: str, name: str, known: Iterable[str], path: Path) -> None:
    if name not in known:
        message = (
            f"{path} has the {what} {name!r}, which is not supported; "
            f"known are {', '.join(sorted(known))}"
        )
        raise InputError(message)
