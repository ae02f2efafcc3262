"""What a batch of pictures plays: one table for all, or one for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from spectral_sched.solvers.registry import batch_calls, solver_calls

from .models.denoiser import told_ends
from .sampler import stacked_calls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from spectral_sched.planning.plan import Plan
    from spectral_sched.solvers.recurrence import Call

    from .models.denoiser import Denoiser


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
        return told_ends(denoise, self.ends)


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
    return Course(stacked_calls(calls, like), first, (low, high))
