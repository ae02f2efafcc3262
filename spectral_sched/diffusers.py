"""A scheduler for diffusers that plays our tables with our solvers.

``SpectralScheduler`` goes into an unmodified pipeline in place of its scheduler. It
needs the extra ``[diffusers]``.

Pipelines hold the noisy image at the scale of the network's input: for a model of
DDPM ``x / sqrt(1 + sigma^2)`` of ours, ``x = image + sigma * noise``. At the first
level that is taken to be unit noise, as pipelines draw it, so that sampling starts from
``sigma * noise`` to the last bit; the last step returns the image as it is.
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spectral_sched.words import number_of

try:
    from diffusers import ConfigMixin, SchedulerMixin
    from diffusers.configuration_utils import register_to_config
    from diffusers.utils import BaseOutput
    from diffusers.utils.torch_utils import randn_tensor
except ImportError as error:
    message = "pip install 'spectral-sched[diffusers]' to use spectral_sched.diffusers"
    raise ImportError(message) from error

from .defaults import SAMPLER
from .diffusion.models.diffusers_scheduler import class_of, trained_settings
from .diffusion.sampling.pipeline import (
    INPUTS,
    PREDICTIONS,
    default_steps,
    mean_part,
    nearest_place,
    places,
    wide,
)
from .diffusion.sampling.pipeline_config import (
    DISCRETE,
    NO_BETAS,
    ScheduleText,
    brief,
    told_abar,
    told_betas,
    told_coordinate,
    told_in_lines,
)
from .documents.read import read_any
from .documents.strict_json import canonical
from .errors import UsageError
from .files.schedule import read_plan, read_plan_text
from .planning.replan import ModelLimits, keep_inside, raise_floor, replan
from .schedules import FlowModel, flow_model
from .schedules.betas import NUM_TIMESTEPS, useful_abar
from .schedules.coordinates import Coordinate, convert
from .schedules.table import SigmaTable, resample
from .solvers.recurrence import Play
from .solvers.registry import SAMPLERS, sampler_named, solver_calls
from .targets.checks import below_clamp, check_start, outside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from numpy.typing import NDArray
    from torch import Tensor

    from .planning.plan import Plan
    from .solvers.recurrence import Call

    Fresh = tuple[torch.Generator | list[torch.Generator] | None, Tensor | None, Tensor]

__all__ = ["INPUTS", "PREDICTIONS", "SpectralScheduler", "SpectralSchedulerOutput"]


NOTHING_FRESH: Fresh = None, None, torch.empty(0)
"""What fresh noise is drawn from and for between steps."""


@dataclass
class SpectralSchedulerOutput(BaseOutput):  # type: ignore[misc]
    """What a step returns.

    Attributes
    ----------
    prev_sample
        Input of the next call of the pipeline, (B, C, H, W).
    pred_original_sample
        The denoised image that the network saw, (B, C, H, W).
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
        numbers of steps are planned. A table that leaves the levels that a network of
        discrete timesteps knows is planned again inside them. See `from_schedule`.
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
        Standard deviation of the images, for EDM's preconditioning.
    noise_scale
        Standard deviation of a flow network's noise at time 1, which its pipeline
        starts from.
    t_eps
        Flow time that a pipeline divides by at least, to make a velocity of an image.
        Tables end above it.
    scaled_state
        Whether the pipeline holds the network's input, or ``picture + sigma * noise``,
        which it multiplies by ``init_noise_sigma`` and scales in `scale_model_input`.
    num_train_timesteps
        How many timesteps a network of discrete ones was trained with.
    beta_schedule, beta_start, beta_end, trained_betas, rescale_betas_zero_snr
        How it was trained, in the words of diffusers; None for the betas in common use
        that `timestep_type` names.
    variance_type
        Not used, since a variance that the network predicts is left out; pipelines of
        DeepFloyd IF look for it.

    Raises
    ------
    UsageError
        If a name is unknown, the table is none, or sampling is to start elsewhere than
        about zero.
    """

    table: SigmaTable
    timesteps: Tensor
    _calls: list[Call]
    _times: Tensor
    _play: Play[Tensor] | None
    _index: int | None
    _scaled: bool
    _begin: int | None
    _fresh: Fresh

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        sigmas: Sequence[float] | None = None,
        schedule: Mapping[str, Any] | str | None = None,
        sampler: str | None = None,
        prediction_type: str = "epsilon",
        timestep_type: str = "timestep-linear",
        timestep_scale: float = 1.0,
        input_type: str | None = None,
        sigma_data: float = 0.5,
        noise_scale: float = 1.0,
        t_eps: float = 0.0,
        scaled_state: bool = True,
        num_train_timesteps: int = NUM_TIMESTEPS,
        beta_schedule: str | None = None,
        beta_start: float | None = None,
        beta_end: float | None = None,
        trained_betas: Sequence[float] | None = None,
        rescale_betas_zero_snr: bool = False,
        variance_type: str = "fixed_small",
    ) -> None:
        self._flow = FlowModel(noise_scale, t_eps)
        _ = self._coordinate  # wrong names are refused now
        self._say_betas()
        if (sigmas is None) == (schedule is None):
            message = "a SpectralScheduler takes sigmas or a schedule; give one of them"
            raise UsageError(message)
        self._plan = self._inside(self._read(schedule)) if schedule else None
        self._own = self._plan.table if self._plan else self._listed(sigmas)
        planned_for = self._plan.request.sampler if self._plan else SAMPLER
        self.sampler: str = sampler_named(sampler or planned_for)
        self.set_timesteps()

    @classmethod
    def from_schedule(
        cls,
        path: str | Path,
        network: Any = None,
        *,
        model: str | None = None,
        **settings: Any,
    ) -> Self:
        """Return a scheduler for a file that ``specsched export`` wrote.

        Parameters
        ----------
        network
            The pipeline's own scheduler, which says how its network was trained.
        model
            A name of `schedules.FLOW_MODELS`, for `noise_scale` and `t_eps`.
        settings
            Parameters of the class beside `sigmas` and `schedule`.

        Raises
        ------
        InputError
            If the file is missing, damaged or foreign, or the network of a kind not
            known here.
        """
        if network is not None:
            told = trained_settings(type(network).__name__, network.config)
            settings = told | settings
        if model is not None:
            settings = dataclasses.asdict(flow_model(model, {})) | settings
        document = read_any(Path(path))
        read_plan(Path(path), document)
        scheduler: Self = cls(schedule=canonical(document), **settings)
        return scheduler

    @classmethod
    def from_config(
        cls,
        config: Any = None,
        return_unused_kwargs: bool = False,
        **settings: Any,
    ) -> Any:
        """Return a scheduler for a configuration: one of its own, or of another class.

        Parameters
        ----------
        config
            That of a scheduler of diffusers says how its network was trained.
        return_unused_kwargs
            As of schedulers of diffusers.
        settings
            Parameters of the class, in place of what the configuration says.

        Raises
        ------
        InputError
            If the network is of a kind not known here.
        """
        if "timestep_type" in settings:
            settings = {**NO_BETAS, **settings}
        if isinstance(config, dict) and class_of(config) != cls.__name__:
            settings = trained_settings(class_of(config), config) | settings
        return super().from_config(config, return_unused_kwargs, **settings)

    @cached_property
    def _coordinate(self) -> Coordinate:
        return told_coordinate(self.config, self._flow)

    def __getstate__(self) -> dict[str, Any]:
        # Conversions cannot be pickled, and follow from the configuration.
        return {k: each for k, each in vars(self).items() if k != "_coordinate"}

    def _say_betas(self) -> None:
        """Say in the configuration which betas a name means, for other schedulers."""
        said = told_betas(self.config)
        usual = set(self.config.get("_use_default_values", ())) - said.keys()
        self.register_to_config(**said, _use_default_values=sorted(usual))

    def _listed(self, sigmas: Sequence[float] | None) -> SigmaTable:
        """Return the table of levels, which the configuration holds as a list."""
        table = _table_of(() if sigmas is None else sigmas)
        self.register_to_config(sigmas=list(table.levels))
        return table

    def _read(self, schedule: Mapping[str, Any] | str) -> Plan:
        """Return the plan of a schedule, which the configuration holds as one text."""
        text = schedule if isinstance(schedule, str) else canonical(dict(schedule))
        plan = read_plan_text(text, Path("the schedule"))
        check_start(plan.request, "a pipeline")
        self.register_to_config(schedule=ScheduleText(text))
        return raise_floor(plan, self._flow.lowest_sigma)

    def _inside(self, plan: Plan) -> Plan:
        """Return a plan inside the range of the network, where that is known.

        A plan for images that are given noise stays: its start is theirs.
        """
        if plan.request.limits.partial:
            return plan
        return keep_inside(plan, ModelLimits(sigma_range=self._known_range))[0]

    @property
    def _known_range(self) -> tuple[float, float] | None:
        """Sigmas of a network of discrete timesteps at which an image is left."""
        if not self.config.timestep_type.startswith(DISCRETE):
            return None
        useful = useful_abar(told_abar(self.config))
        low, high = np.sqrt(1 / useful[[0, -1]] - 1).tolist()
        return low, high

    def to_json_string(self) -> str:
        """Return the configuration, one line for each entry that is set."""
        return told_in_lines(json.loads(super().to_json_string()))

    def __repr__(self) -> str:
        shown = {**self.config, "_class_name": type(self).__name__}
        return f"{type(self).__name__} {told_in_lines(shown, brief)}"

    @property
    def order(self) -> int:
        """Network calls per step, as pipelines count them."""
        return SAMPLERS[self.sampler].calls_per_step

    @property
    def init_noise_sigma(self) -> float:
        """Factor of the unit noise that a pipeline starts from."""
        scaled = self.config.scaled_state
        return self._flow.noise_scale if scaled else self.table.sigmas[0]

    @property
    def step_index(self) -> int | None:
        """Number of network calls made, None before the first."""
        return self._index

    @property
    def begin_index(self) -> int | None:
        """Network call that sampling begins with, if a pipeline said."""
        return self._begin

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Begin with a later network call, as for images that were given noise."""
        self._begin = begin_index

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        sigmas: Sequence[float] | None = None,
        timesteps: Sequence[float] | None = None,
        mu: float | None = None,
    ) -> None:
        """Choose the table to play.

        Another number of steps than the table has is planned anew from the schedule, or
        read log-linearly from the sigmas if there is no schedule. The number that a
        pipeline takes where its caller names none is no wish: the table is played.

        Parameters
        ----------
        num_inference_steps
            Number of steps; that of the table if None.
        device
            Where the timesteps go.
        sigmas
            A table to play in place of the scheduler's own; for flow models, times from
            1 to 0. From time 1 on, as pipelines fill it in, only its length counts.
        timesteps
            The same as what the network is told. Pipelines of flow models name both:
            then `sigmas` count.
        mu
            Shift of other schedulers; not used, since tables are final.

        Raises
        ------
        UsageError
            If there is no such table or number of steps, or two tables are given.
        """
        del mu
        self.table = self._wanted_table(num_inference_steps, sigmas, timesteps)
        self.num_inference_steps = self.table.num_steps
        self._calls = solver_calls(self.sampler, self.table.sigmas)
        levels = np.array([float(call.sigma) for call in self._calls])
        told = self._coordinate.from_sigma(levels) * self.config.timestep_scale
        self._warn_outside()
        self._times = torch.tensor(told, dtype=torch.float32)
        self.timesteps = self._times.to(device)
        shown = (
            self._flow.time(np.array(self.table.levels))
            if self._flows
            else np.array(self.table.levels)
        )
        self.sigmas = torch.tensor([*shown, 0.0]).float()
        self._play = self._index = self._begin = None
        self._scaled = False
        self._fresh = NOTHING_FRESH

    def _wanted_table(
        self,
        num_steps: int | None,
        sigmas: Sequence[float] | None,
        timesteps: Sequence[float] | None,
    ) -> SigmaTable:
        if timesteps is not None and sigmas is not None and not self._flows:
            message = "set_timesteps takes sigmas or timesteps; give one of them"
            raise UsageError(message)
        if timesteps is not None and sigmas is None:
            told = np.asarray(timesteps, dtype=np.float64) / self.config.timestep_scale
            return _table_of(self._coordinate.to_sigma(told))
        if sigmas is None:
            return self._of_steps(num_steps)
        if not self._flows:
            return _table_of(sigmas)
        if float(sigmas[0]) >= 1:
            return self._of_steps(len([time for time in sigmas if float(time) > 0]))
        times = np.asarray(sigmas, float)
        return _table_of(convert(times, "flow_time", "sigma", self._flow))

    def _of_steps(self, num_steps: int | None) -> SigmaTable:
        """Return the table of a number of steps, planned if it is not the own."""
        if num_steps is None:
            return self._own
        num_steps = _whole(num_steps)
        if num_steps == self._own.num_steps:
            return self._own
        asking = default_steps(self)
        if asking and asking[1] == num_steps:
            text = (
                f"{asking[0]} makes {number_of(num_steps, 'step')} unasked, and the "
                f"table has {self._own.num_steps}, which it uses; for {num_steps}, "
                f"export a table with --steps {num_steps}"
            )
            warnings.warn(text, stacklevel=4)
            return self._own
        if self._plan:
            return self._inside(replan(self._plan, num_steps, self.sampler)).table
        return resample(self._own, num_steps)

    @property
    def _flows(self) -> bool:
        """Whether pipelines count noise from 0 to 1, as those of flow models do."""
        usual, _ = PREDICTIONS[self.config.prediction_type]
        return (self.config.input_type or usual) == "flow"

    def _warn_outside(self) -> None:
        """Warn of levels that a model was never shown, or no step arrives from."""
        for text in below_clamp(self.table.sigmas, self._flow):
            warnings.warn(text, stacklevel=3)
        if self._known_range is not None:
            for text in outside(self.table.levels, *self._known_range):
                warnings.warn(text, stacklevel=3)

    def scale_model_input(
        self, sample: Tensor, timestep: float | Tensor | None = None
    ) -> Tensor:
        """Return the network's input for what the pipeline holds."""
        index = self._index if self._index is not None else self._first(timestep)
        sigma = float(self._call(index).sigma)
        self._scaled = True
        return sample * (self._scale(index) * self._input(sigma))

    def step(
        self,
        model_output: Tensor,
        timestep: float | Tensor,
        sample: Tensor,
        generator: torch.Generator | list[torch.Generator] | None = None,
        return_dict: bool = True,
        eta: float = 0.0,
        variance_noise: Tensor | None = None,
        **others: Any,
    ) -> SpectralSchedulerOutput | tuple[Tensor, Tensor]:
        """Go on from one network call to the next.

        Parameters
        ----------
        model_output
            What the network said, (B, C, H, W); a variance may follow in its channels.
        timestep
            What it was told of the noise; looked at in the first call only.
        sample
            What the pipeline holds, (B, C, H, W).
        generator
            Source of fresh noise, for samplers that want it.
        return_dict
            Return an output with names in place of a tuple.
        eta
            Noise of DDIM: warned of and not used, since the sampler has its own.
        variance_noise
            Fresh noise to take in place of what the generator would draw.
        others
            What steps of other schedulers take; refused unless it asks for nothing.
        """
        _check_others(self.sampler, eta, others)
        play, index = self._under_way(timestep, sample)
        call = self._call(index)
        _take_up(play, wide(sample) * self._scale(index))
        self._fresh = generator, variance_noise, play.state
        _, denoise = PREDICTIONS[self.config.prediction_type]
        output, data = wide(mean_part(model_output, sample)), self.config.sigma_data
        seen, sigma = self._seen(play, sample), float(call.sigma)
        denoised = denoise(seen, output, sigma / self._flow.noise_scale, data)
        play.take(call, denoised)
        self._fresh, self._index = NOTHING_FRESH, index + 1
        following = (play.point / self._scale(index + 1)).to(sample.dtype)
        denoised = denoised.to(sample.dtype)
        if not return_dict:
            return (following, denoised)
        return SpectralSchedulerOutput(following, denoised)

    def _seen(self, play: Play[Tensor], sample: Tensor) -> Tensor:
        """Return what the network was shown, at the scale of our state.

        Pipelines of flow networks show it what they hold. At first that is noise as of
        time 1, a little stronger than at the first level that it is told.
        """
        if self._index or self._scaled or not self._flows:
            return play.point
        sigma = float(self._calls[0].sigma)
        return wide(sample) / self._input(sigma)

    def _call(self, index: int) -> Call:
        """Return a network call, if the table has not come to its end."""
        if index < len(self._calls):
            return self._calls[index]
        message = (
            f"all {number_of(self.table.num_steps, 'step')} of the table are made; "
            "call set_timesteps before you sample again"
        )
        raise UsageError(message)

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
        return Play(wide(sample) * self._scale(index), self._noise)

    def _noise(self) -> Tensor:
        """Return unit noise for the state: what was given, or what is drawn."""
        generator, given, state = self._fresh
        if given is not None:
            return given.to(state)
        fresh: Tensor = randn_tensor(
            state.shape, generator=generator, device=state.device, dtype=state.dtype
        )
        return fresh

    def _first(self, timestep: float | Tensor | None) -> int:
        """Return the network call to begin with."""
        if self._begin is not None:
            return self._begin
        if timestep is None:
            return 0
        told = torch.as_tensor(timestep)
        found = places(self._times, told, rounded=True)
        if not found:
            return nearest_place(self._times, told)
        # Of two calls at a level, the first ends a step of Heun, the second begins one.
        second = found[0] > 0 and len(found) > 1 and self.order > 1
        return found[1] if second else found[0]

    def _input(self, sigma: float) -> float:
        usual, _ = PREDICTIONS[self.config.prediction_type]
        scale = INPUTS[self.config.input_type or usual]
        return float(scale(sigma / self._flow.noise_scale, self.config.sigma_data))

    def _scale(self, index: int) -> float:
        """Return what the pipeline's state is multiplied by to be ours."""
        if index == len(self._calls) or not self.config.scaled_state:
            return 1.0
        sigma = float(self._calls[index].sigma)
        noise_alone = index == 0 and not (
            self._plan and self._plan.request.limits.partial
        )
        if noise_alone:
            return sigma / self._flow.noise_scale
        return 1 / self._input(sigma)

    def add_noise(
        self, original_samples: Tensor, noise: Tensor, timesteps: Tensor
    ) -> Tensor:
        """Return images under noise, as the pipeline holds them.

        Parameters
        ----------
        original_samples, noise
            Images and unit noise, (B, C, H, W).
        timesteps
            What the network is told of the noise, one per image or one for all.
        """
        pairs = [self._level_and_scale(told) for told in timesteps.reshape(-1)]
        picture = wide(original_samples)
        shape = (-1, *([1] * (picture.ndim - 1)))
        # Weights first: half precision ends at 65504, and levels may not.
        clean = picture.new_tensor([1 / scale for _, scale in pairs]).reshape(shape)
        noisy = picture.new_tensor([level / scale for level, scale in pairs])
        made = picture * clean + wide(noise) * noisy.reshape(shape)
        return made.to(original_samples.dtype)

    def scale_noise(
        self, sample: Tensor, timestep: float | Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """Return images under noise, in the words of schedulers of flow models."""
        fresh = randn_tensor(sample.shape, device=sample.device, dtype=sample.dtype)
        told = torch.as_tensor(timestep, device=sample.device)
        return self.add_noise(sample, fresh if noise is None else noise, told)

    def _level_and_scale(self, timestep: Tensor) -> tuple[float, float]:
        """Return the sigma of a timestep and what our state is divided by there."""
        index = self._place(timestep)
        if index is not None:
            return float(self._calls[index].sigma), self._scale(index)
        time = float(timestep) / self.config.timestep_scale
        sigma = float(self._coordinate.to_sigma(np.array(time)))
        return sigma, 1 / self._input(sigma) if self.config.scaled_state else 1.0

    def _place(self, timestep: Tensor) -> int | None:
        """Return the network call that is told a timestep, the next of several."""
        now = self._index if self._index is not None else self._begin
        found = places(self._times, timestep, rounded=now is not None)
        later = [index for index in found if index >= (now or 0)]
        return next(iter(later or found[-1:]), None)

    def __len__(self) -> int:
        return int(self.config.num_train_timesteps)


def _whole(steps: float) -> int:
    """Return a number of steps, which programs may hold as a float."""
    if steps == int(steps) >= 1:
        return int(steps)
    message = f"num_inference_steps must be a whole number from 1 up, not {steps:g}"
    raise UsageError(message)


def _table_of(sigmas: Sequence[float] | NDArray[np.float64]) -> SigmaTable:
    levels = [float(sigma) for sigma in sigmas]
    return SigmaTable.of(levels[:-1] if levels and not levels[-1] else levels)


def _check_others(sampler: str, eta: float | None, others: Mapping[str, Any]) -> None:
    """Warn of what a step cannot heed, and refuse what it would get wrong."""
    if eta:
        text = (
            f"eta is of DDIM and does nothing to {sampler}; for fresh noise in every "
            "step choose sampler='sde-dpmpp-2m'"
        )
        warnings.warn(text, stacklevel=3)
    for name, value in others.items():
        # Where a step leads is in the table.
        if value is None or value is False or name == "prev_timestep":
            continue
        message = (
            f"a step of SpectralScheduler takes no {name}, which is of another "
            "scheduler; leave it out, or keep the pipeline's own scheduler"
        )
        raise UsageError(message)


def _take_up(play: Play[Tensor], held: Tensor) -> None:
    """Go on from what the pipeline holds, which it may have changed."""
    if play.point is play.state:
        play.state = held
    play.point = held
