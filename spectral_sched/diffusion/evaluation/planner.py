"""Plans made for a model: inside its range, at its size, with its calls if need be.

A network of others that nobody audited is looked at first, briefly and on samples of
the spectrum's field: many do not know the noise that a table begins with.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.limits import known_limits
from spectral_sched.diffusion.models.load import load_denoiser
from spectral_sched.diffusion.models.network import check_given
from spectral_sched.diffusion.models.python_path import OURS
from spectral_sched.diffusion.search.search import ModelSearch
from spectral_sched.planning.kinds.registry import KINDS, check_kind
from spectral_sched.planning.replan import BEYOND, plan_for_model, sized

from .audit import NUM_LEVELS, Auditor
from .real_pictures import field_samples

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.planning.replan import ModelLimits
    from spectral_sched.planning.request import TableRequest


LOOKED_AT = 16
"""Samples at each level of a brief look."""


class ModelPlanner:
    """Plans tables of any kind for a model.

    Parameters
    ----------
    model
        Name of the model, as for ``--model``, or a denoiser itself.
    data
        Real images for searches that look at some.

    Attributes
    ----------
    messages
        What has to be said of the plans that were made.
    """

    def __init__(
        self,
        model: str | Denoiser,
        data: Path | None,
        device: torch.device,
    ) -> None:
        self.model, self.data, self.device = model, data, device
        self.messages: list[str] = []

    def __call__(self, data_set: DataSet, kind: str, request: TableRequest) -> Plan:
        """Return the plan of a table.

        Raises
        ------
        UsageError
            If the table cannot be had as wished.
        InputError
            If the model cannot be read, or is of other images.
        """
        check_kind(kind)
        if KINDS[kind].runs_model:
            search = ModelSearch(self.model, self.data, self.device)
            plan = search(data_set, kind, request)
            self.messages += search.messages
            return plan
        denoise = load_denoiser(self.model, data_set, self.device, torch.float32)
        check_given(denoise, given=False)
        limits, told = known_limits(self.model, denoise, data_set)
        self.messages += [*facts_of(denoise).messages, *told]
        if not (limits.audited or KINDS[kind].given):
            limits = self._seen(denoise, data_set, limits)
        plan, messages = plan_for_model(data_set, kind, request, limits)
        self.messages += messages
        if plan.request.start == "zero" and _too_low(limits, plan.data_set):
            self.messages.append(
                "noise alone lacks power of the images where the table begins; "
                "--start spectral has it"
            )
        return plan

    def _seen(
        self, denoise: Denoiser, data_set: DataSet, limits: ModelLimits
    ) -> ModelLimits:
        """Return the limits of a model that nobody audited, after a look at it."""
        facts = facts_of(denoise)
        untold = facts.num_classes and facts.null_label is None
        if isinstance(denoise, OURS) or untold:
            return limits
        own, _ = sized(data_set, limits.shape)
        samples = field_samples(own, LOOKED_AT)
        auditor = Auditor(denoise, own, samples, False, self.device)
        found = auditor.look(NUM_LEVELS)
        if not found.worse[0]:
            return limits
        told = f"a look at {NUM_LEVELS} levels ({auditor.counted.num_calls} calls)"
        if found.trusted_range is None:
            self.messages.append(
                f"warning: {told} found the model worse than Wiener's filter at all of "
                "them; see specsched audit"
            )
            return limits
        self.messages.append(
            f"{told} found the model worse than Wiener's filter at the highest; "
            "specsched audit says more"
        )
        return replace(limits, sigma_range=found.trusted_range, audited=True)


def _too_low(limits: ModelLimits, data_set: DataSet) -> bool:
    """Return whether an audit ends below what swamps the images."""
    high = limits.sigma_range[1] if limits.sigma_range else data_set.bounds.sigma_max
    return limits.audited and high < data_set.bounds.sigma_max / BEYOND
