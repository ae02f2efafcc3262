"""One sampling run: a plan, a model and seeds in; images out, batch by batch."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spectral_sched.diffusion.models.compile import check_network, compile_network
from spectral_sched.diffusion.models.denoiser import facts_of, recordable
from spectral_sched.diffusion.models.guidance import UNGUIDED, guide
from spectral_sched.diffusion.models.limits import known_limits
from spectral_sched.diffusion.models.load import load_denoiser, load_inputs
from spectral_sched.diffusion.models.network import check_given
from spectral_sched.diffusion.precision import AUTO, check_precision, precision_of
from spectral_sched.diffusion.replay import CudaRecorder, NetworkReplay
from spectral_sched.files.samples import Sample
from spectral_sched.planning.per_image import drawn_plans
from spectral_sched.planning.replan import Fitting, fit_to_model
from spectral_sched.schedules import UNIT_FLOW

from .player import Player

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.diffusion.models.guidance import Guidance
    from spectral_sched.planning.plan import Plan
    from spectral_sched.schedules import FlowModel


@dataclass(frozen=True)
class SamplingOptions:
    """How ``specsched sample`` plays a plan.

    Attributes
    ----------
    model
        Name of the model, as for ``--model``, or a denoiser itself.
    precision
        How it is computed, as for ``--precision``; ``auto`` is the fastest that is
        exact enough on the device.
    guidance
        Class to sample, and how strongly, for a model with classes.
    fitting
        How the plan may be changed for the model.
    per_image, label
        Whether each image gets a plan for a spectrum drawn for it, and from which
        class it is drawn.
    compiled
        Whether torch compiles the network.
    inputs
        Source of the images to restore, or they themselves in [-1, 1],
        (N, C, H, W), for a model that restores.
    noise
        The noise of a flow network.
    """

    model: str | Denoiser
    precision: str = AUTO
    guidance: Guidance = UNGUIDED
    fitting: Fitting = field(default_factory=Fitting)
    per_image: bool = False
    label: str | None = None
    compiled: bool = False
    inputs: str | NDArray[np.floating] | None = None
    noise: FlowModel = UNIT_FLOW

    def __post_init__(self) -> None:
        check_precision(self.precision)


ONE_RANGE = (
    "the model was trained with the range of each image and gets one for all: samples "
    "can be too bright, dark or vivid; --per-image draws ranges (analyze --mixture)"
)
"""What one range does is measured in docs/research/per-image.md."""

INSIDE = (
    "the schedule begins lower down, for images that you add noise to; samples begin "
    "with noise alone and get too little contrast: export without --start-sigma or "
    "--strength"
)


def begins_inside(plan: Plan) -> bool:
    """Return whether a plan starts from images with noise, below the top."""
    request, top = plan.request, plan.data_set.bounds.top(plan.request.start)
    return request.limits.partial and plan.table.levels[0] < top


class SamplingRun:
    """A model loaded to play a plan.

    On CUDA the calls of its network are recorded as graphs, unless torch compiles it.

    Parameters
    ----------
    tell
        Takes a sentence on what the device cannot do.

    Attributes
    ----------
    plan
        The plan as it is played, fitted to the model.
    messages
        What has to be said about the model and the fitting.
    precision
        How it is computed on the device.
    input_names
        Names of the images to restore, if any.
    """

    def __init__(
        self,
        plan: Plan,
        options: SamplingOptions,
        device: torch.device,
        tell: Callable[[str], None] = warnings.warn,
    ) -> None:
        self.device, self.precision = device, precision_of(options.precision, device)
        dtype = self.precision.dtype
        model = load_denoiser(options.model, plan, device, dtype, options.noise)
        check_given(model, given=options.inputs is not None)
        if self.precision.half:
            check_network(model, "--precision bf16")
        if options.compiled:
            compile_network(model)
        network = None if options.compiled else recordable(model)
        self.replay = (
            NetworkReplay(network, CudaRecorder(), tell)
            if network is not None and device.type == "cuda"
            else None
        )
        limits, told = known_limits(options.model, model, plan)
        self.plan, fitting = fit_to_model(plan, limits, options.fitting)
        self.messages = [*facts_of(model).messages, *told, *fitting]
        if begins_inside(self.plan):
            self.messages.append(INSIDE)
        unasked = options.inputs is None and not options.per_image
        if unasked and facts_of(model).heeds_ends:
            self.messages.append(ONE_RANGE)
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
        """Yield the images of samples, (C, H, W) about [-1, 1], in order.

        Parameters
        ----------
        advance
            Called with the number of images that went one step further.
        """
        player = self._player(samples)
        yield from player.play_plan(self.plan, self.image_plan, advance)

    def levels(
        self, samples: Sequence[Sample], advance: Callable[[int], None] = lambda _: None
    ) -> Iterator[NDArray[np.uint8]]:
        """Yield the images of samples as bytes, (H, W, C), in order.

        Parameters
        ----------
        advance
            Called with the number of images that went one step further.
        """
        player = self._player(samples)
        yield from player.play_levels(self.plan, self.image_plan, advance)

    def _player(self, samples: Sequence[Sample]) -> Player:
        degraded = self.inputs
        if degraded is not None:
            degraded = degraded[[sample.restored for sample in samples]]
        return Player(
            self.denoise,
            self.plan.power.field.shape,
            [sample.seed for sample in samples],
            self.device,
            self.precision,
            self.guidance,
            degraded,
            self.replay,
        )
