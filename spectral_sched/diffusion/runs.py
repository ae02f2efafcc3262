"""One sampling run: a plan, a model and seeds in; pictures out, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spectral_sched.errors import known
from spectral_sched.solvers import solver_calls

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
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[NDArray[np.float64]]:
    """Yield one picture per seed, (C, H, W) about [-1, 1], in order.

    Parameters
    ----------
    model
        Name of the model, as for ``--model``.
    advance
        Called with the number of pictures that went one step further.
    """
    known(precision, DTYPES, "precision", "--precision")
    place, dtype = resolve_device(device), DTYPES[precision]
    denoise = load_denoiser(model, plan, place, dtype)
    for first in range(0, len(seeds), BATCH):
        batch = seeds[first : first + BATCH]
        noise = SeededNoise(batch, plan.planning.field.shape, place, dtype)
        yield from _play(plan, denoise, noise, advance).double().cpu().numpy()


@torch.inference_mode()
def _play(
    plan: Plan, denoise: Denoiser, noise: SeededNoise, advance: Callable[[int], None]
) -> Tensor:
    field, first = plan.planning.field, plan.table.sigmas[0]
    x = starting_point(noise(), first, plan.request.start, field)
    calls = solver_calls(plan.request.sampler, plan.table)
    for state in sample(denoise, x, calls, noise):
        advance(len(x))
        x = state
    return x
