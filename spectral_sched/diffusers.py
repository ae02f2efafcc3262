"""A scheduler for diffusers that plays our tables with our solvers.

``SpectralScheduler`` goes into an unmodified pipeline in place of its scheduler. It
needs the extra ``[diffusers]``.

Pipelines hold the noisy picture at the scale of the network's input: for a model of
DDPM ``x / sqrt(1 + sigma^2)`` of ours, ``x = picture + sigma * noise``. At the first
level that is taken to be unit noise, as pipelines draw it, so that sampling starts from
``sigma * noise`` to the last bit; the last step returns the picture as it is.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

try:
    from diffusers import ConfigMixin, SchedulerMixin
    from diffusers.configuration_utils import register_to_config
    from diffusers.utils import BaseOutput
    from diffusers.utils.torch_utils import randn_tensor
except ImportError as error:
    message = "pip install 'spectral-sched[diffusers]' to use spectral_sched.diffusers"
    raise ImportError(message) from error

from .defaults import SAMPLER
from .documents.read import read_any
from .documents.strict_json import canonical
from .errors import UsageError, check_choice
from .files.schedule import read_plan_document
from .planning.replan import replan
from .schedules.coordinates import (
    COORDINATES,
    NUM_TIMESTEPS,
    check_coordinate,
    convert,
)
from .schedules.table import SigmaTable, resample
from .solvers.recurrence import Play
from .solvers.registry import SAMPLERS, solver_calls
from .targets.checks import check_start, outside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from torch import Tensor

    from .planning.plan import Plan
    from .solvers.recurrence import Call

__all__ = ["SpectralScheduler", "SpectralSchedulerOutput"]

INPUTS: Mapping[str, Callable[[Any, float], Any]] = {
    "vp": lambda sigma, _data: (1 + sigma**2) ** -0.5,
    "flow": lambda sigma, _data: 1 / (1 + sigma),
    "edm": lambda sigma, data: (data**2 + sigma**2) ** -0.5,
    "ve": lambda sigma, _data: 1 + 0 * sigma,
}
"""Factor of the network's input for a sigma and the pictures' standard deviation."""

PREDICTIONS: Mapping[str, tuple[str, Callable[[Any, Any, float, float], Any]]] = {
    "epsilon": ("vp", lambda x, out, sigma, _data: x - sigma * out),
    "sample": ("vp", lambda _x, out, _sigma, _data: out),
    "v_prediction": (
        "vp",
        lambda x, out, sigma, _data: (
            x / (1 + sigma**2) - out * sigma / (1 + sigma**2) ** 0.5
        ),
    ),
    "flow_prediction": (
        "flow",
        lambda x, out, sigma, _data: (x - sigma * out) / (1 + sigma),
    ),
    "edm": (
        "edm",
        lambda x, out, sigma, data: (
            (x * data**2 + out * sigma * data * (sigma**2 + data**2) ** 0.5)
            / (sigma**2 + data**2)
        ),
    ),
}
"""Usual input of a network by what it predicts, and the denoised picture from that."""


@dataclass
class SpectralSchedulerOutput(BaseOutput):  # type: ignore[misc]
    """What a step returns.

    Attributes
    ----------
    prev_sample
        Input of the next call of the pipeline, (B, C, H, W).
    pred_original_sample
        The denoised picture that the network saw, (B, C, H, W).
    """

    prev_sample: Tensor
    pred_original_sample: Tensor


class SpectralScheduler(SchedulerMixin, ConfigMixin):  # type: ignore[misc]
    """Plays a sigma table with one of our solvers in a pipeline of diffusers.

    Parameters
    ----------
    sigmas
        The table: decreasing levels, with or without the final 0.
    schedule
        Content of a schedule file in place of a table, from which tables of other
        numbers of steps are planned. See `from_schedule`.
    sampler
        Name of the solver; that of the schedule if None.
    prediction_type
        What the network predicts: ``epsilon``, ``sample``, ``v_prediction``,
        ``flow_prediction`` or ``edm``.
    timestep_type
        What the network is told of the noise: a name of
        `spectral_sched.schedules.coordinates`.
    timestep_scale
        Factor of that, 1000 for flow models of diffusers.
    input_type
        Scale of the network's input: ``vp``, ``flow``, ``edm`` or ``ve``; None for the
        usual one of the prediction.
    sigma_data
        Standard deviation of the pictures, for EDM's preconditioning.
    scaled_state
        Whether the pipeline holds the network's input, or ``picture + sigma * noise``,
        which it multiplies by ``init_noise_sigma`` and scales in `scale_model_input`.
    num_train_timesteps
        Not used; pipelines look for it.

    Raises
    ------
    UsageError
        If a name is unknown, the table is none, or sampling is to start elsewhere than
        about zero.
    """

    table: SigmaTable
    timesteps: Tensor
    _calls: list[Call]
    _play: Play[Tensor] | None
    _index: int | None
    _begin: int | None
    _generator: torch.Generator | list[torch.Generator] | None

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        sigmas: Sequence[float] | None = None,
        schedule: Mapping[str, Any] | None = None,
        sampler: str | None = None,
        prediction_type: str = "epsilon",
        timestep_type: str = "timestep-linear",
        timestep_scale: float = 1.0,
        input_type: str | None = None,
        sigma_data: float = 0.5,
        scaled_state: bool = True,
        num_train_timesteps: int = NUM_TIMESTEPS,
    ) -> None:
        check_coordinate(timestep_type)
        check_choice(prediction_type, PREDICTIONS, "prediction", "prediction_type")
        check_choice(input_type or "vp", INPUTS, "input", "input_type")
        if (sigmas is None) == (schedule is None):
            message = "a SpectralScheduler plays sigmas or a schedule; give one of them"
            raise UsageError(message)
        self._plan = _checked_plan(schedule) if schedule else None
        self.sampler: str = sampler or (
            self._plan.request.sampler if self._plan else SAMPLER
        )
        check_choice(self.sampler, SAMPLERS, "sampler", "sampler")
        self.set_timesteps(sigmas=sigmas)

    @classmethod
    def from_schedule(cls, path: str | Path, **settings: Any) -> Self:
        """Return a scheduler for a file that ``specsched export`` wrote.

        Parameters
        ----------
        settings
            Parameters of the class beside `sigmas` and `schedule`.

        Raises
        ------
        InputError
            If the file is missing, damaged or foreign.
        """
        document = read_any(Path(path))
        read_plan_document(document, Path(path))
        scheduler: Self = cls(schedule=json.loads(canonical(document)), **settings)
        return scheduler

    @property
    def order(self) -> int:
        """Network calls per step, as pipelines count them."""
        return SAMPLERS[self.sampler].calls_per_step

    @property
    def init_noise_sigma(self) -> float:
        """Factor of the unit noise that a pipeline starts from."""
        return 1.0 if self.config.scaled_state else self.table.sigmas[0]

    @property
    def step_index(self) -> int | None:
        """Number of network calls made, None before the first."""
        return self._index

    @property
    def begin_index(self) -> int | None:
        """Network call that sampling begins with, if a pipeline said."""
        return self._begin

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Begin with a later network call, as for pictures that were given noise."""
        self._begin = begin_index

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        sigmas: Sequence[float] | None = None,
    ) -> None:
        """Choose the table to play.

        Another number of steps than the table has is planned anew from the schedule, or
        read log-linearly from the sigmas if there is no schedule.

        Parameters
        ----------
        num_inference_steps
            Number of steps; that of the table if None.
        device
            Where the timesteps go.
        sigmas
            A table to play in place of the scheduler's own.
        """
        self.table = self._wanted_table(num_inference_steps, sigmas)
        self.num_inference_steps = self.table.num_steps
        self._calls = solver_calls(self.sampler, self.table.sigmas)
        levels = np.array([float(call.sigma) for call in self._calls])
        times = convert(levels, "sigma", self.config.timestep_type)
        self._warn_outside()
        self.timesteps = torch.tensor(
            times * self.config.timestep_scale, dtype=torch.float32, device=device
        )
        self.sigmas = torch.tensor(self.table.sigmas)
        self._play = self._index = self._begin = self._generator = None

    def _wanted_table(
        self, num_steps: int | None, sigmas: Sequence[float] | None
    ) -> SigmaTable:
        if sigmas is not None:
            return _table_of(sigmas)
        table = self._plan.table if self._plan else _table_of(self.config.sigmas)
        if num_steps is None or num_steps == table.num_steps:
            return table
        if self._plan:
            return replan(self._plan, num_steps, self.sampler).table
        return resample(table, num_steps)

    def _warn_outside(self) -> None:
        """Warn of levels that a discretely trained model was never shown."""
        name = self.config.timestep_type
        if not name.startswith("timestep-"):
            return
        ends = COORDINATES[name].to_sigma(np.array([0.0, NUM_TIMESTEPS - 1.0])).tolist()
        for text in outside(self.table.levels, *ends):
            warnings.warn(text, stacklevel=3)

    def scale_model_input(
        self, sample: Tensor, timestep: float | Tensor | None = None
    ) -> Tensor:
        """Return the network's input for what the pipeline holds."""
        index = self._index if self._index is not None else self._first(timestep)
        sigma = float(self._calls[index].sigma)
        return sample * (self._scale(index) * self._input(sigma))

    def step(
        self,
        model_output: Tensor,
        timestep: float | Tensor,
        sample: Tensor,
        generator: torch.Generator | list[torch.Generator] | None = None,
        return_dict: bool = True,
    ) -> SpectralSchedulerOutput | tuple[Tensor, Tensor]:
        """Go on from one network call to the next.

        Parameters
        ----------
        model_output
            What the network said, (B, C, H, W).
        timestep
            What it was told of the noise; looked at in the first call only.
        sample
            What the pipeline holds, (B, C, H, W).
        generator
            Source of fresh noise, for samplers that want it.
        return_dict
            Return an output with names in place of a tuple.
        """
        play, index = self._under_way(timestep, sample)
        self._generator, call = generator, self._calls[index]
        _take_up(play, _wide(sample) * self._scale(index))
        _, denoise = PREDICTIONS[self.config.prediction_type]
        sigma, data = float(call.sigma), self.config.sigma_data
        denoised = denoise(play.point, _wide(model_output), sigma, data)
        play.take(call, denoised)
        self._index = index + 1
        following = (play.point / self._scale(index + 1)).to(sample.dtype)
        denoised = denoised.to(sample.dtype)
        if not return_dict:
            return (following, denoised)
        return SpectralSchedulerOutput(following, denoised)

    def _under_way(
        self, timestep: float | Tensor, sample: Tensor
    ) -> tuple[Play[Tensor], int]:
        """Return the solver and the number of the network call, from the first on."""
        if self._play is None or self._index is None:
            self._index = self._first(timestep)
            self._play = self._started(self._index, sample)
        return self._play, self._index

    def _started(self, index: int, sample: Tensor) -> Play[Tensor]:
        """Return the solver at a network call; it knows no history before that."""
        if index:
            level = self._calls[index].sigma
            rest = tuple(sigma for sigma in self.table.sigmas if sigma <= level)
            calls = solver_calls(self.sampler, rest)
            if len(calls) != len(self._calls) - index:
                message = f"{self.sampler} cannot begin in the middle of a step"
                raise ValueError(message)
            self._calls = [*self._calls[:index], *calls]
        state = _wide(sample) * self._scale(index)

        def noise() -> Tensor:
            fresh: Tensor = randn_tensor(
                state.shape,
                generator=self._generator,
                device=state.device,
                dtype=state.dtype,
            )
            return fresh

        return Play(state, noise)

    def _first(self, timestep: float | Tensor | None) -> int:
        """Return the network call to begin with."""
        if self._begin is not None:
            return self._begin
        if timestep is None:
            return 0
        told = torch.as_tensor(timestep, device=self.timesteps.device)
        found = (self.timesteps == told).nonzero()
        if not len(found) or found[0] == 0:
            return 0
        # Of two calls at a level, the first ends a step of Heun, the second begins one.
        return int(found[min(1, len(found) - 1)])

    def _input(self, sigma: float) -> float:
        usual, _ = PREDICTIONS[self.config.prediction_type]
        scale = INPUTS[self.config.input_type or usual]
        return float(scale(sigma, self.config.sigma_data))

    def _scale(self, index: int) -> float:
        """Return what the pipeline's state is multiplied by to be ours."""
        if index == len(self._calls) or not self.config.scaled_state:
            return 1.0
        sigma = float(self._calls[index].sigma)
        noise_alone = index == 0 and not (
            self._plan and self._plan.request.limits.partial
        )
        return sigma if noise_alone else 1 / self._input(sigma)

    def add_noise(
        self, original_samples: Tensor, noise: Tensor, timesteps: Tensor
    ) -> Tensor:
        """Return pictures under noise, as the pipeline holds them.

        Parameters
        ----------
        original_samples, noise
            Pictures and unit noise, (B, C, H, W).
        timesteps
            What the network is told of the noise, one per picture or one for all.
        """
        pairs = [self._level_and_scale(told) for told in timesteps.reshape(-1)]
        shape = (-1, *([1] * (original_samples.ndim - 1)))
        levels, scales = (
            original_samples.new_tensor(each).reshape(shape)
            for each in zip(*pairs, strict=True)
        )
        return (original_samples + levels * noise) / scales

    def _level_and_scale(self, timestep: Tensor) -> tuple[float, float]:
        """Return the sigma of a timestep and what our state is divided by there."""
        on_table = bool((self.timesteps == timestep.to(self.timesteps)).any())
        if on_table or self._begin is not None:
            index = self._first(timestep)
            return float(self._calls[index].sigma), self._scale(index)
        time = float(timestep) / self.config.timestep_scale
        sigma = float(convert(time, self.config.timestep_type, "sigma"))
        return sigma, 1 / self._input(sigma) if self.config.scaled_state else 1.0

    def __len__(self) -> int:
        return int(self.config.num_train_timesteps)


def _checked_plan(schedule: Mapping[str, Any]) -> Plan:
    plan = read_plan_document(dict(schedule), Path("the schedule"))
    check_start(plan.request, "a pipeline")
    return plan


def _table_of(sigmas: Sequence[float]) -> SigmaTable:
    levels = [float(sigma) for sigma in sigmas]
    return SigmaTable.of(levels if levels[-1] else levels[:-1])


def _wide(values: Tensor) -> Tensor:
    """Return a tensor in float32 at least."""
    return values if values.dtype == torch.float64 else values.float()


def _take_up(play: Play[Tensor], held: Tensor) -> None:
    """Go on from what the pipeline holds, which it may have changed."""
    if play.point is play.state:
        play.state = held
    play.point = held
