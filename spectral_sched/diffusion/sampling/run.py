"""One sampling run: a plan, a model and seeds in; pictures out, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch

from spectral_sched.diffusion.batches import first_batch, in_batches
from spectral_sched.diffusion.models.compile import compile_network
from spectral_sched.diffusion.models.denoiser import facts_of, tell_ends
from spectral_sched.diffusion.models.guidance import UNGUIDED, guide
from spectral_sched.diffusion.models.load import load_denoiser, load_inputs
from spectral_sched.diffusion.models.network import check_given, give_degraded
from spectral_sched.errors import check_choice
from spectral_sched.files.samples import Sample
from spectral_sched.planning.per_image import drawn_plans
from spectral_sched.planning.replan import Fitting, fit_to_model
from spectral_sched.solvers.registry import batch_calls, solver_calls

from .noise import SeededNoise, starting_point
from .sampler import sample, stack_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.diffusion.models.guidance import Guidance
    from spectral_sched.planning.plan import Plan
    from spectral_sched.solvers.recurrence import Call


class Course(NamedTuple):
    """The way of a batch from noise to pictures.

    Attributes
    ----------
    calls
        Network calls in order.
    first
        Noise level of the start, a float or one per picture, (B,).
    ends
        Lower and upper end of the noise range, floats or one per picture, (B,).
    """

    calls: Sequence[Call]
    first: float | Tensor
    ends: tuple[float | Tensor, float | Tensor]

    def informed(self, denoise: Denoiser) -> Denoiser:
        """Return the denoiser told of the ends of the range, if it takes them."""
        return tell_ends(denoise, self.ends)


def common_course(plan: Plan) -> Course:
    """Return the course of pictures that all follow one plan."""
    calls = solver_calls(plan.request.sampler, plan.table.sigmas)
    return Course(calls, plan.table.sigmas[0], plan.ends)


def own_courses(plans: Sequence[Plan], like: Tensor) -> Course:
    """Return the course of pictures that follow a plan each.

    Parameters
    ----------
    plans
        One per picture, of one sampler and number of steps.
    like
        Pictures, (B, C, H, W), for the device and type.
    """
    tables = [plan.table for plan in plans]
    calls = batch_calls(plans[0].request.sampler, [table.sigmas for table in tables])
    first = like.new_tensor([table.sigmas[0] for table in tables])
    low, high = like.new_tensor([plan.ends for plan in plans]).T
    return Course(stack_calls(calls, like), first, (low, high))


ON_CPU = 16

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class SamplingOptions:
    """How ``specsched sample`` plays a plan.

    Attributes
    ----------
    model
        Name of the model, as for ``--model``, or a denoiser itself.
    precision
        Type of the state and of the network.
    guidance
        Class to sample, and how strongly, for a model with classes.
    fitting
        How the plan may be changed for the model.
    per_image, label
        Whether each picture gets a plan for a spectrum drawn for it, and from which
        class it is drawn.
    compiled
        Whether torch compiles the network.
    inputs
        Source of the pictures to restore, or they themselves in [-1, 1],
        (N, C, H, W), for a model that restores.
    """

    model: str | Denoiser
    precision: str = "float32"
    guidance: Guidance = UNGUIDED
    fitting: Fitting = field(default_factory=Fitting)
    per_image: bool = False
    label: str | None = None
    compiled: bool = False
    inputs: str | NDArray[np.floating] | None = None

    def __post_init__(self) -> None:
        check_choice(self.precision, DTYPES, "precision", "--precision")


class SamplingRun:
    """A model loaded to play a plan.

    Attributes
    ----------
    plan
        The plan as it is played, fitted to the model.
    messages
        What has to be said about the model and the fitting.
    input_names
        Names of the pictures to restore, if any.
    """

    def __init__(
        self, plan: Plan, options: SamplingOptions, device: torch.device
    ) -> None:
        self.device, self.dtype = device, DTYPES[options.precision]
        model = options.model
        if isinstance(model, str):
            model = load_denoiser(model, plan, device, self.dtype)
        check_given(model, given=options.inputs is not None)
        if options.compiled:
            compile_network(model)
        facts = facts_of(model)
        self.plan, fitting = fit_to_model(plan, facts.limits, options.fitting)
        self.messages = [*facts.messages, *fitting]
        guide(model, options.guidance, [0])  # Refused now, if it cannot be had.
        self.denoise, self.guidance = model, options.guidance
        self.image_plan = drawn_plans(
            self.plan, options.label, wanted=options.per_image
        )
        self.input_names, self.inputs = load_inputs(options.inputs, self.plan)

    def samples(self, seeds: Sequence[int]) -> list[Sample]:
        """Return what there is to sample: each seed, or each input with each seed."""
        if self.inputs is None:
            return [Sample(seed) for seed in seeds]
        return [Sample(seed, k) for k in range(len(self.inputs)) for seed in seeds]

    def __call__(
        self, samples: Sequence[Sample], advance: Callable[[int], None] = lambda _: None
    ) -> Iterator[NDArray[np.float64]]:
        """Yield the pictures of samples, (C, H, W) about [-1, 1], in order.

        Parameters
        ----------
        advance
            Called with the number of pictures that went one step further.
        """
        yield from play_plan(
            self.plan,
            self.denoise,
            [sample.seed for sample in samples],
            self.device,
            self.dtype,
            advance,
            self.image_plan,
            self.guidance,
            None if self.inputs is None else self.inputs[[s.restored for s in samples]],
        )


def play_plan(
    plan: Plan,
    denoise: Denoiser,
    seeds: Sequence[int],
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    advance: Callable[[int], None] = lambda _: None,
    image_plan: Callable[[int], Plan] | None = None,
    guidance: Guidance = UNGUIDED,
    given: Tensor | None = None,
) -> Iterator[NDArray[np.float64]]:
    """Yield one picture per seed, (C, H, W) about [-1, 1], sampled with a denoiser.

    Parameters
    ----------
    image_plan
        Gives the picture of a seed a plan of its own, which differs from `plan` in
        nothing but levels, range and spectrum.
    guidance
        Class to sample, and how strongly, for a model with classes.
    given
        The picture to restore with each seed, for a model that restores, (N, C, H, W).
    """
    shape = plan.power.field.shape

    def play(places: Sequence[int], advance: Callable[[int], None]) -> Tensor:
        batch = [seeds[place] for place in places]
        noise = SeededNoise(batch, shape, device, dtype)
        plans = image_plan and [image_plan(seed) for seed in batch]
        model = denoise
        if given is not None:
            model = give_degraded(denoise, given[list(places)].to(device, dtype))
        model = guide(model, guidance, batch)
        return _play(plan, model, noise, advance, plans)

    largest, places = first_batch(shape, device, ON_CPU), range(len(seeds))
    for pictures in in_batches(play, places, largest, device, advance):
        yield from pictures.double().numpy()


@torch.inference_mode()
def _play(
    plan: Plan,
    denoise: Denoiser,
    noise: SeededNoise,
    advance: Callable[[int], None],
    plans: Sequence[Plan] | None = None,
) -> Tensor:
    unit = noise()
    course = own_courses(plans, unit) if plans else common_course(plan)
    x = (
        _start(plan, unit)
        if plans is None
        else torch.cat(
            [_start(own, unit[place : place + 1]) for place, own in enumerate(plans)]
        )
    )
    for state in sample(course.informed(denoise), x, course.calls, noise):
        advance(len(x))
        x = state
    return x


def _start(plan: Plan, noise: Tensor) -> Tensor:
    """Return where pictures of one plan start."""
    first, field = plan.table.sigmas[0], plan.power.field
    return starting_point(noise, first, plan.request.start, field)
