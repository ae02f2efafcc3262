"""What a model takes: its own word, and that of the audit beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError
from spectral_sched.files.audit import audit_path, read_trust

from .denoiser import facts_of
from .digest import model_digest, model_file

if TYPE_CHECKING:
    from spectral_sched.files.audit import Trust
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.planning.replan import ModelLimits

    from .denoiser import Denoiser


def known_limits(
    model: str | Denoiser, denoise: Denoiser, plan: Plan | DataSet
) -> tuple[ModelLimits, tuple[str, ...]]:
    """Return what a plan for a model has to keep to, and what has to be said of it.

    Parameters
    ----------
    model
        Its name, or the denoiser itself.
    denoise
        The denoiser that the name stands for.

    Raises
    ------
    UsageError
        If an audit found no level at which the model can be trusted.
    InputError
        If the file of the audit is damaged.
    """
    limits, trust = facts_of(denoise).limits, _trust(model)
    if trust is None:
        return limits, ()
    if trust.digest != model_digest(model, plan, denoise):
        told = f"{trust.path} is of another state of the model and is ignored"
        return limits, (f"warning: {told}; audit it again with --write",)
    if trust.sigma_range is None:
        message = (
            f"{trust.path} found no noise level at which the model can be trusted; see "
            "specsched audit, or remove that file"
        )
        raise UsageError(message)
    low, high = trust.sigma_range
    own = limits.sigma_range or (low, high)
    inside = (max(low, own[0]), min(high, own[1]))
    return replace(limits, sigma_range=inside, audited=True), ()


def _trust(model: str | Denoiser) -> Trust | None:
    """Return what the audit beside a model says, if there is one."""
    file = model_file(model)
    path = audit_path(file) if file else None
    return read_trust(path) if path and path.is_file() else None
