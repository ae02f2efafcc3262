"""Plans made for a model: inside its range, at its size, with its calls if need be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spectral_sched.diffusion.models.denoiser import facts_of
from spectral_sched.diffusion.models.limits import known_limits
from spectral_sched.diffusion.models.load import load_denoiser
from spectral_sched.diffusion.models.network import check_given
from spectral_sched.planning.kinds.registry import KINDS, check_kind
from spectral_sched.planning.replan import plan_for_model

from .search import ModelSearch

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.planning.request import TableRequest


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
        self, model: str | Denoiser, data: Path | None, device: torch.device
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
        plan, messages = plan_for_model(data_set, kind, request, limits)
        self.messages += [*facts_of(denoise).messages, *told, *messages]
        return plan
