"""One sampling run: a plan, a model and seeds in; pictures out, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spectral_sched.errors import known

from .courses import common_course, own_courses
from .devices import resolve_device
from .models import load_denoiser
from .sampler import SeededNoise, sample, starting_point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.plans import Plan

    from .denoisers import Denoiser

BATCH = 16

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def sample_pictures(
    plan: Plan,
    model: str,
    seeds: Sequence[int],
    *,
    device: str = "auto",
    precision: str = "float32",
    image_plan: Callable[[int], Plan] | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[NDArray[np.float64]]:
    """Yield one picture per seed, (C, H, W) about [-1, 1], in order.

    Parameters
    ----------
    model
        Name of the model, as for ``--model``.
    image_plan
        Gives the picture of a seed a plan of its own, which differs from `plan` in
        nothing but levels, range and spectrum.
    advance
        Called with the number of pictures that went one step further.
    """
    known(precision, DTYPES, "precision", "--precision")
    place, dtype = resolve_device(device), DTYPES[precision]
    denoise = load_denoiser(model, plan, place, dtype)
    yield from play_plan(plan, denoise, seeds, place, dtype, advance, image_plan)


def play_plan(
    plan: Plan,
    denoise: Denoiser,
    seeds: Sequence[int],
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    advance: Callable[[int], None] = lambda _: None,
    image_plan: Callable[[int], Plan] | None = None,
) -> Iterator[NDArray[np.float64]]:
    """Yield one picture per seed, (C, H, W) about [-1, 1], sampled with a denoiser."""
    for first in range(0, len(seeds), BATCH):
        batch = seeds[first : first + BATCH]
        noise = SeededNoise(batch, plan.planning.field.shape, device, dtype)
        plans = image_plan and [image_plan(seed) for seed in batch]
        pictures = _play(plan, denoise, noise, advance, plans)
        yield from pictures.double().cpu().numpy()


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
    first, field = plan.table.sigmas[0], plan.planning.field
    return starting_point(noise, first, plan.request.start, field)
