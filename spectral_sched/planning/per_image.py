"""Plans for single images: the table that one image's own spectrum asks for.

A plan for a data set averages over its images. Here an image has a spectrum of its
own, and with it a noise range and a table of the same kind, sampler and number of
steps, so that images with tables of their own are played in one batch.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from spectral_sched.defaults import KIND
from spectral_sched.errors import NoAnswerError, UsageError
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.power_distribution import image_distribution

from .kinds.registry import from_spectrum
from .plan import make_plan
from .request import NoiseLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.spectra.bounds import SigmaBounds
    from spectral_sched.spectra.gaussian_field import GaussianField

    from .plan import Plan


def drawn_plans(
    plan: Plan, label: str | None, *, wanted: bool
) -> Callable[[int], Plan] | None:
    """Return what draws a plan for each seed, None where that is not wanted.

    Raises
    ------
    UsageError
        If there is nothing to draw from, or a class is named without need.
    """
    if not wanted:
        if label is not None:
            message = "--class says which spectra to draw; add --per-image"
            raise UsageError(message)
        return None
    # What cannot be drawn is refused before anything is loaded or written.
    drawn_plan(plan, 0, label)
    return partial(drawn_plan, plan, label=label)


def drawn_plan(plan: Plan, seed: int, label: str | None = None) -> Plan:
    """Return the plan for the image of a seed, with a spectrum drawn for it.

    Parameters
    ----------
    label
        Class that the spectrum is drawn from; None for the whole data set.

    Raises
    ------
    UsageError
        If the plan carries no distribution of spectra, it is a blend of tables, or
        there is no such class.
    """
    if plan.data_set.mixture is None:
        message = (
            "this schedule carries no distribution of spectra to draw from; run "
            "specsched analyze --mixture 4, then specsched export, and sample again"
        )
        raise UsageError(message)
    return image_plan(plan, plan.data_set.mixture.draw_for(seed, label))


def image_plan(plan: Plan, log_power: NDArray[np.float64]) -> Plan:
    """Return the plan of the same kind for an image of a given spectrum.

    Its noise range is that of its own spectrum inside the range of `plan`; where they
    do not meet, it is that of `plan`. Where the kind does not reach the range on such a
    spectrum, as on that of a blank image, the table is that of `plan` too.

    Parameters
    ----------
    log_power
        Natural log of the image's power per ring, (K,).

    Raises
    ------
    UsageError
        If the plan is a blend or was found by running a model, and cannot be made anew.
    """
    if not from_spectrum(plan.kind):
        message = (
            f"a table of kind {plan.kind} cannot be planned again for each image; "
            f"export one of --kind {KIND}"
        )
        raise UsageError(message)
    distribution = image_distribution(plan.power, log_power)
    low, high = _ends(plan, distribution.field)
    bounds = replace(
        plan.data_set.bounds, sigma_min=low, sigma_max=high, sigma_max_centred=high
    )
    own = replace(plan.data_set, power=distribution, bounds=bounds)
    request = replace(plan.request, limits=_limits(plan))
    try:
        return make_plan(own, plan.kind, request)
    except UsageError:
        # The kind can be had as wished, for `plan` is of it: this image is the reason.
        return replace(plan, data_set=replace(plan.data_set, power=distribution))


def _limits(plan: Plan) -> NoiseLimits:
    """Return what is wished of the range of an image, whose ends are known."""
    limits = plan.request.limits
    first = plan.table.sigmas[0] if limits.partial else None
    return NoiseLimits(start_sigma=first, from_top=limits.from_top)


def _ends(plan: Plan, field: GaussianField) -> tuple[float, float]:
    low, high = plan.ends
    own = _own_bounds(field, plan.data_set.bounds)
    if own is None:
        return low, high
    own_low, own_high = max(low, own.sigma_min), min(high, own.top(plan.request.start))
    if plan.request.limits.partial:
        # The image is given noise up to there, whatever its spectrum.
        own_high = high
    return (own_low, own_high) if own_low < own_high else (low, high)


def _own_bounds(field: GaussianField, settings: SigmaBounds) -> SigmaBounds | None:
    """Return the noise range of one image; None for one that is all but blank."""
    try:
        return sigma_bounds(
            field, epsilon=settings.epsilon, tolerance=settings.tolerance
        )
    except NoAnswerError:
        return None
