"""The sampler: it plays the network calls that `solvers` computed on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.diffusion.devices import numbers_like
from spectral_sched.solvers.recurrence import Play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.solvers.recurrence import Call, Weight


def stack_calls(calls: Sequence[Call], like: Tensor) -> list[Call]:
    """Return calls over one table per image with their weights beside the images.

    Weights, floats or arrays (B,), become tensors (B, 1, 1, 1) of one transfer, and
    noise levels (B,).

    Parameters
    ----------
    like
        Images, (B, C, H, W), for the number, device and type.
    """
    weights: list[Weight] = []
    for call in calls:
        call.mapped(weights.append)
    rows = np.stack([np.broadcast_to(weight, len(like)) for weight in weights])
    tensors = iter(numbers_like(rows, like).reshape(-1, len(like), 1, 1, 1))
    placed = [call.mapped(lambda _: next(tensors)) for call in calls]
    return [call._replace(sigma=call.sigma.flatten()) for call in placed]


def sample(
    denoise: Denoiser, x: Tensor, calls: Iterable[Call], noise: Callable[[], Tensor]
) -> Iterator[Tensor]:
    """Yield the state, (B, C, H, W), after each step; the last one is the image.

    Parameters
    ----------
    denoise
        The model.
    x
        Starting point at the first noise level.
    calls
        Network calls in order: from `spectral_sched.solvers.solver_calls` for one
        table, from `stack_calls` for one table per image.
    noise
        Source of fresh unit noise; solvers of the flow never ask.
    """
    play = Play(x, noise)
    for call in calls:
        play.take(call, denoise(play.point, call.sigma))
        if call.state is not None:
            yield play.state
