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
from spectral_sched.planning.replan import (
    begins_too_low,
    lacking_power,
    plan_for_model,
    sized,
)
from spectral_sched.words import number_of

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
    look
        Whether a network of others that nobody audited is looked at.
    free_start
        Whether tables may start from noise with the spectrum of the images, where the
        range of the model begins too low for noise alone.

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
        *,
        look: bool = True,
        free_start: bool = False,
    ) -> None:
        self.model, self.data, self.device = model, data, device
        self.look, self.free_start = look, free_start
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
        if self.look and not (limits.audited or KINDS[kind].given):
            limits = self._seen(denoise, data_set, limits)
        request = self._started(data_set, kind, request, limits)
        plan, messages = plan_for_model(data_set, kind, request, limits)
        self.messages += (*messages, *lacking_power(plan, limits))
        return plan

    def _started(
        self, data_set: DataSet, kind: str, request: TableRequest, limits: ModelLimits
    ) -> TableRequest:
        """Return the request with a start that has the power of the images.

        Noise alone has it where all modes are swamped; below, the spectrum says what
        is missing.
        """
        fixed = KINDS[kind].given or KINDS[kind].from_noise or request.limits.partial
        free = self.free_start and request.start == "zero" and not fixed
        if not (free and begins_too_low(data_set, limits)):
            return request
        self.messages.append(
            f"{limits.told_range}; noise alone lacks power of the images at its top: "
            "the start gets their spectrum (--start zero leaves it out)"
        )
        # What images have beyond their spectrum, a field lacks: the less the higher.
        highest = replace(request.limits, from_top=True)
        return replace(request, start="spectral", limits=highest)

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
        calls = number_of(auditor.counted.num_calls, "call")
        told = f"a look at {NUM_LEVELS} levels ({calls})"
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
