"""A plan in lines and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.spectra.rings import band_rms, octaves
from spectral_sched.words import number_of

from .measurement import mixture_lines
from .tables import new_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType
    from rich.table import Table

    from spectral_sched.planning.plan import Plan
    from spectral_sched.planning.prediction import PredictedError
    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.gaussian_field import GaussianField


STARTS: Mapping[Start, str] = {
    "zero": "start from noise about zero",
    "mean": "start from noise about the mean colour",
    "spectral": "start from noise with your spectrum",
}


def plan_parts(plan: Plan) -> list[RenderableType]:
    """Return everything worth saying about a plan."""
    return [
        *plan_lines(plan),
        f"{number_of(plan.enough_steps, 'step is', 'steps are')} enough: more reduce "
        "the predicted error by less than 1 %",
        *mixture_lines(plan.data_set.mixture),
        "",
        levels_table(plan),
        "",
        error_table(plan.power.field, plan.predicted),
    ]


def error_table(field: GaussianField, predicted: PredictedError) -> Table:
    """Return the predicted error per octave, beside what there is to get wrong."""
    table = new_table("cycles/pixel", "predicted error", "of the contrast")
    contrast = np.sqrt(field.power)
    for name, band in octaves(field.frequency):
        error, power = (
            band_rms(values, field.num_modes, band)
            for values in (predicted.per_ring, contrast)
        )
        table.add_row(name, f"{error:.3g}", f"{error / power:.1%}" if power else "")
    return table


def levels_table(plan: Plan) -> Table:
    """Return the levels of a table, step by step."""
    table = new_table("step", "sigma", "log SNR", "ratio to next")
    sigmas = plan.table.sigmas
    for step, sigma in enumerate(plan.table.levels):
        following = sigmas[step + 1]
        ratio = f"{sigma / following:.2f}" if following else ""
        table.add_row(str(step), f"{sigma:.5g}", f"{-2 * np.log(sigma):.2f}", ratio)
    table.add_row(str(plan.table.num_steps), "0", "", "")
    return table


def plan_lines(plan: Plan) -> list[str]:
    """Return what a table is for, one fact per line."""
    low, high = plan.ends
    found = (
        [
            f"found by running {plan.spent.model}: "
            f"{number_of(plan.spent.num_calls, 'network call')} (NFE) of one image each"
        ]
        if plan.spent
        else []
    )
    return [
        f"{plan.kind} table for {plan.request.sampler}: "
        f"{number_of(plan.table.num_steps, 'step')}, "
        f"{number_of(plan.num_calls, 'network call')} (NFE), "
        f"{STARTS[plan.request.start]}",
        f"range {low:.4g} - {high:.4g}, "
        f"predicted error {plan.predicted.error:.3g} per pixel (of a range of 2)",
        *found,
    ]
