"""Plans made again: for a model, another range, size, solver or number of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.defaults import KIND
from spectral_sched.errors import InputError, UsageError
from spectral_sched.words import number_of

from .data_set import resize_data_set
from .kinds.registry import from_spectrum, is_given
from .plan import Plan, make_plan
from .request import TableRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spectral_sched.images.pixels import Shape

    from .data_set import DataSet


Ends = tuple[float | None, float | None]
"""A noise range; None stands for the end of the data set."""


def plan_again(plan: Plan, ends: Ends | None = None) -> Plan:
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

ROUNDING = 1 + 1e-9
"""The same for plans that are made for the range in the first place."""

TOLD = 1.01
"""How far an end of a table must move before you are told: less shows in no figure."""


@dataclass(frozen=True)
class ModelLimits:
    """What a model takes; None stands for anything.

    Attributes
    ----------
    shape
        (C, H, W) of its images.
    sigma_range
        Lowest and highest noise level that it was trained on, or that an audit found
        it to be trusted at.
    audited
        Whether an audit found them: tables are then planned inside without being asked.
    """

    shape: Shape | None = None
    sigma_range: tuple[float, float] | None = None
    audited: bool = False

    @property
    def told_range(self) -> str:
        """What is known of the range, for the middle of a sentence."""
        low, high = self.sigma_range or (0.0, np.inf)
        what = "an audit trusts the model" if self.audited else "the model was trained"
        return f"{what} from {high:.4g} to {low:.4g}"


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
        If the images of the plan and of the model differ in more than their size.
    UsageError
        If the model knows no part of the table's range.
    """
    sized, first = _fit_size(plan, limits.shape, fitting)
    ranged, second = _fit_range(sized, limits, fitting)
    lacking = lacking_power(ranged, limits) if second else ()
    return ranged, (*first, *second, *lacking)


OF_FLAGS = re.compile(r"; --.*| \(see --.*\)$")
"""What messages say of flags of `sample`."""


def without_flags(messages: Iterable[str]) -> tuple[str, ...]:
    """Return messages about a fitting without the flags that could change it.

    Examples
    --------
    >>> without_flags(["warning: it goes beyond; --clip plans it inside that range"])
    ('warning: it goes beyond',)
    """
    return tuple(OF_FLAGS.sub("", message) for message in messages)


def _fit_size(
    plan: Plan, shape: Shape | None, fitting: Fitting
) -> tuple[Plan, tuple[str, ...]]:
    made = f"was made for {_describe_shape(plan.power.field.shape)}"
    cure = f"{LIKE_ITS_OWN}, or sample with --model wiener"
    data_set = _in_size(plan.data_set, shape, f"schedule {made}", cure)
    if data_set is plan.data_set:
        return plan, ()
    wanted = _describe_shape(data_set.power.field.shape)
    about = f"the table {made} and the model makes {wanted}"
    if fitting.as_is:
        return replace(plan, data_set=data_set), (f"{about}: kept as it is",)
    again = plan_again(replace(plan, data_set=data_set))
    told = f"{about}: planned again from the spectrum in the file (see --as-is)"
    return again, (told,)


def _fit_range(
    plan: Plan, limits: ModelLimits, fitting: Fitting, slack: float = BEYOND
) -> tuple[Plan, tuple[str, ...]]:
    ends, about = _ends_inside(plan, limits.sigma_range, slack), _beyond(plan, limits)
    if ends is None:
        return plan, ()
    if not (fitting.clip or (limits.audited and not is_given(plan.kind))):
        return plan, (f"warning: {about}; --clip plans it inside that range",)
    high = ends[1] or np.inf
    if plan.request.limits.partial and plan.table.levels[0] > slack * high:
        message = f"{about}; start lower with --start-sigma"
        raise UsageError(message)
    again = plan_again(plan, ends)
    if _ends_inside(plan, limits.sigma_range, max(slack, TOLD)) is None:
        return again, ()
    return again, (f"{about}: planned again inside that range",)


def _beyond(plan: Plan, limits: ModelLimits) -> str:
    """Return how a table leaves the range of a model, for the start of a sentence."""
    first, last = plan.table.levels[0], plan.table.levels[-1]
    return (
        f"the table runs from sigma {first:.4g} to {last:.4g} and {limits.told_range}"
    )


def _ends_inside(
    plan: Plan, known: tuple[float, float] | None, slack: float = BEYOND
) -> Ends | None:
    """Return the ends to plan between inside a known range; None if it is not left.

    Ends that are inside stay those of the data set: some kinds do not reach them, and
    do not have to.
    """
    levels = plan.table.levels
    low, high = known or (0.0, np.inf)
    below, above = levels[-1] * slack < low, levels[0] > slack * high
    if not (below or above):
        return None
    bounds = plan.data_set.bounds
    usual = bounds.sigma_min, bounds.top(plan.request.start)
    inside = max(low, plan.ends[0]), min(high, plan.ends[1])
    own_low, own_high = (
        end if left or end != own else None
        for end, left, own in zip(inside, (below, above), usual, strict=True)
    )
    return own_low, own_high


def plan_for_model(
    data_set: DataSet, kind: str, request: TableRequest, limits: ModelLimits
) -> tuple[Plan, tuple[str, ...]]:
    """Return the plan of a kind as a model plays it, and what has to be said of it.

    It is made for the size of the model and inside its range, but for ends that are
    wished: those are warned of.

    Raises
    ------
    InputError
        If the images of the data set and of the model differ in more than their size.
    UsageError
        If the kind cannot be had as wished.
    """
    data_set, told = sized(data_set, limits.shape)
    plan, moved = keep_inside(make_plan(data_set, kind, request), limits)
    return plan, (*told, *moved)


def keep_inside(plan: Plan, limits: ModelLimits) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan inside the range of a model, and what has to be said of it.

    Ends that were wished stay, and are warned of.

    Raises
    ------
    UsageError
        If the model knows no part of the table's range.
    """
    known, wished = limits.sigma_range, plan.request.limits
    if known is None:
        return plan, ()
    if is_given(plan.kind):
        outside = _ends_inside(plan, known, TOLD) is not None
        return plan, (f"warning: {_beyond(plan, limits)}",) if outside else ()
    low = min(known[0], wished.sigma_min or np.inf)
    high = max(known[1], wished.sigma_max or 0.0)
    inside = replace(limits, sigma_range=(low, high))
    fitted, moved = _fit_range(plan, inside, Fitting(clip=True), ROUNDING)
    if _ends_inside(fitted, known, TOLD) is None:
        return fitted, moved
    return fitted, (*moved, f"warning: {_beyond(fitted, limits)}")


def begins_too_low(data_set: DataSet, limits: ModelLimits) -> bool:
    """Return whether what an audit trusts ends below what swamps the images."""
    high = limits.sigma_range[1] if limits.sigma_range else np.inf
    return limits.audited and high < data_set.bounds.sigma_max / BEYOND


def lacking_power(plan: Plan, limits: ModelLimits) -> tuple[str, ...]:
    """Return what has to be said of noise that is taken for images too early."""
    if plan.request.start != "zero" or plan.request.limits.partial:
        return ()
    if not begins_too_low(plan.data_set, limits):
        return ()
    return (
        "noise alone lacks power of the images where the table begins; plan it with "
        "--start spectral",
    )


def ends_for_model(
    data_set: DataSet, request: TableRequest, limits: ModelLimits
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Return the noise range to search for a model in, and what has to be said of it.

    Ends that are wished stay.

    Raises
    ------
    UsageError
        If the model knows no part of it.
    """
    wished = request.limits
    low, high = wished.ends(data_set.bounds, request.start)
    known = limits.sigma_range or (low, high)
    inside = (
        low if wished.sigma_min else max(low, known[0]),
        high if wished.sigma_max else min(high, known[1]),
    )
    if inside == (low, high):
        return inside, ()
    if not inside[0] < inside[1]:
        asked = f"the images ask for sigma {high:.4g} to {low:.4g}"
        cure = "name the range with --sigma-min and --sigma-max"
        message = f"{asked} and {limits.told_range}; {cure}"
        raise UsageError(message)
    if max(inside[0] / low, high / inside[1]) <= TOLD:
        return inside, ()
    return inside, (f"{limits.told_range}: the search stays inside that range",)


def sized(data_set: DataSet, shape: Shape | None) -> tuple[DataSet, tuple[str, ...]]:
    """Return a data set in the size of a model, and what has to be said about it.

    Raises
    ------
    InputError
        If they differ in more than their size.
    """
    own = _describe_shape(data_set.power.field.shape)
    made = _in_size(data_set, shape, f"spectrum is of {own}", LIKE_ITS_OWN)
    if made is data_set:
        return data_set, ()
    wanted = _describe_shape(made.power.field.shape)
    return made, (f"planned for {wanted}, which the model makes",)


LIKE_ITS_OWN = "analyze images like those it was trained on"


def _in_size(data_set: DataSet, shape: Shape | None, what: str, cure: str) -> DataSet:
    """Return a data set in the size of a model: itself, if that is its own.

    Raises
    ------
    InputError
        If they differ in more than their size.
    """
    own = data_set.power.field.shape
    if shape is None or shape == own:
        return data_set
    if not _differ_in_size(own, shape):
        message = f"the {what} and the model makes {_describe_shape(shape)}; {cure}"
        raise InputError(message)
    return resize_data_set(data_set, min(shape[1:]))


def _differ_in_size(own: Shape, shape: Shape) -> bool:
    """Return whether shapes differ in nothing but their size."""
    return shape[0] == own[0] and shape[1] * own[2] == shape[2] * own[1]


def _describe_shape(shape: Shape) -> str:
    channels = number_of(shape[0], "channel")
    return f"{shape[2]}x{shape[1]} images of {channels}"
