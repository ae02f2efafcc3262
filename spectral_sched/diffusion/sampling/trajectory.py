"""The way of a batch from noise to images: of one table, one plan, or a plan each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from spectral_sched.diffusion.devices import numbers_like
from spectral_sched.diffusion.models.denoiser import tell_ends
from spectral_sched.solvers.registry import batch_calls, solver_calls

from .noise import starting_point
from .sampler import sample, stack_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from spectral_sched.diffusion.models.denoiser import Denoiser, Ends
    from spectral_sched.planning.plan import Plan
    from spectral_sched.schedules.table import SigmaTable
    from spectral_sched.solvers.recurrence import Call


class Trajectory(NamedTuple):
    """Where a batch starts, and the network calls that it goes through.

    Attributes
    ----------
    start
        The noisiest state, (B, C, H, W).
    calls
        Network calls in order.
    ends
        Lower and upper end of the noise range that the network is told, numbers or one
        per image, (B,); None if it is told none.
    """

    start: Tensor
    calls: Sequence[Call]
    ends: Ends | None = None

    def play(self, denoise: Denoiser, noise: Callable[[], Tensor]) -> Iterator[Tensor]:
        """Yield the state, (B, C, H, W), after each step; the last one is the image.

        Parameters
        ----------
        noise
            Source of fresh unit noise, for solvers that ask for it.
        """
        if self.ends is not None:
            denoise = tell_ends(denoise, self.ends)
        return sample(denoise, self.start, self.calls, noise)


def table_trajectory(table: SigmaTable, sampler: str, noise: Tensor) -> Trajectory:
    """Return the trajectory of a table from noise alone; no ends are told.

    Parameters
    ----------
    noise
        Unit noise of the start, (B, C, H, W).
    """
    calls = solver_calls(sampler, table.sigmas)
    return Trajectory(table.sigmas[0] * noise, calls)


def common_trajectory(plan: Plan, noise: Tensor) -> Trajectory:
    """Return the trajectory of images that all follow one plan.

    Parameters
    ----------
    noise
        Unit noise of the start, (B, C, H, W).
    """
    calls = solver_calls(plan.request.sampler, plan.table.sigmas)
    return Trajectory(_start(plan, noise), calls, plan.ends)


def own_trajectory(plans: Sequence[Plan], noise: Tensor) -> Trajectory:
    """Return the trajectory of images that follow a plan each.

    Parameters
    ----------
    plans
        One per image, (B,), of one sampler and number of steps.
    noise
        Unit noise of the start, (B, C, H, W).
    """
    tables = [plan.table.sigmas for plan in plans]
    calls = batch_calls(plans[0].request.sampler, tables)
    low, high = numbers_like([plan.ends for plan in plans], noise).T
    starts = [_start(plan, each[None]) for plan, each in zip(plans, noise, strict=True)]
    return Trajectory(torch.cat(starts), stack_calls(calls, noise), (low, high))


def _start(plan: Plan, noise: Tensor) -> Tensor:
    first, field = plan.table.sigmas[0], plan.power.field
    return starting_point(noise, first, plan.request.start, field)
