"""Plans made again: for a model, another range, size, solver or number of steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spectral_sched.defaults import KIND
from spectral_sched.errors import InputError, UsageError

from .data_set import resize_data_set
from .kinds.registry import from_spectrum
from .plan import Plan, make_plan
from .request import TableRequest

if TYPE_CHECKING:
    from spectral_sched.images.pixels import Shape


def plan_again(plan: Plan, ends: tuple[float, float] | None = None) -> Plan:
    """Return a plan of the same kind and request for the plan's own data set.

    What does not follow from the spectrum, as a blend or a table that was found by
    running a model, becomes a table of the default kind.

    Parameters
    ----------
    ends
        Noise range to plan in; None takes that of the data set.
    """
    request = plan.request
    if ends is not None:
        limits = replace(request.limits, sigma_min=ends[0], sigma_max=ends[1])
        request = replace(request, limits=limits)
    if from_spectrum(plan.kind):
        return make_plan(plan.data_set, plan.kind, request)
    return make_plan(plan.data_set, KIND, replace(request, settings={}, terminal=None))


def replan(plan: Plan, num_steps: int, sampler: str | None = None) -> Plan:
    """Return a plan like a given one for another number of steps or solver.

    The plan itself is returned where both are its own.

    Raises
    ------
    UsageError
        If a number or a name cannot be used.
    """
    old = plan.request
    sampler = sampler or old.sampler
    if (num_steps, sampler) == (plan.table.num_steps, old.sampler):
        return plan
    checked = TableRequest.of(sampler, num_steps, old.start)
    request = replace(old, sampler=checked.sampler, num_steps=checked.num_steps)
    own = old.limits.partial or plan.ends == old.limits.ends(
        plan.data_set.bounds, old.start
    )
    return plan_again(replace(plan, request=request), None if own else plan.ends)


def raise_floor(plan: Plan, floor: float) -> Plan:
    """Return a plan none of whose steps starts below a level, however often replanned.

    Its table is kept where it is above already, and planned again where it is not.
    """
    low, high = plan.ends
    if floor <= low:
        return plan
    limits = replace(plan.request.limits, floor=floor)
    request = replace(plan.request, limits=limits)
    raised = replace(plan, request=request, ends=(floor, high))
    if plan.table.levels[-1] >= floor:
        return raised
    return plan_again(raised, raised.ends)


BEYOND = 1.05
"""How far a table may leave the trained range before it is worth a warning."""


@dataclass(frozen=True)
class ModelLimits:
    """What a model takes; None stands for anything.

    Attributes
    ----------
    shape
        (C, H, W) of its pictures.
    sigma_range
        Lowest and highest noise level that it was trained on.
    """

    shape: Shape | None = None
    sigma_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Fitting:
    """How a plan may be changed for a model.

    Attributes
    ----------
    as_is
        Whether a table for another size is played unchanged.
    clip
        Whether a table that leaves the trained range is planned again inside it.
    """

    as_is: bool = False
    clip: bool = False


def fit_to_model(
    plan: Plan, limits: ModelLimits, fitting: Fitting
) -> tuple[Plan, tuple[str, ...]]:
    """Return the plan that a model plays, and what has to be said about it.

    Raises
    ------
    InputError
        If the pictures of the plan and of the model differ in more than their size.
    UsageError
        If the model knows no part of the table's range.
    """
    sized, first = _fit_size(plan, limits.shape, fitting)
    ranged, second = _fit_range(sized, limits.sigma_range, fitting)
    return ranged, (*first, *second)


def _fit_size(
    plan: Plan, shape: Shape | None, fitting: Fitting
) -> tuple[Plan, tuple[str, ...]]:
    own = plan.power.field.shape
    if shape is None or shape == own:
        return plan, ()
    wanted = _describe_shape(shape)
    made = f"was made for {_describe_shape(own)} and the model makes {wanted}"
    if shape[0] != own[0] or shape[1] * own[2] != shape[2] * own[1]:
        message = (
            f"the schedule {made}; analyse pictures like those it was trained on, or "
            "sample with --model wiener"
        )
        raise InputError(message)
    data_set = resize_data_set(plan.data_set, min(shape[1:]))
    about = f"the table {made}"
    if fitting.as_is:
        return replace(plan, data_set=data_set), (f"{about}: played as it is",)
    again = plan_again(replace(plan, data_set=data_set))
    told = f"{about}: planned again from the spectrum in the file (see --as-is)"
    return again, (told,)


def _fit_range(
    plan: Plan, sigma_range: tuple[float, float] | None, fitting: Fitting
) -> tuple[Plan, tuple[str, ...]]:
    if sigma_range is None:
        return plan, ()
    low, high = sigma_range
    levels = plan.table.levels
    if low <= BEYOND * levels[-1] and levels[0] <= BEYOND * high:
        return plan, ()
    about = (
        f"the table runs from sigma {levels[0]:.4g} to {levels[-1]:.4g} and the model "
        f"was trained from {high:.4g} to {low:.4g}"
    )
    if not fitting.clip:
        return plan, (f"warning: {about}; --clip plans it inside that range",)
    if plan.request.limits.partial and levels[0] > BEYOND * high:
        message = f"{about}; start lower with --start-sigma"
        raise UsageError(message)
    ends = max(plan.ends[0], low), min(plan.ends[1], high)
    return plan_again(plan, ends), (f"{about}: planned again inside that range",)


def _describe_shape(shape: Shape) -> str:
    channels = f"{shape[0]} channel" + "s" * (shape[0] > 1)
    return f"{shape[2]}x{shape[1]} pictures of {channels}"
